# SPDX-License-Identifier: MIT
"""The outlier rule: whose reference a row is held against, and what follows."""
import datetime as dt
import math
import random
import threading
import time

import pymysql
import pytest

from sqlbase import (check_references, local, outliers_left_out,
                     raw_rows, utc_now)

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
SEOUL = "Asia/Seoul"


def rec(camera, at, length=3600, **counts):
    return {"camera_id": camera, "start_at": at,
            "end_at": at + dt.timedelta(seconds=length), **counts}


def today(zone):
    """Midnight of the zone's day, as it shows there."""
    return local(zone, utc_now()).replace(hour=0, minute=0, second=0)


def utc(zone, wall):
    """Good enough where the clock does not change near by."""
    return wall - (local(zone, wall) - wall)


def weeks(rng, camera, zone, n, **more):
    """n weeks of hourly rows before today."""
    end = utc(zone, today(zone))
    return [rec(camera, end - h * HOUR, people=rng.randint(10, 20),
                **{k: f(rng) for k, f in more.items()})
            for h in range(n * 168, 0, -1)]


@pytest.fixture
def steady(db):
    """A camera whose reference is 15 + 1.5 * 5 people at every hour."""
    c = db.camera("steady", SEOUL)
    end = utc(SEOUL, today(SEOUL))
    db.add([rec(c, end - h * HOUR, people=10 + 10 * (h // 168 % 2),
                face=3) for h in range(4 * 168, 0, -1)])
    db.roll_up()
    assert db.run("SELECT DISTINCT people_reference, people_low, face_std, "
                  "face_low, vehicle_n FROM reference_value") == [
        (22.5, -5.0, 0.0, None, None)]
    return c


@pytest.mark.parametrize("zone", (SEOUL, "Australia/Lord_Howe",
                                  "America/St_Johns"))
def test_references_follow_the_rule_per_metric_and_hour(db, zone):
    rng = random.Random(zone)
    c = db.camera(zone, zone)
    db.add(weeks(rng, c, zone, 2))
    end = utc(zone, today(zone)) - 2 * 168 * HOUR
    db.add([rec(c, end - h * HOUR, people=rng.randint(0, 9),
                vehicle=rng.randint(0, 99) if h < 400 else None,
                face=2 if h < 20 else None,
                observed_s=rng.choice((3600, 3600, 3600, 1799)))
            for h in range(8 * 168, 0, -1) if rng.random() < 0.7])
    db.add([rec(c, utc_now(), 10, people=1000000)])
    db.roll_up()
    assert check_references(db, c, zone) >= {
        ("people", "hour_of_week"), ("vehicle", "year"), ("face", None)}


def test_the_widest_level_with_thirty_rows_is_taken(db):
    # All in Seoul.  New Year's Eve 2024 was a Tuesday: a week in two years.
    def camera(code, days):
        c = db.camera(code, SEOUL)
        rng = random.Random(code)
        db.add([rec(c, utc(SEOUL, dt.datetime(*d)) +
                    dt.timedelta(minutes=10 * i), 600,
                    people=rng.randint(0, 50))
                for d, n in days for i in range(n)])
        return c

    bases = {
        "year": camera("year", [((2024, 1, 5), 15), ((2024, 11, 5), 15)]),
        "week": camera("week", [((2024, 12, 30), 20), ((2025, 1, 1), 10)]),
        None: camera("few", [((2024, 12, 1), 20), ((2025, 1, 1), 29)]),
    }
    empty = camera("empty", [])
    db.roll_up()
    for basis, c in bases.items():
        assert {b for m, b in check_references(db, c, SEOUL)
                if m == "people"} == {basis}
    assert db.run("SELECT found FROM reference_camera WHERE camera_id = %s",
                  empty) == [("",)]


def test_nothing_is_above_before_there_is_a_reference(db):
    c = db.camera("c", SEOUL)
    at = utc(SEOUL, today(SEOUL) - 3 * DAY)
    db.add([rec(c, at + i * dt.timedelta(minutes=1), 60, people=5 + i % 2)
            for i in range(29)])
    db.roll_up()
    db.add([rec(c, utc_now(), 60, people=1000000)])
    assert db.run("SELECT * FROM outlier") == []
    # One more row of the past, and the next run finds enough.
    db.add([rec(c, at + HOUR, 60, people=5)])
    db.run("CALL run_minute('worker')")
    assert db.run("SELECT DISTINCT people_n, people_basis FROM reference_value"
                  ) == [(30, "year")]
    db.add([rec(c, utc_now() - DAY, 60, people=7)])
    (o,) = db.dicts("SELECT * FROM outlier_backup")
    assert (o["people"], o["exceeded"], o["people_basis"], o["people_n"],
            o["k"], o["state"]) == (7, "people", "year", 30, 1.5, "open")


def test_a_reference_once_there_waits_for_the_next_day(db, steady):
    before = db.run("SELECT * FROM reference_value")
    at = utc(SEOUL, today(SEOUL) - 100 * DAY)
    db.add([rec(steady, at + i * HOUR, people=99) for i in range(50)])
    db.run("CALL run_minute('worker')")
    assert db.run("SELECT * FROM reference_value") == before
    db.run("UPDATE reference_camera SET local_date = local_date "
           "- INTERVAL 1 DAY")
    db.run("CALL run_minute('worker')")
    assert db.run("SELECT * FROM reference_value") != before
    assert db.one("SELECT local_date FROM reference_camera") == \
        today(SEOUL).date()


def test_a_row_above_is_copied_with_what_it_was_held_against(db, steady):
    at = utc_now()
    db.add([dict(rec(steady, at, 60, people=25, vehicle=9, face=3),
                 people_new=4, car=2, observed_s=20)])
    (o,) = db.dicts("SELECT * FROM outlier_backup")
    assert (o["camera_id"], o["start_at"], o["people"], o["vehicle"],
            o["face"], o["people_new"], o["car"], o["observed_s"]) == (
                steady, at, 25, 9, 3, 4, 2, 20)
    assert (o["exceeded"], o["k"], o["z"]) == ("people", 1.5, 2.0)
    assert (o["people_reference"], o["people_basis"], o["people_n"],
            o["people_mean"], o["people_std"], o["people_z"]) == (
                22.5, "hour_of_week", 4, 15.0, 5.0, 2.0)
    assert (o["face_reference"], o["face_std"], o["face_z"]) == (3, 0, None)
    assert o["vehicle_reference"] is None and o["state"] == "open"
    assert db.run("SELECT * FROM outlier_low") == []


def test_the_reference_itself_is_not_above_it(db, steady):
    db.add([rec(steady, utc_now(), 60, people=22, face=3)])
    assert db.run("SELECT * FROM outlier") == []
    db.run("UPDATE count_record SET people = 23, face = 4 "
           "WHERE camera_id = %s ORDER BY start_at DESC LIMIT 1", steady)
    assert db.run("SELECT exceeded, z, face_z FROM outlier_backup") == [
        ("people,face", 1.6, None)]


def test_far_below_is_kept_apart_from_rows_above(db):
    c = db.camera("c", SEOUL)
    end = utc(SEOUL, today(SEOUL))
    db.add([rec(c, end - h * HOUR, people=1000 + 10 * (h // 168 % 2),
                vehicle=5) for h in range(4 * 168, 0, -1)])
    db.roll_up()
    now = utc_now()
    db.add([rec(c, now - 2 * DAY, 60, people=985, vehicle=5),
            rec(c, now - 3 * DAY, 60, people=986, vehicle=5),
            rec(c, now - 4 * DAY, 60, people=0, vehicle=6)])
    assert db.run("SELECT start_at, below, z FROM outlier_low "
                  "ORDER BY start_at") == [
        (now - 4 * DAY, "people", -201.0), (now - 2 * DAY, "people", -4.0)]
    assert db.run("SELECT start_at, exceeded, z FROM outlier_backup") == [
        (now - 4 * DAY, "vehicle", None)]
    db.run("UPDATE count_record SET people = 1000 WHERE start_at = %s",
           now - 2 * DAY)
    assert db.one("SELECT state FROM outlier_low WHERE start_at = %s",
                  now - 2 * DAY) == "withdrawn"


def test_later_references_leave_past_outliers_as_they_were(db, steady):
    db.add([rec(steady, utc_now() - DAY, 60, people=30)])
    before = db.run("SELECT * FROM outlier_backup")
    at = utc(SEOUL, today(SEOUL) - 60 * DAY)
    db.add([rec(steady, at + i * HOUR, people=500) for i in range(24 * 30)])
    db.roll_up()
    assert db.one("SELECT MIN(people_reference) FROM reference_value") > 30
    assert db.run("SELECT * FROM outlier_backup WHERE people = 30") == before


# ---- outliers left out of references

@pytest.fixture
def setting(db):
    """Sets reference_outliers; puts it back at the end."""
    def put(value):
        db.run("UPDATE setting SET value = %s "
               "WHERE name = 'reference_outliers'", value)

    yield put
    put("with")


def judged(db, zone):
    """A camera with weeks that were judged as they came; its id."""
    rng = random.Random(zone)
    c = db.camera(zone, zone)
    end = utc(zone, today(zone))
    for first, last in ((6 * 168, 4 * 168), (4 * 168, 2 * 168), (2 * 168, 0)):
        db.add([rec(c, end - h * HOUR,
                    people=rng.choice((9, 10, 11) * 8 + (0, 13, 40)),
                    vehicle=rng.choice((None, 1, 1, 2, 9)), face=0,
                    observed_s=rng.choice((3600, 3600, 3600, 1700)))
                for h in range(first, last, -1)])
        db.roll_up()
    for table in ("outlier_backup", "outlier_low"):
        for state in ("dismissed", "confirmed"):
            db.run(f"UPDATE {table} SET state = %s WHERE state = 'open' "
                   "ORDER BY MOD(outlier_id, 7), start_at LIMIT 9", state)
    db.run("UPDATE count_record SET people = 10 WHERE people = 40 "
           "ORDER BY start_at DESC LIMIT 5")
    assert db.one("SELECT COUNT(*) FROM outlier_backup "
                  "WHERE state = 'withdrawn'") > 0
    db.roll_up()
    return c


@pytest.mark.parametrize("zone", (SEOUL, "Australia/Lord_Howe"))
def test_outliers_are_left_out_of_references_as_the_setting_says(
        db, setting, zone):
    c = judged(db, zone)
    on_record = [db.run(f"SELECT * FROM {t}")
                 for t in ("outlier_backup", "outlier_low")]
    rows, seen = {}, set()
    for value in ("without", "without_alerts", "with"):
        setting(value)
        db.roll_up()
        rows[value] = db.run("SELECT * FROM reference_value")
        check_references(db, c, zone)
        left = outliers_left_out(db, c)
        seen |= {(value, m) for m, at in left}
        # What is on record stays as it was judged.
        assert [db.run(f"SELECT * FROM {t}")
                for t in ("outlier_backup", "outlier_low")] == on_record
    assert seen == {("without", "people"), ("without", "vehicle"),
                    ("without_alerts", "people"),
                    ("without_alerts", "vehicle")}
    assert rows["without"] != rows["without_alerts"] != rows["with"]
    # A row that is corrected now is held against what holds now.
    setting("without")
    db.roll_up()
    at = utc(zone, today(zone)) - 3 * HOUR
    db.run("UPDATE count_record SET people = 1000 WHERE start_at = %s", at)
    here = local(zone, at)
    assert db.one("SELECT people_n FROM outlier_backup WHERE start_at = %s",
                  at) == db.one("SELECT people_n FROM reference_value "
                                "WHERE slot = %s",
                                here.weekday() * 24 + here.hour)


def test_a_week_of_which_nothing_is_left_is_no_week(db, setting):
    c = db.camera("c", SEOUL)
    end = utc(SEOUL, today(SEOUL))
    db.add([rec(c, end - h * HOUR, people=10 + h % 2)
            for h in range(4 * 168, 168, -1)])
    db.roll_up()
    db.add([rec(c, end - h * HOUR, people=99 if h == 100 else 10)
            for h in range(168, 0, -1)])
    db.roll_up()
    assert check_references(db, c, SEOUL) >= {("people", "hour_of_week")}
    assert ("people", "year") not in check_references(db, c, SEOUL)
    setting("without")
    db.roll_up()
    assert check_references(db, c, SEOUL) >= {
        ("people", "hour_of_week"), ("people", "year")}
    assert db.run("SELECT COUNT(*) FROM reference_value "
                  "WHERE people_basis <> 'hour_of_week'") == [(1,)]


def test_an_outlier_that_is_not_counted_yet_is_not_taken_out(db, setting):
    c = judged(db, SEOUL)
    setting("without")
    db.roll_up()
    before = db.run("SELECT * FROM reference_value ORDER BY slot")
    # Marked, judged, not counted: neither its old values nor its new ones.
    db.add([rec(c, utc(SEOUL, today(SEOUL)) - i * HOUR
                + dt.timedelta(minutes=30), 60, people=50 + i)
            for i in range(1, 9)])
    assert db.one("SELECT COUNT(*) FROM outlier_backup "
                  "WHERE people > 50") == 8
    db.run("CALL compute_references(TRUE, 10, @n, @done)")
    assert db.run("SELECT @n, @done") == [(1, 1)]
    assert db.run("SELECT * FROM reference_value ORDER BY slot") == before
    db.roll_up()
    check_references(db, c, SEOUL)


def test_a_setting_that_means_nothing_is_refused_by_name(db):
    assert "reference_outliers is with, without_alerts or without" in db.fails(
        "UPDATE setting SET value = 'none' WHERE name = 'reference_outliers'")


def outliers(db):
    return db.run("SELECT start_at, people, state FROM outlier_backup "
                  "ORDER BY start_at")


def test_every_kind_of_statement_is_covered(db, steady, tmp_path):
    now = utc_now() - DAY
    at = [now + i * dt.timedelta(minutes=1) for i in range(9)]
    insert = ("INSERT INTO count_record (camera_id, start_at, end_at, people) "
              "VALUES ")
    value = "({}, '{}', '{}', {})"

    def values(*pairs):
        return ", ".join(value.format(steady, at[i], at[i] + HOUR, n)
                         for i, n in pairs)

    db.run(insert + values((0, 20), (1, 30), (2, 31)))
    assert outliers(db) == [(at[1], 30, "open"), (at[2], 31, "open")]
    db.run(insert + values((0, 40), (1, 20), (2, 31), (3, 50))
           + " ON DUPLICATE KEY UPDATE people = VALUES(people)")
    assert outliers(db) == [(at[0], 40, "open"), (at[1], 30, "withdrawn"),
                            (at[2], 31, "open"), (at[3], 50, "open")]
    db.run("UPDATE count_record SET people = people + 20 "
           "WHERE start_at IN (%s, %s)", at[1], at[2])
    db.run("DELETE FROM count_record WHERE start_at = %s", at[3])
    assert outliers(db) == [(at[0], 40, "open"), (at[1], 40, "open"),
                            (at[2], 51, "open"), (at[3], 50, "withdrawn")]
    db.run("UPDATE count_record SET start_at = %s, end_at = %s "
           "WHERE start_at = %s", at[4], at[4] + HOUR, at[0])
    assert outliers(db)[0] == (at[0], 40, "withdrawn")
    assert outliers(db)[4] == (at[4], 40, "open")
    f = tmp_path / "rows.csv"
    f.write_text("".join(f"{steady},{at[i]},{at[i] + HOUR},{n}\n"
                         for i, n in ((5, 1), (6, 60))))
    db.run(f"LOAD DATA LOCAL INFILE '{f}' INTO TABLE count_record FIELDS "
           "TERMINATED BY ',' (camera_id, start_at, end_at, people)")
    assert outliers(db)[5:] == [(at[6], 60, "open")]
    assert db.one("SELECT MIN(observed_s) FROM count_record "
                  "WHERE start_at >= %s", at[5]) == 3600
    assert db.one("SELECT COUNT(*) FROM dirty_quarter") >= 1
    db.roll_up()
    assert db.run("SELECT SUM(row_n), SUM(people_sum) FROM stats_day") == \
        db.run("SELECT COUNT(*), SUM(people) FROM count_record")


def test_a_review_outlives_a_correction_but_not_a_withdrawal(db, steady):
    at = utc_now() - DAY
    db.add([rec(steady, at, 60, people=30)])
    (oid,) = db.run("SELECT outlier_id FROM outlier_backup")[0]
    db.run("UPDATE outlier_backup SET state = 'confirmed', note = 'a parade'")
    db.run("UPDATE count_record SET people = 40 WHERE start_at = %s", at)
    one = "SELECT outlier_id, people, z, state, note FROM outlier_backup"
    assert db.run(one) == [(oid, 40, 5.0, "confirmed", "a parade")]
    db.run("UPDATE count_record SET people = 15 WHERE start_at = %s", at)
    assert db.run(one) == [(oid, 40, 5.0, "withdrawn", "a parade")]
    db.run("UPDATE outlier_backup SET reviewed_by = 'a person', "
           "reviewed_at = detected_at")
    db.run("UPDATE count_record SET people = 35 WHERE start_at = %s", at)
    assert db.run("SELECT state, note, reviewed_by, reviewed_at "
                  "FROM outlier_backup") == [("open", None, None, None)]


def test_a_row_written_again_as_it_is_does_nothing(db, steady):
    db.run("DELETE FROM dirty_quarter")
    before = db.run("SELECT * FROM outlier_backup")
    db.run("INSERT INTO count_record (camera_id, start_at, end_at, people) "
           "SELECT camera_id, start_at, end_at, people FROM count_record "
           "ON DUPLICATE KEY UPDATE camera_id = VALUES(camera_id)")
    assert db.run("SELECT * FROM dirty_quarter") == []
    assert db.run("SELECT * FROM outlier_backup") == before


@pytest.mark.parametrize("zone", ("Australia/Lord_Howe", "America/New_York",
                                  "Asia/Kathmandu"))
def test_rows_of_any_season_meet_the_reference_of_their_local_hour(db, zone):
    rng = random.Random(zone)
    c = db.camera(zone, zone)
    db.add(weeks(rng, c, zone, 5, vehicle=lambda r: r.randint(0, 3)))
    db.roll_up()
    db.run("DELETE FROM count_record")
    db.run("TRUNCATE outlier_backup")
    at = {dt.datetime(2025, 1, 1) + dt.timedelta(seconds=rng.randrange(
        0, 600 * 86400, 60)) for i in range(1500)}
    for change in (dt.datetime(2025, 4, 5, 15), dt.datetime(2025, 10, 4, 15),
                   dt.datetime(2025, 11, 2, 6), dt.datetime(2026, 3, 8, 7)):
        at |= {change + dt.timedelta(minutes=m) for m in range(-180, 180, 7)}
    rows = [rec(c, t, 60, people=rng.randint(5, 30),
                vehicle=rng.randint(0, 6)) for t in sorted(at)]
    db.add(rows)
    refs = {r["slot"]: r for r in db.dicts("SELECT * FROM reference_value")}
    want = {}
    for r in rows:
        here = local(zone, r["start_at"])
        ref = refs[here.weekday() * 24 + here.hour]
        above = [m for m in ("people", "vehicle")
                 if r[m] > ref[m + "_reference"]]
        if above:
            z = [(r[m] - ref[m + "_mean"]) / ref[m + "_std"] for m in above
                 if ref[m + "_std"]]
            want[r["start_at"]] = (",".join(above), max(z, default=None))
    got = {s: (e, z) for s, e, z in db.run(
        "SELECT start_at, exceeded, z FROM outlier_backup")}
    assert set(got) == set(want) and len(want) > 100
    for s, (e, z) in want.items():
        assert got[s][0] == e
        assert got[s][1] == z or math.isclose(got[s][1], z, rel_tol=1e-9)


def test_every_offset_that_a_zone_has_or_had_is_known(db):
    # A zone of this test's own: it changes its calendar.
    zone = db.zone("Antarctica/Troll")
    known = f"SELECT offset_s FROM time_zone_offset WHERE time_zone_id = {zone}"
    version = "SELECT version FROM reference_version"
    assert sorted(db.run(known)) == [(0,), (7200,)]
    before = db.one(version)
    change = ("UPDATE calendar_offset SET {} = %s WHERE change_at IS NOT NULL "
              f"AND time_zone_id = {zone} ORDER BY day_utc DESC LIMIT 1")
    for column, offset in (("offset_s", 34200), ("offset2_s", 36000)):
        db.run(change.format(column), offset)
        assert (offset,) in db.run(known)
    assert db.one(version) == before + 2
    db.run(change.format("offset2_s"), 7200)
    assert db.one(version) == before + 2


@pytest.mark.parametrize("table", ("outlier_backup", "reference_value"))
def test_a_rule_that_fails_never_loses_the_reading(db, steady, table):
    db.run(f"RENAME TABLE {table} TO hidden")
    try:
        db.add([rec(steady, utc_now(), 60, people=99)])
        assert db.one("SELECT COUNT(*) FROM count_record "
                      "WHERE people = 99") == 1
        (f,) = db.dicts("SELECT * FROM trigger_failure")
        assert f["camera_id"] == steady and f["error_no"] == 1146
        assert "doesn't exist" in f["message"]
        assert db.one("SELECT trigger_failures FROM health") == 1
        db.run("RENAME TABLE trigger_failure TO hidden2")
        db.add([rec(steady, utc_now() - HOUR, 60, people=98)])
        db.run("RENAME TABLE hidden2 TO trigger_failure")
    finally:
        db.run(f"RENAME TABLE hidden TO {table}")
    assert db.one("SELECT COUNT(*) FROM count_record WHERE people >= 98") == 2
    assert db.one("SELECT COUNT(*) FROM dirty_quarter") >= 1


@pytest.mark.parametrize("how", ("trigger", "procedure"))
def test_a_deadlock_in_the_rule_is_the_writers_to_hear_of(db, steady, how):
    # The writer, inside the rule, waits for an outlier's key that another
    # transaction holds, and that one waits for the writer's first row.
    at = utc_now() - DAY
    db.add([rec(steady, at, 60, people=15)])
    writer, other = db.connect(), db.connect()
    for c in (writer, other):
        c.autocommit(False)
        c.cursor().execute("SELECT 1")
    writer.cursor().execute("UPDATE count_record SET people = 16 "
                            "WHERE start_at = %s", at)
    o = other.cursor()
    for i in range(50):  # more work done, so that the writer is chosen
        o.execute("INSERT INTO trigger_failure (camera_id, start_at, error_no,"
                  " message) VALUES (1, UTC_TIMESTAMP(), 0, '')")
    o.execute("SELECT * FROM outlier_backup WHERE camera_id = %s "
              "FOR UPDATE", steady)
    said = []

    def write():
        later = at + HOUR
        try:
            if how == "trigger":
                writer.cursor().execute(
                    "INSERT INTO count_record (camera_id, start_at, end_at, "
                    "people) VALUES (%s, %s, %s, 99)",
                    (steady, later, later + HOUR))
            else:
                w = writer.cursor()
                w.execute("SET @tally_bulk = 1")
                w.execute("INSERT INTO count_record (camera_id, start_at, "
                          "end_at, people) VALUES (%s, %s, %s, 99)",
                          (steady, later, later + HOUR))
                w.execute("CALL judge_record(%s, %s, TRUE)", (steady, later))
        except pymysql.MySQLError as e:
            said.append(e.args[0])

    t = threading.Thread(target=write)
    t.start()
    # (This table is made anew only when nobody has asked for it for 0.1 s.)
    end = time.monotonic() + 120
    while not db.run(
            "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state "
            "= 'LOCK WAIT' AND trx_mysql_thread_id = %s",
            writer.thread_id()):
        assert time.monotonic() < end, "the writer does not wait"
        time.sleep(0.15)
    o.execute("UPDATE count_record SET people = 17 WHERE start_at = %s", at)
    t.join()
    other.rollback()
    writer.commit()
    assert said == [1213]
    assert db.run("SELECT * FROM trigger_failure") == []
    assert db.one("SELECT people FROM count_record WHERE start_at = %s",
                  at) == 15
    writer.close()
    other.close()


def test_a_batch_marked_and_judged_by_its_writer_gives_the_same(db, steady):
    now = utc_now() - 40 * DAY
    db.run("DELETE FROM dirty_quarter")
    rows = [rec(steady, now - i * HOUR, 60, people=10 + 3 * (i % 9),
                face=3 + i % 2, vehicle=i) for i in range(60)]
    db.add(rows)
    tables = ("count_record", "dirty_quarter", "outlier_backup", "outlier_low")

    def state():
        return {t: [{k: v for k, v in r.items() if k not in (
            "outlier_id", "detected_at", "marked_at")} for r in db.dicts(
                f"SELECT * FROM {t} WHERE start_at < %s "
                "ORDER BY camera_id, start_at", now + HOUR)]
                for t in tables}

    want = state()
    assert want["outlier_backup"]
    for t in tables:
        db.run(f"DELETE FROM {t} WHERE start_at < %s", now + HOUR)
    for t in tables[1:]:
        db.run(f"DELETE FROM {t} WHERE start_at < %s", now + HOUR)
    db.run("SET @tally_bulk = 1")
    db.add(rows)
    assert db.run("SELECT * FROM dirty_quarter") == []
    assert db.run("SELECT * FROM outlier") == []
    db.run("SET @tally_bulk = NULL")
    for r in db.dicts("SELECT * FROM count_record WHERE start_at < %s",
                      now + HOUR):
        db.run("INSERT IGNORE INTO dirty_quarter (start_at, camera_id) VALUES "
               "(%s, %s)", r["start_at"].replace(
                   minute=r["start_at"].minute // 15 * 15, second=0), steady)
        db.run("CALL judge_record(%s, %s, TRUE)", steady, r["start_at"])
    assert state() == want
