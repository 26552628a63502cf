# SPDX-License-Identifier: MIT
"""What is kept, and for how long: partitions, retention, rows too old."""
import ctypes
import datetime as dt
import os
import random
import tempfile

import pymysql
import pytest

from sqlbase import (COUNTS, LEVELS, check_levels, local, raw_rows, recount,
                     utc_now)

DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)
ZONES = ("Asia/Seoul", "Asia/Kathmandu", "America/New_York",
         "Australia/Lord_Howe")
# A new year at least a month ago: weeks, months and years lie across it.
EDGE = dt.datetime((utc_now() - 31 * DAY).year, 1, 1)
INSERT = ("INSERT INTO count_record (camera_id, start_at, end_at, people) "
          "VALUES (%s, %s, %s, %s)")
PARTITIONS = ("FROM information_schema.partitions WHERE table_schema = "
              "DATABASE() AND table_name = 'count_record' ")


@pytest.fixture
def db(db):
    """Settings and partitions as after set-up, too."""
    yield db
    db.run("UPDATE setting SET value = 'off' WHERE name LIKE 'keep%%'")
    db.run("TRUNCATE count_record")
    names = partitions(db)
    if names[0] != "p_first":  # as set-up left it: pmax alone
        db.run(f"ALTER TABLE count_record DROP PARTITION "
               f"{', '.join(names[:-1])}")
        db.run("CALL make_partitions()")


def today():
    """Not a constant: the tests may run across midnight."""
    return dt.datetime.combine(utc_now().date(), dt.time())


def days_since(day):
    return (today() - day).days


def partitions(db):
    return [n for (n,) in db.run("SELECT partition_name " + PARTITIONS
                                 + "ORDER BY partition_ordinal_position")]


def keep(db, **days):
    """What the settings say: keep(db, raw=90)."""
    for name, n in days.items():
        db.run("UPDATE setting SET value = %s WHERE name = %s", n,
               f"keep_{name}_days")


def bounds(db):
    return dict(db.run("SELECT level, kept_from FROM retention"))


def daily(db):
    """A day's first run; the retention it did, as a row of job_run."""
    db.run("TRUNCATE job_run")
    db.run("UPDATE job_state SET daily_on = NULL, error_at = NULL")
    db.run("CALL run_minute('worker')")
    runs = db.dicts("SELECT * FROM job_run WHERE job = 'retention'")
    return runs[0] if runs else None


def some_rows(rng, cam, first, last, n):
    """n rows of a camera that begin in [first, last), not overlapping."""
    rows = []
    span = int((last - first).total_seconds()) // 300
    for i in rng.sample(range(span), n):
        at = first + dt.timedelta(seconds=300 * i)
        r = dict.fromkeys(COUNTS)
        r.update(camera_id=cam, start_at=at, end_at=at + 5 * MINUTE,
                 observed_s=rng.choice((300, 300, 100)),
                 people=rng.randint(0, 50))
        if rng.random() < 0.5:
            r.update(vehicle=rng.randint(0, 9), people_new=rng.randint(0, 9))
        rows.append(r)
    return rows


def fill(db, rng, first=EDGE - 100 * DAY, last=EDGE + 31 * DAY):
    """Cameras of several zones with rows over months, most of them about
    EDGE; all counted.  {camera: zone} and the rows."""
    zone_of = {db.camera(f"c{i}", z): z for i, z in enumerate(ZONES)}
    rows = {}
    for cam in zone_of:
        for r in (some_rows(rng, cam, first, last, 100)
                  + some_rows(rng, cam, EDGE - 35 * DAY, EDGE, 200)
                  + some_rows(rng, cam, EDGE - 2 * DAY, EDGE + 2 * DAY, 100)):
            rows[cam, r["start_at"]] = r
    db.add(rows.values())
    db.roll_up()
    return zone_of, rows


def levels(db):
    return {level: db.run(f"SELECT * FROM stats_{level} ORDER BY 1, 2, 3, 4")
            for level in (*LEVELS, "quarter_partial", "hour_partial")}


def change(db, rng, zone_of, rows, first, last):
    """Late, corrected and deleted rows that begin in [first, last)."""
    for cam in zone_of:
        new = [r for r in some_rows(rng, cam, first, last, 40)
               if (cam, r["start_at"]) not in rows]
        db.add(new)
        rows.update({(cam, r["start_at"]): r for r in new})
        old = [k for k in rows if k[0] == cam and first <= k[1] < last]
        for k in rng.sample(old, 10):
            rows[k]["people"] = rng.randint(100, 200)
            db.run("UPDATE count_record SET people = %s WHERE camera_id = %s "
                   "AND start_at = %s", rows[k]["people"], *k)
        for k in rng.sample(old, 10):
            del rows[k]
            db.run("DELETE FROM count_record WHERE camera_id = %s "
                   "AND start_at = %s", *k)


def test_partitions_go_and_what_was_counted_stays(db, tmp_path):
    rng = random.Random(1)
    zone_of, rows = fill(db, rng)
    was = levels(db)
    assert len(was["hour"]) > 500
    run = daily(db)
    assert run is None and partitions(db)[0] == "p_first"

    keep(db, raw=days_since(EDGE))
    run = daily(db)
    assert run["state"] == "ok" and "p_first, " in run["message"]
    assert partitions(db)[0] == EDGE.strftime("p%Y_%m")
    assert db.one("SELECT MIN(start_at) FROM count_record") >= EDGE
    assert bounds(db)["raw"] == EDGE
    assert bounds(db)["quarter"].year == 1000
    assert levels(db) == was
    assert daily(db) is None and levels(db) == was

    # Nothing can be written there any more, by no way.
    cam, old = next(iter(zone_of)), EDGE - DAY
    (kept,) = rng.sample([k for k in rows if k[1] > EDGE], 1)
    file = tmp_path / "rows.csv"
    file.write_text(f"{cam},{old},{old + 5 * MINUTE},1\n")
    load = (f"INFILE '{file}' %s INTO TABLE count_record FIELDS TERMINATED "
            "BY ',' (camera_id, start_at, end_at, people)")
    for query in (INSERT % (cam, f"'{old}'", f"'{old + 5 * MINUTE}'", 1),
                  (INSERT % (cam, f"'{old}'", f"'{old + 5 * MINUTE}'", 1)
                   ).replace("INSERT", "INSERT IGNORE"),
                  "LOAD DATA LOCAL " + load % "", "LOAD DATA LOCAL "
                  + load % "IGNORE",
                  f"UPDATE count_record SET start_at = '{old}', end_at = "
                  f"'{old + 5 * MINUTE}' WHERE "
                  f"camera_id = {kept[0]} AND start_at = '{kept[1]}'"):
        said = db.fails(query)
        assert said == (f"start_at {old} is before {EDGE}: rows that old are "
                        "not kept"), query
    db.run("CALL run_minute('worker')")
    assert levels(db) == was

    # What may still change is exact, in the weeks and years across the edge.
    change(db, rng, zone_of, rows, EDGE, EDGE + 3 * DAY)
    db.roll_up()
    check_levels(db, zone_of, rows.values())

    # A mark that has no business there does no harm.
    db.run("INSERT IGNORE INTO dirty_quarter (start_at, camera_id) SELECT "
           "start_at, camera_id FROM stats_quarter WHERE start_at < %s",
           EDGE + DAY)
    db.roll_up()
    check_levels(db, zone_of, rows.values())

    # Another zone: all above the quarter hours is counted anew from them.
    for cam, zone in zip(zone_of, reversed(ZONES)):
        db.run("UPDATE camera SET tz = %s WHERE camera_id = %s", zone, cam)
        zone_of[cam] = zone
    db.roll_up()
    check_levels(db, zone_of, rows.values())

    # References know the days that have no rows any more.
    for cam in zone_of:
        n = db.one("SELECT people_n FROM reference_value WHERE camera_id = %s "
                   "AND people_basis <> 'hour_of_week' LIMIT 1", cam)
        year = max(local(zone_of[cam], k[1]) for k in rows
                   if k[0] == cam).year
        assert n == sum(local(zone_of[cam], k[1]).year == year
                        and 2 * r["observed_s"] >= 300
                        for k, r in rows.items() if k[0] == cam)


def check_kept(db, zone_of, rows):
    """Each level has its buckets from its bound on, and they are right."""
    want, since = recount(rows.values(), zone_of), bounds(db)
    for level, names in LEVELS.items():
        got = {tuple(r[n] for n in names): r
               for r in db.dicts(f"SELECT * FROM stats_{level}")}
        first = since[level] if level == "quarter" else since[level].date()
        assert set(got) == {k for k in want[level] if k[1] >= first}, level
        for key, row in got.items():
            for name, value in want[level][key].exact().items():
                assert row[name] == value, (level, key, name)


def test_each_level_is_kept_as_long_as_something_needs_it(db):
    rng = random.Random(2)
    zone_of, rows = fill(db, rng, first=EDGE - 500 * DAY)
    # All settings at one day: what is left is what raw rows need.
    keep(db, quarter=1, hour=1, profile=1, day=1, week=1, month=1, year=1)
    assert daily(db) is None  # as long as those are there
    year = EDGE.replace(year=EDGE.year - 1)
    for raw, quarter, hour, day in (
            (dt.datetime(year.year, 10, 1), dt.datetime(year.year, 9, 30),
             dt.datetime(year.year, 9, 1), dt.datetime(year.year, 8, 25)),
            (EDGE, EDGE - DAY, dt.datetime(year.year, 12, 1),
             dt.datetime(year.year, 11, 24))):
        keep(db, raw=days_since(raw))
        assert daily(db)["buckets"] > 100
        assert bounds(db) == {
            "raw": raw, "quarter": quarter, "hour": hour, "day": day,
            "profile_month": hour, "week": day - day.weekday() * DAY,
            "month": year, "weekday_month": year, "year": year,
            "weekday_year": year}
        check_kept(db, zone_of, rows)
        change(db, rng, zone_of, rows, raw, raw + 3 * DAY)
        db.roll_up()
        check_kept(db, zone_of, rows)
    keep(db, raw=3000, quarter=3000)
    assert daily(db) is None and bounds(db)["raw"] == EDGE

    # What is gone cannot be counted in another zone, what is there can.
    cam, old = next(iter(zone_of.items()))
    new = db.camera("new", "Asia/Seoul")
    db.add(some_rows(rng, new, EDGE + 2 * DAY, EDGE + 9 * DAY, 20))
    db.roll_up()
    assert "camera c0 cannot move to another time zone" in db.fails(
        "UPDATE camera SET tz = 'UTC' WHERE camera_id = %s", cam)
    db.run("UPDATE camera SET tz = 'UTC' WHERE camera_id = %s", new)
    db.roll_up()
    rows.update({(new, r["start_at"]): r for r in raw_rows(db)
                 if r["camera_id"] == new})
    check_kept(db, {**zone_of, new: "UTC"}, rows)

    # Nor is it deleted with its camera by mistake.
    db.run("DELETE FROM count_record WHERE camera_id IN (%s, %s)", cam, new)
    db.roll_up()
    assert "the camera has statistics" in db.fails(
        "DELETE FROM camera WHERE camera_id = %s", cam)
    db.run("DELETE FROM camera WHERE camera_id = %s", new)


def test_a_quarter_hour_without_rows_is_not_cut_in_two(db):
    # St John's put its clock back at 00:01, 02:31 UTC, inside of one.
    change = dt.datetime(2010, 11, 7, 2, 31)
    john, utc, later = (db.camera(c, z) for c, z in (
        ("john", "America/St_Johns"), ("utc", "UTC"), ("later", "UTC")))
    for cam, at in ((john, change - MINUTE), (john, change), (utc, change),
                    (later, change + 60 * MINUTE)):
        db.run(INSERT, cam, at, at + MINUTE, 1)
    db.roll_up()
    zone_of = {john: "America/St_Johns", utc: "UTC", later: "UTC"}
    rows = raw_rows(db)
    assert check_levels(db, zone_of)["quarter"] == 4
    keep(db, raw=days_since(EDGE))
    assert daily(db)["state"] == "ok"
    move = "UPDATE camera SET tz = %s WHERE camera_id = %s"
    for code, cam, tz in (("john", john, "UTC"),
                          ("utc", utc, "America/St_Johns")):
        assert f"camera {code} cannot move" in db.fails(move, tz, cam)
    db.zone("Asia/Seoul")
    for cam, tz in ((utc, "Asia/Seoul"), (later, "America/St_Johns")):
        db.run(move, tz, cam)
        zone_of[cam] = tz
    db.roll_up()
    check_levels(db, zone_of, rows)


def test_partitions_dropped_by_hand_are_noticed(db):
    rng = random.Random(3)
    zone_of, rows = fill(db, rng)
    was = levels(db)
    cam = next(iter(zone_of))
    # Rows that were never counted, in quarter hours that were.
    for c, at in [k for k in rows if k[0] == cam and k[1] < EDGE][:5]:
        db.run(INSERT, c, at + dt.timedelta(seconds=1), at + MINUTE, 1)
    db.run("ALTER TABLE count_record DROP PARTITION " + ", ".join(
        p for p in partitions(db)
        if p < EDGE.strftime("p%Y_%m") or p == "p_first"))
    db.run("CALL run_minute('worker')")
    assert bounds(db)["raw"] == EDGE
    assert levels(db) == was
    assert "are not kept" in db.fails(INSERT, cam, EDGE - MINUTE, EDGE, 1)
    change(db, rng, zone_of, rows, EDGE, EDGE + DAY)
    db.roll_up()
    check_levels(db, zone_of, rows.values())


def test_detection_records_go_to_the_day(db):
    cam = db.camera("c", "Asia/Seoul")
    ages = (400, 40, 5, 3, 1, 0)
    add = ("INSERT INTO detection_record (camera_id, at, frame) "
           "VALUES (%s, %s, %s)")
    for age in ages:
        db.run(add, cam, today() - age * DAY, age)
    assert daily(db) is None
    keep(db, record=3)
    run = daily(db)
    assert run["state"] == "ok" and run["buckets"] <= 3
    assert "dropped of detection_record " in run["message"]
    assert "p_first" in run["message"]
    left = "SELECT frame FROM detection_record ORDER BY at"
    assert db.run(left) == [(3,), (1,), (0,)]
    # A late one goes with the next run; a camera that has some stays.
    db.run(add, cam, today() - 50 * DAY, 50)
    assert daily(db)["buckets"] == 1
    assert db.run(left) == [(3,), (1,), (0,)]
    assert "the camera has detection records" in db.fails(
        "DELETE FROM camera WHERE camera_id = %s", cam)


def test_who_is_in_the_way_puts_it_off_and_that_shows(db):
    cam = db.camera("c", "Asia/Seoul")
    old, new = EDGE - 10 * DAY, EDGE + 10 * DAY
    for at in (old, new):
        db.run(INSERT, cam, at, at + MINUTE, 1)
    keep(db, raw=days_since(EDGE))
    other = db.connect()
    other.begin()
    other.cursor().execute(INSERT, (cam, new + DAY, new + DAY + MINUTE, 1))
    assert daily(db)["state"] == "failed"
    assert bounds(db)["raw"].year == 1000
    assert "timeout" in db.one("SELECT retention_error FROM health")
    # Not again before ten minutes are over.
    db.run("CALL run_minute('worker')")
    assert db.one("SELECT COUNT(*) FROM job_run WHERE job = 'retention'") == 1

    # Who only reads lets the bound move, not the rows go.
    other.commit()
    other.begin()
    other.cursor().execute("SELECT 1 FROM count_record")
    assert daily(db)["error_no"] == 1205
    assert bounds(db)["raw"] == EDGE and partitions(db)[0] == "p_first"
    for query in ("DELETE FROM count_record WHERE start_at = %s",
                  "UPDATE count_record SET people = 2 WHERE start_at = %s"):
        assert "are not kept" in db.fails(query, old)
    other.close()
    assert daily(db)["state"] == "ok" and partitions(db)[0] != "p_first"
    assert db.one("SELECT retention_error FROM health") is None
    db.roll_up()
    assert db.one("SELECT SUM(row_n) FROM stats_month") == 3

    # Quarter hours that nobody has counted yet keep their rows.
    later = EDGE + 31 * DAY
    db.run(INSERT, cam, EDGE, EDGE + MINUTE, 1)
    db.run("DO GET_LOCK(roll_up_lock(), 0)")
    db.run("CALL keep_raw(%s, @dropped, @done)", later)
    db.run("DO RELEASE_LOCK(roll_up_lock())")
    assert db.run("SELECT @dropped, @done") == [(None, 0)]
    assert bounds(db)["raw"] == later
    assert partitions(db)[0] == EDGE.strftime("p%Y_%m")
    keep(db, raw=days_since(later))
    assert daily(db)["state"] == "ok"
    assert partitions(db)[0] == later.strftime("p%Y_%m")
    assert db.one("SELECT SUM(row_n) FROM stats_month") == 4


def test_outliers_are_kept_by_their_own_setting(db):
    cam = db.camera("c", "Asia/Seoul")
    for table, metric in (("outlier_backup", "exceeded"),
                          ("outlier_low", "below")):
        for at in (today() - 11 * DAY, today() - 9 * DAY):
            db.run(f"INSERT INTO {table} (camera_id, start_at, end_at, "
                   f"observed_s, {metric}, k) VALUES (%s, %s, %s, 60, "
                   "'people', 1.5)", cam, at, at + MINUTE)
    keep(db, outlier=10)
    assert daily(db)["buckets"] == 2
    assert db.run("SELECT side, start_at FROM outlier ORDER BY side") == [
        ("high", today() - 9 * DAY), ("low", today() - 9 * DAY)]


# ---- partitions

def test_a_row_outside_every_partition_does_not_vanish(db, tmp_path):
    cam = db.camera("c", "Asia/Seoul")
    last = db.one("SELECT MAX(day_utc) FROM calendar_offset")
    beyond = dt.datetime.combine(last, dt.time())
    before = dt.datetime(2000, 1, 1)
    for at in (before, beyond):
        db.run(INSERT, cam, at, at + MINUTE, 1)
    for name, at in (("p_first", before), ("pmax", beyond)):
        assert db.one("SELECT start_at FROM count_record PARTITION "
                      f"({name})") == at
    assert db.one("SELECT beyond FROM health") == 1
    db.roll_up()
    check_levels(db, {cam: "Asia/Seoul"})

    # Where no calendar tells its day it is refused by name, IGNORE or not.
    at = beyond + 2 * DAY
    file = tmp_path / "rows.csv"
    file.write_text(f"{cam},{at},{at + MINUTE},1\n")
    for query in (INSERT % (cam, f"'{at}'", f"'{at + MINUTE}'", 1),
                  (INSERT % (cam, f"'{at}'", f"'{at + MINUTE}'", 1)
                   ).replace("INSERT", "INSERT IGNORE"),
                  f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE count_record "
                  "FIELDS TERMINATED BY ',' (camera_id, start_at, end_at, "
                  "people)"):
        assert db.fails(query) == (f"start_at {at} is outside the calendar of "
                                   f"camera {cam}"), query


# ---- page compression

def compressed(db):
    return {n for (n,) in db.run("SELECT partition_name " + PARTITIONS
                                 + "AND partition_comment = "
                                 "'page_compressed'")}


def test_pages_are_compressed_where_that_takes_no_time(db):
    db.run("ALTER TABLE count_record DROP PARTITION " + ", ".join(
        partitions(db)[1:-4]))
    cam = db.camera("c", "Asia/Seoul")
    db.run("INSERT INTO count_record (camera_id, start_at, end_at, people) "
           "SELECT %s, '2026-01-01' + INTERVAL seq SECOND, '2026-01-01' + "
           "INTERVAL seq + 1 SECOND, 1 FROM seq_1_to_3000", cam)
    db.run("ALTER TABLE count_record ANALYZE PARTITION ALL")
    holds = db.run("SELECT partition_name, data_length " + PARTITIONS)
    big = max(holds, key=lambda p: p[1])[0]
    small = {p for p, _ in holds} - {big}
    was = raw_rows(db)
    db.run("CALL compress_pages(TRUE, 30000)")
    assert compressed(db) == small
    db.run("CALL compress_pages(TRUE, 1000000000)")
    assert compressed(db) == small | {big} and raw_rows(db) == was
    assert db.one("SELECT COUNT(*) FROM information_schema.tables WHERE "
                  "table_schema = DATABASE() AND create_options LIKE "
                  "'%%page_compressed%%'") == 3
    # The option is the server's, not only our note of it.
    assert db.run("SHOW CREATE TABLE count_record")[0][1].count(
        "PAGE_COMPRESSED = 1") == len(holds)
    # New months follow.
    db.run("ALTER TABLE count_record DROP PARTITION " + ", ".join(
        partitions(db)[-3:-1]))
    db.run("CALL make_partitions()")
    assert compressed(db) == set(partitions(db)) > small
    db.run("CALL compress_pages(FALSE, 1000000000)")
    assert compressed(db) == set() and raw_rows(db) == was
    assert "PAGE_COMPRESSED" not in db.run(
        "SHOW CREATE TABLE count_record")[0][1]


def punches_holes(folder):
    """Does the file system there take a hole out of a file?"""
    with tempfile.NamedTemporaryFile(dir=folder) as f:
        f.write(b"x" * 65536)
        f.flush()
        os.fsync(f.fileno())
        keep_size, punch_hole = 1, 2
        return ctypes.CDLL(None).fallocate(
            f.fileno(), keep_size | punch_hole, ctypes.c_long(0),
            ctypes.c_long(32768)) == 0


def test_migrate_finds_out_what_the_file_system_can(tally):
    want = punches_holes(os.path.join(tally.state, "mysql"))
    found = {c for (c,) in tally.sql("SELECT DISTINCT partition_comment "
                                     + PARTITIONS)}
    assert found == {"page_compressed" if want else ""}
    said = tally.run_tally("doctor").stdout
    assert ("stored page-compressed" in said) == want


# ---- the programs

def test_settings_are_set_and_wrong_ones_refused(tally):
    for name, value, wrong in (
            ("keep_raw_days", "0", "is off, or a whole number of days"),
            ("keep_year_days", "1.5", "is off, or a whole number of days"),
            ("keep_hour_days", "ever", "is off, or a whole number of days"),
            ("job_run_days", "off", "is a whole number from 1 to 36500"),
            ("alert_z", "x", "is a number from 0 to 100"),
            ("page_compression", "yes", "is auto, on or off"),
            ("keep_everything", "1", "there is no setting")):
        done = tally.run_tally("setting", "set", name, value, check=False)
        assert done.returncode == 1 and wrong in done.stderr, name
        assert len(done.stderr.splitlines()) == 1
    tally.run_tally("setting", "set", "keep_outlier_days", "36500")
    assert "keep_outlier_days\t36500\t\n" in tally.run_tally(
        "setting", "list").stdout
    tally.run_tally("setting", "set", "keep_outlier_days", "off")
    # At the prompt, too.
    with pytest.raises(pymysql.MySQLError, match="is off, or a whole number"):
        tally.sql("UPDATE setting SET value = '-1' "
                  "WHERE name = 'keep_raw_days'")


def test_the_api_refuses_rows_that_are_too_old(tally):
    def row(day, people=1):
        return {"camera": "growth", "start_at": f"2004-05-{day:02}T00:00:00Z",
                "end_at": f"2004-05-{day:02}T00:01:00Z", "people": people}

    def post(body, query=""):
        return tally.json("POST", "/api/v1/counts" + query, tally.ingest_token,
                          body)

    too_old = {"line": 1, "field": "start_at", "type": "too_old",
               "detail": "start_at is before 2004-05-10T00:00:00Z: rows that "
                         "old are not kept"}
    assert post([row(5), row(15)])[0] == 200
    tally.sql("UPDATE retention SET kept_from = '2004-05-10' "
              "WHERE level = 'raw'")
    try:
        # Twice: first the committer must notice, then it knows.
        for _ in range(2):
            status, reply = post(row(9))
            assert (status, reply["errors"]) == (422, [too_old])
        status, reply = post([row(8), row(11)])
        assert (status, reply["inserted"], reply["errors"]) == (
            422, 0, [too_old])
        status, reply = post([row(8), row(11)], "?partial=true")
        assert (status, reply["inserted"], reply["errors"]) == (
            200, 1, [too_old])
        assert post(row(11))[1]["duplicate"] == 1
        # A stored one that is about to go, as it is or with other values.
        for people in (1, 2):
            status, reply = post(row(5, people), "?on_conflict=replace")
            assert (status, reply["errors"]) == (422, [too_old])
        assert post(row(15, 2), "?on_conflict=replace")[1]["replaced"] == 1
        # The bound moves while the committer has another in mind.
        tally.sql("UPDATE retention SET kept_from = '2004-05-12' "
                  "WHERE level = 'raw'")
        status, reply = post(row(11, 3), "?on_conflict=replace")
        assert status == 422 and reply["errors"][0]["type"] == "too_old"
        checks = tally.health()["checks"]
        assert checks["partitions"]["kept_from"] == "2004-05-12T00:00:00Z"
    finally:
        tally.sql("UPDATE retention SET kept_from = DEFAULT")
        assert post(row(20))[0] == 200
        # And a bound that is set back, by the next commit.
        assert post(row(6))[0] == 200

    # A camera whose rows were let go is not new.
    assert tally.json("POST", "/api/v1/jobs/roll_up",
                      tally.admin_token)[0] == 200
    ((cam,),) = tally.sql("SELECT camera_id FROM camera "
                          "WHERE code = 'growth'")
    with tally.db() as c, c.cursor() as cursor:
        cursor.execute("SET @tally_removed = %s", cam)  # no trigger, no mark
        cursor.execute("DELETE FROM count_record WHERE camera_id = %s", cam)
    items = tally.json("GET", "/api/v1/cameras", tally.read_token)[1]["items"]
    (known,) = [i for i in items if i["camera"] == "growth"]
    assert (known["state"], known["last_seen"][:10]) == ("silent",
                                                        "2004-05-20")
    tally.sql("CALL remove_camera(%s, 10)", cam)
