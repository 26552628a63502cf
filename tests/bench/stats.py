# SPDX-License-Identifier: MIT
"""
bench stats: what the statistics cost, with 1, 10 and 50 million raw rows
(TALLY_BENCH_ROWS=1M,10M selects; a size without room on the disk is left out).

    load      100 cameras in five zones, a row every 75 s, made by the server
              out of a day's values, 115 200 rows a statement; a size adds
              older days to those of the one before
    roll-up   all their quarters marked: from raw rows into every level.  Held
              against one plain GROUP BY of the same rows by camera and hour
              with all that stats_hour keeps, and against a lean one with n, sum,
              squares, min and max of the three metrics; both take hours of UTC,
              without a calendar.  Plain runs before and after each roll-up.
    minute    run_minute with 100 cameras and a row per 10 s, for 30 minutes
    late      10 000 rows at random in the last six months, then the roll-up
    disk      bytes allocated per raw row
    reads     tests/bench/read.c behind the last size

The bench holds the roll-up's lock, so that event and worker stand back.  Exits
1 where a figure misses its bound or a sum is wrong.
"""
import datetime as dt
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import time

import pymysql

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = pathlib.Path(os.environ["TALLY_STATE"])
ZONES = ("Asia/Seoul", "Asia/Kathmandu", "Australia/Lord_Howe",
         "America/New_York", "Australia/Melbourne")
CAMERAS, A_DAY = 100, 1152
# The rows end here; those of the minutes that follow are past as well.
END = dt.datetime.combine(dt.datetime.now(dt.timezone.utc).date(),
                          dt.time()) - dt.timedelta(days=1)
DISK_A_ROW = 240  # bytes wanted while a size runs: rows, statistics, undo

METRICS = ("people", "vehicle", "face")
SUMS = tuple(m + "_new" for m in METRICS) + (
    "car", "bus", "truck", "motorcycle", "bicycle", "scooter")
LEVELS = ("quarter", "hour", "day", "week", "month", "year", "weekday_month",
          "weekday_year", "profile_month")
TABLES = tuple("stats_" + level for level in LEVELS) + (
    "stats_quarter_partial", "stats_hour_partial")

# A day of 100 cameras: counts that rise and fall with the hour.
DAY = f"""
CREATE TEMPORARY TABLE bench_day (PRIMARY KEY (no, at_s))
SELECT no, at_s, p AS people, v AS vehicle, f AS face, p DIV 2 AS people_new,
       v DIV 2 AS vehicle_new, f DIV 2 AS face_new,
       v - v DIV 4 - v DIV 8 AS car, v DIV 8 AS bus, v DIV 4 AS truck,
       h DIV 7 MOD 2 AS motorcycle, 0 AS bicycle, 0 AS scooter
FROM (SELECT no, at_s, h, h MOD 13 + busy AS p,
             h DIV 13 MOD (3 + busy) AS v, h DIV 251 MOD 3 AS f
      FROM (SELECT c.seq AS no, s.seq * 75 AS at_s,
                   ROUND(5 - 5 * COS(PI() * s.seq / 576)) AS busy,
                   CRC32(s.seq * 131 + c.seq) AS h
            FROM seq_0_to_{CAMERAS - 1} c JOIN seq_0_to_{A_DAY - 1} s) a) b"""
# Camera 7 counts close to a million; which camera has which values changes
# from day to day.
ROWS = f"""
INSERT INTO count_record (camera_id, start_at, end_at, people, vehicle, face,
                          {', '.join(SUMS)}, observed_s)
SELECT c.camera_id, %s + INTERVAL at_s SECOND, %s + INTERVAL at_s + 70 SECOND,
       people + IF(c.code = 'bench-07', 999950, 0), vehicle, face,
       {', '.join(SUMS)}, 70
FROM camera c STRAIGHT_JOIN bench_day b
        ON b.no = (c.camera_id + %s) MOD {CAMERAS}
WHERE c.code LIKE 'bench-%%'"""
MARKS = """
INSERT INTO dirty_quarter (start_at, camera_id)
SELECT %s + INTERVAL 900 * q.seq SECOND, c.camera_id
FROM seq_0_to_{last} q STRAIGHT_JOIN camera c WHERE c.code LIKE 'bench-%%'"""

LEAN = ", ".join(f"COUNT({m}) AS {m}_n, SUM({m}) AS {m}_sum, "
                 f"SUM({m} * {m}) AS {m}_sq, MIN({m}) AS {m}_min, "
                 f"MAX({m}) AS {m}_max" for m in METRICS)
PLAIN = ("COUNT(*) AS row_n, SUM(observed_s) AS observed_s, " + LEAN + ", "
         + ", ".join(f"SUM({s}) AS {s}" for s in SUMS))
# With memory for all its groups: past the 16 MB that the server allows by
# default it would keep them on disk, and take many times as long.  The outer sum
# is there to leave no group out.
GROUP = """
SET STATEMENT tmp_memory_table_size = 4294967296,
        max_heap_table_size = 4294967296 FOR
SELECT SUM(people_n), SUM(people_sum), SUM(people_sq)
FROM (SELECT camera_id, TO_SECONDS(start_at) DIV 3600 AS hour, {}
      FROM count_record GROUP BY camera_id, hour) g"""


def say(text):
    print(f"stats  {text}", file=sys.stderr, flush=True)


def size_of(text):
    return int(text[:-1]) * 1000000 if text.endswith("M") else int(text)


class Size:
    """One size, which adds days to those of the one before; its figures."""

    def __init__(self, db, rows, number):
        self.db, self.number = db, number
        self.days = -(-rows // (CAMERAS * A_DAY))
        self.rows = self.days * CAMERAS * A_DAY
        self.start = END - dt.timedelta(days=self.days)
        self.figures, self.missed = {}, []
        self.ids = [r[0] for r in self.run(
            "SELECT camera_id FROM camera WHERE code LIKE 'bench-%'")]

    def run(self, query, *arguments):
        with self.db.cursor() as c:
            c.execute(query, arguments or None)
            return c.fetchall()

    def timed(self, query, *arguments):
        began = time.monotonic()
        self.run(query, *arguments)
        return time.monotonic() - began

    def note(self, name, value, bound=None):
        self.figures[name] = value
        if bound is not None and value > bound:
            self.missed.append(f"{name}: {value:.1f}")

    def load(self, days_before):
        for table in TABLES + ("reference_value", "reference_camera",
                               "outlier_backup", "outlier_low"):
            self.run("TRUNCATE TABLE " + table)
        self.run("SET @tally_bulk = 1")
        began = time.monotonic()
        for day in range(days_before, self.days):
            at = END - dt.timedelta(days=day + 1)
            self.run(ROWS, at, at, day)
            if day % 50 == 49:
                say(f"{day + 1} of {self.days} days loaded")
        self.run("SET @tally_bulk = NULL")
        self.note("load, rows/s", (self.days - days_before) * CAMERAS * A_DAY
                  / (time.monotonic() - began))
        self.settle()

    def settle(self):
        """Pages written, undo purged: what was done does not slow what is."""
        self.run("FLUSH TABLES count_record, stats_quarter FOR EXPORT")
        self.run("UNLOCK TABLES")
        end = time.monotonic() + 120
        while time.monotonic() < end and int(self.run(
                "SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'"
                )[0][1]) > 1000:
            time.sleep(0.5)

    # ---- the roll-up

    def roll_up(self):
        """(seconds, quarters, buckets)"""
        seconds = self.timed("CALL roll_up(10000, 100000, @rows_n, @quarters, "
                             "@buckets, @drained)")
        ((quarters, buckets, drained),) = self.run(
            "SELECT @quarters, @buckets, @drained")
        assert drained
        return seconds, quarters, buckets

    def from_raw(self, rounds):
        plain, lean, rolled = [], [], []
        for _ in range(rounds):
            for table in TABLES:
                self.run("TRUNCATE TABLE " + table)
            # The days, and the hours of minutes() before.
            self.run(MARKS.format(last=self.days * 96 + 4 * self.number - 1),
                     self.start)
            self.settle()
            lean.append(self.timed(GROUP.format(LEAN)))
            plain.append(self.timed(GROUP.format(PLAIN)))
            rolled.append(self.roll_up()[0])
            self.settle()
            plain.append(self.timed(GROUP.format(PLAIN)))
            say(f"plain {plain[-2]:.1f} and {plain[-1]:.1f} s, "
                f"lean {lean[-1]:.1f} s, roll-up {rolled[-1]:.1f} s")
        self.check()
        seconds = statistics.median(rolled)
        self.note("plain GROUP BY, s", statistics.median(plain))
        self.note("lean GROUP BY, s", statistics.median(lean))
        self.note("roll-up, s", seconds)
        self.note("roll-up, rows/s", self.rows / seconds)
        self.note("roll-up / plain (at most 3)",
                  seconds / statistics.median(plain), 3)
        self.note("roll-up / lean", seconds / statistics.median(lean))

    def check(self):
        """Each level adds up to what the plain GROUP BY gives."""
        want = self.run(GROUP.format(LEAN))
        for level in LEVELS:
            if self.run("SELECT SUM(people_n), SUM(people_sum), SUM(people_sq)"
                        f" FROM stats_{level}") != want:
                self.missed.append(f"stats_{level} differs")

    # ---- rows as they come

    def minutes(self):
        self.note("references of 100 cameras, s", self.timed(
            "CALL compute_references(TRUE, 600, @cameras, @done)"))
        took, rng = [], random.Random(1)
        for minute in range(31):
            at = END + dt.timedelta(hours=self.number, minutes=minute)
            values = ", ".join(
                f"({c}, '{t}', '{t + dt.timedelta(seconds=10)}', "
                f"{rng.randint(0, 20)}, {rng.randint(0, 9)}, 1, 2, 1, 0, 3, 0, 1)"
                for c in self.ids for t in (
                    at + dt.timedelta(seconds=s) for s in range(0, 60, 10)))
            self.run("INSERT INTO count_record (camera_id, start_at, end_at, "
                     "people, vehicle, face, people_new, vehicle_new, face_new,"
                     " car, bus, truck) VALUES " + values)
            took.append(1000 * self.timed("CALL run_minute('worker')"))
        # The first did the day's work as well.
        self.note("a minute's run, ms (at most 100)",
                  statistics.median(took[1:]), 100)
        self.note("the longest of 30, ms", max(took[1:]))
        self.note("an idle run, ms", 1000 * statistics.median(
            self.timed("CALL run_minute('worker')") for _ in range(9)))

    def late(self, n=10000):
        rng = random.Random(self.number)
        slots = min(self.days, 182) * A_DAY
        where = set()
        while len(where) < n:
            where.add((rng.choice(self.ids), rng.randrange(slots)))
        where = sorted(where)
        for i in range(0, n, 1000):
            # In the five seconds between two rows.
            self.run("INSERT IGNORE INTO count_record (camera_id, start_at, "
                     "end_at, people, vehicle) VALUES " + ", ".join(
                         f"({c}, '{t - dt.timedelta(seconds=5)}', '{t}', 3, 1)"
                         for c, t in ((c, END - dt.timedelta(seconds=75 * s))
                                      for c, s in where[i:i + 1000])))
        before = self.reads()
        seconds, quarters, buckets = self.roll_up()
        reads = self.reads() - before
        self.check()
        self.note("10 000 late rows, s", seconds)
        self.note("quarter hours of them", quarters)
        self.note("buckets recounted", buckets)
        self.note("rows read a bucket", reads / buckets)
        self.note("microseconds a bucket", 1e6 * seconds / buckets)

    def reads(self):
        """Rows that the server has read for this connection."""
        return sum(int(n) for _, n in self.run(
            "SHOW SESSION STATUS LIKE 'Handler_read%'"))

    # ---- what is left on the disk

    def disk(self):
        self.settle()
        folder = STATE / "mysql" / os.environ["TALLY_DB_NAME"]

        def bytes_of(table):
            return sum(p.stat().st_blocks * 512 for pattern in (
                f"{table}.ibd", f"{table}#P#*.ibd")
                for p in folder.glob(pattern))

        self.note("disk, bytes/raw row (at most 25)",
                  bytes_of("count_record") / self.rows, 25)
        self.note("disk, all statistics per raw row",
                  sum(map(bytes_of, TABLES)) / self.rows)


def connect():
    db = pymysql.connect(unix_socket=os.environ["TALLY_DB_SOCKET"],
                         user=os.environ["TALLY_DB_USER"],
                         database=os.environ["TALLY_DB_NAME"], autocommit=True,
                         init_command="SET time_zone = '+00:00'")
    with db.cursor() as c:
        c.execute("DO GET_LOCK(roll_up_lock(), 60)")
        c.execute(DAY)
    return db


def make_cameras():
    for i in range(CAMERAS):
        subprocess.run(
            [ROOT / "build" / "tally", "--config", os.environ["TALLY_CONFIG"],
             "camera", "add", f"bench-{i:02}", "--tz", ZONES[i % len(ZONES)]],
            stdout=subprocess.DEVNULL, check=True)


def read():
    """What readers find behind the last size; True where it worked."""
    return subprocess.run(
        [ROOT / "build" / "bench" / "read", os.environ["TALLY_URL"],
         os.environ["TALLY_TOKEN_FILE"], os.environ["TALLY_CONFIG"]],
        env={**os.environ, "TALLY_BENCH_DATA": "there"},
        check=False).returncode == 0


def table(sizes):
    names = list(dict.fromkeys(n for s in sizes for n in s.figures))
    print(f"stats  {'raw rows':<36}" + "".join(
        f"{s.rows:>14,}" for s in sizes))
    for name in names:
        print(f"stats  {name:<36}" + "".join(
            f"{s.figures[name]:>14,.{2 if s.figures[name] < 100 else 0}f}"
            for s in sizes))


def main():
    db, sizes = connect(), []
    make_cameras()
    for text in sorted(os.environ.get("TALLY_BENCH_ROWS", "1M,10M,50M")
                       .split(","), key=size_of):
        rows = size_of(text)
        free = shutil.disk_usage(STATE).free
        if free < rows * DISK_A_ROW:
            say(f"no room for {text}: {rows * DISK_A_ROW >> 20} MiB wanted, "
                f"{free >> 20} free")
            continue
        began = time.monotonic()
        size = Size(db, rows, len(sizes))
        size.load(sizes[-1].days if sizes else 0)
        sizes.append(size)
        size.from_raw(3 if rows <= 1000000 else 2 if rows <= 10000000 else 1)
        size.minutes()
        size.late()
        size.disk()
        say(f"{text} took {time.monotonic() - began:.0f} s")
    table(sizes)
    fine = read()
    for s in sizes:
        for text in s.missed:
            print(f"stats  MISSED with {s.rows:,} rows: {text}")
    return 0 if fine and not any(s.missed for s in sizes) else 1


if __name__ == "__main__":
    sys.exit(main())
