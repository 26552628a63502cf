# SPDX-License-Identifier: MIT
"""
running: a Tally that a test runs, through ./dev, and uses.

Programs come from build-san/ unless TALLY_BUILD says otherwise.  When a state
is taken down, any report of a sanitizer in its log folder fails the test.
"""
import atexit
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pymysql
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
PROGRAMS = ("ingest", "worker", "api", "mariadb")
BUILD = os.environ.setdefault("TALLY_BUILD", "build-san")

watchers = []  # told of each answer: method, path, status, headers, body
running = {}  # state folder -> Tally, for the day everything goes wrong


def dev(*arguments, check=True, timeout=600, **env):
    """Runs ./dev; its output as text in stdout and stderr."""
    done = subprocess.run(
        [str(ROOT / "dev"), *map(str, arguments)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
        env={**os.environ, **env}, text=True)
    if check and done.returncode:
        pytest.fail(f"dev {arguments}: {done.returncode}\n{done.stderr}",
                    pytrace=False)
    return done


class Tally:
    """What the JSON line of `dev up` says, and ways to use it."""

    def __init__(self, *options, state=None, **env):
        self.home = tempfile.mkdtemp(prefix="tally-test-")
        self.state = str(state or os.path.join(self.home, "state"))
        self.options = options
        self.env = env
        running[self.state] = self
        try:
            self.up()
        except BaseException:
            self.down()
            self.remove()
            raise

    def up(self, *options):
        """Starts what is dead; returns the JSON line as a dict.  What dev
        said besides is in self.said."""
        done = dev("up", "--state", self.state, *(options or self.options),
                   **self.env)
        line = json.loads(done.stdout)
        self.__dict__.update(line, said=done.stderr)
        return line

    def down(self):
        dev("down", "--state", self.state, check=False)

    def remove(self):
        running.pop(self.state, None)
        shutil.rmtree(self.home, ignore_errors=True)

    def reports(self):
        """What sanitizers wrote."""
        return "\n".join(
            p.read_text(errors="replace")
            for p in pathlib.Path(self.state, "log").glob("sanitizer*"))

    # ---- processes

    def pid(self, program):
        return int(pathlib.Path(self.state, "run", program + ".pid")
                   .read_text())

    def kill(self, program, sig=signal.SIGKILL):
        """Kills a program and waits until it is gone."""
        pid = self.pid(program)
        os.kill(pid, sig)
        while alive(pid):
            pass

    def log(self, program):
        path = pathlib.Path(self.state, "log", program + ".log")
        return path.read_text(errors="replace") if path.exists() else ""

    def run_tally(self, *arguments, check=True, **kwargs):
        """The administrator's command on this state."""
        return subprocess.run(
            [ROOT / BUILD / "tally", "--config",
             os.path.join(self.state, "run", "tally.ini"), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            check=check, timeout=300, **kwargs)

    # ---- the database

    def db(self, **options):
        """A connection of the owner's account; times are UTC."""
        return pymysql.connect(
            unix_socket=self.db_socket, user=self.db_user,
            database=self.db_name, autocommit=True, charset="utf8mb4",
            init_command="SET time_zone = '+00:00'", **options)

    def sql(self, query, *arguments):
        """The rows of one statement."""
        with self.db() as c, c.cursor() as cursor:
            cursor.execute(query, arguments or None)
            return list(cursor.fetchall())

    # ---- HTTP

    @property
    def address(self):
        host, port = self.url.split("//")[1].split(":")
        return host, int(port)

    def request(self, method, path, token=None, body=None, headers=None):
        """(status, headers with lower-case names, body as bytes).  A body
        that is no text goes as JSON."""
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = "Bearer " + token
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        c = http.client.HTTPConnection(*self.address, timeout=120)
        try:
            c.request(method, path, body, headers)
            r = c.getresponse()
            answer = (r.status, {k.lower(): v for k, v in r.getheaders()},
                      beginning(r) if method != "HEAD" else r.read())
        finally:
            c.close()
        for watch in watchers:
            watch(method, path, *answer)
        return answer

    def health(self):
        """What /healthz says, once the database answers it: on a busy machine
        that may take longer than it waits."""
        end = time.monotonic() + 120
        while (reply := self.json("GET", "/healthz"))[0] != 200:
            assert time.monotonic() < end, reply
            time.sleep(0.1)
        return reply[1]

    def json(self, method, path, token=None, body=None, headers=None):
        """(status, the reply's JSON)."""
        status, _, reply = self.request(method, path, token, body, headers)
        return status, json.loads(reply)


def beginning(reply):
    """The body; of one that has no end its first event."""
    if reply.getheader("Content-Type") != "text/event-stream":
        return reply.read()
    return b"".join(iter(reply.readline, b"\n"))


def free_port():
    """One of 127.0.0.1 that nobody has.  It is none of those that the kernel
    gives to whoever asks for any, so that it is free a while later as well."""
    low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
              .read_text(encoding="ascii").split()[0])
    while True:
        port = random.randrange(10000, low)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


def alive(pid):
    """Is the process there?  No zombie, unless other threads are left."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as f:
            status = dict(line.split(":\t", 1) for line in f if ":\t" in line)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status["State"][0] not in "ZX" or int(status["Threads"]) > 1


def finish(t):
    t.down()
    left = [p for p in PROGRAMS
            if os.path.exists(os.path.join(t.state, "run", p + ".pid"))]
    reports = t.reports()
    t.remove()
    assert not left, f"still there after dev down: {left}"
    assert not reports, reports


@atexit.register
def finish_all():
    for t in list(running.values()):
        t.down()
        t.remove()
