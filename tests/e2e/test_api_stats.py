# SPDX-License-Identifier: MIT
"""Statistics over HTTP: every level and the profile against a recount."""
import datetime as dt
import math
import random
import urllib.parse

import pytest

import sqlbase
from apibase import CLASSES, METRICS, UTC, camera, post, problem

K = 1.5
LEVELS = ("hour", "day", "week", "month", "year", "weekday/month",
          "weekday/year", "profile")
# Whole, half and quarter hours, both hemispheres, a change by half an hour,
# one at midnight, none at all.
ZONES = ("Asia/Seoul", "Asia/Kathmandu", "Australia/Lord_Howe",
         "America/New_York", "America/Havana", "Pacific/Chatham")
# Where clocks change, a leap day, the turn of a year, a week across it.
PLACES = ("2024-02-28", "2024-03-09", "2024-04-06", "2024-10-05",
          "2024-11-02", "2024-12-29", "2025-01-31")


def get(tally, path, status=200, token=None):
    got, reply = tally.json("GET", path, token or tally.read_token)
    assert got == status, reply
    if status != 200:
        problem(reply, status)
    return reply


def stats(level, **parameters):
    if "from_" in parameters:
        parameters["from"] = parameters.pop("from_")
    return f"/api/v1/stats/{level}?" + urllib.parse.urlencode(
        parameters, doseq=True)


def walk(tally, path, token=None):
    """The items of all pages, and how many each had."""
    items, pages = [], []
    while path:
        reply = get(tally, path, token=token)
        items += reply["items"]
        path = reply["next"]
        pages.append(len(reply["items"]))
        assert len(pages) < 2000
    return items, pages


def roll_up(tally):
    status, reply = tally.json("POST", "/api/v1/jobs/roll_up",
                               tally.admin_token)
    assert status == 200, reply


# ---- rows of one's own, and what they must give

def scatter(rng, c, n):
    """n rows of a camera, around PLACES and all over the year."""
    at, rows = set(), []
    while len(at) < n:
        if rng.random() < 0.7:
            day = dt.datetime.fromisoformat(rng.choice(PLACES))
            second = rng.randrange(3 * 86400)
        else:
            day = dt.datetime(2023, 12, 20)
            second = rng.randrange(420 * 86400)
        at.add(day + dt.timedelta(seconds=second // 60 * 60))
    for start in at:
        r = dict.fromkeys(sqlbase.COUNTS)
        r.update(camera_id=c, start_at=start,
                 end_at=start + dt.timedelta(seconds=60),
                 observed_s=rng.randint(0, 60),
                 people=rng.choice((0, 1, 2, 7, 31, 1000000, None)))
        for name in ("vehicle", "people_new", "face_new", "car", "bus",
                     "scooter"):
            if rng.random() < 0.6:
                r[name] = rng.randint(0, 9)
        if all(r[m] is None for m in METRICS):
            r["vehicle"] = 3
        rows.append(r)
    return rows


def send(tally, rows):
    """The rows over HTTP."""
    def body(r):
        figures = {k: r[k] for k in sqlbase.COUNTS
                   if k not in CLASSES and r[k] is not None}
        classes = {k: r[k] for k in CLASSES if r[k] is not None}
        return {"camera": r["camera_id"], "observed_s": r["observed_s"],
                "start_at": r["start_at"].isoformat() + "Z",
                "end_at": r["end_at"].isoformat() + "Z", **figures,
                **({"classes": classes} if classes else {})}

    status, reply = post(tally, [body(r) for r in rows])
    assert status == 200 and reply["inserted"] == len(rows), reply


def show(zone, at):
    """A naive instant as the API writes it."""
    return at.replace(tzinfo=UTC).astimezone(
        sqlbase.zone_info(zone)).isoformat()


def edges(level, key, zone):
    """Start and end, naive UTC, of a bucket of sqlbase.recount."""
    if level == "hour":
        start = key[2]
        end = start + dt.timedelta(hours=1)
        shown = sqlbase.local(zone, start)
        end -= shown - shown.replace(minute=0, second=0)
        return start, sqlbase.change_within(
            zone, start, end - dt.timedelta(seconds=1)) or end
    first = key[1]
    last = {"day": lambda d: d + dt.timedelta(1),
            "week": lambda d: d + dt.timedelta(7),
            "month": sqlbase.next_month,
            "year": lambda d: d.replace(year=d.year + 1)}[
                level.split("/")[-1]](first)
    return sqlbase.midnight(zone, first), sqlbase.midnight(zone, last)


def item(names, start, end, bucket):
    """What the API must say of a recounted bucket."""
    zone, b = names["tz"], bucket.exact()
    b.update(bucket.floating())
    classes = {c: b[c] for c in CLASSES if b[c] is not None}
    made = {**names, "start": show(zone, start), "end": show(zone, end),
            "n": b["row_n"], "observed_s": b["observed_s"],
            "classes": classes or None}
    for m in METRICS:
        made[m] = None
        if b[m + "_n"]:
            made[m] = {k: b[f"{m}_{k}"] for k in (
                "n", "sum", "mean", "std", "min", "max", "new")}
            made[m]["reference"] = b[m + "_mean"] + K * b[m + "_std"]
    return made


def expected(level, rows, zone_of, starts=lambda zone, start: True):
    """The items of a level, camera by camera, in the order of the API."""
    items = []
    table = sqlbase.recount(rows, zone_of)[level.replace("/", "_")]
    for key in sorted(table):
        zone = zone_of[key[0]]
        start, end = edges(level, key, zone)
        names = {"camera": key[0], "tz": zone}
        if level.startswith("weekday"):
            names["weekday"] = key[2]
        if starts(zone, start):
            items.append(item(names, start, end, table[key]))
    return items


def profile(rows, zone_of, range_of):
    """The same for the profile of range_of(zone): naive UTC edges."""
    cells = {}
    for r in rows:
        zone = zone_of[r["camera_id"]]
        start, end = range_of(zone)
        here = sqlbase.local(zone, r["start_at"])
        hour = r["start_at"] - (here - here.replace(minute=0, second=0))
        if sqlbase.offset_at(zone, hour) != sqlbase.offset_at(
                zone, r["start_at"]):
            hour = sqlbase.change_within(zone, hour, r["start_at"])
        if start <= hour < end:
            key = r["camera_id"], here.isoweekday(), here.hour
            cells.setdefault(key, sqlbase.Bucket()).add(r)
    return [item({"camera": c, "tz": zone_of[c], "weekday": w, "hour": h},
                 *range_of(zone_of[c]), cells[c, w, h])
            for c, w, h in sorted(cells)]


def same(got, want):
    """Equal, means and deviations to 1e-9."""
    assert len(got) == len(want)
    for g, w in zip(got, want):
        assert set(g) == set(w)
        for key, value in w.items():
            if key not in METRICS or value is None:
                assert g[key] == value, (key, g, w)
                continue
            assert g[key] is not None and set(g[key]) == set(value), (g, w)
            for name, v in value.items():
                if name in ("mean", "std", "reference"):
                    assert math.isclose(g[key][name], v, rel_tol=1e-9,
                                        abs_tol=1e-9), (key, name, g, w)
                else:
                    assert g[key][name] == v, (key, name, g, w)


class World:
    """Cameras of ZONES, their rows, rolled up."""

    def __init__(self, tally):
        rng = random.Random(11)
        self.zone_of = {camera(tally, tz=z): z for z in ZONES}
        self.codes = sorted(self.zone_of)
        self.rows = [r for c in self.codes for r in scatter(rng, c, 250)]
        send(tally, self.rows)
        roll_up(tally)

    def months(self, c):
        """The edges of a camera's first and last month, naive UTC."""
        zone = self.zone_of[c]
        dates = [sqlbase.local(zone, r["start_at"]).date().replace(day=1)
                 for r in self.rows if r["camera_id"] == c]
        return (sqlbase.midnight(zone, min(dates)),
                sqlbase.midnight(zone, sqlbase.next_month(max(dates))))


@pytest.fixture(scope="module")
def world(tally):
    return World(tally)


# ---- levels

@pytest.mark.parametrize("level", [v for v in LEVELS if v != "profile"])
def test_every_level_equals_a_recount(tally, world, level):
    reply = get(tally, stats(level, camera=world.codes))
    assert set(reply) == {"period", "items", "next"}
    assert reply["period"] == level and reply["next"] is None
    want = expected(level, world.rows, world.zone_of)
    assert len(want) > len(ZONES)
    same(reply["items"], want)


@pytest.mark.parametrize("level", [v for v in LEVELS if v != "profile"])
def test_a_bucket_is_listed_when_its_start_lies_in_the_range(
        tally, world, level):
    second = dt.timedelta(seconds=1)
    for c in world.codes[:3]:
        zone = world.zone_of[c]
        rows = [r for r in world.rows if r["camera_id"] == c]
        want = expected(level, rows, world.zone_of)
        starts = [dt.datetime.fromisoformat(w["start"]) for w in want]
        a, b = starts[len(want) // 3], starts[-1]
        for first, last in ((a, b), (a + second, b + second),
                            (a - second, b - second), (a, a), (b, a)):
            reply = get(tally, stats(level, camera=c, to=last.isoformat(),
                                     from_=first.isoformat()))
            same(reply["items"], [w for w, s in zip(want, starts)
                                  if first <= s < last])
    # Without an offset the range is each camera's own.
    reply = get(tally, stats(level, camera=world.codes, to="2025-01-01",
                             from_="2024-10-05T12:30:00"))
    same(reply["items"], expected(
        level, world.rows, world.zone_of, lambda zone, start:
        dt.datetime(2024, 10, 5, 12, 30) <= sqlbase.local(zone, start)
        < dt.datetime(2025, 1, 1)))


def test_a_profile_of_everything_is_that_of_the_months(tally, world):
    items = get(tally, stats("profile", camera=world.codes))["items"]
    edges_of = {world.zone_of[c]: world.months(c) for c in world.codes}
    same(items, profile(world.rows, world.zone_of, edges_of.get))
    assert {i["weekday"] for i in items} == set(range(1, 8))
    assert {i["hour"] for i in items} == set(range(24))


@pytest.mark.parametrize("first, last", [
    ("2024-02-28T13:10:00", "2024-11-03T06:20:00"),
    ("2024-03-01", "2024-12-01"), ("2024-03-01T00:00:01", "2025-01-31"),
    ("2024-10-05T03:30:00", "2024-10-07"), ("2024-12-30", "2025-01-02"),
    ("2024-12-31T23:00:00", "2025-02-01"), ("2025-01-01", "2024-01-01"),
    ("2023-12-20", "2024-03-10T02:30:00")])
def test_a_profile_of_a_ragged_range(tally, world, first, last):
    def at(text, zone):
        wall = dt.datetime.fromisoformat(text)
        at = wall.replace(tzinfo=sqlbase.zone_info(zone)).astimezone(
            UTC).replace(tzinfo=None)
        if sqlbase.local(zone, at) != wall:  # the moment it is skipped
            at = sqlbase.change_within(zone, at - dt.timedelta(1), at)
        return at

    for offset in ("", "+05:45"):
        def range_of(zone, offset=offset):
            if not offset:
                return at(first, zone), at(last, zone)
            return tuple(dt.datetime.fromisoformat(
                (t if "T" in t else t + "T00:00:00") + offset)
                .astimezone(UTC).replace(tzinfo=None) for t in (first, last))

        suffix = offset and ("T00:00:00" + offset)
        reply = get(tally, stats(
            "profile", camera=world.codes,
            from_=first + (offset if "T" in first else suffix),
            to=last + (offset if "T" in last else suffix)))
        same(reply["items"], profile(world.rows, world.zone_of, range_of))


@pytest.mark.parametrize("level", LEVELS)
def test_pages_across_cameras_hold_every_item_once(tally, world, level):
    codes = world.codes[:3]
    whole = get(tally, stats(level, camera=codes))["items"]
    for limit in (7, 41, len(whole) - 1, len(whole)):
        items, pages = walk(tally, stats(level, camera=codes, limit=limit))
        assert items == whole
        assert pages[:-1] == [limit] * (len(pages) - 1)
        assert len(pages) == math.ceil(len(whole) / limit)


@pytest.mark.parametrize("level", [
    "minute", "weekday", "weekday/day", "weekday/", "profile/x", "Day",
    "weekday/profile"])
def test_another_period_is_404(tally, level):
    get(tally, f"/api/v1/stats/{level}", 404)
