# SPDX-License-Identifier: MIT
"""Statistics over HTTP: every level and the profile against a recount."""
import csv
import datetime as dt
import functools
import io
import json
import math
import random
import urllib.parse

import pytest

import sqlbase
from apibase import CLASSES, METRICS, UTC, camera, code, post, problem

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


def test_a_profile_needs_hours_only_where_a_month_is_cut(tally):
    rng, zone = random.Random(3), "Australia/Lord_Howe"
    c = camera(tally, tz=zone)
    rows = scatter(rng, c, 200)
    send(tally, rows)
    roll_up(tally)
    path = stats("profile", camera=c, from_="2024-02-10T05:00:00",
                 to="2025-01-15")
    want = profile(rows, {c: zone}, lambda z: (
        dt.datetime(2024, 2, 9, 18), dt.datetime(2025, 1, 14, 13)))
    same(get(tally, path)["items"], want)
    # Hours may be kept for less time than months.
    tally.sql("DELETE h FROM stats_hour h JOIN camera USING (camera_id) "
              "WHERE code = %s AND local_date BETWEEN '2024-03-01' AND "
              "'2024-12-31'", c)
    tally.sql("UPDATE stats_version SET version = version + 1")
    same(get(tally, path)["items"], want)


def test_a_narrow_range_reads_few_rows(tally, world):
    """Of each camera a range of its own, not all it has."""
    def reads(path):
        def sum_of():
            return sum(int(v) for n, v in tally.sql(
                "SHOW GLOBAL STATUS LIKE 'Handler_read_%%'"))

        before = sum_of()
        n = len(get(tally, path)["items"])
        return n, sum_of() - before

    def least(first, last):  # the event and others read, too
        return min(reads(stats("hour", camera=world.codes, from_=f"{first}:0{n}",
                               to=last)) for n in range(3))

    n, few = least("2024-10-05T00:00", "2024-10-06")
    everything, many = least("2000-01-01T00:00", "2030-01-01")
    assert 3 < n < everything / 15
    assert few < many / 3, (n, few, everything, many)


@pytest.mark.parametrize("level", LEVELS)
def test_pages_across_cameras_hold_every_item_once(tally, world, level):
    codes = world.codes[:3]
    whole = get(tally, stats(level, camera=codes))["items"]
    for limit in (len(whole) // 19 + 1, len(whole) - 1, len(whole)):
        items, pages = walk(tally, stats(level, camera=codes, limit=limit))
        assert items == whole
        assert pages[:-1] == [limit] * (len(pages) - 1)
        assert len(pages) == math.ceil(len(whole) / limit)


@pytest.mark.parametrize("level", [
    "minute", "weekday", "weekday/day", "weekday/", "profile/x", "Day",
    "weekday/profile"])
def test_another_period_is_404(tally, level):
    get(tally, f"/api/v1/stats/{level}", 404)


# ---- sites

class Site:
    """Cameras of different zones at one site, one of them with a line of its
    own, and a camera elsewhere; their rows, rolled up."""

    ZONES = ("America/New_York", None, "Australia/Lord_Howe",
             "Asia/Kathmandu")  # None: the site's

    def __init__(self, tally, zone):
        rng = random.Random(5)
        self.name, self.zone = f"{code('Plant')} a&b", zone
        (site,) = self.sql_site(tally)
        self.zone_of = {}
        for z in self.ZONES:
            c = camera(tally, site=self.name, **({"tz": z} if z else {}))
            self.zone_of[c] = z or zone
        self.codes = sorted(self.zone_of)
        self.rows = [r for c in self.codes for r in scatter(rng, c, 220)]
        # The second pass of a repeated hour, where a camera has one.
        self.rows += [
            {**dict.fromkeys(sqlbase.COUNTS), "camera_id": self.codes[0],
             "start_at": dt.datetime(2024, 11, 3, 5 + h, 59), "people": h,
             "end_at": dt.datetime(2024, 11, 3, 6 + h), "observed_s": 60}
            for h in range(3)]
        self.rows = list({(r["camera_id"], r["start_at"]): r
                          for r in self.rows}.values())
        line = self.codes[0] + "/door/in"
        tally.sql("INSERT INTO camera (code, site_id, tz, parent_id, kind) "
                  "SELECT %s, site_id, tz, camera_id, 'line' FROM camera "
                  "WHERE code = %s", line, self.codes[0])
        elsewhere = camera(tally, tz="Asia/Kathmandu")
        send(tally, self.rows)
        send(tally, scatter(rng, line, 50) + scatter(rng, elsewhere, 50))
        roll_up(tally)
        self.site_id = site

    def sql_site(self, tally):
        c = camera(tally, tz=self.zone)  # the API knows the zone now
        tally.sql("INSERT INTO site (name, tz) VALUES (%s, %s)", self.name,
                  self.zone)
        tally.sql("UPDATE camera SET retired_at = UTC_TIMESTAMP() "
                  "WHERE code = %s", c)
        return tally.sql("SELECT site_id FROM site WHERE name = %s",
                         self.name)[0]

    @functools.lru_cache(None)
    def passes(self, date, hour, fold):
        """Start and end of a local hour by the site's clock: when it shows
        that hour, quarter by quarter."""
        wanted = dt.datetime.combine(date, dt.time(hour))
        at, step, shown = wanted, dt.timedelta(minutes=15), []
        at -= dt.timedelta(seconds=sqlbase.offset_at(self.zone, at))
        at -= 12 * step
        for _ in range(28):
            here = sqlbase.local(self.zone, at)
            if here.replace(minute=0) == wanted:
                shown.append(at)
            elif here > wanted and not shown:
                return at, at  # skipped
            at += step
        first = [a for a in shown if not sqlbase.fold_at(self.zone, a)]
        again = [a for a in shown if sqlbase.fold_at(self.zone, a)]
        which = again if fold and again else first
        return which[0], which[-1] + step

    @functools.lru_cache(None)
    def recount(self):
        return sqlbase.recount(self.rows, self.zone_of)

    def pooled(self, level, starts=lambda start: True):
        """The items of a level, by a recount."""
        pool = {}
        for key, bucket in self.recount()[level.replace("/", "_")].items():
            names, place = {"site": self.name, "tz": self.zone}, key[1:]
            if level == "hour":
                start, end = self.passes(key[1], key[3], key[4])
                twice = self.passes(key[1], key[3], 1) != self.passes(
                    key[1], key[3], 0)
                place = key[1], key[3], key[4] if twice else 0
            else:
                start, end = edges(level, key, self.zone)
            if level.startswith("weekday"):
                names["weekday"] = key[2]
            if not starts(start):
                continue
            total = pool.setdefault(place, (names, start, end, []))
            total[3].append(bucket)
        return [item(names, start, end, merged(buckets)) for
                _, (names, start, end, buckets) in sorted(pool.items())]

    def profile(self, first, last):
        cells = {}
        table = self.recount()["hour"]
        for key, bucket in table.items():
            if first <= self.passes(key[1], key[3], key[4])[0] < last:
                cells.setdefault((key[1].isoweekday(), key[3]), []).append(
                    bucket)
        return [item({"site": self.name, "tz": self.zone, "weekday": w,
                      "hour": h}, first, last, merged(cells[w, h]))
                for w, h in sorted(cells)]

    def all_months(self):
        dates = [sqlbase.local(self.zone_of[r["camera_id"]], r["start_at"])
                 .date().replace(day=1) for r in self.rows]
        return (sqlbase.midnight(self.zone, min(dates)), sqlbase.midnight(
            self.zone, sqlbase.next_month(max(dates))))


def merged(buckets):
    b = sqlbase.Bucket()
    for other in buckets:
        b.row_n += other.row_n
        b.observed_s += other.observed_s
        for m in METRICS:
            b.values[m] += other.values[m]
        for k, v in other.sums.items():
            b.sums[k] = b.sums.get(k, 0) + v
    return b


@pytest.fixture(scope="module", params=["Europe/Berlin", "America/New_York"])
def site(request, tally):
    return Site(tally, request.param)


@pytest.mark.parametrize("level", [v for v in LEVELS if v != "profile"])
def test_a_site_is_the_pool_of_its_cameras_by_local_date(tally, site, level):
    reply = get(tally, stats(level, site=site.name))
    assert reply["period"] == level and reply["next"] is None
    want = site.pooled(level)
    same(reply["items"], want)
    if level in ("day", "weekday/month"):
        starts = [dt.datetime.fromisoformat(w["start"]) for w in want]
        a, b = starts[len(want) // 3], starts[-1]
        for moved in (0, 1, -1):
            first, last = (t + dt.timedelta(seconds=moved) for t in (a, b))
            reply = get(tally, stats(level, site=site.name,
                                     from_=first.isoformat(),
                                     to=last.isoformat()))
            same(reply["items"], [w for w, s in zip(want, starts)
                                  if first <= s < last])


@pytest.mark.parametrize("first, last", [
    ("2024-11-03T05:30:00", "2024-11-03T06:30:00"),
    ("2024-11-03T06:00:00", "2024-11-03T07:00:00"),
    ("2024-03-09T22:10:00", "2024-10-05T17:00:01"),
    ("2024-10-27T00:00:00", "2024-10-27T01:00:00"),
    ("2024-02-28T13:00:00", "2024-12-31T05:00:00")])
def test_a_site_of_a_range_that_cuts_hours_and_months(
        tally, site, first, last):
    a, b = (dt.datetime.fromisoformat(t) for t in (first, last))
    reply = get(tally, stats("hour", site=site.name, from_=first + "Z",
                             to=last + "Z"))
    same(reply["items"], site.pooled("hour", lambda start: a <= start < b))
    reply = get(tally, stats("profile", site=site.name, from_=first + "Z",
                             to=last + "Z"))
    same(reply["items"], site.profile(a, b))


def test_a_profile_of_a_whole_site(tally, site):
    reply = get(tally, stats("profile", site=site.name))
    same(reply["items"], site.profile(*site.all_months()))


@pytest.mark.parametrize("level", LEVELS)
def test_pages_of_a_site_hold_every_item_once(tally, site, level):
    whole = get(tally, stats(level, site=site.name))["items"]
    for limit in (1 if len(whole) < 20 else len(whole) // 9, len(whole)):
        items, pages = walk(tally, stats(level, site=site.name, limit=limit))
        assert items == whole
        assert len(pages) == math.ceil(len(whole) / limit)


def test_who_may_see_a_site(tally, site):
    empty = f"{site.name} empty"
    tally.sql("INSERT IGNORE INTO site (name, tz) VALUES (%s, %s)", empty,
              site.zone)
    bound = [x for c in site.codes for x in ("--camera", c)]
    every, some = (tally.run_tally(
        "token", "create", "--scope", "read", *b).stdout.strip()
        for b in (bound, bound[:-2]))
    assert get(tally, stats("day", site=site.name), token=every) == get(
        tally, stats("day", site=site.name))
    assert get(tally, stats("day", site=empty))["items"] == []
    answers = [get(tally, stats("day", site=name), 404, token)
               for name, token in ((site.name, some), (empty, some),
                                   (empty, every), ("nowhere", some),
                                   ("nowhere", None), ("", None))]
    assert {a["type"] for a in answers} == {"urn:tally:problem:unknown-site"}
    for wrong in ({"camera": site.codes[0]}, {"camera": "*"},
                  {"site": [site.name, site.name]}):
        get(tally, stats("day", **{"site": site.name, **wrong}), 400)
    # Bound to some cameras, all of them are those.
    items, _ = walk(tally, stats("month"), some)
    assert {i["camera"].split("/")[0] for i in items} == set(site.codes[:-1])


# ---- CSV

def cells(body):
    """The rows of a CSV as dicts, read by Python; it is RFC 4180."""
    text = body.decode()
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", "")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


# Members that are objects, and theirs.
GROUPS = {"today": ("coverage", "observed_s", "elapsed_s", "gaps"),
          "last_error": ("at", "detail"),
          "ingest": ("name", "at", "state", "version", "engine", "pictures",
                     "dropped", "fps", "waiting", "bytes", "oldest",
                     "refused", "given_up", "error")}


def flat(item):
    """An item of JSON as the row of CSV that it must be."""
    row = {}
    for key, value in item.items():
        if key in GROUPS:
            row.update({f"{key}_{n}": (value or {}).get(n)
                        for n in GROUPS[key]})
            continue
        if key in METRICS and "start" in item:
            names = ("n", "sum", "mean", "std", "reference", "min", "max",
                     "new")
            row.update({f"{key}_{n}": (value or {}).get(n) for n in names})
        elif key == "classes":
            row.update({c: (value or {}).get(c) for c in CLASSES})
        else:
            row[key] = value
    return {k: "" if v is None else
            json.dumps(v) if not isinstance(v, str) else
            "'" + v if v[:1] in tuple("=+-@\t\r") else v
            for k, v in row.items()}


def as_csv(tally, path, **headers):
    status, got, body = tally.request("GET", path, tally.read_token,
                                      headers=headers)
    assert status == 200, body
    assert got["content-type"] == "text/csv; charset=utf-8; header=present"
    return got, cells(body)


@pytest.mark.parametrize("level", LEVELS)
def test_csv_says_what_json_says_cell_by_cell(tally, world, site, level):
    for parameters in ({"camera": world.codes[:2]}, {"site": site.name}):
        items = get(tally, stats(level, **parameters))["items"]
        headers, rows = as_csv(tally, stats(level, format="csv",
                                            **parameters))
        assert headers["content-disposition"] == \
            f'attachment; filename="stats-{level.replace("/", "-")}.csv"'
        assert "link" not in headers
        assert rows == [flat(i) for i in items]
        assert ("weekday" in rows[0]) == (level[:2] in ("we", "pr")
                                          and level != "week")


@pytest.mark.parametrize("metric", METRICS)
def test_one_metric_alone(tally, world, site, metric):
    others = {*METRICS, "classes"} - {metric} - (
        {"classes"} if metric == "vehicle" else set())
    for parameters in ({"camera": world.codes[:2]}, {"site": site.name}):
        whole = get(tally, stats("profile", **parameters))["items"]
        want = [{k: v for k, v in item.items() if k not in others}
                for item in whole]
        assert get(tally, stats("profile", metric=metric,
                                **parameters))["items"] == want and want
        _, rows = as_csv(tally, stats("profile", metric=metric, format="csv",
                                      **parameters))
        assert rows == [flat(item) for item in want]
    get(tally, stats("day", metric="dogs"), 400)


def test_pages_of_csv_are_linked(tally, world):
    path, rows, pages = stats("month", format="csv", limit=7,
                              camera=world.codes), [], 0
    whole = get(tally, stats("month", camera=world.codes))["items"]
    while path:
        headers, page = as_csv(tally, path)
        rows, pages = rows + page, pages + 1
        link = headers.get("link")
        path = link and link[1:link.index(">")]
        assert not link or link.endswith('>; rel="next"')
    assert rows == [flat(i) for i in whole]
    assert pages == math.ceil(len(whole) / 7)


def timeless(rows):
    """Without what moves on from one request to the next."""
    return [{k: v for k, v in row.items()
             if k not in ("today_coverage", "today_elapsed_s", "today_gaps",
                          "state")}
            for row in rows]


def test_every_list_is_there_as_csv(tally, world):
    for path in ("counts?limit=50&camera=" + world.codes[0],
                 "cameras?limit=1000"):
        path = "/api/v1/" + path
        want = timeless(flat(i) for i in get(tally, path)["items"])
        assert timeless(as_csv(tally, path, Accept="text/csv")[1]) == want
        assert timeless(as_csv(tally, path + "&format=csv")[1]) == want
    headers, _ = as_csv(tally, "/api/v1/cameras?limit=1&format=csv")
    path = headers["link"].split(">")[0][1:]
    assert len(as_csv(tally, path)[1]) == 1


def test_outliers_as_csv(tally):
    c = camera(tally)
    tally.sql("INSERT INTO outlier_backup (camera_id, start_at, end_at, "
              "people, observed_s, exceeded, k, z, people_reference, "
              "people_basis, people_n, people_mean, people_std, people_z) "
              "SELECT camera_id, '2024-05-05', '2024-05-05 00:01', 9, 60, "
              "'people', 1.5, 4.5, 7.5, 'year', 40, 2.25, 1.5, -4.5 "
              "FROM camera WHERE code = %s", c)
    path = f"/api/v1/outliers?camera={c}"
    (i,), ((row,)) = get(tally, path)["items"], as_csv(
        tally, path + "&format=csv")[1]
    metrics = {f"{m}_{k}": i["metrics"].get(m, {}).get(k) for m in METRICS
               for k in ("reference", "mean", "std", "z", "basis")}
    want = {k: i[k] for k in ("id", "camera", "start_at", "end_at", "people",
                              "vehicle", "face", "side", "k", "level",
                              "status", "note", "reviewed_by",
                              "reviewed_at")}
    assert row == {**flat({**want, **metrics, "exceeded": "people"})}
    assert row["people_z"] == "-4.5"


def test_a_cell_never_runs_as_a_formula(tally):
    names = ['=1+1', '+1', '-1', '@x', 'a"b, c', "'quoted'", "plain=1"]
    codes = [camera(tally, name=n) for n in names]
    _, rows = as_csv(tally, "/api/v1/cameras?format=csv")
    got = {r["camera"]: r["name"] for r in rows}
    assert [got[c] for c in codes] == [
        "'" + n if n[0] in "=+-@" else n for n in names]


@pytest.mark.parametrize("accept, kind", [
    (None, "json"), ("*/*", "json"), ("text/csv", "csv"),
    ("TEXT/CSV;q=0.2, application/json;q=0.1", "csv"),
    ("text/csv;q=0.5, application/json;q=0.5", "json"),
    ("text/*, application/json;q=0.9", "csv"),
    ("text/*;q=0.9, text/csv;q=0, */*;q=0.1", "json"),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
     "json"), ('text/csv;charset="a,b;q=0";q=1', "csv"),
    ("image/png", None), ("application/json;q=0", None),
    ("text/csv;q=0, application/*;q=0.000", None), ("", "json")])
def test_what_the_client_accepts(tally, accept, kind):
    headers = {} if accept is None else {"Accept": accept}
    for path in (stats("year"), "/api/v1/cameras", "/api/v1/counts",
                 "/api/v1/outliers"):
        status, got, body = tally.request("GET", path, tally.read_token,
                                          headers=headers)
        assert status == (200 if kind else 406), body
        if kind:
            assert kind in got["content-type"]
        assert "Accept" in got["vary"]
    # What the address says is said more plainly.
    for name in ("json", "csv"):
        got = tally.request("GET", stats("year", format=name),
                            tally.read_token, headers=headers)
        assert got[0] == 200 and name in got[1]["content-type"]
    get(tally, stats("year", format="xml"), 400)
    get(tally, stats("year", format=["csv", "csv"]), 400)
