# SPDX-License-Identifier: MIT
"""`tally verify` on schemas whose every flaw is known."""
import datetime as dt
import random
import re
import subprocess
import threading

import pymysql
import pytest

import sqlbase
from running import BUILD, ROOT
from sqlbase import COUNTS, local, zone_info

ZONES = ("Asia/Seoul", "Asia/Kathmandu", "Australia/Lord_Howe",
         "America/New_York", "America/St_Johns")
# Days whose clock changes, in one zone or another, and some that follow.
DAYS = ((2025, 4, 6), (2025, 10, 5), (2025, 11, 2), (2026, 3, 8),
        (2008, 11, 2), (2009, 3, 8), (2024, 2, 29), (2025, 12, 31))
LEVELS = (*sqlbase.LEVELS, "quarter_partial", "hour_partial")
KEYS = {**sqlbase.LEVELS, "hour": ("camera_id", "local_date", "start_at")}
KEYS["quarter_partial"], KEYS["hour_partial"] = KEYS["quarter"], KEYS["hour"]


class Verified:
    """What a run said, taken apart."""

    def __init__(self, done):
        self.status = done.returncode
        self.lines = done.stdout.splitlines()
        m = re.fullmatch(
            r"(\d+) rows of (\d+) cameras; compared: (.*); "
            r"(\d+) buckets wait for the next roll-up; (\d+) differences; "
            r"(\d+) overlaps; (\d+) not compared", self.lines.pop())
        assert m and not done.stderr, done.stdout + done.stderr
        self.compared = {level: int(n) for n, level in
                         (c.split() for c in m[3].split(", "))}
        (self.rows, self.cameras, self.pending, self.differences,
         self.overlaps, self.not_compared) = (
             int(m[i]) for i in (1, 2, 4, 5, 6, 7))

    def sound(self):
        return (self.status, self.lines) == (0, [])


@pytest.fixture
def command(db):
    def run(*options):
        return subprocess.run(
            [ROOT / BUILD / "tally", "--set", f"database.socket={db.socket}",
             "--set", f"database.user={db.user}",
             "--set", f"database.name={db.name}", "verify", *options],
            capture_output=True, text=True, timeout=120, cwd=ROOT)
    return run


@pytest.fixture
def verify(command):
    return lambda *options: Verified(command(*options))


def rows(rng, camera, n, days=DAYS):
    """n rows that do not overlap, scattered around the days."""
    at, made = set(), []
    while len(at) < n:
        at.add(dt.datetime(*rng.choice(days)) +
               dt.timedelta(seconds=rng.randint(-100000, 180000)))
    at = sorted(at)
    for a, after in zip(at, at[1:] + [at[-1] + dt.timedelta(days=1)]):
        s = min(rng.choice((10, 60, 300, 900, 3600, 86400)),
                int((after - a).total_seconds()))
        top = rng.choice((3, 40, 1000000))
        r = {"camera_id": camera, "start_at": a,
             "end_at": a + dt.timedelta(seconds=s),
             **{m: rng.choice((None, rng.randint(0, top))) for m in COUNTS},
             "observed_s": rng.choice((s, s, s // 3, 0))}
        if all(r[m] is None for m in COUNTS):
            r["people"] = 0
        made.append(r)
    return made


def fill(db, seed, n):
    """A camera in each zone with n rows, all rolled up."""
    rng = random.Random(seed)
    for z in ZONES:
        db.add(rows(rng, db.camera(z, z), n))
    db.roll_up()


def sizes(db, where="1"):
    return {level: db.one(f"SELECT COUNT(*) FROM stats_{level} WHERE {where}")
            for level in LEVELS}


def label(level, row, zone):
    """A bucket as verify names it."""
    at = row["start_at"]
    if level in ("quarter", "hour", "quarter_partial", "hour_partial"):
        return at.replace(tzinfo=dt.timezone.utc).astimezone(
            zone_info(zone)).isoformat()
    day = next(v for k, v in row.items() if k.endswith("_start")
               or k == "local_date")
    text = {"d": "%Y-%m-%d", "w": "%Y-%m-%d", "m": "%Y-%m", "y": "%Y"}[
        level.removeprefix("weekday_").removeprefix("profile_")[0]]
    text = day.strftime(text)
    if "weekday" in row:
        text += " " + "Mon Tue Wed Thu Fri Sat Sun".split()[row["weekday"] - 1]
    if "local_hour" in row:
        text += f" {row['local_hour']:02}h"
    return text


def bucket(level, row, zone):
    return (f"{level} {zone} {label(level, row, zone)} "
            f"({row['start_at'].isoformat()}Z)")


def test_a_sound_database_has_no_difference(db, verify):
    fill(db, 1, 200)
    # One with several pages of rows, marks and buckets.
    c = db.camera("pages", "Asia/Kathmandu")
    db.run("SET @tally_bulk = 1")
    for table, columns in (("count_record", ", %s + INTERVAL 1 MINUTE, seq"),
                           ("dirty_quarter", "")):
        at = "'2026-01-01' + INTERVAL 15 * seq MINUTE"
        db.run(f"INSERT INTO {table} (camera_id, start_at"
               + (", end_at, people" if columns else "")
               + f") SELECT {c}, {at}{columns.replace('%s', at)} "
               "FROM seq_0_to_12000")
    db.run("SET @tally_bulk = NULL")
    v = verify("--camera", "pages")
    assert v.sound() and v.rows == 12001 and v.cameras == 1
    assert v.pending > 15000 and set(v.compared.values()) == {0}
    db.roll_up()
    db.run("UPDATE camera SET retired_at = UTC_TIMESTAMP() WHERE code = %s",
           ZONES[0])
    v = verify()
    assert v.sound() and v.rows == 13001 and v.cameras == 6
    assert v.pending == 0 and v.compared == sizes(db)
    assert min(v.compared.values()) > 20

    # The wider levels of a camera that moved.
    db.run("UPDATE camera SET tz = 'Asia/Kathmandu' WHERE code IN (%s, %s)",
           "America/St_Johns", "Australia/Lord_Howe")
    v = verify("--camera=America/St_Johns", "--camera", "Asia/Seoul")
    assert v.sound() and v.rows == 400 and v.cameras == 2
    assert v.pending and v.compared == sizes(
        db, "camera_id = (SELECT camera_id FROM camera "
        "WHERE code = 'Asia/Seoul')")
    db.roll_up()
    v = verify()
    assert v.sound() and v.pending == 0 and v.compared == sizes(db)


def test_from_and_to_compare_what_lies_wholly_between(db, verify):
    fill(db, 2, 200)
    # St John's clock goes from Sunday back to Saturday.
    c = db.one("SELECT camera_id FROM camera WHERE code = 'America/St_Johns'")
    for s in (15, 75, 2800):
        at = dt.datetime(2008, 11, 2, 2, 30) + dt.timedelta(seconds=s)
        db.run("INSERT IGNORE INTO count_record (camera_id, start_at, end_at, "
               "people) VALUES (%s, %s, %s, 1)", c, at,
               at + dt.timedelta(seconds=1))
    db.run("DELETE r FROM count_record r JOIN count_record s ON s.camera_id = "
           "r.camera_id AND s.start_at > r.start_at AND s.start_at < r.end_at")
    db.roll_up()
    for day in (1, 2):
        v = verify("--from", f"2008-11-0{day}", "--to", f"2008-11-0{day + 1}")
        assert v.sound() and v.compared["day"] == 5
    v = verify("--from", "2008-11-02", "--to", "2025-11-01")
    assert v.sound()
    want = {}
    for level in LEVELS:
        n = 0
        for r in db.dicts(f"SELECT s.*, c.code FROM stats_{level} s "
                          "JOIN camera c USING (camera_id)"):
            day = r.get("local_date") or local(r["code"], r["start_at"]).date()
            end = local(r["code"], r["end_at"]).date() if "_start" in \
                "".join(r) else day + dt.timedelta(days=1)
            day = next((r[k] for k in r if k.endswith("_start")), day)
            n += dt.date(2008, 11, 2) <= day and end <= dt.date(2025, 11, 1)
        want[level] = n
    assert v.compared == want and min(want.values()) > 4
    assert verify("--from=2025-04-06", "--to=2025-04-07").rows < v.rows
    # What lies outside is not looked at.
    db.run("UPDATE stats_day SET people_sum = people_sum + 1 "
           "WHERE local_date >= '2025-11-01' OR local_date < '2008-11-02'")
    db.run("UPDATE stats_month SET row_n = 0 WHERE month_start = '2008-11-01'")
    assert verify("--from", "2008-11-02", "--to", "2025-11-01").sound()
    assert verify().status == 1


def test_every_damaged_column_of_every_table_is_named(db, verify):
    fill(db, 3, 200)
    zone_of = dict(db.run("SELECT camera_id, code FROM camera"))
    want = set()
    for level in LEVELS:
        table = f"stats_{level}"
        buckets = db.dicts(f"SELECT * FROM {table}")
        columns = [c for c in buckets[0] if c not in KEYS[level]
                   and not c.endswith(("_mean", "_std"))]
        for i, column in enumerate(columns):
            row = buckets[i * 7 % len(buckets)]
            was, now = row[column], (row[column] or 0) + 1 if not isinstance(
                row[column], dt.datetime) else dt.datetime(2001, 2, 3)
            if i % 5 == 4 and column.endswith(("_min", "_new", "car")) \
                    and was is not None:
                now = None
            if column in ("people_sum", "people_new"):  # past any 64-bit sign
                now = 2 ** 64 - 1
            if column == "people_sq" and level.endswith("year"):
                now = 10 ** 24 - 1
            if column == "fold":
                now = 1 - was
            db.run(f"UPDATE {table} SET {column} = %s WHERE "
                   + " AND ".join(f"{k} = %s" for k in KEYS[level]),
                   now, *(row[k] for k in KEYS[level]))
            shown = ["NULL" if x is None else str(x) for x in (now, was)]
            if column.endswith("_at"):
                shown = [f"{x:%Y%m%d%H%M%S}" for x in (now, was)]
            at = row if column != "start_at" else {**row, "start_at": was}
            want.add(f"different {bucket(level, at, zone_of[at['camera_id']])}"
                     f" {column}: stored {shown[0]}, recounted {shown[1]}")
    v = verify("--all")
    assert v.status == 1 and set(v.lines) == want
    assert v.differences == len(v.lines) == len(want) > 250
    v = verify()
    assert v.status == 1 and set(v.lines[:-1]) <= want
    assert len(v.lines) == 101 and v.differences == len(want)
    assert v.lines[-1] == \
        f"{len(want) - 100} more differences; --all prints them"
    # As docs/operations.md says to mend it.
    db.run("INSERT IGNORE INTO dirty_quarter (start_at, camera_id) SELECT "
           "DISTINCT start_at - INTERVAL (TO_SECONDS(start_at) MOD 900) "
           "SECOND, camera_id FROM count_record")
    db.roll_up()
    v = verify()
    assert v.sound() and v.compared == sizes(db)


def test_missing_and_superfluous_buckets_are_named(db, verify):
    fill(db, 4, 60)
    zone_of = dict(db.run("SELECT camera_id, code FROM camera"))
    want, years = set(), dt.timedelta(days=7 * 52 * 20)
    for level in LEVELS:
        table, key = f"stats_{level}", KEYS[level]
        row = db.dicts(f"SELECT * FROM {table} ORDER BY RAND() LIMIT 1")[0]
        n = db.one("SELECT SUM(r.row_n) FROM (" + (
            f"SELECT row_n FROM {table} WHERE " if "row_n" in row else
            f"SELECT GREATEST(people_n, vehicle_n, face_n) AS row_n "
            f"FROM {table} WHERE ")
            + " AND ".join(f"{k} = %s" for k in key) + ") r",
            *(row[k] for k in key))
        db.run(f"DELETE FROM {table} WHERE "
               + " AND ".join(f"{k} = %s" for k in key),
               *(row[k] for k in key))
        line = f"missing {bucket(level, row, zone_of[row['camera_id']])}"
        want.add(f"{line}: not stored, recounted from {n} rows"
                 if "row_n" in row else line)
        for shift in (-years, years):
            other = {k: v + shift if k.endswith(("_start", "_date", "_at"))
                     else v for k, v in row.items()
                     if not k.endswith(("_mean", "_std"))}
            for k in ("month_start", "year_start"):
                if k in other:
                    other[k] = other[k].replace(
                        day=1, **({"month": 1} if k[0] == "y" else {}))
            db.run(f"INSERT INTO {table} ({', '.join(other)}) VALUES "
                   f"({', '.join(['%s'] * len(other))})", *other.values())
            name = bucket(level, other, zone_of[row["camera_id"]])
            want.add(f"superfluous {name}: stored, recounted from no row")
    v = verify()
    # How many rows were partly watched is nowhere else.
    said = {re.sub(r"(partial .*): not stored.*", r"\1", ln)
            for ln in v.lines}
    assert v.status == 1 and said == want
    assert v.differences == 3 * len(LEVELS)


def test_a_mean_that_does_not_follow_from_the_sums_is_named(db, verify):
    fill(db, 5, 30)
    form = ("ALTER TABLE stats_week MODIFY face_mean DOUBLE AS "
            "(face_sum * {} / NULLIF(face_n, 0)) STORED")
    try:
        db.run(form.format("1.000000002e0"))
        v = verify()
        assert v.status == 1 and v.lines
        assert all(re.match(r"different week .* face_mean: stored \d", ln)
                   for ln in v.lines)
        db.run(form.format("1.0000000002e0"))
        assert verify().sound()
    finally:
        db.run(form.format("1e0"))


def test_overlaps_are_named_with_both_rows(db, verify):
    c = db.camera("c", "Asia/Seoul")
    at = dt.datetime(2026, 3, 1)

    def add(*spans):
        db.add([{"camera_id": c, "start_at": at + dt.timedelta(minutes=a),
                 "end_at": at + dt.timedelta(minutes=b), "people": 1}
                for a, b in spans])

    add((0, 5), (5, 10), (20, 30))
    db.roll_up()
    assert verify().sound()
    add((9, 40), (60, 61))
    db.roll_up()
    v = verify()
    assert (v.status, v.differences, v.overlaps) == (1, 0, 2)
    assert v.lines == [
        "overlap c: the row 2026-03-01T00:05:00Z to 2026-03-01T00:10:00Z "
        "reaches into the row 2026-03-01T00:09:00Z to 2026-03-01T00:40:00Z",
        "overlap c: the row 2026-03-01T00:09:00Z to 2026-03-01T00:40:00Z "
        "reaches into the row 2026-03-01T00:20:00Z to 2026-03-01T00:30:00Z"]
    assert verify("--from", "2026-03-02").sound()


def test_what_waits_for_the_next_roll_up_is_not_different(db, verify):
    fill(db, 6, 100)
    c = db.one("SELECT camera_id FROM camera WHERE code = 'America/St_Johns'")
    db.run("DELETE FROM count_record WHERE camera_id = %s "
           "ORDER BY start_at LIMIT 5", c)
    db.run("UPDATE count_record SET people = 7, observed_s = 0 "
           "WHERE camera_id = %s ORDER BY start_at LIMIT 5", c)
    db.add([{"camera_id": c, "start_at": at, "people": 1,
             "end_at": at + dt.timedelta(seconds=20)} for at in
            (dt.datetime(2020, 11, 1), dt.datetime(2008, 11, 2, 2, 30, 50),
             dt.datetime(2008, 11, 2, 2, 31, 10))])
    v = verify()
    assert v.sound() and v.pending > 50
    # Also what a roll-up has claimed.
    db.run("INSERT INTO claimed_quarter (camera_id, start_at, marked_at) "
           "SELECT camera_id, start_at, marked_at FROM dirty_quarter LIMIT 6")
    db.run("DELETE FROM dirty_quarter LIMIT 6")
    # One without a row, now or before, waits for nothing.
    db.run("INSERT INTO dirty_quarter (start_at, camera_id) "
           "VALUES ('2001-01-01', %s)", c)
    w = verify()
    assert w.sound() and w.pending == v.pending
    # What does not wait is still compared.
    db.run("UPDATE stats_day SET row_n = row_n + 1 WHERE camera_id = %s "
           "AND local_date = '2026-03-08'", c)
    db.run("UPDATE stats_day SET row_n = row_n + 1 WHERE camera_id = %s "
           "AND local_date = '2020-11-01'", c)
    v = verify()
    assert (v.status, v.differences) == (1, 1)
    assert "2026-03-08" in v.lines[0]
    # A mark lost is a difference.
    db.run("UPDATE stats_day SET row_n = row_n - 1 WHERE camera_id = %s "
           "AND local_date = '2026-03-08'", c)
    db.run("DELETE FROM dirty_quarter WHERE start_at = '2020-11-01'")
    db.run("DELETE FROM claimed_quarter WHERE start_at = '2020-11-01'")
    assert {ln.split()[0] for ln in verify().lines} == {"missing"}


def test_statistics_of_no_camera_are_named(db, verify):
    fill(db, 7, 5)
    for level in LEVELS:
        row = {k: v for k, v in db.dicts(
            f"SELECT * FROM stats_{level} LIMIT 1")[0].items()
            if not k.endswith(("_mean", "_std"))}
        for camera in (0, 4711, 4294967295):
            row["camera_id"] = camera
            db.run(f"INSERT INTO stats_{level} ({', '.join(row)}) VALUES "
                   f"({', '.join(['%s'] * len(row))})", *row.values())
    v = verify()
    assert v.status == 1 and set(v.lines) == {
        f"superfluous stats_{level}: rows of camera_id {camera}, which is no "
        "camera" for level in LEVELS for camera in (0, 4711, 4294967295)}
    assert verify("--camera", ZONES[0]).sound()


@pytest.fixture
def partitions(db):
    """As set-up left them, afterwards."""
    yield
    db.run("TRUNCATE count_record")
    names = db.one("SELECT GROUP_CONCAT(partition_name) FROM "
                   "information_schema.partitions WHERE table_schema = "
                   "DATABASE() AND table_name = 'count_record' "
                   "AND partition_name <> 'pmax'")
    db.run(f"ALTER TABLE count_record DROP PARTITION {names}")
    db.run("CALL make_partitions()")


def test_where_rows_are_gone_levels_are_held_against_finer_ones(
        db, verify, partitions):
    rng = random.Random(8)
    edge = dt.datetime(2025, 6, 1)
    days = [(edge + dt.timedelta(days=d)).timetuple()[:3]
            for d in (-200, -151, -40, -31, -2, 0, 0, 1, 3, 30, 150)]
    for z in ZONES:
        db.add(rows(rng, db.camera(z, z), 150, days))
    # One whose rows end before.
    db.add(rows(rng, db.camera("ended", "Asia/Kathmandu"), 40,
                [(edge - dt.timedelta(days=5)).timetuple()[:3]]))
    db.roll_up()
    whole = verify()
    assert whole.sound()
    old = [p for (p,) in db.run(
        "SELECT partition_name FROM information_schema.partitions WHERE "
        "table_schema = DATABASE() AND table_name = 'count_record' AND "
        "partition_name <> 'pmax' AND partition_description <= %s",
        f"'{edge.date()}'")]
    db.run(f"ALTER TABLE count_record DROP PARTITION {', '.join(old)}")
    db.roll_up()
    v = verify()
    gone = {level: db.one(f"SELECT COUNT(*) FROM stats_{level} "
                          "WHERE start_at < %s", edge) for level in LEVELS}
    assert v.sound() and v.rows < whole.rows and min(gone.values()) > 9
    assert v.not_compared == gone["quarter"] + gone["quarter_partial"]
    for level in ("quarter", "quarter_partial"):
        whole.compared[level] -= gone[level]
    assert v.compared == whole.compared

    # Each level is still looked at.
    for level in LEVELS:
        if level.startswith("quarter"):
            continue
        top = db.dicts(f"SELECT * FROM stats_{level} WHERE start_at < %s "
                       "ORDER BY start_at DESC LIMIT 1", edge)[0]
        where = " AND ".join(f"{k} = %s" for k in KEYS[level])
        key = [top[k] for k in KEYS[level]]
        db.run(f"UPDATE stats_{level} SET face_sq = face_sq + 1 WHERE {where}",
               *key)
        lines = verify().lines
        assert [ln for ln in lines if ln.startswith(f"different {level} ")
                and f"({top['start_at'].isoformat()}Z) face_sq: " in ln]
        assert {ln.split()[1] for ln in lines} <= {
            lv for lv in LEVELS if lv == level
            or level in ("hour", "day", "month", "weekday_month")}
        db.run(f"UPDATE stats_{level} SET face_sq = face_sq - 1 WHERE {where}",
               *key)

    # Late rows behind the edge, and what waits across it.
    db.add([{"camera_id": c, "start_at": edge + dt.timedelta(minutes=7),
             "end_at": edge + dt.timedelta(minutes=8), "people": 3}
            for (c,) in db.run("SELECT camera_id FROM camera")])
    v = verify()
    assert v.sound() and v.pending > 40
    # Its week and year reach across; all else begins with the new row.
    assert verify("--camera", "ended").pending == 3
    db.roll_up()
    assert verify().sound()

    # Levels let go, too: what nothing is left for is counted.
    db.run("UPDATE retention SET kept_from = '2025-04-30' "
           "WHERE level = 'quarter'")
    db.run("UPDATE retention SET kept_from = '2025-04-01' "
           "WHERE level = 'hour'")
    before = verify("--to", "2025-04-25")
    assert before.sound() and before.compared["hour"] == 0
    assert before.not_compared == sum(
        db.one(f"SELECT COUNT(*) FROM stats_{level} WHERE {where}")
        for level, where in (
            ("day", "local_date < '2025-04-01'"),
            ("profile_month", "month_start < '2025-04-01'"),
            *((level, "local_date BETWEEN '2025-04-01' AND '2025-04-24'")
              for level in ("hour", "hour_partial"))))
    assert before.compared["day"] > 0 and before.compared["week"] > 0


def test_a_run_while_rows_arrive_is_sound(db, verify):
    cameras = [db.camera(z, z) for z in ZONES]
    stop = threading.Event()
    failed = []

    def work(turn):
        c = db.connect()
        try:
            k = 0
            while not stop.is_set():
                turn(c.cursor(), k)
                k += 1
        except pymysql.MySQLError as e:
            failed.append(e)
        finally:
            c.close()

    def write(camera, rng):
        def turn(c, k):
            at = dt.datetime(2026, 3, 7) + dt.timedelta(minutes=20 * k)
            try:
                c.execute("INSERT INTO count_record (camera_id, start_at, "
                          "end_at, people) VALUES (%s, %s, %s, %s)",
                          (camera, at, at + dt.timedelta(minutes=20), k % 50))
                if k % 5 == 4:
                    at -= dt.timedelta(minutes=20 * rng.randint(0, 4))
                    c.execute("UPDATE count_record SET people = 1000 WHERE "
                              "camera_id = %s AND start_at = %s", (camera, at))
                if k % 7 == 6:
                    c.execute("DELETE FROM count_record WHERE camera_id = %s "
                              "AND start_at = %s", (camera, at))
            except pymysql.MySQLError as e:
                if e.args[0] not in (1205, 1213):
                    raise
        return turn

    def roll_up(c, _):
        c.execute("CALL run_minute('worker')")
        while c.nextset():
            pass

    threads = [threading.Thread(target=work, args=(write(
        camera, random.Random(camera)),)) for camera in cameras]
    threads.append(threading.Thread(target=work, args=(roll_up,)))
    for t in threads:
        t.start()
    try:
        runs = [verify() for _ in range(6)]
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not failed
    assert all(v.sound() for v in runs), [v.lines for v in runs]
    assert sum(v.pending for v in runs)
    assert runs[-1].rows > runs[0].rows and any(runs[-1].compared.values())
    db.roll_up()
    v = verify()
    assert v.sound() and v.pending == 0 and v.compared == sizes(db)


@pytest.mark.parametrize("options,status,word", [
    (("--from", "yesterday"), 2, "--from"),
    (("--to", "2026-11-21T00:00:00Z"), 2, "--to"),
    (("--to", "2026-02-30"), 2, "--to"),
    (("--from", "2026-11-21", "--to", "2026-11-21"), 2, "--to"),
    (("--camera", "nowhere"), 2, "nowhere"),
    (("--all=yes",), 2, "--all"),
    (("now",), 2, "now"),
])
def test_a_wrong_command_line_is_one_line(db, command, options, status, word):
    done = command(*options)
    assert done.returncode == status and done.stdout == ""
    assert done.stderr.count("\n") == 1 and word in done.stderr


def test_no_database_is_status_3(db, command, tmp_path):
    done = subprocess.run(
        [ROOT / BUILD / "tally", "--set", f"database.socket={tmp_path}/no",
         "verify"], capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 3 and done.stdout == ""
