# SPDX-License-Identifier: MIT
"""
Three ways in, one outcome.  Rows that anybody writes in SQL (whose triggers
mark and judge), rows that come through the API (whose committer does it) and
rows of a batch (put_batch) leave the same rows, marks and outliers.
"""
import datetime as dt
import random

import pytest

from sqlbase import COLUMNS, utc_now

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
STEP = dt.timedelta(minutes=8)
ZONES = ("Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York",
         "Asia/Seoul", "America/St_Johns")
WAYS = ("sql", "api", "batch")
EACH = 5000  # rows of a camera, of ten
COLUMN_LIST = ", ".join(COLUMNS)
VALUES = "(" + ", ".join(["%s"] * len(COLUMNS)) + ")"
ODKU = " ON DUPLICATE KEY UPDATE " + ", ".join(
    f"{c} = VALUES({c})" for c in COLUMNS[2:])
FIGURES = ("people", "vehicle", "face", "people_new", "car")


def record(r, at, length, busy, spikes):
    """Busier from hour to hour; now and then something is unheard of."""
    people = r.randint(10 + busy % 24, 19 + busy % 24)
    odd = spikes and r.random() < 0.03
    if odd:
        people = r.choice((0, people, people * 3, people + 6))
    return {"start_at": at, "end_at": at + length, "people": people,
            "vehicle": 40 if odd else r.choice((None, 4, 5, 6, 7)),
            "face": r.randint(0, 2), "people_new": people // 2,
            "car": r.choice((None, 3)),
            "observed_s": length.seconds // r.choice((1, 1, 1, 3))}


def history(r, camera, end):
    """Hours before the rows.  Even cameras have every hour of the week five
    times over; the others have few rows, or none, and so a wider basis."""
    hours = 5 * 168 if camera % 2 == 0 else (400, 60, 31, 0, 10)[camera // 2]
    return [record(r, end - h * HOUR, HOUR, -h, False)
            for h in range(hours, 0, -1)]


def insert(c, camera_id, rows, tail="", size=1000):
    """As a person at the prompt would: by one statement for `size` rows."""
    names = [n for n in COLUMNS if n == "camera_id" or n in rows[0]]
    for i in range(0, len(rows), size):
        part = rows[i:i + size]
        c.execute(
            f"INSERT INTO count_record ({', '.join(names)}) VALUES "
            + ", ".join(["(" + ", ".join(["%s"] * len(names)) + ")"]
                        * len(part)) + tail,
            [camera_id if n == "camera_id" else row[n]
             for row in part for n in names])


def batch(c, rows, on_conflict="refuse", store=True):
    """{line: verdict} of what is not new; rows are (camera_id, row)."""
    said = {}
    for i in range(0, len(rows), 5000):
        c.execute("CALL make_batch()")
        values = ["(" + ", ".join(
            [str(i + k), str(camera)] + [
                f"'{row[n]}'" if n.endswith("_at") else
                "NULL" if row.get(n) is None else str(row[n])
                for n in COLUMNS[1:]]) + ")"
            for k, (camera, row) in enumerate(rows[i:i + 5000])]
        c.execute(f"INSERT INTO batch_row (line, {COLUMN_LIST}) VALUES "
                  + ", ".join(values))
        c.execute("CALL put_batch(%s, %s)", (on_conflict, store))
        said.update(c.fetchall())
        while c.nextset():
            pass
    return said


def post(tally, camera, rows, query=""):
    def cell(value):
        return "" if value is None else \
            value.isoformat() + "Z" if isinstance(value, dt.datetime) else \
            str(value)

    names = ("start_at", "end_at", "observed_s") + FIGURES
    for i in range(0, len(rows), 5000):
        text = ",".join(("camera",) + names) + "\n" + "".join(
            ",".join([camera] + [cell(row[n]) for n in names]) + "\n"
            for row in rows[i:i + 5000])
        status, reply = tally.json(
            "POST", "/api/v1/counts" + query, tally.ingest_token, text,
            {"Content-Type": "text/csv"})
        assert status == 200, reply
        assert reply["inserted"] + reply["replaced"] == len(rows[i:i + 5000])


def make_cameras(tally):
    """{(way, i): camera_id}: ten a way, alike."""
    ids = {}
    for way in WAYS:
        for i in range(10):
            code = f"path-{way}-{i}"
            status, reply = tally.json(
                "POST", "/api/v1/cameras", tally.admin_token,
                {"camera": code, "tz": ZONES[i % 5]})
            assert status == 201, reply
            ((ids[way, i],),) = tally.sql(
                "SELECT camera_id FROM camera WHERE code = %s", code)
    return ids


def check(tally):
    """The ways have left the same; how many rows of each table."""
    n = {}
    for table in ("count_record", "dirty_quarter", "outlier_backup",
                  "outlier_low"):
        # What two writes never share is left out.
        columns = ", ".join("r." + c for c, in tally.sql(
            "SELECT column_name FROM information_schema.columns WHERE "
            "table_schema = %s AND table_name = %s AND column_name NOT IN "
            "('camera_id', 'id', 'outlier_id', 'detected_at', 'marked_at')",
            tally.db_name, table))
        rows = (f"SELECT SUBSTRING_INDEX(code, '-', -1), {columns} FROM "
                f"{table} r JOIN camera USING (camera_id) WHERE code LIKE %s")
        ((n[table],),) = tally.sql(f"SELECT COUNT(*) FROM ({rows}) x",
                                   "path-sql-%")
        for way in WAYS[1:]:
            assert not tally.sql(f"{rows} EXCEPT {rows} LIMIT 3",
                                 "path-sql-%", f"path-{way}-%"), (table, way)
            assert not tally.sql(f"{rows} EXCEPT {rows} LIMIT 3",
                                 f"path-{way}-%", "path-sql-%"), (table, way)
    return n


def test_every_way_in_leaves_the_same_rows_marks_and_outliers(tally):
    # Nothing may take marks away, or compute references, meanwhile.
    tally.kill("worker")
    tally.sql("ALTER EVENT tally_minute DISABLE")
    cameras = make_cameras(tally)
    try:
        run_all_ways(tally, cameras)
    finally:
        tally.sql("ALTER EVENT tally_minute ENABLE")
        tally.up()
    status, reply = tally.json("POST", "/api/v1/jobs/roll_up",
                               tally.admin_token)
    assert status == 200, reply
    assert not tally.sql("SELECT * FROM trigger_failure")


def run_all_ways(tally, cameras):
    end = utc_now().replace(minute=0, second=0)
    start = end - EACH * STEP
    with tally.db() as connection, connection.cursor() as c:
        for i in range(10):
            rows = history(random.Random(i), i, start)
            for way in WAYS:
                if rows:
                    insert(c, cameras[way, i], rows)
    status, reply = tally.json("POST", "/api/v1/jobs/roll_up",
                               tally.admin_token)
    assert status == 200, reply
    assert {b for b, in tally.sql(
        "SELECT DISTINCT people_basis FROM reference_value WHERE camera_id "
        "IN %s", list(cameras.values()))} >= {"hour_of_week", "year"}

    r = random.Random(5)
    rows = [(i, [record(r, start + k * STEP, STEP, k * STEP // HOUR, True)
                 for k in range(EACH)]) for i in range(10)]
    with tally.db() as connection, connection.cursor() as c:
        for i, some in rows:
            insert(c, cameras["sql", i], some[:100], size=1)
            insert(c, cameras["sql", i], some[100:])
            post(tally, f"path-api-{i}", some)
        assert batch(c, [(cameras["batch", i], row)
                         for i, some in rows for row in some]) == {}
        n = check(tally)
        assert n["count_record"] > 10 * EACH
        assert 1000 < n["outlier_backup"] < 10000 and n["outlier_low"] > 50

        # A tenth is corrected, a tenth comes again as it was.
        for i, some in rows:
            chosen = [record(r, row["start_at"], STEP, 12, True)
                      for row in some[::10]]
            chosen = [row if any(row[f] != old[f] for f in row) else
                      dict(row, face=5) for row, old in
                      zip(chosen, some[::10])]
            again = some[5::10]
            insert(c, cameras["sql", i], chosen + again, ODKU)
            post(tally, f"path-api-{i}", chosen, "?on_conflict=replace")
            said = batch(c, [(cameras["batch", i], row)
                             for row in chosen + again], "replace")
            assert said == {
                **{k: "replaced" for k in range(len(chosen))},
                **{k + len(chosen): "duplicate" for k in range(len(again))}}
        check(tally)
        c.execute("DELETE FROM count_record WHERE camera_id IN %s AND "
                  "TO_SECONDS(start_at) DIV 480 MOD 7 = 0",
                  (list(cameras.values()),))
        assert c.rowcount > 1000
        check(tally)
        assert {s for s, in tally.sql(
            "SELECT DISTINCT state FROM outlier_backup WHERE camera_id IN %s",
            list(cameras.values()))} == {"open", "withdrawn"}


# ---- what else a batch is held to

def rec(camera, at, people=1, **more):
    return camera, {"start_at": at, "end_at": at + HOUR, "people": people,
                    "observed_s": 3600, **more}


def kept(db):
    return db.run("SELECT camera_id, start_at, people FROM count_record "
                  "ORDER BY camera_id, start_at")


def test_each_row_of_a_batch_gets_its_verdict(db):
    c, other = db.camera("c", "Asia/Seoul"), db.camera("other", "Asia/Seoul")
    at = utc_now() - 9 * DAY
    db.run("UPDATE retention SET kept_from = %s WHERE level = 'raw'",
           at - 9 * DAY)
    cursor = db.connection.cursor()
    assert batch(cursor, [rec(c, at), rec(c, at + HOUR), rec(other, at)]) == {}
    marks = "SELECT camera_id, start_at FROM dirty_quarter ORDER BY 1, 2"
    assert len(db.run(marks)) == 3
    db.run("DELETE FROM dirty_quarter")
    rows = [rec(c, at), rec(c, at + HOUR, 2), rec(c, at + 2 * HOUR, 3),
            rec(other, at, face=0), rec(999, at), rec(c, at - 10 * DAY),
            rec(c, dt.datetime(2099, 1, 1))]
    want = {0: "duplicate", 1: "conflict", 3: "conflict", 4: "no_camera",
            5: "too_old", 6: "no_calendar"}
    before = kept(db)
    assert batch(cursor, rows, store=False) == want
    assert kept(db) == before and db.run(marks) == []
    assert batch(cursor, rows) == want
    assert kept(db) == sorted(before + [(c, at + 2 * HOUR, 3)])
    assert len(db.run(marks)) == 1
    assert batch(cursor, rows, "keep") == {
        **want, 1: "kept", 2: "duplicate", 3: "kept"}
    assert batch(cursor, rows, "replace") == {
        **want, 1: "replaced", 2: "duplicate", 3: "replaced"}
    assert kept(db)[1] == (c, at + HOUR, 2)
    assert len(db.run(marks)) == 3


def test_a_batch_that_fails_leaves_nothing_behind(db):
    c = db.camera("c", "Asia/Seoul")
    at = utc_now() - DAY
    cursor = db.connection.cursor()
    with pytest.raises(Exception, match="observed_s_within_interval"):
        batch(cursor, [rec(c, at), rec(c, at + HOUR, observed_s=3601)])
    with pytest.raises(Exception, match="refuse, replace or keep"):
        batch(cursor, [rec(c, at)], "merge")
    db.run("ROLLBACK")
    assert kept(db) == []
    # And the connection's triggers are awake again.
    db.add([dict(rec(c, at)[1], camera_id=c)])
    assert len(db.run("SELECT * FROM dirty_quarter")) == 1


@pytest.mark.parametrize("table", ("outlier_backup", "reference_value"))
def test_a_rule_that_fails_never_loses_a_batch(db, table):
    c = db.camera("c", "Asia/Seoul")
    at = utc_now() - 3 * DAY
    db.add([dict(rec(c, at + k * HOUR / 60)[1], camera_id=c,
                 end_at=at + (k + 1) * HOUR / 60, observed_s=60)
            for k in range(40)])
    db.roll_up()
    db.run(f"RENAME TABLE {table} TO hidden")
    try:
        assert batch(db.connection.cursor(), [rec(c, at + DAY, 99)]) == {}
    finally:
        db.run(f"RENAME TABLE hidden TO {table}")
    assert kept(db)[-1] == (c, at + DAY, 99)
    assert db.run("SELECT start_at, error_no FROM trigger_failure") == [
        (at + DAY, 1146)]
    assert db.run("SELECT start_at FROM dirty_quarter") != []
