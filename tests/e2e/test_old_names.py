# SPDX-License-Identifier: MIT
"""
The tables of the 2021 document under their old names: its columns, its own
queries, and figures that equal a recount of the raw rows.
"""
import datetime as dt
import math
import random
import statistics

import pytest

from sqlbase import UTC, local, midnight, raw_rows

FIGURES = ["avg_people", "std_people", "avg_vehicle", "std_vehicle"]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
COLUMNS = {
    "day_stats": ["_id", "_date"] + FIGURES,
    "week_stats": ["_id", "start_date", "end_date"] + FIGURES,
    "month_stats": ["_id", "start_date"] + FIGURES,
    "year_stats": ["_id", "_year"] + FIGURES,
    **{f"monthly_{d}_stats": ["_id", "start_date"] + FIGURES
       for d in WEEKDAYS},
    **{f"yearly_{d}_stats": ["_id", "_year"] + FIGURES for d in WEEKDAYS},
    "test": ["id", "start_date", "end_date", "people", "vehicle"],
    "backup": ["id", "start_date", "end_date", "people", "vehicle", "outlier"],
}
# Cameras of the default site; the last has no rows.
ZONES = ("Asia/Seoul", "America/New_York", "Asia/Kathmandu",
         "Pacific/Honolulu")
# February 2024, and the turn of the years 2024 and 2025.
SPANS = ((dt.datetime(2024, 1, 31), 31), (dt.datetime(2024, 12, 22), 24))
DAY = dt.timedelta(days=1)
INSERT = ("INSERT INTO test (start_date, end_date, people, vehicle) "
          "VALUES (%s, %s, %s, %s)")


def site(db):
    """The default site, its cameras by zone, and series that do not count:
    a line of one of them, and a camera of another site."""
    for z in ZONES + ("UTC",):
        db.zone(z, SPANS[0][0].date() - 60 * DAY)
    db.run("INSERT INTO site (name, tz, is_default) VALUES ('main', 'UTC', 1)")
    main = db.one("SELECT site_id FROM site WHERE is_default = 1")
    zone_of = {}
    for z in ZONES:
        db.run("INSERT INTO camera (code, site_id, tz) VALUES (%s, %s, %s)",
               z, main, z)
        zone_of[db.one("SELECT LAST_INSERT_ID()")] = z
    db.run("INSERT INTO camera (code, site_id, parent_id, kind) "
           "VALUES ('line', %s, %s, 'line')", main, min(zone_of))
    line = db.one("SELECT LAST_INSERT_ID()")
    return zone_of, [line, db.camera("elsewhere", "Asia/Seoul")]


def scatter(rng, camera, n):
    at = set()
    while len(at) < n:
        start, days = rng.choice(SPANS)
        at.add(start + dt.timedelta(seconds=60 * rng.randrange(days * 1440)))
    for t in at:
        # Not every row measured everything.
        counts = rng.choice((("people", "vehicle"), ("people", "vehicle"),
                             ("people",), ("vehicle",), ("face",)))
        yield {"camera_id": camera, "start_at": t,
               "end_at": t + dt.timedelta(seconds=60),
               **{c: rng.randint(0, 1000000 if c == "people" else 9)
                  for c in counts}}


def figures(rows):
    """avg and std as the document has them, the latter mean + 1.5 sigma."""
    out = []
    for metric in ("people", "vehicle"):
        v = [r[metric] for r in rows if r[metric] is not None]
        mean = statistics.fmean(v) if v else None
        out += [mean, mean + 1.5 * statistics.pstdev(v) if v else None]
    return out


def recount(db, zone_of):
    """{view: {key: (dates, rows)}} of all buckets, over or not."""
    buckets = {}
    for r in raw_rows(db):
        if r["camera_id"] not in zone_of:
            continue
        d = local(zone_of[r["camera_id"]], r["start_at"]).date()
        week, day = d - d.weekday() * DAY, WEEKDAYS[d.weekday()]
        month, year = d.replace(day=1), d.year
        for view, key, last in (
                ("day", (d,), d),
                ("week", (week, week + 6 * DAY), week + 6 * DAY),
                ("month", (month,), last_of_month(d)),
                ("year", (year,), dt.date(year, 12, 31)),
                (f"monthly_{day}", (month,), last_of_month(d)),
                (f"yearly_{day}", (year,), dt.date(year, 12, 31))):
            buckets.setdefault(view + "_stats", {}).setdefault(
                key, (last, []))[1].append(r)
    return buckets


def last_of_month(d):
    return (d.replace(day=28) + 4 * DAY).replace(day=1) - DAY


def at(db, now):
    """From here on it is `now` for this connection."""
    db.run("SET timestamp = %s", now.replace(tzinfo=UTC).timestamp())


def check(db, zone_of, now):
    """All views but test and backup, at an instant; {view: {key: row}}."""
    at(db, now)
    today = min(local(z, now).date() for z in zone_of.values())
    want = recount(db, zone_of)
    seen = {}
    for view, columns in COLUMNS.items():
        if "avg_people" not in columns:
            continue
        rows = db.run(f"SELECT * FROM {view}")
        n = len(columns) - 5
        got = seen[view] = {r[1:1 + n]: r for r in rows}
        assert len(got) == len(rows) == len({r[0] for r in rows}), view
        assert all(type(r[0]) is int for r in rows)
        assert set(got) == {k for k, (last, _) in want.get(view, {}).items()
                            if last < today}, (view, now)
        for key, row in got.items():
            for a, b in zip(row[1 + n:], figures(want[view][key][1])):
                assert (a is None) == (b is None), (view, key)
                assert a is None or math.isclose(a, b, rel_tol=1e-9), (
                    view, key, a, b)
    at(db, dt.datetime(2026, 1, 1))
    return seen


def test_the_columns_are_those_of_the_document(db):
    for view, columns in COLUMNS.items():
        assert [c[0] for c in db.run(f"DESC {view}")] == columns, view


def test_figures_equal_a_recount_of_all_cameras_of_the_default_site(db):
    rng = random.Random(2021)
    zone_of, others = site(db)
    cameras = [c for c in zone_of if zone_of[c] != "Pacific/Honolulu"]
    for c in cameras + others:
        db.add(scatter(rng, c, 160))
    db.roll_up()
    first = check(db, zone_of, dt.datetime(2026, 1, 2))
    assert (dt.date(2024, 2, 29),) in first["day_stats"]
    assert (dt.date(2024, 2, 1),) in first["month_stats"]
    assert (dt.date(2024, 12, 30), dt.date(2025, 1, 5)) in first["week_stats"]
    assert {(2024,), (2025,)} == set(first["year_stats"])
    assert first["monthly_thu_stats"][(dt.date(2024, 2, 1),)][2] is not None
    # A date on which nothing but faces was measured has a row without figures.
    db.run("DELETE FROM count_record WHERE start_at < '2024-02-03'")
    db.add([{"camera_id": cameras[0], "start_at": dt.datetime(2024, 2, 1, 9),
             "end_at": dt.datetime(2024, 2, 1, 10), "face": 3}])
    for c in cameras + others:  # late ones
        there = {r[0] for r in db.run("SELECT start_at FROM count_record "
                                      "WHERE camera_id = %s", c)}
        db.add([r for r in scatter(rng, c, 40) if r["start_at"] not in there
                and r["start_at"] > dt.datetime(2024, 2, 4)])
    db.roll_up()
    then = check(db, zone_of, dt.datetime(2026, 1, 2))
    assert then["day_stats"][(dt.date(2024, 2, 1),)][2:] == (None,) * 4
    for view in first:
        for key in set(first[view]) & set(then[view]):
            assert first[view][key][0] == then[view][key][0], "_id moved"


def test_a_period_is_there_once_it_is_over_for_every_camera(db):
    zone_of, _ = site(db)
    last = "Pacific/Honolulu"
    db.add([{"camera_id": c, "start_at": midnight(z, dt.date(2024, 12, 25))
             + k * DAY, "end_at": midnight(z, dt.date(2024, 12, 25)) + k * DAY
             + dt.timedelta(hours=1), "people": k, "vehicle": 0}
            for c, z in zone_of.items() for k in range(14) if z != last])
    db.roll_up()
    second = dt.timedelta(seconds=1)
    for date, view, key in (
            (dt.date(2025, 1, 1), "year_stats", (2024,)),
            (dt.date(2025, 1, 1), "month_stats", (dt.date(2024, 12, 1),)),
            (dt.date(2025, 1, 1), "yearly_tue_stats", (2024,)),
            (dt.date(2025, 1, 3), "day_stats", (dt.date(2025, 1, 2),)),
            (dt.date(2025, 1, 6), "week_stats",
             (dt.date(2024, 12, 30), dt.date(2025, 1, 5)))):
        over = midnight(last, date)
        assert key not in check(db, zone_of, over - second)[view]
        assert key in check(db, zone_of, over)[view]


def test_a_condition_on_the_date_reads_few_rows(db):
    zone_of, _ = site(db)
    db.add([{"camera_id": c, "start_at": dt.datetime(2024, 1, 1, 12) + k * DAY,
             "end_at": dt.datetime(2024, 1, 1, 13) + k * DAY, "people": k}
            for c in zone_of for k in range(366)])
    db.roll_up()
    db.run("ANALYZE TABLE stats_day, stats_weekday_month, camera")

    def reads(query):
        db.run("FLUSH STATUS")
        assert len(db.run(query)) >= 1
        return sum(int(n) for _, n in db.run(
            "SHOW SESSION STATUS LIKE 'Handler_read%'"))

    assert reads("SELECT * FROM day_stats") > 366 * len(zone_of)
    assert reads("SELECT * FROM day_stats WHERE _date = '2024-02-29'") < 60
    assert reads("SELECT * FROM monthly_mon_stats "
                 "WHERE start_date = '2024-02-01'") < 60


# ---- test and backup

@pytest.fixture
def default(db):
    """One camera, that of rows which name none, in UTC."""
    db.zone("UTC", SPANS[0][0].date() - 60 * DAY)
    db.run("INSERT INTO site (name, tz, is_default) VALUES ('main', 'UTC', 1)")
    db.run("INSERT INTO camera (code, site_id) SELECT 'cam/0', site_id "
           "FROM site")
    db.run("REPLACE INTO setting VALUES ('default_camera', 'cam/0')")
    return db.one("SELECT camera_id FROM camera")


def span(minute):
    a = dt.datetime(2024, 2, 29) + dt.timedelta(minutes=minute)
    return a, a + dt.timedelta(minutes=5)


def test_its_insert_stores_a_row_of_the_default_camera(db, default, tmp_path):
    db.run(INSERT, *span(0), 1, 2)
    db.run("INSERT INTO test VALUES (NULL, %s, %s, 3, 4)", *span(5))
    db.run("INSERT INTO test (id, start_date, end_date, people, vehicle) "
           "VALUES (DEFAULT, %s, %s, 5, 6)", *span(10))
    db.run("INSERT INTO test (start_date, end_date, people) VALUES "
           "(%s, %s, 7)", *span(15))
    file = tmp_path / "rows.csv"
    file.write_text("".join(f"{a},{b},8,9\n" for a, b in (span(20), span(25))))
    db.run("LOAD DATA LOCAL INFILE %s INTO TABLE test FIELDS TERMINATED BY ','"
           " (start_date, end_date, people, vehicle)", str(file))
    want = [(*span(0), 1, 2), (*span(5), 3, 4), (*span(10), 5, 6),
            (*span(15), 7, None), (*span(20), 8, 9), (*span(25), 8, 9)]
    rows = db.run("SELECT * FROM test ORDER BY id")
    assert [r[1:] for r in rows] == want
    assert [r[:4] for r in db.run("SELECT start_at, end_at, people, vehicle, "
                                  "camera_id, observed_s FROM count_record")] \
        == want
    assert {r[:2] for r in db.run("SELECT camera_id, observed_s "
                                  "FROM count_record")} == {(default, 300)}
    assert len({r[0] for r in rows}) == 6
    assert db.one("SELECT COUNT(*) FROM dirty_quarter") == 2
    assert "Duplicate" in db.fails(INSERT, *span(0), 1, 2)
    # A number of one's own for the row is refused, not lost.
    assert "'id'" in db.fails("INSERT INTO test VALUES (17, %s, %s, 1, 1)",
                              *span(30))
    db.run("UPDATE test SET people = 70 WHERE start_date = %s", span(15)[0])
    db.run("DELETE FROM test WHERE start_date = %s", span(0)[0])
    db.roll_up()
    assert db.run("SELECT row_n, people_sum FROM stats_day") == [(5, 94)]


def test_rows_for_no_camera_are_refused_where_there_is_no_default(db, default):
    record = ("INSERT INTO count_record (camera_id, start_at, end_at, people) "
              "VALUES (0, %s, %s, 1)")
    assert "there is no camera 0" in db.fails(record, *span(0))
    db.run("UPDATE setting SET value = 'gone' WHERE name = 'default_camera'")
    assert "default_camera" in db.fails(INSERT, *span(0), 1, 1)
    db.run("DELETE FROM setting WHERE name = 'default_camera'")
    assert "default_camera" in db.fails(INSERT, *span(0), 1, 1)
    assert raw_rows(db) == []


def test_count_record_shows_its_columns_as_before(db, default):
    db.run(INSERT, *span(0), 1, 2)
    assert db.run("SELECT * FROM count_record") == [
        (default, *span(0), 1, 2) + (None,) * 10 + (300,)]
    db.run("INSERT INTO count_record VALUES (%s, %s, %s, 1, 2, NULL, NULL, "
           "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 300)",
           default, *span(5))
    assert len(raw_rows(db)) == 2


def test_backup_labels_the_rows_above_their_reference(db, default):
    for k in range(40):
        db.run(INSERT, *span(5 * k - 3000), k % 2, k % 2)
    db.roll_up()
    for minute, people, vehicle in ((0, 9, 9), (5, 9, 0), (10, 0, 9),
                                    (15, 0, 0), (20, 9, 9), (25, None, 9)):
        db.run(INSERT, *span(minute), people, vehicle)
    db.run("UPDATE test SET people = 0, vehicle = 1 WHERE start_date = %s",
           span(20)[0])  # withdrawn
    # One above its reference in faces alone is none of the document's.
    db.run("UPDATE outlier_backup SET exceeded = 'face' WHERE start_at = %s",
           span(25)[0])
    rows = db.run("SELECT * FROM backup ORDER BY start_date")
    assert [r[1:] for r in rows] == [
        (*span(0), 9, 9, "Outlier People & Vehicle"),
        (*span(5), 9, 0, "Outlier People"),
        (*span(10), 0, 9, "Outlier Vehicle")]
    assert db.run("SELECT id, start_date, end_date, people, vehicle "
                  "FROM backup ORDER BY id") == db.run(
        "SELECT * FROM test WHERE start_date >= %s AND start_date <= %s "
        "ORDER BY id", span(0)[0], span(10)[0])


# ---- the document's own statements

DAY_EVENT = """
SELECT DATE_ADD(CURDATE(),INTERVAL -1 day), CONVERT(AVG(people), float),
       CONVERT(AVG(people)+1.5*STDDEV(people), float),
       CONVERT(AVG(vehicle), float),
       CONVERT(AVG(vehicle)+1.5*STDDEV(vehicle), float)
FROM test WHERE DATE(start_date) = DATE_ADD(CURDATE(), INTERVAL -1 day)"""
WEEK_EVENT = """
SELECT CURRENT_DATE + INTERVAL -7- WEEKDAY(CURRENT_DATE) DAY,
       CURRENT_DATE + INTERVAL -1 - WEEKDAY(CURRENT_DATE) DAY,
       CONVERT(AVG(avg_people), float), CONVERT(AVG(std_people), float),
       CONVERT(AVG(avg_vehicle), float), CONVERT(AVG(std_vehicle), float)
FROM day_stats
WHERE _date BETWEEN DATE_ADD(NOW(),INTERVAL -1 WEEK ) AND NOW()"""
MONTH_EVENT = """
SELECT LAST_DAY(NOW() - interval 2 month) + interval 1 DAY,
       CONVERT(AVG(avg_people), float), CONVERT(AVG(std_people), float),
       CONVERT(AVG(avg_vehicle), float), CONVERT(AVG(std_vehicle), float)
FROM day_stats
WHERE _date BETWEEN DATE_ADD(NOW(),INTERVAL -1 WEEK ) AND NOW()"""
YEAR_EVENT = """
SELECT YEAR(CURDATE()-interval 1 DAY),
       CONVERT(AVG(avg_people), float), CONVERT(AVG(std_people), float),
       CONVERT(AVG(avg_vehicle), float), CONVERT(AVG(std_vehicle), float)
FROM month_stats where start_date BETWEEN DATE_ADD(NOW(),INTERVAL -1 YEAR )
       AND NOW()"""


def close(got, want):
    return all(math.isclose(a, b, rel_tol=1e-5) for a, b in zip(got, want))


def averages(rows):
    return [statistics.fmean(r[i] for r in rows) for i in range(4)]


def test_the_queries_of_its_events_run_on_them(db, default):
    rng = random.Random(5)
    a, rows = dt.datetime(2024, 1, 1), []
    while a < dt.datetime(2025, 1, 1):
        rows.append((a, a + dt.timedelta(minutes=5), rng.randint(0, 40),
                     rng.randint(0, 9)))
        a += dt.timedelta(hours=rng.randint(3, 9))
    with db.connection.cursor() as c:
        c.executemany(INSERT, rows)
    db.roll_up()
    select = f"SELECT {', '.join(FIGURES)} FROM "
    at(db, dt.datetime(2024, 3, 1))
    ((date, *got),) = db.run(DAY_EVENT)
    assert date == dt.date(2024, 2, 29)
    assert close(got, db.run(select + "day_stats WHERE _date = %s", date)[0])
    at(db, dt.datetime(2024, 3, 4, 0, 0, 1))
    ((first, last, *got),) = db.run(WEEK_EVENT)
    assert db.run("SELECT start_date, end_date FROM week_stats "
                  "ORDER BY _id DESC LIMIT 1") == [(first, last)]
    assert close(got, averages(db.run(
        select + "day_stats WHERE _date > '2024-02-26'")))
    at(db, dt.datetime(2024, 3, 1, 0, 0, 1))
    ((first, *got),) = db.run(MONTH_EVENT)
    assert db.one("SELECT MAX(start_date) FROM month_stats") == first
    assert close(got, averages(db.run(
        select + "day_stats WHERE _date > '2024-02-23'")))
    at(db, dt.datetime(2025, 1, 1))
    ((year, *got),) = db.run(YEAR_EVENT)
    assert db.one("SELECT MAX(_year) FROM year_stats") == year == 2024
    assert close(got, averages(db.run(select + "month_stats")))


def test_the_queries_of_its_trigger_fall_back_level_by_level(db, default):
    def reference():
        for level in ("year", "month", "week", "day"):
            if db.one(f"SELECT COUNT(_id) FROM {level}_stats") >= 1:
                return (level,
                        db.one(f"SELECT AVG(std_people) FROM {level}_stats"),
                        db.one(f"SELECT AVG(std_vehicle) FROM {level}_stats"))
        return None

    for k in range(10):
        db.run(INSERT, *span(60 * k), k, 2 * k)
    db.roll_up()
    mean, sigma = 4.5, statistics.pstdev(range(10))
    want = mean + 1.5 * sigma, 2 * (mean + 1.5 * sigma)
    for now, level in ((dt.datetime(2024, 2, 29, 23, 59, 59), None),
                       (dt.datetime(2024, 3, 1), "month"),
                       (dt.datetime(2025, 1, 1), "year")):
        at(db, now)
        got = reference()
        assert (got and got[0]) == level
        assert level is None or close(got[1:], want)
    # On a Thursday: no month, no week is over yet.
    db.run("UPDATE test SET start_date = start_date + INTERVAL 6 DAY, "
           "end_date = end_date + INTERVAL 6 DAY")
    db.roll_up()
    for now, level in ((dt.datetime(2024, 3, 7), "day"),
                       (dt.datetime(2024, 3, 11), "week")):
        at(db, now)
        got = reference()
        assert got[0] == level and close(got[1:], want)


def test_csv_with_the_header_of_2021_and_test_are_the_same_camera(tally):
    body = ("start_date,end_date,people,vehicle\n"
            "2003-02-28 00:00:00,2003-02-28 00:05:00,3,4\n")
    status, reply = tally.json("POST", "/api/v1/counts?tz=UTC",
                               tally.ingest_token, body,
                               {"Content-Type": "text/csv"})
    assert (status, reply["inserted"]) == (200, 1)
    tally.sql(INSERT, "2003-02-28 00:05:00", "2003-02-28 00:10:00", 5, 6)
    rows = tally.sql("SELECT start_date, people, vehicle FROM test WHERE "
                     "start_date >= '2003-02-28' AND start_date < '2003-03-01'"
                     " ORDER BY start_date")
    at0 = dt.datetime(2003, 2, 28)
    assert rows == [(at0, 3, 4), (at0 + dt.timedelta(minutes=5), 5, 6)]
    status, reply = tally.json(
        "GET", "/api/v1/counts?camera=default&from=2003-02-28T00:00:00Z"
        "&to=2003-03-01T00:00:00Z", tally.read_token)
    assert [(i["people"], i["vehicle"]) for i in reply["items"]] == [
        (5, 6), (3, 4)]
    tally.sql("DELETE FROM test WHERE start_date >= '2003-02-28' "
              "AND start_date < '2003-03-01'")
