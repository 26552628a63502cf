# SPDX-License-Identifier: MIT
"""
bench attack: a good client's waiting, at rest and while others attack.

    heads      1000 connections, a byte of a request's head a second
    bodies     1000, with a good token, a byte of the body a second
    readers    200 that ask for 11 MB and take 1 KB a second
    idle       5000 that say nothing, of which 4000 have a place
    together   all of them

They come from 20 addresses; who is cut comes again, up to 200 a second of each
kind.  The API's deadlines are 5 s here, so that there is something to count.
The good client posts a row, durably, and reads one, in turns, on a connection
of its own; one that was closed while it rested is opened again, and that is
part of the time.  Before each attack it is measured at rest; the ratio is to
the median of these.  TALLY_BENCH_S: seconds of each measurement (8).

Prints the target (the p99 at most twice that at rest) beside the figures;
fails where the good client was refused or not answered.
"""
import collections
import datetime as dt
import http.client
import json
import multiprocessing
import os
import pathlib
import resource
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = pathlib.Path(os.environ["TALLY_STATE"])
SECONDS = float(os.environ.get("TALLY_BENCH_S") or 8)
DEADLINE_S, AGAIN_A_S, ADDRESSES = 5, 200, 20
NEEDED = 8000  # descriptors of the attackers
KINDS = {"heads": 1000, "bodies": 1000, "readers": 200, "idle": 5000}
TOKENS = {k: os.environ[f"TALLY_{k.upper()}_TOKEN"]
          for k in ("admin", "ingest", "read")}
PAGE = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
FIRST = {
    "heads": b"GET / HTTP/1.1\r\nHost: a\r\nA: ",
    "bodies": (f"POST /api/v1/counts HTTP/1.1\r\nHost: a\r\nAuthorization: "
               f"Bearer {TOKENS['ingest']}\r\nContent-Length: 1000\r\n\r\n"
               ).encode(),
    "readers": PAGE * 60,
    "idle": b"",
}


def say(text):
    print(f"attack  {text}", flush=True)


class Attackers:
    """Those of one kind."""

    def __init__(self, kind, address):
        self.kind, self.address = kind, address
        self.open, self.missing = {}, KINDS[kind]
        self.number = 0
        self.poll = select.epoll()

    def one(self):
        s = socket.socket()
        s.setblocking(False)
        if self.kind == "readers":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.number += 1
        s.bind((f"127.0.0.{10 + self.number % ADDRESSES}", 0))
        s.connect_ex(self.address)
        self.open[s.fileno()] = [s, FIRST[self.kind]]
        self.poll.register(s, select.EPOLLOUT | select.EPOLLIN
                           if self.kind != "readers" else select.EPOLLOUT)

    def gone(self, fd):
        self.open.pop(fd)[0].close()
        self.missing += 1

    def come(self, most):
        n = min(self.missing, most)
        for _ in range(n):
            self.one()
        self.missing -= n

    def look(self):
        for fd, what in self.poll.poll(0):
            s, first = self.open[fd]
            try:
                if what & select.EPOLLOUT:
                    if first:
                        s.send(first)
                    self.open[fd][1] = b""
                    self.poll.modify(fd, select.EPOLLIN
                                     if self.kind != "readers"
                                     else select.EPOLLHUP)
                elif not s.recv(4096) or self.kind != "readers":
                    self.gone(fd)
            except BlockingIOError:
                pass
            except OSError:
                self.gone(fd)

    def second(self):
        """What each of them does once a second."""
        for fd, (s, first) in list(self.open.items()):
            if first or self.kind == "idle":
                continue
            try:
                if self.kind == "readers":
                    if not s.recv(1024):
                        self.gone(fd)
                else:
                    s.send(b" ")
            except BlockingIOError:
                pass
            except OSError:
                self.gone(fd)


def attack(kinds, address, ready, stop):
    resource.setrlimit(resource.RLIMIT_NOFILE, (
        min(NEEDED, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    all_ = [Attackers(k, address) for k in kinds]
    seconds = 0
    while not stop.is_set():
        for a in all_:
            a.come(400 if not ready.is_set() else AGAIN_A_S // 10)
            a.look()
            if seconds % 10 == 0:
                a.second()
        seconds += 1
        if all(not a.missing for a in all_) or seconds > 100:
            ready.set()
        time.sleep(0.1)


class Good:
    """The client whose waiting counts."""

    def __init__(self, address):
        self.address = address
        self.c, self.rows, self.again = None, 0, 0
        self.at = dt.datetime.now(dt.timezone.utc).replace(
            microsecond=0) - dt.timedelta(days=300)

    def ask(self, method, path, token, body=None):
        for fresh in (False, True):
            try:
                if not self.c:
                    self.c = http.client.HTTPConnection(*self.address,
                                                        timeout=60)
                self.c.request(method, path, body, {
                    "Authorization": f"Bearer {TOKENS[token]}"})
                r = self.c.getresponse()
                r.read()
                if r.status != 200:
                    sys.exit(f"attack: the good client got {r.status}")
                return
            except (http.client.HTTPException, OSError):
                self.c = None
                self.again += 1
                if fresh:
                    raise

    def post(self):
        start = self.at + dt.timedelta(minutes=self.rows)
        self.rows += 1
        self.ask("POST", "/api/v1/counts", "ingest", json.dumps({
            "camera": "attacked", "people": 1, "start_at": start.isoformat(),
            "end_at": (start + dt.timedelta(minutes=1)).isoformat()}))

    def read(self):
        self.ask("GET", "/api/v1/counts?camera=attacked&limit=1", "read")

    def measure(self, seconds):
        """ms of each post, of each read."""
        took = {self.post: [], self.read: []}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for what, ms in took.items():
                begun = time.perf_counter()
                what()
                ms.append((time.perf_counter() - begun) * 1e3)
            time.sleep(0.002)
        return [sorted(ms) for ms in took.values()]


def at(ms, share):
    return ms[int((len(ms) - 1) * share)]


class Api:
    """A process with short deadlines, and what /proc says of it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        port = pathlib.Path(self.folder.name, "port")
        settings = {"port": 0, "port_file": port, "metrics_from": "127.0.0.1",
                    "auto_register": "yes",
                    **{f"{k}_timeout_s": DEADLINE_S
                       for k in ("head", "body", "reply", "idle")}}
        self.process = subprocess.Popen(
            [ROOT / "build/tally-api", "--config", os.environ["TALLY_CONFIG"],
             *(o for k, v in settings.items()
               for o in ("--set", f"api.{k}={v}"))], cwd=ROOT)
        while not port.exists():
            if self.process.poll() is not None:
                sys.exit("attack: tally-api did not start")
            time.sleep(0.05)
        self.address = ("127.0.0.1", int(port.read_text()))
        self.proc = pathlib.Path(f"/proc/{self.process.pid}")

    def rss(self):
        return int((self.proc / "statm").read_text().split()[1]) * 4096 / 2**20

    def descriptors(self):
        return len(list((self.proc / "fd").iterdir()))

    def cpu(self):
        fields = (self.proc / "stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def cuts(self):
        c = http.client.HTTPConnection(*self.address, timeout=60)
        c.request("GET", "/metrics")
        text = c.getresponse().read().decode()
        c.close()
        n = collections.Counter()
        for line in text.splitlines():
            if line.startswith("tally_refused_total{"):
                bound = line.split('bound="')[1].split('"')[0]
                n[bound] = int(float(line.rsplit(" ", 1)[1]))
            elif line.startswith("tally_connections_idle_closed_total"):
                n["idle"] = int(float(line.rsplit(" ", 1)[1]))
        return n


def under(api, good, kinds):
    """One attack: (posts, reads), and what the API did meanwhile."""
    ready, stop = multiprocessing.Event(), multiprocessing.Event()
    attackers = multiprocessing.Process(
        target=attack, args=(kinds, api.address, ready, stop))
    before = api.cuts()
    attackers.start()
    ready.wait(60)
    cpu, begun = api.cpu(), time.monotonic()
    took = good.measure(SECONDS)
    busy = (api.cpu() - cpu) / (time.monotonic() - begun) * 100
    rss, descriptors = api.rss(), api.descriptors()
    stop.set()
    attackers.join()
    cuts = api.cuts() - before
    return took, (f"{rss:6.0f} {descriptors:6} {busy:5.0f}", ", ".join(
        f"{n} {k}" for k, n in cuts.most_common() if n))


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < NEEDED:
        say(f"the hard limit of descriptors is {hard}, {NEEDED} are wanted: "
            "fewer attackers come")
    api = Api()
    try:
        good = Good(api.address)
        good.measure(1)
        rest, done = [], []
        for kind in (*KINDS, "together"):
            rest.append(good.measure(SECONDS))
            if not done:
                say(f"RSS at rest {api.rss():.0f} MiB")
            done.append((kind, *under(
                api, good, list(KINDS) if kind == "together" else [kind])))
            time.sleep(DEADLINE_S + 3)
        base = [[statistics.median(at(r[i], share) for r in rest)
                 for share in (0.5, 0.99)] for i in (0, 1)]
        say("ms                post                 read            "
            "  RSS    fds   CPU")
        say("             p50    p99  x rest    p50    p99  x rest   "
            "  MiB            %  cut")
        say("rest     " + "".join(f"{b[0]:7.2f}{b[1]:7.2f}        "
                                  for b in base))
        for kind, took, (figures, cuts) in done:
            say(f"{kind:<9}" + "".join(
                f"{at(ms, 0.5):7.2f}{at(ms, 0.99):7.2f}"
                f"{at(ms, 0.99) / b[1]:8.2f}"
                for ms, b in zip(took, base)) + f"  {figures}  {cuts}")
        say(f"target: x rest at most 2; RSS afterwards {api.rss():.0f} MiB; "
            f"the good client connected {good.again} times anew")
    finally:
        api.process.terminate()
        api.process.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
