# SPDX-License-Identifier: MIT
"""
apibase: what the tests of the HTTP API share: cameras of one's own, rows, a
second API process on the same database, raw connections.
"""
import copy
import datetime
import itertools
import os
import pathlib
import signal
import socket
import subprocess
import time

from running import BUILD, ROOT

UTC = datetime.timezone.utc
numbers = itertools.count(1)

METRICS = ("people", "vehicle", "face")
CLASSES = ("car", "bus", "truck", "motorcycle", "bicycle", "scooter")
REPORT = ("received", "inserted", "duplicate", "replaced", "rejected")


begun = datetime.datetime.now(UTC)


def begin():
    """The present hour is that of hours_ago() from here on."""
    global begun
    begun = datetime.datetime.now(UTC)


def hours_ago(n):
    """A whole hour, n hours before the one in which the tests of a file began:
    an hour that ends meanwhile moves nothing."""
    return (begun.replace(minute=0, second=0, microsecond=0)
            - datetime.timedelta(hours=n))


def z(at):
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def minutes(n):
    return datetime.timedelta(minutes=n)


def code(prefix="cam"):
    """A code nobody has."""
    return f"{prefix}-{os.getpid()}-{next(numbers)}"


def camera(tally, **members):
    """A registered camera; its code."""
    c = code()
    status, reply = tally.json("POST", "/api/v1/cameras", tally.admin_token,
                               {"camera": c, **members})
    assert status == 201, reply
    return c


def ingest_report(cameras, name="bench-pc", **spool):
    """What a tally-ingest says of itself."""
    return {"ingest": name, "version": "0.1.0", "up_s": 5, "stopped": False,
            "spool": {"waiting": 0, "fresh": 0, "oldest": None, "bytes": 96,
                      "bytes_max": 65536, "full": False, "refused": 0,
                      "quarantined": 0, "lost": 0, "expired": 0, **spool},
            "post": {"stored": 7, "error": None},
            "cameras": [{"camera": c, "engine": "motion", "pictures": 50,
                         "dropped": 2, "fps": 4.5, "detect_ms": 3.25,
                         "last_picture_s": None} for c in cameras]}


def row(c, start, length=5, **figures):
    """A row of `length` minutes; people=1 unless figures are given."""
    return {"camera": c, "start_at": z(start),
            "end_at": z(start + minutes(length)), **(figures or {"people": 1})}


def record(c, at=None, **members):
    """A detection record of the last hour, of one person."""
    return {"camera": c, "at": z(at or hours_ago(1)), "frame": 1, "people": 1,
            "boxes": [{"class": "people", "score": 0.9, "x": 0.1, "y": 0.2,
                       "w": 0.3, "h": 0.4}], **members}


def post(tally, body, query="", kind=None, token=None):
    """(status, reply) of POST /counts; anything but text goes as JSON."""
    headers = {"Content-Type": kind} if kind else None
    return tally.json("POST", "/api/v1/counts" + query,
                      token or tally.ingest_token, body, headers)


def post_csv(tally, text, query="", token=None):
    return post(tally, text, query, "text/csv", token)


def counted(reply):
    return {k: reply[k] for k in REPORT if reply[k]}


def refused(answer, field=None, kind=None, status=422):
    """Holds a refusal to its shape; returns its first error."""
    got, reply = answer
    assert got == status, reply
    problem(reply, status)
    assert reply["inserted"] == reply["replaced"] == 0, reply
    first = reply["errors"][0]
    assert set(first) == {"line", "field", "type", "detail"}
    if field is not None:
        assert first["field"] == field, reply
    if kind is not None:
        assert first["type"] == kind, reply
    return first


def problem(reply, status):
    assert reply["status"] == status
    assert reply["type"].startswith("urn:tally:problem:")
    assert reply["title"] and reply["detail"]


def stored(tally, c):
    """The rows of a camera as SQL has them: (start, end, people …)."""
    return tally.sql(
        "SELECT start_at, end_at, people, vehicle, face, people_new, car, "
        "observed_s FROM count_record JOIN camera USING (camera_id) "
        "WHERE code = %s ORDER BY start_at", c)


def figures(tally, c):
    return [r[2] for r in stored(tally, c)]


class OtherApi:
    """One more API process on the database of `tally`, or another schema."""

    asan = "log_path=sanitizer"

    def __init__(self, tally, schema=None, log=None, **settings):
        number = next(numbers)
        run = pathlib.Path(tally.state, "run")
        self.tally = copy.copy(tally)
        self.ini = run / f"other-{os.getpid()}-{number}.ini"
        self.port_file = run / f"other-{os.getpid()}-{number}.port"
        self.log_folder = pathlib.Path(tally.state, "log")
        self.log_path = self.log_folder / f"other-{os.getpid()}-{number}.log"
        lines = (run / "tally.ini").read_text().replace(
            "\nname = tally\n", f"\nname = {schema or 'tally'}\n").splitlines()
        settings = {"port": 0, "port_file": self.port_file, **settings}
        own = [f"{k} = {v}" for k, v in settings.items()]
        kept = [s for s in lines if s.split(" = ")[0] not in settings]
        at = kept.index("[api]") + 1
        kept[at:at] = own
        kept += ["[log]"] + [f"{k} = {v}" for k, v in (log or {}).items()]
        self.ini.write_text("\n".join(kept) + "\n")
        self.process = None
        self.start()

    def start(self):
        self.port_file.unlink(missing_ok=True)
        env = dict(os.environ, ASAN_OPTIONS=self.asan,
                   UBSAN_OPTIONS="print_stacktrace=1:log_path=sanitizer",
                   TSAN_OPTIONS="log_path=sanitizer")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [ROOT / BUILD / "tally-api", "--config", self.ini],
                cwd=self.log_folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=env)
        wait_for(lambda: self.port_file.exists()
                 or self.process.poll() is not None)
        port = self.port_file.read_text().strip()
        self.tally.url = f"http://127.0.0.1:{port}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it as an operator would; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=120)

    def log(self):
        return self.log_path.read_text(errors="replace")


def wait_for(what, seconds=120):
    """What it gave, once that is true.  A busy machine is slow: the bound is
    for what never comes."""
    until = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.05)
    return got


def raw(tally, data, seconds=120, stop=None):
    """Sends bytes, returns what came until the end (or until stop came)."""
    got = b""
    with socket.create_connection(tally.address, timeout=seconds) as s:
        s.sendall(data)
        while not (stop and stop in got):
            piece = s.recv(65536)
            if not piece:
                break
            got += piece
    return got


def head_of(token, length, extra="", kind="application/json"):
    """The head of a POST /counts with that Content-Length; None: chunked."""
    framing = (f"Content-Length: {length}" if length is not None
               else "Transfer-Encoding: chunked")
    return (f"POST /api/v1/counts HTTP/1.1\r\nHost: a\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: {kind}\r\n"
            f"{framing}\r\n{extra}\r\n").encode()


def waits_for_a_lock(t):
    time.sleep(0.15)  # the table is made anew after 0.1 s without a question
    return t.sql("SELECT 1 FROM information_schema.innodb_trx "
                 "WHERE trx_state = 'LOCK WAIT'")
