# SPDX-License-Identifier: MIT
"""
Random rows by every way there is to write them, and after each turn a recount.

A seed settles all but today's date.  TALLY_PROPERTY_SEED repeats a run that
failed, TALLY_PROPERTY_TURNS lengthens it.
"""
import datetime as dt
import json
import os
import random
import urllib.parse

import pymysql
import pytest

from apibase import post
from ownbase import Own
from sqlbase import (CLASSES, COLUMNS, COUNTS, METRICS, check_levels,
                     check_references, grouped, raw_rows, utc_now, zone_info)

TURNS = int(os.environ.get("TALLY_PROPERTY_TURNS", 3))
SEEDS = [int(s) for s in os.environ.get(
    "TALLY_PROPERTY_SEED", f"3 {random.SystemRandom().randrange(10**6)}"
    ).split()]
DAY = dt.timedelta(days=1)
UTC = dt.timezone.utc
EPOCH = dt.datetime(2000, 1, 1)

# Days whose clock changes in one zone or another, year ends, a leap day.
DAYS = [dt.datetime(*d) for d in (
    (2025, 4, 5), (2025, 10, 4), (2025, 11, 2), (2026, 3, 8), (2008, 11, 2),
    (2009, 3, 8), (2024, 2, 29), (2024, 12, 31), (2026, 1, 1))]
# Code, zone (None: the site's), seconds from row to row.
CAMERAS = (("seoul", "Asia/Seoul", 300), ("kathmandu", "Asia/Kathmandu", 900),
           ("lord-howe", "Australia/Lord_Howe", 300),
           ("new-york", "America/New_York", 3600),
           ("st-johns", "America/St_Johns", 60),
           ("day-long", "Australia/Lord_Howe", 86400),
           ("moves", "America/St_Johns", 300),
           ("of-site", None, 300), ("of-site/door/in", None, 900))
ZONES = ("Asia/Seoul", "Asia/Kathmandu", "Australia/Lord_Howe",
         "America/New_York", "America/St_Johns")


class Camera:
    """Its rows lie in slots of `step` seconds and never overlap."""

    def __init__(self, code, camera_id, step):
        self.code, self.camera_id, self.step = code, camera_id, step

    def span(self, at):
        """(start, latest end) of the row of the slot that holds `at`."""
        n = int((at - EPOCH).total_seconds()) // self.step
        late = random.Random(self.camera_id * 2**40 + n).choice(
            (0, 0, 0, 1, self.step // 3))
        start = EPOCH + dt.timedelta(seconds=n * self.step + late)
        return start, EPOCH + dt.timedelta(seconds=(n + 1) * self.step)

    def row(self, rng, at):
        start, end = self.span(at)
        whole = int((end - start).total_seconds())
        s = rng.choice((whole, whole, max(1, whole // 2)))
        return {"camera_id": self.camera_id, "start_at": start,
                "end_at": start + dt.timedelta(seconds=s), **counts(rng),
                "observed_s": rng.choice((s, s, s // 3, 0))}


def counts(rng):
    """Random counts: some metrics not measured, some enormous."""
    top = rng.choice((3, 40, 40, 1000000))
    c = {m: rng.choice((None, rng.randint(0, top), rng.randint(0, top)))
         for m in COUNTS}
    if all(v is None for v in c.values()):
        c["people"] = 0
    return c


def key(r):
    return r["camera_id"], r["start_at"]


class World:
    """What must be stored, and who writes it."""

    def __init__(self, own, seed):
        self.rng = random.Random(seed)
        self.now = utc_now()
        self.own, self.api = own, own.api(auto_register="no")
        self.connection = own.connect(autocommit=False, local_infile=True)
        self.rows = {}
        self.cameras = {}
        for c in CAMERAS:
            self.register(*c)

    def register(self, name, zone, step):
        status, reply = self.api.json(
            "POST", "/api/v1/cameras", self.api.admin_token,
            {"camera": name, **({"tz": zone} if zone else
                                {"site": "Plant 1"})})
        assert status == 201, reply
        c = Camera(name, self.own.one("SELECT camera_id FROM camera "
                                      "WHERE code = %s", name), step)
        self.cameras[c.camera_id] = c

    # ---- rows to write

    def moments(self, camera, n):
        """Up to n instants of the past, scattered or in a row."""
        rng = self.rng
        days = DAYS + [self.now - 3 * DAY]
        at = rng.choice(days) + dt.timedelta(seconds=rng.randint(-60000, 0))
        if rng.random() < 0.5:
            many = [at + i * dt.timedelta(seconds=camera.step)
                    for i in range(n)]
        else:
            many = [rng.choice(days) + dt.timedelta(
                seconds=rng.randint(-100000, 180000)) for _ in range(n)]
        return [at for at in many if camera.span(at)[1] < self.now]

    def fresh(self, n, camera_id=None):
        """Up to n rows of one camera that are not there yet."""
        camera = self.cameras[camera_id or
                              self.rng.choice(list(self.cameras))]
        new = {}
        for at in self.moments(camera, n):
            r = camera.row(self.rng, at)
            if key(r) not in self.rows:
                new[key(r)] = r
        return list(new.values())

    def stored(self, n):
        """Up to n rows that are there."""
        return self.rng.sample(list(self.rows.values()),
                               min(n, len(self.rows)))

    def corrected(self, r):
        return self.cameras[r["camera_id"]].row(self.rng, r["start_at"])

    def batch(self):
        """Rows of all kinds in random order; None is a bad one."""
        rng = self.rng
        rows = self.fresh(rng.choice((1, 3, 20, 60)))
        if rng.random() < 0.3:
            rows += self.fresh(20)
        if rng.random() < 0.5:
            rows += self.stored(rng.randint(1, 8))
        if rng.random() < 0.5:
            rows += map(self.corrected, self.stored(rng.randint(1, 8)))
        if rows and rng.random() < 0.3:
            rows += rng.choices(rows, k=rng.randint(1, 4))
        if rng.random() < 0.3:
            rows += [None] * rng.randint(1, 3)
        rng.shuffle(rows)
        return rows

    # ---- over HTTP

    def verdicts(self, rows, replace):
        """What becomes of each row, and what is then stored."""
        first, result, after = {}, [], dict(self.rows)
        for r in rows:
            if r is None:
                result.append("rejected")
            elif key(r) in first:
                same, verdict = first[key(r)]
                result.append("duplicate" if r == same
                              and verdict != "rejected" else "rejected")
            else:
                was = self.rows.get(key(r))
                verdict = ("inserted" if was is None else
                           "duplicate" if was == r else
                           "replaced" if replace else "rejected")
                first[key(r)] = r, verdict
                result.append(verdict)
                if verdict != "rejected":
                    after[key(r)] = r
        return result, after

    def post(self, csv):
        rng = self.rng
        rows = self.batch()
        single = not csv and len(rows) == 1 and rng.random() < 0.7
        partial, replace = rng.random() < 0.5, rng.random() < 0.5
        query = []
        if partial or rng.random() < 0.3:
            query.append("partial=" + ("true" if partial else "false"))
        if replace:
            query.append("on_conflict=replace")
        zone, fold = None, rng.choice((0, 1))
        if rng.random() < 0.4:
            zone = rng.choice(ZONES)
            query += ["tz=" + zone, "fold=" + ("first", "second")[fold]]
        cells = [self.cells(r, zone, fold) for r in rows]
        kind = "text/csv" if csv else "application/json"
        body = (self.csv(cells) if csv else
                json.dumps(jsoned(cells[0]) if single else
                           list(map(jsoned, cells))))
        status, reply = post(self.api, body, "?" + "&".join(query), kind)
        said = {k: reply[k] for k in (
            "received", "inserted", "duplicate", "replaced", "rejected")}
        want, after = self.verdicts(rows, replace)
        good = "rejected" not in want
        if good or partial and not single:
            assert status == 200, reply
            assert said == {"received": len(rows), **{
                v: want.count(v) for v in list(said)[1:]}}, reply
            assert sorted(e["line"] for e in reply["errors"]) == [
                i for i, v in enumerate(want, 2 if csv else 1)
                if v == "rejected"], reply
            self.rows = after
        else:
            assert status in ((409, 422) if single else (422,)), reply
            assert said["received"] == len(rows) and said["rejected"] > 0
            assert said["inserted"] == said["replaced"] == 0, reply

    def erase(self):
        """The rows of a stretch of time go."""
        camera, a, b = self.stretch()
        if not camera:
            return
        gone = self.within(camera, a, b)
        status, reply = self.api.json(
            "DELETE", "/api/v1/counts?" + urllib.parse.urlencode({
                "camera": self.cameras[camera].code,
                "from": a.isoformat() + "Z", "to": b.isoformat() + "Z"}),
            self.api.admin_token)
        assert (status, reply) == (200, {"deleted": len(gone)})
        for i in gone:
            del self.rows[i]

    def cells(self, r, zone, fold):
        """A row as a flat dict of what a client sends."""
        rng = self.rng
        bad = r is None
        if bad:
            c = rng.choice(list(self.cameras.values()))
            r = c.row(rng, EPOCH + DAY)
        cells = {"camera": self.cameras[r["camera_id"]].code}
        for name in ("start_at", "end_at"):
            cells[name] = self.time(r[name], zone, fold)
        for name in COUNTS:
            if r[name] is not None or rng.random() < 0.2:
                cells[name] = r[name]
        whole = (r["end_at"] - r["start_at"]).total_seconds()
        if r["observed_s"] != whole or rng.random() < 0.5:
            cells["observed_s"] = r["observed_s"]
        if bad:
            cells.update(rng.choice((
                {"people": 1000001}, {"vehicle": -1}, {"face": 1.5},
                {"people_new": "many"}, {"end_at": cells["start_at"]},
                {"start_at": "1999-12-31T23:59:59Z"},
                {"start_at": "2026-02-30T00:00:00Z"}, {"end_at": "soon"},
                {"camera": "nobody"}, {"observed_s": 86401},
                {"start_at": "2031-01-01T00:00:00Z"})))
        return cells

    def time(self, at, zone, fold):
        """The instant in RFC 3339; without its offset where zone and fold
        still tell which it is."""
        z = self.rng.choice(ZONES + ("UTC",))
        if zone and self.rng.random() < 0.7:
            wall = at.replace(tzinfo=UTC).astimezone(zone_info(zone))
            if wall.replace(fold=fold).astimezone(UTC) == wall.astimezone(UTC):
                return wall.replace(tzinfo=None).isoformat()
        return at.replace(tzinfo=UTC).astimezone(zone_info(z)).isoformat()

    def csv(self, rows):
        names = ["camera", "start_at", "end_at", *COUNTS, "observed_s"]
        self.rng.shuffle(names)
        lines = [names] + [[r.get(n) for n in names] for r in rows]
        return "".join(",".join("" if v is None else str(v) for v in cells)
                       + "\n" for cells in lines)

    # ---- by SQL

    def transaction(self, folder):
        """A few statements on one connection, now and then rolled back."""
        rng, was = self.rng, dict(self.rows)
        c = self.connection
        with c.cursor() as k:
            k.execute("SET time_zone = %s", rng.choice(
                ("+00:00", "+09:00", "-05:30")))
            k.execute("SET TRANSACTION ISOLATION LEVEL " + rng.choice(
                ("REPEATABLE READ", "READ COMMITTED")))
            for _ in range(rng.randint(1, 3)):
                rng.choice((self.insert, self.insert_or_update, self.replace,
                            self.refused, self.update, self.update_range,
                            self.move, self.delete_range))(k)
            if rng.random() < 0.3:
                self.load(k, folder)
        if rng.random() < 0.15:
            c.rollback()
            self.rows = was
        else:
            c.commit()

    def insert(self, k):
        """Of many rows at a time, what is NULL or the default left out."""
        new = self.fresh(self.rng.choice((1, 5, 40)))
        self.rows.update((key(r), r) for r in new)
        for names, rows in grouped([{n: v for n, v in r.items()
                                     if v is not None} for r in new]):
            several(k, "INSERT INTO", names, rows)

    def insert_or_update(self, k):
        rows = self.fresh(5) + [self.corrected(r) for r in self.stored(5)]
        rows += self.stored(2)
        several(k, "INSERT INTO", COLUMNS, rows, "ON DUPLICATE KEY UPDATE "
                + ", ".join(f"{n} = VALUES({n})" for n in COLUMNS[2:]))
        self.rows.update((key(r), r) for r in rows)

    def replace(self, k):
        rows = self.fresh(3) + [self.corrected(r) for r in self.stored(5)]
        several(k, "REPLACE INTO", COLUMNS, rows)
        self.rows.update((key(r), r) for r in rows)

    def refused(self, k):
        """A bad row among good ones: none of them is stored."""
        camera = self.rng.choice(list(self.cameras.values()))
        rows = self.fresh(5) + [dict(camera.row(self.rng, EPOCH + DAY),
                                     people=1000001)]
        with pytest.raises(pymysql.MySQLError):
            several(k, "INSERT INTO", COLUMNS, rows)

    def update(self, k):
        for r in self.stored(5):
            new = self.corrected(r)
            k.execute("UPDATE count_record SET "
                      + ", ".join(f"{n} = %s" for n in COLUMNS[2:])
                      + " WHERE camera_id = %s AND start_at = %s",
                      [new[n] for n in COLUMNS[2:]] + list(key(r)))
            self.rows[key(r)] = new

    def stretch(self):
        """A camera, from and to around some of its rows."""
        for r in self.stored(1):
            wide = dt.timedelta(seconds=self.rng.choice((900, 7200, 40000)))
            return r["camera_id"], r["start_at"] - wide / 2, \
                r["start_at"] + wide
        return 0, EPOCH, EPOCH

    def within(self, camera, a, b):
        return [k for k in self.rows if k[0] == camera and a <= k[1] < b]

    def update_range(self, k):
        camera, a, b = self.stretch()
        k.execute("UPDATE count_record SET face = NULL, people = "
                  "LEAST(1000000, COALESCE(people, 0) + 1) WHERE "
                  "camera_id = %s AND start_at >= %s AND start_at < %s",
                  (camera, a, b))
        for i in self.within(camera, a, b):
            r = self.rows[i]
            self.rows[i] = dict(r, face=None, people=min(
                1000000, (r["people"] or 0) + 1))

    def move(self, k):
        """To another time, or another camera."""
        for r in self.stored(4):
            new = self.fresh(1, self.rng.choice((None, r["camera_id"])))
            if not new:
                continue
            (new,) = new
            to = dict(new, **{n: r[n] for n in COUNTS})
            k.execute("UPDATE count_record SET camera_id = %s, start_at = %s, "
                      "end_at = %s, observed_s = %s "
                      "WHERE camera_id = %s AND start_at = %s",
                      (*key(to), to["end_at"], to["observed_s"], *key(r)))
            del self.rows[key(r)]
            self.rows[key(to)] = to

    def delete_range(self, k):
        camera, a, b = self.stretch()
        k.execute("DELETE FROM count_record WHERE camera_id = %s AND "
                  "start_at >= %s AND start_at < %s", (camera, a, b))
        for i in self.within(camera, a, b):
            del self.rows[i]

    def load(self, k, folder):
        how = self.rng.choice(("IGNORE", "REPLACE"))
        new, old = self.fresh(20), self.stored(5)
        rows = new + [self.corrected(r) for r in old]
        f = folder / "rows.tsv"
        f.write_text("".join("\t".join(
            "\\N" if r[n] is None else str(r[n]) for n in COLUMNS) + "\n"
            for r in rows))
        k.execute(f"LOAD DATA LOCAL INFILE '{f}' {how} INTO TABLE count_record"
                  f" ({', '.join(COLUMNS)})")
        self.rows.update((key(r), r)
                         for r in (new if how == "IGNORE" else rows))

    # ---- what else happens

    def review(self):
        """Some outliers are dismissed; references may leave the rest out."""
        self.own.sql("UPDATE outlier_backup SET state = 'dismissed' "
                     "WHERE state = 'open' ORDER BY RAND(%s) LIMIT 3",
                     self.rng.randrange(1000))
        self.own.sql("UPDATE setting SET value = %s "
                     "WHERE name = 'reference_outliers'", self.rng.choice(
                         ("with", "without_alerts", "without")))

    def move_camera(self):
        self.own.sql("UPDATE camera SET tz = %s WHERE code = 'moves'",
                     self.rng.choice(ZONES))

    def replace_camera(self):
        """One goes with all its rows; another takes its code."""
        spec = self.rng.choice(CAMERAS[:5])
        (old,) = [c.camera_id for c in self.cameras.values()
                  if c.code == spec[0]]
        while not self.own.sql("CALL remove_camera(%s, 50)", old)[0][1]:
            pass
        del self.cameras[old]
        self.rows = {k: r for k, r in self.rows.items() if k[0] != old}
        self.register(*spec)

    def move_site(self):
        self.own.sql("UPDATE site SET tz = %s WHERE name = 'Plant 1'",
                     self.rng.choice(ZONES))

    def roll_up(self):
        status, reply = self.api.json("POST", "/api/v1/jobs/roll_up",
                                      self.api.admin_token)
        assert status == 200, reply
        return reply

    def run_minute(self):
        self.own.sql("CALL run_minute('worker')")

    def die_in_a_run(self):
        self.own.sql("CALL roll_up_claim(50, @n)")

    # ---- the proof

    def check(self):
        stored = {key(r): r for r in raw_rows(self.own)}
        assert stored == self.rows
        sizes = check_levels(self.own, self.own.zones())
        for camera, zone in self.own.zones().items():
            check_references(self.own, camera, zone)
        for o in self.own.dicts("SELECT * FROM outlier_backup "
                            "WHERE state <> 'withdrawn'"):
            r = stored[key(o)]
            assert all(o[n] == r[n] for n in COLUMNS), o
            for m in METRICS:
                assert (m in o["exceeded"].split(",")) == (
                    r[m] is not None and o[m + "_reference"] is not None
                    and r[m] > o[m + "_reference"]), o
        return sizes


def jsoned(cells):
    """The vehicle classes go into an object of their own."""
    row = {k: v for k, v in cells.items() if k not in CLASSES}
    classes = {k: v for k, v in cells.items() if k in CLASSES}
    return {**row, **({"classes": classes} if classes else {})}


def several(k, verb, names, rows, tail=""):
    """One statement of many rows."""
    if rows:
        one = "(" + ", ".join(["%s"] * len(names)) + ")"
        k.execute(f"{verb} count_record ({', '.join(names)}) VALUES "
                  f"{', '.join([one] * len(rows))} {tail}",
                  [r[n] for r in rows for n in names])


@pytest.fixture
def own(tally):
    o = Own(tally, "tally_property_test")
    yield o
    o.close()


@pytest.mark.parametrize("seed", SEEDS,
                         ids=[f"seed{i}" for i in range(len(SEEDS))])
def test_every_level_equals_a_recount_whatever_was_written(
        own, seed, tmp_path):
    print(f"TALLY_PROPERTY_SEED={seed} TALLY_PROPERTY_TURNS={TURNS}")
    w = World(own, seed)
    rng = w.rng
    for turn in range(TURNS):
        acts = [lambda: w.post(False)] * 10 + [lambda: w.post(True)] * 10
        acts += [lambda: w.transaction(tmp_path)] * 12
        acts += rng.choices((w.run_minute, w.die_in_a_run), k=4)
        acts += rng.choices((w.roll_up, w.move_camera, w.move_site,
                             w.replace_camera), k=3)
        acts += [w.erase, w.erase, w.review]
        rng.shuffle(acts)
        for act in acts:
            act()
        w.roll_up()
        sizes = w.check()
    assert sizes["quarter"] > 200, sizes
    done = w.roll_up()
    assert (done["rows"], done["buckets"]) == (0, 0)
    own.run_tally("verify")
