# SPDX-License-Identifier: MIT
"""Reading: counts page by page, statistics against a recount, cameras."""
import datetime
import math
import random
import urllib.parse
import zoneinfo

import pytest

from apibase import (CLASSES, METRICS, UTC, camera, code, hours_ago, minutes,
                     post, problem, row, z)

HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
K = 1.5


def get(tally, path, status=200, token=None):
    got, reply = tally.json("GET", path, token or tally.read_token)
    assert got == status, reply
    if status != 200:
        problem(reply, status)
    return reply


def query(**parameters):
    return "?" + urllib.parse.urlencode(parameters, doseq=True)


def walk(tally, path):
    """The items of all pages, and how many pages there were."""
    items, pages = [], 0
    while path:
        assert path.startswith("/api/v1/")
        reply = get(tally, path)
        items += reply["items"]
        path, pages = reply["next"], pages + 1
        assert pages < 1000
    return items, pages


# ---- GET /counts

@pytest.fixture(scope="module")
def three(tally):
    """Three cameras with rows that begin at the same times; their rows."""
    at = hours_ago(30)
    codes = [camera(tally) for _ in range(3)]
    rows = [row(c, at + minutes(5 * i), people=10 * n + i)
            for n, c in enumerate(codes) for i in range(17 + n)]
    assert post(tally, rows)[0] == 200
    return codes, rows


def newest_first(rows):
    """As the API lists them; times of UTC compare as text."""
    return sorted(sorted(((r["camera"], r["start_at"], r["people"])
                          for r in rows)), key=lambda r: r[1], reverse=True)


def brief(items):
    return [(i["camera"], i["start_at"], i["people"]) for i in items]


@pytest.mark.parametrize("limit", [1, 2, 5, 16, 17, 18, 53, 54, 55, 10000])
def test_pages_hold_every_row_exactly_once(tally, three, limit):
    codes, rows = three
    items, pages = walk(tally, "/api/v1/counts"
                        + query(camera=codes, limit=limit))
    assert brief(items) == newest_first(rows)
    assert pages == max(1, math.ceil(len(rows) / limit))


def test_pages_of_one_camera_and_of_none(tally, three):
    codes, rows = three
    items, _ = walk(tally, "/api/v1/counts" + query(camera=codes[1], limit=4))
    assert brief(items) == newest_first(
        [r for r in rows if r["camera"] == codes[1]])
    assert get(tally, "/api/v1/counts" + query(camera=camera(tally))) == {
        "items": [], "next": None}


def test_left_out_and_star_are_all_cameras(tally, three):
    codes, rows = three
    for parameters in ({}, {"camera": "*"}, {"camera": [codes[0], "*"]}):
        items, _ = walk(tally, "/api/v1/counts"
                        + query(limit=10000, **parameters))
        seen = [i for i in brief(items) if i[0] in codes]
        assert seen == newest_first(rows)
    assert len(get(tally, "/api/v1/counts" + query(camera="*"))["items"]) \
        <= 100


def test_a_page_is_not_disturbed_by_newer_rows(tally):
    c, at = camera(tally), hours_ago(10)
    post(tally, [row(c, at + minutes(5 * i)) for i in range(4)])
    first = get(tally, "/api/v1/counts" + query(camera=c, limit=2))
    post(tally, row(c, at + minutes(20)))
    items, _ = walk(tally, first["next"])
    assert [i["start_at"] for i in items] == [z(at + minutes(5)), z(at)]


def test_from_is_included_and_to_is_not(tally, three):
    codes, rows = three
    at = hours_ago(30)
    for first, last in ((2, 5), (0, 1), (3, 3), (5, 2)):
        for zone in ("UTC", "Asia/Kolkata"):
            local = zoneinfo.ZoneInfo(zone)
            items, _ = walk(tally, "/api/v1/counts" + query(
                **{"from": (at + minutes(5 * first)).astimezone(local)
                   .isoformat(),
                   "to": (at + minutes(5 * last)).astimezone(local)
                   .isoformat()}, camera=codes))
            assert brief(items) == newest_first(
                [r for r in rows if z(at + minutes(5 * first))
                 <= r["start_at"] < z(at + minutes(5 * last))])


def test_parts_of_a_second_and_a_plus_that_nobody_escaped(tally, three):
    codes, rows = three
    at = hours_ago(30)
    mid = [at + minutes(5 * i) + datetime.timedelta(milliseconds=500)
           for i in (1, 3)]
    wanted = newest_first([r for r in rows if z(at + minutes(10))
                           <= r["start_at"] <= z(at + minutes(15))])
    local = zoneinfo.ZoneInfo("Asia/Kolkata")
    for first, last in ([m.astimezone(local).isoformat() for m in mid],
                        [m.isoformat(timespec="milliseconds") for m in mid]):
        items, _ = walk(tally, f"/api/v1/counts?from={first}&to={last}"
                        f"&camera={codes[0]}&camera={codes[1]}"
                        f"&camera={codes[2]}&limit=2")
        assert brief(items) == wanted
    # A blank is a plus before an offset alone.
    for wrong in ("2026-11-21 05:30", "2026-11-21T09 05:30",
                  "2026-11-21T09:00Z 05:30", "2026-11-21T09:00 5:30"):
        status = 200 if wrong[10] == " " else 400
        get(tally, "/api/v1/counts" + query(**{"from": wrong}), status)


def test_times_without_offset_are_of_each_camera(tally):
    east, west = (camera(tally, tz="Asia/Tokyo"),
                  camera(tally, tz="America/New_York"))
    at = datetime.datetime(2024, 6, 10, tzinfo=UTC)
    post(tally, [row(c, at + HOUR * i, people=i)
                 for c in (east, west) for i in range(48)])
    for c, offset in ((east, 9), (west, -4)):
        items, _ = walk(tally, "/api/v1/counts" + query(
            **{"from": "2024-06-10T20:00:00", "to": "2024-06-11"},
            camera=c))
        assert [i["people"] for i in reversed(items)] == list(
            range(20 - offset, 24 - offset))
    items, _ = walk(tally, "/api/v1/counts" + query(
        **{"from": "2024-06-10T20:00", "to": "2024-06-11"},
        camera=[west, east], limit=3))
    assert [(i["camera"], i["people"]) for i in items] == [
        (west, i) for i in (27, 26, 25, 24)] + [
        (east, i) for i in (14, 13, 12, 11)]


def test_a_time_that_the_clock_skips_is_the_moment_it_skips(tally):
    c = camera(tally, tz="Europe/Berlin")
    at = datetime.datetime(2024, 3, 31, 0, tzinfo=UTC)
    post(tally, [row(c, at + minutes(10 * i), length=10, people=i)
                 for i in range(12)])
    for name, people in (("from", range(6, 12)), ("to", range(6))):
        items, _ = walk(tally, "/api/v1/counts" + query(
            **{name: "2024-03-31T02:30:00"}, camera=c))
        assert [i["people"] for i in reversed(items)] == list(people)


@pytest.mark.parametrize("parameters, found", [
    ({"from": "0001-01-01T00:00:00Z"}, True), ({"from": "0001-01-01"}, True),
    ({"from": "0900-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}, True),
    ({"to": "9999-12-31"}, True), ({"to": "9999-12-31T23:59:59-12:00"}, True),
    ({"from": "9999-12-31"}, False), ({"to": "0001-01-01"}, False),
    ({"to": "1000-01-01T00:00:00+14:00"}, False)])
def test_the_edges_of_the_calendar_are_no_trap(tally, parameters, found):
    c = camera(tally)
    post(tally, row(c, hours_ago(3)))
    assert bool(get(tally, "/api/v1/counts" + query(
        camera=c, **parameters))["items"]) == found
    get(tally, "/api/v1/stats/day" + query(camera=c, **parameters))
    get(tally, "/api/v1/stats/hour" + query(camera=c, **parameters))


WRONG = [{"limit": v} for v in ("0", "-1", "10001", "1.5", "x", "", " 1",
                                "1 ", "99999999999999999999")] + [
    {"from": "yesterday"}, {"from": ""}, {"to": "2026-13-01"},
    {"to": "1795253400"}, {"form": "2026-01-01"}, {"x": "1"}, {"Limit": "1"},
    {"limit": ["1", "2"]}, {"from": ["2026-01-01", "2026-01-02"]},
    {"after": "x"}, {"after": "1"}, {"after": "1."}, {"after": ".a"},
    {"after": "-9223372036854775808.a"}, {"after": "99999999999999999999.a"},
    {"after": "253402300800.a"}]


@pytest.mark.parametrize("path", ["counts", "stats/day", "stats/hour"])
@pytest.mark.parametrize("parameters", WRONG)
def test_a_wrong_parameter_is_400(tally, path, parameters):
    get(tally, f"/api/v1/{path}" + query(**parameters), 400)


@pytest.mark.parametrize("path", ["counts", "stats/day", "stats/hour"])
def test_an_unknown_camera_is_404_and_a_hostile_one_too(tally, path):
    for c in (code("no"), "' OR 1=1 -- ", "<script>", "%", "x" * 4000, ""):
        get(tally, f"/api/v1/{path}" + query(camera=c), 404)
    many = query(camera=[f"c{i}" for i in range(65)])
    get(tally, f"/api/v1/{path}{many}", 400)


# ---- statistics

def moments(rows, name):
    """n, sum, mean, std (population) by whole numbers, min, max."""
    values = [r[name] for r in rows if r.get(name) is not None]
    if not values:
        return None
    n, total = len(values), sum(values)
    square = sum(v * v for v in values)
    std = math.sqrt((n * square - total * total) / (n * n))
    new = [r[name + "_new"] for r in rows if r.get(name + "_new") is not None]
    return {"n": n, "sum": total, "mean": total / n, "std": std,
            "reference": total / n + K * std, "min": min(values),
            "max": max(values), "new": sum(new) if new else None}


def same(got, want):
    assert (got is None) == (want is None), (got, want)
    if want is None:
        return
    assert set(got) == set(want)
    for key, value in want.items():
        if isinstance(value, float):
            assert math.isclose(got[key], value, rel_tol=1e-9,
                                abs_tol=1e-9), (key, got, want)
        else:
            assert got[key] == value, (key, got, want)


def bucket_of(instant, zone, period):
    """The bucket that holds an instant: (start, end).  An hour ends early
    where the clock is changed by less than an hour."""
    local = instant.astimezone(zone)
    if period == "day":
        return tuple(datetime.datetime(d.year, d.month, d.day, tzinfo=zone)
                     .astimezone(UTC) for d in (local, local.date() + DAY))
    start = instant - minutes(local.minute)
    end = start + HOUR
    while start.astimezone(zone).utcoffset() != local.utcoffset():
        start += minutes(15)
    while (end - minutes(1)).astimezone(zone).utcoffset() != local.utcoffset():
        end -= minutes(15)
    return start, end


def recount(rows, c, tz, period):
    """The items that rows lead to, oldest first."""
    zone, buckets = zoneinfo.ZoneInfo(tz), {}
    for r in rows:
        at = datetime.datetime.fromisoformat(r["start_at"])
        buckets.setdefault(bucket_of(at, zone, period), []).append(r)
    for start, end in sorted(buckets):
        of = buckets[start, end]
        classes = {k: sum(r["classes"][k] for r in of
                          if k in (r.get("classes") or {})) for k in CLASSES
                   if any(k in (r.get("classes") or {}) for r in of)}
        yield {"camera": c, "tz": tz,
               "start": start.astimezone(zone).isoformat(),
               "end": end.astimezone(zone).isoformat(),
               "n": len(of), "observed_s": sum(r["observed_s"] for r in of),
               **{m: moments(of, m) for m in METRICS},
               "classes": classes or None}


def make_rows(c, start, n, step, seed):
    """Rows of every kind: nulls, zeros, large ones, classes, gaps."""
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        if rng.random() < 0.1:
            continue
        at = start + minutes(step * i)
        r = row(c, at, length=step, people=rng.choice(
            [0, 1, 2, 7, 31, 1000000, None]), vehicle=rng.randint(0, 9))
        if rng.random() < 0.7:
            r["people_new"] = rng.randint(0, 5)
        if rng.random() < 0.5:
            r["classes"] = {k: rng.randint(0, 4)
                            for k in rng.sample(CLASSES, 2)}
        r["observed_s"] = rng.randint(step * 30, step * 60)
        rows.append(r)
    return rows


# Days of 23 and 25 hours, half and quarter hours, no change at all, a change
# at midnight, a change by half an hour.
ZONES = [("Europe/Berlin", (2024, 3, 30)), ("Europe/Berlin", (2024, 10, 26)),
         ("America/New_York", (2024, 11, 2)), ("Asia/Kathmandu", (2024, 5, 1)),
         ("Australia/Lord_Howe", (2024, 4, 6)),
         ("Australia/Lord_Howe", (2024, 10, 5)),
         ("Africa/Cairo", (2024, 4, 25)), ("Africa/Cairo", (2024, 10, 31)),
         ("UTC", (2024, 2, 28)), ("Pacific/Kiritimati", (2024, 12, 31))]


@pytest.fixture(scope="module")
def counted_rows(tally):
    """Rows around the edges of ZONES, rolled up: {(zone, day): (code, rows)}"""
    made = {}
    for number, (tz, day) in enumerate(ZONES):
        c = camera(tally, tz=tz)
        start = datetime.datetime(*day, tzinfo=UTC) - 12 * HOUR
        rows = make_rows(c, start, 4 * 24 * 4, 15, number)
        status, reply = post(tally, rows)
        assert status == 200, reply
        made[tz, day] = c, rows
    roll_up(tally)
    return made


def roll_up(tally):
    status, reply = tally.json("POST", "/api/v1/jobs/roll_up",
                               tally.admin_token)
    assert status == 200, reply
    assert set(reply) == {"rows", "buckets", "ms"}
    assert all(isinstance(v, int) and v >= 0 for v in reply.values())
    return reply


def compare(items, want):
    assert [i["start"] for i in items] == [w["start"] for w in want]
    for got, w in zip(items, want):
        assert set(got) == set(w)
        for key, value in w.items():
            if key in METRICS:
                same(got[key], value)
            else:
                assert got[key] == value, (key, got, w)


@pytest.mark.parametrize("period", ["hour", "day"])
@pytest.mark.parametrize("zone", ZONES, ids=lambda z: f"{z[0]}-{z[1][1]}")
def test_statistics_equal_a_recount(tally, counted_rows, zone, period):
    c, rows = counted_rows[zone]
    reply = get(tally, f"/api/v1/stats/{period}" + query(camera=c))
    assert reply["period"] == period and reply["next"] is None
    compare(reply["items"], list(recount(rows, c, zone[0], period)))
    if period == "day":
        lengths = {(datetime.datetime.fromisoformat(i["end"])
                    - datetime.datetime.fromisoformat(i["start"])) / HOUR
                   for i in reply["items"]}
        odd = {("Europe/Berlin", 3): 23, ("Europe/Berlin", 10): 25,
               ("America/New_York", 11): 25, ("Australia/Lord_Howe", 4): 24.5,
               ("Australia/Lord_Howe", 10): 23.5, ("Africa/Cairo", 4): 23,
               ("Africa/Cairo", 10): 25}.get((zone[0], zone[1][1]))
        assert lengths == ({24, odd} if odd else {24})


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_pages_of_statistics_hold_every_bucket_once(
        tally, counted_rows, limit):
    chosen = [counted_rows[k] for k in ZONES[:3]]
    codes = [c for c, _ in chosen]
    items, _ = walk(tally, "/api/v1/stats/day"
                    + query(camera=codes, limit=limit))
    want = [w for (tz, day), (c, rows) in sorted(
        ((k, counted_rows[k]) for k in ZONES[:3]), key=lambda e: e[1][0])
        for w in recount(rows, c, tz, "day")]
    compare(items, want)


def test_several_cameras_and_star(tally, counted_rows):
    codes = [counted_rows[k][0] for k in ZONES[:2]]
    items = get(tally, "/api/v1/stats/day" + query(
        camera=codes + codes[:1]))["items"]
    assert [i["camera"] for i in items] == sorted(
        i["camera"] for i in items)
    assert {i["camera"] for i in items} == set(codes)
    each = [i for c in sorted(codes) for i in get(
        tally, "/api/v1/stats/day" + query(camera=c))["items"]]
    assert items == each
    everything, _ = walk(tally, "/api/v1/stats/day?camera=*&limit=5000")
    assert [i for i in everything if i["camera"] in codes] == each


@pytest.mark.parametrize("period", ["hour", "day"])
def test_a_bucket_is_listed_when_its_start_lies_in_the_range(
        tally, counted_rows, period):
    key = ("Europe/Berlin", (2024, 10, 26))
    c, rows = counted_rows[key]
    want = list(recount(rows, c, key[0], period))
    starts = [datetime.datetime.fromisoformat(w["start"]) for w in want]
    second = datetime.timedelta(seconds=1)
    middle = len(want) // 2
    for first, last, chosen in (
            (starts[1], starts[middle], want[1:middle]),
            (starts[1] + second, starts[middle] + second,
             want[2:middle + 1]),
            (starts[1] - second, starts[middle] - second, want[1:middle]),
            (starts[1], starts[1], []),
            (starts[2], starts[1], [])):
        items, _ = walk(tally, f"/api/v1/stats/{period}" + query(
            **{"from": first.isoformat(), "to": last.isoformat()},
            camera=c))
        compare(items, chosen)


def test_a_range_without_offset_is_local(tally, counted_rows):
    key = ("Asia/Kathmandu", (2024, 5, 1))
    c, rows = counted_rows[key]
    want = list(recount(rows, c, key[0], "day"))
    for first in ("2024-05-02", "2024-05-02T00:00:00",
                  "2024-05-02T00:00:00+05:45", "2024-05-01T00:00:01"):
        reply = get(tally, "/api/v1/stats/day" + query(
            **{"from": first, "to": "2024-05-03"}, camera=c))
        compare(reply["items"], [w for w in want
                                 if w["start"].startswith("2024-05-02")])


def test_late_and_replaced_rows_are_counted_by_the_next_run(tally):
    c = camera(tally, tz="Asia/Seoul")
    at = hours_ago(50)
    rows = [row(c, at + minutes(15 * i), length=15, people=i, observed_s=900)
            for i in range(40) if i != 7]
    post(tally, rows)
    roll_up(tally)
    rows.append(row(c, at + minutes(15 * 7), length=15, people=500,
                    observed_s=900))
    rows[0] = {**rows[0], "people": 77}
    assert post(tally, [rows[-1], rows[0]], "?on_conflict=replace")[0] == 200
    roll_up(tally)
    for period in ("hour", "day"):
        reply = get(tally, f"/api/v1/stats/{period}" + query(camera=c))
        compare(reply["items"], list(recount(rows, c, "Asia/Seoul", period)))
    assert roll_up(tally)["rows"] >= 0


# ---- cameras

def test_a_camera_is_made_as_it_was_asked_for(tally):
    c = code()
    status, reply = tally.json("POST", "/api/v1/cameras", tally.admin_token, {
        "camera": c, "name": "정문 <b>", "site": "Plant 1",
        "tz": "Asia/Seoul"})
    assert status == 201
    want = {"camera": c, "name": "정문 <b>", "site": "Plant 1",
            "tz": "Asia/Seoul"}
    assert reply == want
    status, reply = tally.json("POST", "/api/v1/cameras", tally.admin_token,
                               {"camera": c})
    assert status == 409
    problem(reply, 409)
    items, _ = walk(tally, "/api/v1/cameras")
    assert [i for i in items if i["camera"] == c] == [
        {**want, "last_seen": None, "state": "new", "today": None,
         "last_error": None, "ingest": None}]


def test_a_camera_takes_what_is_left_out_from_its_site(tally):
    c = code()
    status, reply = tally.json("POST", "/api/v1/cameras", tally.admin_token,
                               {"camera": c, "name": None, "tz": None})
    (site, tz), = tally.sql("SELECT name, tz FROM site WHERE is_default = 1")
    assert (status, reply) == (201, {"camera": c, "name": c, "site": site,
                                     "tz": tz})


@pytest.mark.parametrize("members, field", [
    ({"camera": "a b"}, "camera"), ({"camera": ""}, "camera"),
    ({"camera": None}, "camera"), ({"camera": 7}, "camera"),
    ({"name": "x"}, "camera"), ({"camera": "{c}", "tz": "Mars/Base"}, "tz"),
    ({"camera": "{c}", "tz": "../etc"}, "tz"), ({"camera": "{c}", "tz": ""},
                                                "tz"),
    ({"camera": "{c}", "name": ""}, "name"),
    ({"camera": "{c}", "name": "a\nb"}, "name"),
    ({"camera": "{c}", "name": "x" * 201}, "name"),
    ({"camera": "{c}", "site": 1}, "site"),
    ({"camera": "{c}", "site": "x" * 101}, "site"),
    ({"camera": "{c}", "zone": "UTC"}, "zone"),
    ({"Camera": "{c}"}, "Camera")])
def test_a_wrong_camera_is_named_by_its_member(tally, members, field):
    c = code()
    members = {k: v.format(c=c) if isinstance(v, str) else v
               for k, v in members.items()}
    status, reply = tally.json("POST", "/api/v1/cameras", tally.admin_token,
                               members)
    assert status == 422
    problem(reply, 422)
    assert reply["field"] == field
    assert not tally.sql("SELECT 1 FROM camera WHERE code = %s", c)


@pytest.mark.parametrize("body, status", [
    (b"", 400), (b"{", 400), (b"[]", 422), (b"7", 422), (b"\xff", 400),
    (b'{"camera": "a", "camera": "b"}', 422), (b'{"camera": 1e400}', 422),
    (b'{"camera": "' + b"x" * 70000 + b'"}', 413)])
def test_a_body_that_is_no_camera_is_refused(tally, body, status):
    got, reply = tally.json("POST", "/api/v1/cameras", tally.admin_token,
                            body)
    assert got == status
    problem(reply, status)
    get_wrong = tally.json("POST", "/api/v1/cameras?x=1", tally.admin_token,
                           {"camera": code()})
    assert get_wrong[0] == 400


def test_a_camera_says_how_it_fares(tally):
    live, silent, retired = (camera(tally) for _ in range(3))
    now = datetime.datetime.now(UTC).replace(microsecond=0)
    post(tally, [row(live, now - minutes(5)), row(silent, hours_ago(5)),
                 row(retired, now - minutes(5))])
    tally.sql("UPDATE camera SET retired_at = UTC_TIMESTAMP() "
              "WHERE code = %s", retired)
    items = {i["camera"]: i for i in walk(tally, "/api/v1/cameras")[0]}
    assert [items[c]["state"] for c in (live, silent, retired)] == [
        "live", "silent", "retired"]
    assert items[live]["last_seen"] == z(now)
    assert items[silent]["last_seen"] == z(hours_ago(5) + minutes(5))


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_pages_hold_every_camera_once(tally, limit):
    for _ in range(3):
        camera(tally)
    items, _ = walk(tally, f"/api/v1/cameras?limit={limit}")
    # The default camera is there from its first row on.
    assert [i["camera"] for i in items if i["camera"] != "default"] == [
        c for c, in tally.sql("SELECT code FROM camera "
                              "WHERE code <> 'default' ORDER BY code")]


@pytest.mark.parametrize("parameters", [
    {"limit": "0"}, {"limit": "1001"}, {"limit": "x"}, {"x": "1"},
    {"limit": ["1", "1"]}])
def test_a_wrong_parameter_of_cameras_is_400(tally, parameters):
    get(tally, "/api/v1/cameras" + query(**parameters), 400)


def test_a_roll_up_takes_no_parameters(tally):
    status, reply = tally.json("POST", "/api/v1/jobs/roll_up?now=1",
                               tally.admin_token)
    assert status == 400
    problem(reply, 400)


def test_health_counts_what_the_process_took_and_turned_away(tally):
    def server():
        reply = tally.health()
        assert reply["checks"]["server"].pop("status") == "ok"
        return reply["checks"]["server"]

    before = server()
    status, _ = tally.json(
        "POST", "/api/v1/counts", tally.ingest_token,
        {"camera": "counted-once", "start_at": "2026-03-01T00:00:00Z",
         "end_at": "2026-03-01T00:01:00Z", "people": 1})
    assert status == 200
    assert tally.request("GET", "/", headers={"Expect": "nothing"})[0] == 417
    assert tally.json("GET", "/api/v1/cameras", "tly_unknown")[0] == 401
    after = server()
    assert after["rows_written"] > before["rows_written"]
    assert after["refused_framing"] > before["refused_framing"]
    assert after["failed_authentications"] > before["failed_authentications"]
    assert after["reads"] > before["reads"]
    assert after["connections"] >= 1
