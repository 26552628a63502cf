# SPDX-License-Identifier: MIT
"""
bench backlog: a backlog of 72 hours of 100 cameras, a row each 10 s (2.6 million
rows), leaves a spool over HTTP as tally-ingest sends it, while single rows of
another camera are posted twenty times a second.

Against LOAD DATA LOCAL of the same rows into the same table, before and after: once
with @tally_bulk set, where nothing is marked or judged, and once (of fewer rows)
with the triggers.  The spool must leave at a quarter of that rate at least, and 99
of 100 live rows be answered within 50 ms.  Roll-ups are kept out meanwhile.

$TALLY_BENCH_HOURS makes it shorter.
"""
import http.client
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import pymysql

HOURS = float(os.environ.get("TALLY_BENCH_HOURS") or 72)
CAMERAS, STEP_S = 100, 10
INTERVALS = int(HOURS * 3600 / STEP_S)
TRIGGER_ROWS = 100000
LIVE_S, LIVE_MS = 0.05, 50
STATE = pathlib.Path(os.environ["TALLY_STATE"])
TOKEN_FILE = os.environ["TALLY_TOKEN_FILE"]
URL = os.environ["TALLY_URL"]
PROGRAM = str(pathlib.Path(__file__).resolve().parents[2]
              / "build/bench/backlog")
COLUMNS = ("start_at, end_at, people, people_new, vehicle, vehicle_new, car, "
           "bus, truck, motorcycle, bicycle, observed_s")


class Live(threading.Thread):
    """Posts a row at a time; how long each answer takes, in ms."""

    def __init__(self):
        super().__init__(daemon=True)
        self.took = []
        self.over = False
        self.failed = None

    def run(self):
        try:
            self.post()
        except Exception as e:  # told by the main thread
            self.failed = e

    def post(self):
        c = http.client.HTTPConnection(URL.split("//")[1], timeout=60)
        head = {"Authorization": "Bearer " + os.environ["TALLY_INGEST_TOKEN"],
                "Content-Type": "application/json"}
        at = int(time.time()) - 86400 * 20
        while not self.over:
            at += 1
            form = "%Y-%m-%dT%H:%M:%SZ"
            row = {"camera": "live", "people": at % 7,
                   "start_at": time.strftime(form, time.gmtime(at)),
                   "end_at": time.strftime(form, time.gmtime(at + 1))}
            begin = time.monotonic()
            c.request("POST", "/api/v1/counts", json.dumps(row), head)
            reply = c.getresponse()
            body = reply.read()
            took = time.monotonic() - begin
            if reply.status != 200:
                raise RuntimeError(f"{reply.status} {body[:300]}")
            self.took.append(took * 1000)
            time.sleep(max(0, LIVE_S - took))

    def p99(self):
        if self.failed:
            raise self.failed
        return sorted(self.took)[len(self.took) * 99 // 100]


def fill(name, start):
    spool = STATE.parent / name
    subprocess.run([PROGRAM, "fill", spool, name, str(CAMERAS),
                    str(INTERVALS), str(start)], check=True)
    return spool


def drain(spool):
    begin = time.monotonic()
    done = subprocess.run([PROGRAM, "drain", spool, URL, TOKEN_FILE],
                          stdout=subprocess.PIPE, text=True, check=True)
    took = time.monotonic() - begin
    if int(done.stdout) != CAMERAS * INTERVALS:
        raise RuntimeError(f"{done.stdout} rows were stored")
    return CAMERAS * INTERVALS / took


def load(cursor, csv, name, rows, bulk):
    """Rows a second.  The file has the cameras by number; the table gets new
    ones."""
    first = None
    for c in range(CAMERAS):
        cursor.execute("INSERT INTO camera (code, name, site_id) SELECT %s, "
                       "%s, site_id FROM site WHERE is_default = 1",
                       (f"{name}-{c}", name))
        first = first or cursor.lastrowid
    path = csv
    if rows < CAMERAS * INTERVALS:
        path = csv.with_suffix(".part")
        with open(csv, encoding="ascii") as f, \
                open(path, "w", encoding="ascii") as to:
            to.writelines(line for line, _ in zip(f, range(rows)))
    cursor.execute("SET @tally_bulk = %s", (bulk,))
    begin = time.monotonic()
    cursor.execute("LOAD DATA LOCAL INFILE %s INTO TABLE count_record FIELDS "
                   f"TERMINATED BY ',' (@c, {COLUMNS}) "
                   "SET camera_id = @c + %s", (str(path), first))
    took = time.monotonic() - begin
    if cursor.rowcount != rows:
        raise RuntimeError(f"LOAD DATA took {cursor.rowcount} rows")
    return rows / took


def measure(cursor):
    cursor.execute("SELECT GET_LOCK(roll_up_lock(), 60)")
    every = CAMERAS * INTERVALS
    start = int(time.time()) // 60 * 60 - int(HOURS * 3600) - 600
    spool = fill("backlog", start)
    csv = pathlib.Path(str(spool) + ".csv")
    bare = [load(cursor, csv, "bare0", every, 1)]
    triggers = [load(cursor, csv, "some0", min(every, TRIGGER_ROWS), None)]
    idle = Live()
    idle.start()
    time.sleep(5)
    idle.over = True
    idle.join()
    live = Live()
    live.start()
    rate = drain(spool)
    live.over = True
    live.join()
    bare.append(load(cursor, csv, "bare1", every, 1))
    triggers.append(load(cursor, csv, "some1", min(every, TRIGGER_ROWS), None))
    return rate, sum(bare) / 2, sum(triggers) / 2, idle.p99(), live


def main():
    with pymysql.connect(
            unix_socket=os.environ["TALLY_DB_SOCKET"],
            user=os.environ["TALLY_DB_USER"],
            database=os.environ["TALLY_DB_NAME"], autocommit=True,
            local_infile=True,
            init_command="SET time_zone = '+00:00'") as db, \
            db.cursor() as cursor:
        rate, bare, triggers, idle, live = measure(cursor)
    print(f"backlog {'':<36} {'rows/s':>9} {'the spool against it':>21}")
    print(f"backlog {f'{CAMERAS * INTERVALS} rows from the spool':<36} "
          f"{rate:9.0f}")
    for name, other in (("LOAD DATA LOCAL, @tally_bulk = 1", bare),
                        ("LOAD DATA LOCAL, triggers", triggers)):
        print(f"backlog {name:<36} {other:9.0f} {rate / other:21.2f}"
              "   (at least 0.25)")
    took = live.p99()
    print(f"backlog {'live rows, p99 in ms':<36} {took:9.1f}   (under "
          f"{LIVE_MS}; {idle:.1f} without a backlog; {len(live.took)} rows)")
    return 1 if rate < min(bare, triggers) / 4 or took >= LIVE_MS else 0


if __name__ == "__main__":
    sys.exit(main())
