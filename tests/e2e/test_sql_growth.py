# SPDX-License-Identifier: MIT
"""What is kept, and for how long: partitions, retention, rows too old."""
import datetime as dt
import random

import pytest

from sqlbase import (COLUMNS, COUNTS, LEVELS, check_levels, local, raw_rows,
                     recount, utc_now)

DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)
ZONES = ("Asia/Seoul", "Asia/Kathmandu", "America/New_York",
         "Australia/Lord_Howe")
TODAY = dt.datetime.combine(utc_now().date(), dt.time())
# A new year at least a month ago: weeks, months and years lie across it.
EDGE = dt.datetime((TODAY - 31 * DAY).year, 1, 1)
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
        for r in (some_rows(rng, cam, first, last, 150)
                  + some_rows(rng, cam, EDGE - 2 * DAY, EDGE + 2 * DAY, 150)):
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

    keep(db, raw=(TODAY - EDGE).days)
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
