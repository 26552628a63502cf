# SPDX-License-Identifier: MIT
"""
bench bulk: a million rows of CSV, streamed to POST /counts.

Against LOAD DATA LOCAL of the same rows into the same table, in turns: once as
anybody would load them, with the triggers that mark and judge each row, and once
with @tally_bulk set, where they stand back and nothing is marked or judged.
POST /counts must reach half of either rate, and its memory must not grow.
Roll-ups are kept out meanwhile.  The cameras are new: of one that has references
each outlier costs its writer what it costs a trigger, about a quarter of a
millisecond.

Then memory again, with 1000 connections: each has had an answer and is idle,
and each has sent half a request.
"""
import datetime
import http.client
import os
import pathlib
import socket
import sys
import threading
import time

import pymysql

ROWS, CAMERAS, ROUNDS = 1000000, 20, 2
TRIGGER_ROWS = 100000
CONNECTIONS = 1000
GROWTH_MIB, BOUND_MIB = 8, 64
STATE = pathlib.Path(os.environ["TALLY_STATE"])
HOST, PORT = os.environ["TALLY_URL"].split("//")[1].split(":")
TOKEN = os.environ["TALLY_INGEST_TOKEN"]


def rss_mib():
    pid = (STATE / "run" / "api.pid").read_text().strip()
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    raise RuntimeError("the API has no memory")


def rows(n, form):
    """(camera's number, the rest of the row), a minute each, of all cameras in
    turn, as a recorder would have written them."""
    minute = datetime.timedelta(minutes=1)
    at = datetime.datetime.utcnow().replace(second=0, microsecond=0)
    at -= (n // CAMERAS + 1440) * minute
    for i in range(n // CAMERAS):
        start, end = at.strftime(form), (at + minute).strftime(form)
        for camera in range(CAMERAS):
            yield camera, (f",{start},{end},{(i * 7 + camera) % 23},"
                           f"{(i + camera) % 17},{i % 3}\n")
        at += minute


def write_api(path, name):
    with open(path, "w", encoding="ascii") as f:
        f.write("camera,start_at,end_at,people,vehicle,face\n")
        f.writelines(f"{name}-{c}{rest}"
                     for c, rest in rows(ROWS, "%Y-%m-%dT%H:%M:%SZ"))


def write_load(path, cursor, name, n):
    ids = []
    for c in range(CAMERAS):
        cursor.execute("INSERT INTO camera (code, name, site_id) SELECT %s, "
                       "%s, site_id FROM site WHERE is_default = 1",
                       (f"{name}-{c}", name))
        ids.append(cursor.lastrowid)
    with open(path, "w", encoding="ascii") as f:
        f.writelines(f"{ids[c]}{rest}"
                     for c, rest in rows(n, "%Y-%m-%d %H:%M:%S"))


class Memory(threading.Thread):
    """Looks ten times a second, from the tenth part of a run on."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen = []
        self.over = False

    def run(self):
        while not self.over:
            self.seen.append(rss_mib())
            time.sleep(0.1)

    def end(self):
        self.over = True
        self.join()
        settled = self.seen[len(self.seen) // 10:]
        return min(settled), max(settled)


def post(path):
    memory = Memory()
    c = http.client.HTTPConnection(HOST, int(PORT), timeout=600)
    with open(path, "rb") as f:
        begin = time.monotonic()
        memory.start()
        c.request("POST", "/api/v1/counts", f, {
            "Authorization": "Bearer " + TOKEN, "Content-Type": "text/csv",
            "Content-Length": str(os.path.getsize(path))})
        reply = c.getresponse()
        body = reply.read()
        took = time.monotonic() - begin
    c.close()
    if b'"inserted":%d,' % ROWS not in body:
        raise RuntimeError(f"{reply.status} {body[:500]}")
    return ROWS / took, memory.end()


def load(cursor, path, n, bulk):
    cursor.execute("SET @tally_bulk = %s", (bulk,))
    begin = time.monotonic()
    cursor.execute("LOAD DATA LOCAL INFILE %s INTO TABLE count_record FIELDS "
                   "TERMINATED BY ',' (camera_id, start_at, end_at, people, "
                   "vehicle, face)", (str(path),))
    took = time.monotonic() - begin
    if cursor.rowcount != n:
        raise RuntimeError(f"LOAD DATA took {cursor.rowcount} rows")
    return n / took


def speed(cursor, folder):
    """[(what, rate)], the least and most memory."""
    cursor.execute("SELECT GET_LOCK(roll_up_lock(), 60)")
    ours, bare, seen = [], [], []
    path = folder / "rows.csv"
    for turn in range(ROUNDS):
        write_api(path, f"api{turn}")
        rate, memory = post(path)
        ours.append(rate)
        seen += memory
        write_load(path, cursor, f"bare{turn}", ROWS)
        bare.append(load(cursor, path, ROWS, 1))
    write_load(path, cursor, "triggers", TRIGGER_ROWS)
    triggers = load(cursor, path, TRIGGER_ROWS, None)
    path.unlink()
    return max(ours), max(bare), triggers, min(seen), max(seen)


def connections():
    """Memory with all of them idle, and with half a request of each."""
    request = (f"GET /api/v1/cameras?limit=1 HTTP/1.1\r\nHost: {HOST}\r\n"
               f"Authorization: Bearer {os.environ['TALLY_READ_TOKEN']}\r\n"
               "\r\n").encode()
    sockets = []
    for _ in range(CONNECTIONS):
        s = socket.create_connection((HOST, int(PORT)), timeout=60)
        sockets.append(s)
        s.sendall(request)
        got = s.recv(65536)
        if not got.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"no answer but {got[:200]}")
    time.sleep(2)
    idle = rss_mib()
    for s in sockets:
        s.sendall(request[:-2])
    time.sleep(1)
    half = rss_mib()
    for s in sockets:
        s.close()
    return idle, half


def main():
    with pymysql.connect(
            unix_socket=os.environ["TALLY_DB_SOCKET"],
            user=os.environ["TALLY_DB_USER"],
            database=os.environ["TALLY_DB_NAME"], autocommit=True,
            local_infile=True,
            init_command="SET time_zone = '+00:00'") as db, \
            db.cursor() as cursor:
        ours, bare, triggers, least, most = speed(cursor, STATE)
    print(f"bulk    {'':<34} {'rows/s':>9} {'API against it':>15}")
    print(f"bulk    {f'POST /counts, {ROWS} rows of CSV':<34} {ours:9.0f}")
    for name, rate in (("LOAD DATA LOCAL, triggers", triggers),
                       ("LOAD DATA LOCAL, @tally_bulk = 1", bare)):
        print(f"bulk    {name:<34} {rate:9.0f} {ours / rate:15.2f}"
              "   (at least 0.5)")
    print(f"bulk    {'RSS while streaming, MiB':<34} {least:9.1f} to "
          f"{most:.1f}   (grows by at most {GROWTH_MIB})")
    idle, half = connections()
    print(f"bulk    {f'RSS, {CONNECTIONS} idle connections, MiB':<34} "
          f"{idle:9.1f}   (under {BOUND_MIB})")
    print(f"bulk    {f'RSS, half a request of each, MiB':<34} {half:9.1f}   "
          f"(under {BOUND_MIB})")
    return 1 if (ours < bare / 2 or ours < triggers / 2
                 or most - least > GROWTH_MIB
                 or max(most, idle, half) >= BOUND_MIB) else 0


if __name__ == "__main__":
    sys.exit(main())
