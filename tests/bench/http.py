# SPDX-License-Identifier: MIT
"""
bench http: Tally beside InfluxDB and VictoriaMetrics, and beside LOAD DATA.

    single    a row a request, 64 connections, each a camera of its own
    bulk      5000 rows a request, 4 connections, and LOAD DATA LOCAL on as many
    reads     24 hours of one camera and day at random, 16 connections: means and
              deviations of three metrics; of VictoriaMetrics means of one.
              Tally computes each answer (no memory for replies), remembers it,
              or finds by its ETag that the client has it
    together  100 readers and 20 writers
    soak      the same as fast as they can for TALLY_BENCH_SOAK_S seconds (60):
              the API's resident memory

The same rows by the same client (http.c), in turns, medians of all rounds; while
one is measured the others stand still (SIGSTOP), so that nobody's compaction or
roll-up is on another's bill.  InfluxDB syncs its log before it answers, as Tally
does, and gets a new database each time; VictoriaMetrics answers before the data
is on disk.  Tally's cameras have references of 30 days, so rows are judged (about
8 in 100 are outliers) and late ones marked.  A peer is TALLY_PEERS/influxd,
.../victoria-metrics, or on the PATH; without one its ratios are left out.

Prints the targets beside the figures and asserts none.
"""
import concurrent.futures
import contextlib
import datetime as dt
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.parse

import pymysql

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = pathlib.Path(os.environ["TALLY_STATE"])
CLIENT = ROOT / "build" / "bench" / "http"
API = ROOT / "build" / "tally-api"
ROUNDS = 3
SECONDS = float(os.environ.get("TALLY_BENCH_S") or 4)
SOAK_S = float(os.environ.get("TALLY_BENCH_SOAK_S") or 60)
BULK_ROWS = int(os.environ.get("TALLY_BENCH_BULK_ROWS") or 1000000)
CAMERAS, TRIGGER_ROWS, LOADERS = 64, 100000, 4
DAY, HISTORY_DAYS, HISTORY_STEP, READ_DAYS = 86400, 30, 300, 7
# Each run writes into a week of its own; the soak into what follows them.
NOON = int(time.time()) // DAY * DAY
READS = {"influxdb": "InfluxDB, the same",
         "victoria": "VictoriaMetrics, means of 1",
         "nocache": "VictoriaMetrics, the same, nocache=1"}
READ_TARGETS = {"Tally, computed": 2.0, "Tally, remembered": 8.0,
                "Tally, 304 by ETag": 8.0}
HISTORY_AT, WEEKS_AT, SOAK_AT = (NOON - n * DAY for n in (600, 500, 100))


def say(text):
    print(f"http  {text}", flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(port, path, method="GET", headers=None, timeout=600):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        c.request(method, path, headers=headers or {})
        reply = c.getresponse()
        body = reply.read()
    finally:
        c.close()
    if reply.status >= 300:
        raise RuntimeError(f"{path}: {reply.status} {body[:300]}")
    return body


def wait_for(port, path, process):
    end = time.monotonic() + 60
    while True:
        try:
            return get(port, path, timeout=5)
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"no answer from {process.args[0]}"
                                   ) from None
            time.sleep(0.1)


def launch(log, *command):
    """A peer, which ends with us, however we end."""
    with open(log, "wb") as out:
        return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command],
                                stdout=out, stderr=out)


# ---- who is measured

class Server:
    """One of the three: what it is called, its port and its processes."""

    def __init__(self, name, title):
        self.name, self.title = name, title
        self.port, self.db = 0, 0
        self.process = None

    def pids(self):
        return [self.process.pid]

    def signal(self, number):
        for pid in self.pids():
            os.kill(pid, number)

    def fresh(self):
        """Before a run that writes."""

    def stale(self):
        """After all of these."""

    def settled(self):
        """After rows that will be read."""

    def ask(self, what, token="ingest", **options):
        """One run of the client; its figures, and the server's CPU a request
        in microseconds, which a busy machine changes least."""
        began = self.cpu()
        with self.start(what, token, **options) as p:
            out, _ = p.communicate()
        if p.returncode:
            raise RuntimeError(f"{what} of {self.title} failed")
        figures = json.loads(out)
        return {**figures, "cpu": (self.cpu() - began) / figures["n"] * 1e6}

    def cpu(self):
        """Seconds, of all its processes."""
        ticks = 0
        for pid in self.pids():
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
            ticks += sum(map(int, stat.rsplit(")", 1)[1].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def start(self, what, token="ingest", **options):
        options = {"port": self.port, "db": self.db, "cameras": CAMERAS,
                   **options}
        secret = os.environ[f"TALLY_{token.upper()}_TOKEN"]
        return subprocess.Popen(
            [CLIENT, what, self.name,
             *(f"{k}={int(v)}" for k, v in options.items())],
            env={**os.environ, "TALLY_BENCH_TOKEN": secret},
            stdout=subprocess.PIPE)


class Tally(Server):
    def __init__(self):
        super().__init__("tally", "Tally")
        self.port = int(os.environ["TALLY_URL"].rsplit(":", 1)[1])
        self.others = []

    def pid(self, program):
        return int((STATE / "run" / f"{program}.pid").read_text())

    def pids(self):
        return [*self.others,
                *(self.pid(p) for p in ("worker", "api", "mariadb"))]

    def settled(self):
        get(self.port, "/api/v1/jobs/roll_up", "POST",
            {"Authorization": "Bearer " + os.environ["TALLY_ADMIN_TOKEN"],
             "Content-Length": "0"})

    def rss_mib(self):
        status = pathlib.Path(f"/proc/{self.pid('api')}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


class Influxdb(Server):
    CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
dir = "{0}/meta"
[data]
dir = "{0}/data"
wal-dir = "{0}/wal"
query-log-enabled = false
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{1}"
log-enabled = false
[logging]
level = "warn"
[continuous_queries]
enabled = false
"""

    def __init__(self, program, folder):
        super().__init__("influxdb", "InfluxDB")
        said = subprocess.run([program, "version"], stdout=subprocess.PIPE,
                              text=True, check=True).stdout
        self.title += " " + re.search(r"[0-9.]+", said)[0]
        self.port = free_port()
        conf = folder / "influxdb.conf"
        conf.write_text(self.CONFIG.format(folder / "influxdb", self.port))
        self.process = launch(folder / "influxdb.log", program, "run",
                              "-config", conf)
        wait_for(self.port, "/ping", self.process)
        self.query("CREATE DATABASE bench0")

    def query(self, q):
        body = get(self.port, "/query?q=" + urllib.parse.quote(q), "POST")
        if b'"error"' in body:
            raise RuntimeError(body.decode())

    def fresh(self):
        last, self.db = self.db, self.db + 1
        if last:
            self.query(f"DROP DATABASE bench{last}")
        self.query(f"CREATE DATABASE bench{self.db}")

    def stale(self):
        """Back to the database that has the rows to read."""
        if self.db:
            self.query(f"DROP DATABASE bench{self.db}")
        self.db = 0


class Victoria(Server):
    def __init__(self, program, folder):
        super().__init__("victoria", "VictoriaMetrics")
        self.port = free_port()
        self.process = launch(
            folder / "victoria.log", program,
            f"-storageDataPath={folder / 'victoria'}",
            f"-httpListenAddr=127.0.0.1:{self.port}", "-retentionPeriod=10y",
            # Its clock stands still with it, and it takes new connections
            # for ones that are minutes old.
            "-http.connTimeout=24h", "-selfScrapeInterval=0",
            "-loggerLevel=WARN")
        text = wait_for(self.port, "/metrics", self.process).decode()
        version = re.search(r'short_version="v?([^"]+)"', text)
        self.title += " " + version[1] if version else ""

    def settled(self):
        get(self.port, "/internal/force_flush")


def find_peers(folder):
    folder.mkdir()
    found = []
    for kind, program, package in (
            (Influxdb, "influxd", "influxdb"),
            (Victoria, "victoria-metrics", "victoria-metrics")):
        path = (shutil.which(program, path=os.environ.get("TALLY_PEERS"))
                or shutil.which(program))
        if path:
            found.append(kind(path, folder))
        else:
            say(f"{program} (Debian's package {package}) is missing: "
                "its figures and ratios are left out")
    return found


class Bench:
    def __init__(self, tally, peers):
        self.tally, self.servers = tally, [tally, *peers]
        self.week = 0

    @contextlib.contextmanager
    def alone(self, server):
        """The others stand still."""
        others = [s for s in self.servers if s is not server]
        for s in others:
            s.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for s in others:
                s.signal(signal.SIGCONT)

    def new_week(self):
        self.week += 1
        return WEEKS_AT + self.week * 7 * DAY

    def rounds(self, runs, n=ROUNDS):
        """[(title, server, function)] in turns; the figures of each."""
        figures = {title: [] for title, _, _ in runs}
        for _ in range(n):
            for title, server, run in runs:
                with self.alone(server):
                    figures[title].append(run())
        return {title: {k: statistics.median(f[k] for f in all_)
                        for k in all_[0]}
                for title, all_ in figures.items()}

    # ---- writes

    def history(self):
        began = time.monotonic()
        rows = CAMERAS * HISTORY_DAYS * DAY // HISTORY_STEP
        rows -= rows % 5000
        for s in self.servers:
            with self.alone(s):
                s.ask("bulk", connections=2, rows=rows, at=HISTORY_AT,
                      step=HISTORY_STEP)
                s.settled()
        say(f"{rows} rows of {CAMERAS} cameras, {HISTORY_DAYS} days at "
            f"{HISTORY_STEP} s, in each of {len(self.servers)}: "
            f"{time.monotonic() - began:.0f} s")

    def post(self, server):
        server.fresh()
        server.ask("post", connections=64, seconds=1, at=self.new_week())
        return server.ask("post", connections=64, seconds=SECONDS,
                          at=self.new_week())

    def bulk(self, server):
        server.fresh()
        figures = server.ask("bulk", connections=4, rows=BULK_ROWS,
                             at=self.new_week())
        return {**figures, "rate": figures["rate"] * 5000,
                "cpu": figures["cpu"] / 5000}

    def load_data(self, rows, bulk):
        """LOAD DATA LOCAL of the rows by as many clients at once, each those
        of cameras of its own; rows/s."""
        files = [STATE / f"load.{i}" for i in range(LOADERS)]
        self.write_rows(files, rows)
        with concurrent.futures.ThreadPoolExecutor(LOADERS) as pool:
            began = time.monotonic()
            list(pool.map(lambda f: load_file(f, bulk), files))
            took = time.monotonic() - began
        for f in files:
            f.unlink()
        return {"rate": rows / took}

    def write_rows(self, files, rows):
        ids = camera_ids()
        with contextlib.ExitStack() as stack:
            out = [stack.enter_context(open(f, "w", encoding="ascii"))
                   for f in files]
            text = subprocess.run(
                [CLIENT, "rows", "tally", f"cameras={CAMERAS}",
                 f"rows={rows}", f"at={self.new_week()}"],
                stdout=subprocess.PIPE, text=True, check=True).stdout
            for line in text.splitlines():
                code, rest = line.split(",", 1)
                camera = int(code[5:])
                out[camera % LOADERS].write(
                    f"{ids[code]},{rest.replace('T', ' ').replace('Z', '')}"
                    "\n")

    def writes(self):
        tally = self.tally
        post = self.rounds([(s.title, s, lambda s=s: self.post(s))
                            for s in self.servers])
        head("one row a request, 64 connections", "rows/s")
        self.compare(post, {"influxdb": "at least 1.5, stretch 2.0",
                            "victoria": "stretch 1.0"},
                     "p99 at most 4 ms on an idle machine")
        bulk = self.rounds(
            [(s.title, s, lambda s=s: self.bulk(s)) for s in self.servers]
            + [("LOAD DATA, no triggers", tally,
                lambda: self.load_data(BULK_ROWS, 1)),
               ("LOAD DATA, triggers", tally,
                lambda: self.load_data(TRIGGER_ROWS, None))])
        for s in self.servers:
            s.stale()
        head("5000 rows a request, 4 connections", "rows/s")
        self.compare(bulk, {"influxdb": "at least 0.7, stretch 1.0"})

    # ---- reads

    def reads(self):
        with uncached(self.tally) as port:
            kinds = [("Tally, computed", self.tally, "read", {"port": port}),
                     ("Tally, remembered", self.tally, "read", {}),
                     ("Tally, 304 by ETag", self.tally, "same", {})]
            for s in self.servers[1:]:
                kinds += [(READS[s.name], s, "read", {})]
                if s.name == "victoria":
                    kinds += [(READS["nocache"], s, "read", {"nocache": 1})]
            figures = self.rounds([
                (title, server, lambda a=(server, what, options): self.read(*a))
                for title, server, what, options in kinds])
        head("24 hours of 3 metrics, 16 connections", "reads/s")
        for title, server, _, _ in kinds:
            row(title, figures[title])
            if server is not self.tally:
                continue
            target = READ_TARGETS[title]
            for s in self.servers[1:]:
                ratio(READS[s.name], figures[title], figures[READS[s.name]],
                      f"at least {target}" if s.name == "victoria" else "")

    @staticmethod
    def read(server, what, options):
        where = {"at": HISTORY_AT + DAY, "days": READ_DAYS, "connections": 16,
                 "token": "read", **options}
        server.ask(what, **{**where, "seconds": SECONDS})
        return server.ask(what, **{**where, "seconds": SECONDS})

    # ---- both

    def together(self, title, seconds, pace_ms, at, watch=None):
        """100 readers and 20 writers, each asking as soon as it has its
        answer, or once in pace_ms."""
        days = {"at": HISTORY_AT + DAY, "days": READ_DAYS}
        self.tally.ask("read", "read", connections=16, seconds=2, **days)
        clients = [
            self.tally.start("read", "read", connections=100,
                             seconds=seconds, pace_ms=pace_ms, **days),
            self.tally.start("post", connections=20, seconds=seconds,
                             pace_ms=pace_ms, at=at)]
        if watch:
            watch()
        for what, p in zip(("100 readers", "20 writers"), clients):
            out, _ = p.communicate()
            if p.returncode:
                raise RuntimeError(f"{what} failed")
            row(f"{title}: {what}", json.loads(out), "p99 under 10 ms")

    def both(self):
        head("100 readers and 20 writers together", "/s")
        with self.alone(self.tally):
            for title, pace in (("4/s each", 250), ("as fast as they can", 0)):
                self.together(title, 2 * SECONDS, pace, self.new_week())

    def soak(self):
        seen = []

        def watch():
            began = time.monotonic()
            for part in (0.1, 0.5, 0.95):
                time.sleep(max(0, began + part * SOAK_S - time.monotonic()))
                seen.append(self.tally.rss_mib())

        head(f"soak of {SOAK_S:.0f} s", "/s")
        with self.alone(self.tally):
            self.together("soak", SOAK_S, 0, SOAK_AT, watch)
        say(f"{'RSS of the API, MiB: at a tenth, half, end':<42}"
            f"{seen[0]:6.1f} {seen[1]:6.1f} {seen[2]:6.1f}   (flat)")

    # ---- the table

    def compare(self, figures, targets, more=""):
        """Each with its figures, Tally's ratio to it and the target of that."""
        ours = figures[self.tally.title]
        for title, f in figures.items():
            name = [s.name for s in self.servers if s.title == title]
            target = targets.get(name[0], "") if name else ""
            if f is ours:
                row(title, f, more)
            else:
                row(title, f, target, ours["rate"] / f["rate"])


def head(title, unit):
    print()
    say(f"{title:<38}{unit:>9} {'p50 ms':>8} {'p99 ms':>8} {'CPU us':>8} "
        f"{'Tally/it':>9}")


def row(title, f, target="", times=None):
    shown = "".join(f"{f[k]:9.2f}" if k in f else " " * 9
                    for k in ("p50", "p99", "cpu"))
    shown += f"{times:10.2f}" if times else " " * 10
    say(f"{title:<38}{f['rate']:9.0f}{shown}"
        f"{f'   ({target})' if target else ''}")


def ratio(title, ours, theirs, target):
    say(f"{f'  against {title}':<38}{'':36}"
        f"{ours['rate'] / theirs['rate']:10.2f}"
        f"{f'   ({target})' if target else ''}")


# ---- the database, and an API without memory

def connect():
    return pymysql.connect(
        unix_socket=os.environ["TALLY_DB_SOCKET"],
        user=os.environ["TALLY_DB_USER"],
        database=os.environ["TALLY_DB_NAME"], autocommit=True,
        local_infile=True, init_command="SET time_zone = '+00:00'")


def camera_ids():
    with connect() as db, db.cursor() as c:
        c.execute("SELECT code, camera_id FROM camera")
        return dict(c.fetchall())


def load_file(path, bulk):
    with connect() as db, db.cursor() as c:
        # Gaps between one's keys belong to others' rows.
        c.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        c.execute("SET @tally_bulk = %s", (bulk,))
        c.execute("LOAD DATA LOCAL INFILE %s INTO TABLE count_record FIELDS "
                  "TERMINATED BY ',' (camera_id, start_at, end_at, people, "
                  "vehicle, face)", (str(path),))


@contextlib.contextmanager
def uncached(tally):
    """The port of an API that remembers no reply."""
    file = STATE / "run" / "uncached_port"
    file.unlink(missing_ok=True)
    with subprocess.Popen(
            [API, "--config", os.environ["TALLY_CONFIG"], "--port", "0",
             "--port-file", file, "--set", "api.cache_max=0"],
            stderr=subprocess.DEVNULL) as p:
        try:
            end = time.monotonic() + 60
            while not (file.exists() and file.read_text().strip()):
                if p.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("no second API")
                time.sleep(0.05)
            tally.others = [p.pid]
            yield int(file.read_text())
        finally:
            tally.others = []
            p.terminate()


def load_average():
    return "%.1f %.1f %.1f" % os.getloadavg()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    peers = find_peers(STATE / "peers")
    bench = Bench(Tally(), peers)
    say(f"{dt.datetime.now():%F %T}, {os.cpu_count()} cores, "
        f"load average {load_average()}")
    wanted = (os.environ.get("TALLY_BENCH_ONLY")
              or "writes,reads,both,soak").split(",")
    try:
        bench.history()
        for name in wanted:
            getattr(bench, name)()
    finally:
        for s in peers:
            s.process.terminate()
            s.process.wait()
    print()
    say(f"load average at the end {load_average()}")


if __name__ == "__main__":
    sys.exit(main())
