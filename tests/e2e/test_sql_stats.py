# SPDX-License-Identifier: MIT
"""Every bucket equals a recount of its raw rows, whatever happened to them."""
import datetime as dt
import random

from sqlbase import COUNTS, check_levels, midnight, raw_rows, utc_now

ZONES = ("Asia/Seoul", "Asia/Kathmandu", "Australia/Lord_Howe",
         "America/New_York", "America/St_Johns", "UTC")
# Days whose clock changes, in one zone or another, and some that follow.
DAYS = ((2025, 4, 6), (2025, 10, 5), (2025, 11, 2), (2026, 3, 8),
        (2008, 11, 2), (2009, 3, 8), (2024, 2, 29), (2025, 12, 31))


def counts(rng):
    """Random counts: some metrics not measured, some enormous."""
    top = rng.choice((3, 40, 1000000))
    c = {m: rng.choice((None, rng.randint(0, top), rng.randint(0, top)))
         for m in COUNTS}
    if all(v is None for v in c.values()):
        c["people"] = 0
    return c


def row(rng, camera, at, length=None):
    s = length or rng.choice((10, 60, 300, 900, 3600, 86400))
    return {"camera_id": camera, "start_at": at,
            "end_at": at + dt.timedelta(seconds=s), **counts(rng),
            "observed_s": rng.choice((s, s, s // 3, 0))}


def scatter(rng, camera, n, days=DAYS):
    """n rows at distinct instants around the days."""
    at = set()
    while len(at) < n:
        at.add(dt.datetime(*rng.choice(days)) +
               dt.timedelta(seconds=rng.randint(-100000, 180000)))
    return [row(rng, camera, t) for t in sorted(at)]


def test_buckets_equal_a_recount_through_late_changed_and_deleted_rows(db):
    rng = random.Random(20261121)
    zone_of = {db.camera(z, z): z for z in ZONES}
    for c in zone_of:
        db.add(scatter(rng, c, 700))
    n, buckets, ms = db.roll_up()
    assert n == 700 * len(zone_of) and ms >= 0
    sizes = check_levels(db, zone_of)
    assert buckets == sum(sizes.values())
    for turn in range(3):
        kept = raw_rows(db)
        rng.shuffle(kept)
        for r in kept[:150]:
            db.run("DELETE FROM count_record WHERE camera_id = %s "
                   "AND start_at = %s", r["camera_id"], r["start_at"])
        for r in kept[150:300]:
            new = counts(rng)
            db.run("UPDATE count_record SET "
                   + ", ".join(f"{k} = %s" for k in new)
                   + " WHERE camera_id = %s AND start_at = %s",
                   *new.values(), r["camera_id"], r["start_at"])
        there = {(r["camera_id"], r["start_at"]) for r in raw_rows(db)}
        for c in zone_of:
            db.add([r for r in scatter(rng, c, 30)
                    if (c, r["start_at"]) not in there])
        db.roll_up()
        check_levels(db, zone_of)
    assert db.roll_up()[:2] == (0, 0)


def test_rows_of_a_day_with_every_hour_fill_23_24_and_25_hours(db):
    cases = (("America/New_York", dt.date(2025, 11, 2), 25, 25),
             ("America/New_York", dt.date(2026, 3, 8), 23, 23),
             ("Australia/Lord_Howe", dt.date(2025, 4, 6), 24.5, 25),
             ("Australia/Lord_Howe", dt.date(2025, 10, 5), 23.5, 24),
             ("Asia/Kathmandu", dt.date(2025, 10, 5), 24, 24),
             # The clock goes back at midnight UTC.
             ("Europe/Chisinau", dt.date(2021, 10, 31), 25, 25))
    rng = random.Random(1)
    zone_of = {}
    for i, (zone, date, hours, rows) in enumerate(cases):
        c = db.camera(f"{zone}-{i}", zone)
        zone_of[c] = zone
        a = midnight(zone, date)
        b = midnight(zone, date + dt.timedelta(days=1))
        assert b - a == dt.timedelta(hours=hours)
        db.add([row(rng, c, a + dt.timedelta(seconds=s), 300)
                for s in range(-900, int(hours * 3600) + 900, 300)])
    db.roll_up()
    check_levels(db, zone_of)
    for c, (zone, date, hours, rows) in zip(zone_of, cases):
        assert db.one("SELECT row_n FROM stats_day WHERE camera_id = %s "
                      "AND local_date = %s", c, date) == hours * 12
        assert db.one("SELECT COUNT(*) FROM stats_hour WHERE camera_id = %s "
                      "AND local_date = %s", c, date) == rows


def test_the_repeated_minute_of_st_johns_belongs_to_the_day_before(db):
    # Until 2011 the clock went from 00:01 on Sunday back to Saturday 23:01.
    c = db.camera("old", "America/St_Johns")
    at = dt.datetime(2008, 11, 2, 2, 30)
    db.add([{"camera_id": c, "start_at": at + dt.timedelta(seconds=s),
             "end_at": at + dt.timedelta(seconds=s + 30), "people": 1}
            for s in range(0, 7200, 30)])
    db.roll_up()
    check_levels(db, {c: "America/St_Johns"})
    rows = dict(db.run("SELECT local_date, row_n FROM stats_day"))
    assert rows == {dt.date(2008, 11, 1): 118, dt.date(2008, 11, 2): 122}


def test_a_date_that_a_zone_left_out_is_in_no_level(db):
    # Samoa went from Thursday, 2011-12-29, to Saturday the 31st.
    c = db.camera("apia", "Pacific/Apia")
    at = dt.datetime(2011, 12, 25)
    db.add([{"camera_id": c, "start_at": at + dt.timedelta(hours=h),
             "end_at": at + dt.timedelta(hours=h + 1), "people": h}
            for h in range(240)])
    db.roll_up()
    assert check_levels(db, {c: "Pacific/Apia"})["day"] == 11
    for level, start, a, b in (
            ("week", "2011-12-26", (2011, 12, 26), (2012, 1, 1)),
            ("month", "2011-12-01", (2011, 12, 1), (2011, 12, 31)),
            ("year", "2011-01-01", (2011, 1, 1), (2011, 12, 31))):
        a, b = dt.datetime(*a, 10), dt.datetime(*b, 10)
        hours = [h for h in range(240) if a <= at + dt.timedelta(hours=h) < b]
        assert db.run("SELECT start_at, end_at, row_n, people_sum "
                      f"FROM stats_{level} WHERE {level}_start = %s",
                      start) == [(a, b, len(hours), sum(hours))]
    assert db.run("SELECT row_n FROM stats_weekday_month WHERE weekday = 5 "
                  "AND month_start = '2011-12-01'") == []


def test_a_camera_that_moves_is_counted_anew_in_its_new_zone(db):
    rng = random.Random(7)
    for z in ZONES:
        db.zone(z)
    own = db.camera("own", "America/St_Johns")
    of_site = db.camera("of-site")
    zone_of = {own: "America/St_Johns", of_site: "UTC"}
    for c in zone_of:
        db.add(scatter(rng, c, 400))
    db.roll_up()
    check_levels(db, zone_of)
    db.run("UPDATE camera SET tz = 'Asia/Kathmandu' WHERE camera_id = %s", own)
    assert db.one("SELECT COUNT(*) FROM stats_day WHERE camera_id = %s",
                  own) == 0
    db.run("UPDATE site SET tz = 'Australia/Lord_Howe'")
    db.roll_up()
    check_levels(db, {own: "Asia/Kathmandu", of_site: "Australia/Lord_Howe"})
    db.run("UPDATE camera SET tz = NULL WHERE camera_id = %s", own)
    db.roll_up()
    check_levels(db, {own: "Australia/Lord_Howe",
                      of_site: "Australia/Lord_Howe"})


def test_rows_as_large_as_may_be_are_summed_exactly(db):
    c = db.camera("big", "Asia/Seoul")
    at = dt.datetime(2025, 5, 5)
    db.add([{"camera_id": c, "start_at": at + dt.timedelta(seconds=s),
             "end_at": at + dt.timedelta(seconds=s + 1),
             "people": 1000000 - s % 2, "vehicle": 999999, "face": 0}
            for s in range(3600)])
    db.roll_up()
    check_levels(db, {c: "Asia/Seoul"})
    assert db.run("SELECT people_std, vehicle_std FROM stats_hour") == [
        (0.5, 0.0)]


def test_a_late_row_costs_its_buckets_and_not_the_table(db):
    # A third of a year of hours, 10 000 days of calendar: a plan that reads
    # on through either of them would show.
    c = db.camera("c", "Asia/Kathmandu")
    hour = dt.timedelta(hours=1)
    at = dt.datetime(2026, 3, 1)
    db.add([{"camera_id": c, "start_at": at + i * hour,
             "end_at": at + (i + 1) * hour, "people": i % 7}
            for i in range(24 * 120)])
    db.roll_up()
    db.add([{"camera_id": c, "start_at": at + 1500 * hour + hour / 6,
             "end_at": at + 1500 * hour + hour / 4, "people": 3}])

    def reads():
        return sum(int(n) for _, n in
                   db.run("SHOW SESSION STATUS LIKE 'Handler_read%'"))

    db.run("DO GET_LOCK(roll_up_lock(), 0)")
    before = reads()
    db.run("CALL roll_up(100, 60, @rows_n, @quarters, @buckets, @drained)")
    after = reads()
    db.run("DO RELEASE_LOCK(roll_up_lock())")
    assert db.run("SELECT @rows_n, @buckets, @drained") == [(2, 9, 1)]
    assert after - before < 1000


def test_small_batches_give_what_one_gives(db):
    rng = random.Random(3)
    c = db.camera("c", "Asia/Kathmandu")
    db.add(scatter(rng, c, 300))
    db.run("DO GET_LOCK(roll_up_lock(), 0)")
    db.run("CALL roll_up(7, 60, @rows_n, @quarters, @buckets, @drained)")
    assert db.run("SELECT @rows_n, @drained") == [(300, 1)]
    db.run("DO RELEASE_LOCK(roll_up_lock())")
    check_levels(db, {c: "Asia/Kathmandu"})


def test_a_row_outside_the_calendar_is_refused(db):
    c = db.camera("c", "Asia/Seoul")
    said = db.fails(
        "INSERT INTO count_record (camera_id, start_at, end_at, people) "
        "VALUES (%s, '2044-01-01', '2044-01-01 00:01', 1)", c)
    assert "outside the calendar" in said
    assert "no camera 4711" in db.fails(
        "INSERT INTO count_record (camera_id, start_at, end_at, people) "
        "VALUES (4711, '2024-01-01', '2024-01-01 00:01', 1)")
    assert raw_rows(db) == []


def test_what_is_no_count_is_refused_by_name(db):
    c = db.camera("c")
    now = utc_now()
    later = now + dt.timedelta(seconds=60)
    for values, word in (
            ({"end_at": now}, "end_at_after_start_at"),
            ({"end_at": now - dt.timedelta(1)}, "end_at_after_start_at"),
            ({"end_at": now + dt.timedelta(seconds=86401)},
             "interval_at_most_a_day"),
            ({"observed_s": 61}, "observed_s_within_interval"),
            ({"people": 1000001}, "people"), ({"people": -1}, "people"),
            ({"face_new": 1000001}, "face_new"),
            ({"people": None}, "one_count_at_least"),
            ({"start_at": dt.datetime(1999, 12, 31)}, "start_at_from_2000")):
        r = {"camera_id": c, "start_at": now, "end_at": later, "people": 1}
        r.update(values)
        if "start_at" in values:
            r["end_at"] = r["start_at"] + dt.timedelta(seconds=60)
        names = ", ".join(r)
        said = db.fails(f"INSERT INTO count_record ({names}) VALUES "
                        f"({', '.join(['%s'] * len(r))})", *r.values())
        assert word in said, (values, said)
    db.run("INSERT INTO count_record (camera_id, start_at, end_at, people) "
           "VALUES (%s, %s, %s, 1000000)", c, now,
           now + dt.timedelta(seconds=86400))
    assert db.one("SELECT observed_s FROM count_record") == 86400


def test_a_camera_with_rows_stays_and_one_without_leaves_nothing(db):
    gone, kept = db.camera("gone", "Asia/Seoul"), db.camera("kept")
    rng = random.Random(9)
    for c in (gone, kept):
        db.add(scatter(rng, c, 20))
    assert "retired_at" in db.fails(
        "DELETE FROM camera WHERE camera_id = %s", gone)
    db.roll_up()
    db.run("DELETE FROM count_record WHERE camera_id = %s", gone)
    db.run("DELETE FROM camera WHERE camera_id = %s", gone)
    # A mark of a camera that is gone holds nothing up.
    db.run("INSERT INTO dirty_quarter (start_at, camera_id) VALUES "
           "('2025-01-01', %s)", gone)
    db.roll_up()
    check_levels(db, {kept: "UTC"})
    assert db.one("SELECT dirty FROM health") == 0


def test_a_zone_without_a_calendar_is_refused_by_name(db):
    site = db.site()
    assert "Mars/Base is not in the calendar" in db.fails(
        "INSERT INTO camera (code, site_id, tz) VALUES ('c', %s, 'Mars/Base')",
        site)
    assert "there is no site 99" in db.fails(
        "INSERT INTO camera (code, site_id) VALUES ('c', 99)")
