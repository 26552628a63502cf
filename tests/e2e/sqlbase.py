# SPDX-License-Identifier: MIT
"""
A schema of one's own for tests of the SQL, and an independent recount.

The schema is made from the files under sql/, in the order that `tally migrate`
uses but for the event, so that nothing rolls up behind a test's back.  It lives
on the server of TALLY_DB_SOCKET where that is set, else on that of the fixture
`tally`.  Calendars are filled from Python's own zone database.
"""
import collections
import datetime as dt
import functools
import math
import pathlib
import zoneinfo

import pymysql

SQL = pathlib.Path(__file__).resolve().parents[2] / "sql"
PARTS = {"{%s}" % f.stem: f.read_text()
         for f in (SQL / "parts").glob("*.sql")}
UTC = dt.timezone.utc
METRICS = ("people", "vehicle", "face")
CLASSES = ("car", "bus", "truck", "motorcycle", "bicycle", "scooter")
COUNTS = METRICS + tuple(m + "_new" for m in METRICS) + CLASSES
COLUMNS = ("camera_id", "start_at", "end_at") + COUNTS + ("observed_s",)
SESSION = ("SET time_zone = '+00:00', sql_mode = 'STRICT_TRANS_TABLES,"
           "ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
           "NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = 10")


def statements(text):
    lines = [ln for ln in text.splitlines() if not ln.startswith("--")]
    return [s for s in "\n".join(lines).split(";\n") if s.strip(" \n;")]


class Db:
    """A schema, and connections to it."""

    def __init__(self, socket, user, name):
        self.socket, self.user, self.name = socket, user, name
        # A schema that a dead test left has foreign keys.
        c = pymysql.connect(unix_socket=socket, user=user,
                            init_command="SET foreign_key_checks = 0")
        c.cursor().execute(f"CREATE OR REPLACE DATABASE {name} CHARACTER SET "
                           "utf8mb4 COLLATE utf8mb4_bin")
        c.close()
        self.connection = self.connect()
        self.zones = {}
        self.apply()

    def connect(self, **options):
        return pymysql.connect(
            unix_socket=self.socket, user=self.user, database=self.name,
            autocommit=True, charset="utf8mb4", init_command=SESSION,
            local_infile=True, **options)

    def apply(self):
        for f in sorted((SQL / "migrations").glob("*.sql")):
            for s in statements(f.read_text()):
                self.run(s)
        for folder in ("functions", "procedures", "views", "triggers"):
            for f in sorted((SQL / folder).glob("*.sql")):
                text = f.read_text()
                for word, part in PARTS.items():
                    text = text.replace(word, part)
                self.run(text)
        self.run("CALL make_partitions()")

    def drop(self):
        self.run("SET foreign_key_checks = 0")
        self.run(f"DROP DATABASE {self.name}")
        self.connection.close()

    def run(self, query, *arguments):
        """The rows of the statement's last result, as tuples."""
        with self.connection.cursor() as c:
            c.execute(query, arguments or None)
            rows = c.fetchall()
            while c.nextset():
                rows = c.fetchall() or rows
            return list(rows)

    def one(self, query, *arguments):
        """The only column of the only row."""
        (row,) = self.run(query, *arguments)
        return row[0]

    def dicts(self, query, *arguments):
        with self.connection.cursor(pymysql.cursors.DictCursor) as c:
            c.execute(query, arguments or None)
            return list(c.fetchall())

    def fails(self, query, *arguments):
        """The error's text: the statement must fail."""
        try:
            self.run(query, *arguments)
        except pymysql.MySQLError as e:
            return str(e.args[1])
        raise AssertionError("accepted: " + query)

    # ---- cameras

    def zone(self, name, first=None, last=None):
        """The zone's id, its calendar filled for whole years."""
        if name in self.zones:
            return self.zones[name]
        self.run("INSERT INTO time_zone (name) VALUES (%s)", name)
        zid = self.zones[name] = self.one(
            "SELECT time_zone_id FROM time_zone WHERE name = %s", name)
        days, offsets = calendar(name, first or dt.date(1999, 12, 27),
                                 last or dt.date(utc_now().year + 3, 1, 1))
        with self.connection.cursor() as c:
            c.executemany(
                "INSERT INTO calendar_day VALUES (%s,%s,%s,%s,%s,%s,%s,%s)",
                [(zid,) + d for d in days])
            c.executemany(
                "INSERT INTO calendar_offset VALUES (%s,%s,%s,%s,%s)",
                [(zid,) + o for o in offsets])
        return zid

    def site(self, name="site", tz="UTC"):
        self.zone(tz)
        self.run("INSERT IGNORE INTO site (name, tz) VALUES (%s, %s)",
                 name, tz)
        return self.one("SELECT site_id FROM site WHERE name = %s", name)

    def camera(self, code, tz=None):
        """The id of a camera of its own zone at a site in UTC."""
        if tz:
            self.zone(tz)
        site = self.site()
        self.run("INSERT INTO camera (code, site_id, tz) VALUES (%s, %s, %s)",
                 code, site, tz)
        return self.one("SELECT camera_id FROM camera WHERE code = %s", code)

    # ---- rows

    def add(self, rows, on_duplicate=""):
        """Rows are dicts; what they leave out is NULL or the default."""
        for names, group in grouped(rows):
            with self.connection.cursor() as c:
                c.executemany(
                    f"INSERT INTO count_record ({', '.join(names)}) VALUES "
                    f"({', '.join(['%s'] * len(names))}) {on_duplicate}",
                    [tuple(r[n] for n in names) for r in group])

    def roll_up(self, wait_s=30):
        """(rows_n, buckets, ms)"""
        return self.run("CALL roll_up_now(%s)", wait_s)[0]


def grouped(rows):
    groups = collections.defaultdict(list)
    for r in rows:
        groups[tuple(r)].append(r)
    return groups.items()


def utc_now():
    return dt.datetime.now(UTC).replace(tzinfo=None, microsecond=0)


@functools.lru_cache(None)
def zone_info(name):
    return zoneinfo.ZoneInfo(name)


def offset_at(name, at):
    """Seconds east of UTC at a naive UTC instant."""
    z = zone_info(name)
    return int(at.replace(tzinfo=UTC).astimezone(z).utcoffset()
               .total_seconds())


def local(name, at):
    return at + dt.timedelta(seconds=offset_at(name, at))


def midnight(name, date):
    """The first instant of a local date, naive UTC."""
    z = zone_info(name)
    wall = dt.datetime.combine(date, dt.time(), z)
    at = wall.astimezone(UTC).replace(tzinfo=None)
    if local(name, at).date() != date:  # midnight is in a gap
        at = change_within(name, at - dt.timedelta(days=1),
                           at + dt.timedelta(days=1)) or at
    return at


def change_within(name, a, b):
    """The instant in (a, b] at which the offset changes; None."""
    if offset_at(name, a) == offset_at(name, b):
        return None
    while b - a > dt.timedelta(seconds=1):
        m = a + (b - a) // 2
        m = m.replace(microsecond=0)
        if offset_at(name, a) == offset_at(name, m):
            a = m
        else:
            b = m
    return b


def next_month(date):
    return (date + dt.timedelta(days=31)).replace(day=1)


def fold_at(name, at):
    """1 where the wall clock showed the same time before (PEP 495)."""
    return at.replace(tzinfo=UTC).astimezone(zone_info(name)).fold


@functools.lru_cache(None)
def calendar(name, first, last):
    """Rows of calendar_day and of calendar_offset, without the zone's id."""
    day = dt.timedelta(days=1)
    days, offsets = [], []
    date, start = first, midnight(name, first)
    while date < last:
        end = midnight(name, date + day)
        if end > start:
            days.append((date, start, end,
                         date - dt.timedelta(days=date.weekday()),
                         date.replace(day=1), date.replace(month=1, day=1),
                         date.weekday() + 1))
        date, start = date + day, end
    at = dt.datetime.combine(first, dt.time())
    while at.date() < last:
        change = change_within(name, at, at + day)
        if change == at + day:  # the next day begins with it
            change = None
        offsets.append((at.date(), offset_at(name, at), change,
                        change and offset_at(name, change)))
        at += day
    return days, offsets


# ---- the recount

class Bucket:
    """n, sums and the rest, one row at a time: nothing of the SQL's way."""

    def __init__(self):
        self.row_n = self.observed_s = 0
        self.values = {m: [] for m in METRICS}
        self.sums = {}

    def add(self, r):
        self.row_n += 1
        self.observed_s += r["observed_s"]
        for m in METRICS:
            if r[m] is not None:
                self.values[m].append(r[m])
        for c in tuple(m + "_new" for m in METRICS) + CLASSES:
            if r[c] is not None:
                self.sums[c] = self.sums.get(c, 0) + r[c]

    def exact(self):
        d = {"row_n": self.row_n, "observed_s": self.observed_s}
        for m, v in self.values.items():
            d[m + "_n"] = len(v)
            d[m + "_sum"] = sum(v)
            d[m + "_sq"] = sum(x * x for x in v)
            d[m + "_min"] = min(v, default=None)
            d[m + "_max"] = max(v, default=None)
        for c in tuple(m + "_new" for m in METRICS) + CLASSES:
            d[c] = self.sums.get(c)
        return d

    def floating(self):
        d = {}
        for m, v in self.values.items():
            mean = math.fsum(v) / len(v) if v else None
            d[m + "_mean"] = mean
            d[m + "_std"] = math.sqrt(math.fsum((x - mean) ** 2 for x in v)
                                      / len(v)) if v else None
        return d


# What tells the buckets of a level apart.
LEVELS = {
    "quarter": ("camera_id", "start_at"),
    "hour": ("camera_id", "local_date", "start_at", "local_hour", "fold"),
    "day": ("camera_id", "local_date"),
    "week": ("camera_id", "week_start"),
    "month": ("camera_id", "month_start"),
    "year": ("camera_id", "year_start"),
    "weekday_month": ("camera_id", "month_start", "weekday"),
    "weekday_year": ("camera_id", "year_start", "weekday"),
    "profile_month": ("camera_id", "month_start", "weekday", "local_hour"),
}


def raw_rows(db):
    return db.dicts(f"SELECT {', '.join(COLUMNS)} FROM count_record")


def recount(rows, zone_of):
    """{level: {key: Bucket}} of the rows; zone_of: camera_id -> zone name."""
    levels = {level: {} for level in LEVELS}

    def put(level, key, r):
        levels[level].setdefault(key, Bucket()).add(r)

    for r in rows:
        c, at = r["camera_id"], r["start_at"]
        z = zone_of[c]
        here = local(z, at)
        quarter = at.replace(minute=at.minute // 15 * 15, second=0)
        if offset_at(z, quarter) != offset_at(z, at):
            quarter = change_within(z, quarter, at)
        full = here.replace(minute=0, second=0) - (here - at)
        if offset_at(z, full) != offset_at(z, at):
            full = change_within(z, full, at)
        put("quarter", (c, quarter), r)
        day = here.date()
        month, year = day.replace(day=1), day.replace(month=1, day=1)
        weekday = day.isoweekday()
        put("hour", (c, day, full, here.hour, fold_at(z, full)), r)
        put("day", (c, day), r)
        put("week", (c, day - dt.timedelta(days=weekday - 1)), r)
        put("month", (c, month), r)
        put("year", (c, year), r)
        put("weekday_month", (c, month, weekday), r)
        put("weekday_year", (c, year, weekday), r)
        put("profile_month", (c, month, weekday, here.hour), r)
    return levels


def check_levels(db, zone_of, rows=None):
    """Every bucket equals the recount, of the stored rows unless rows are
    given; returns how many there are."""
    want = recount(raw_rows(db) if rows is None else rows, zone_of)
    for level, names in LEVELS.items():
        got = {tuple(r[n] for n in names): r
               for r in db.dicts(f"SELECT * FROM stats_{level}")}
        assert set(got) == set(want[level]), level
        for key, bucket in want[level].items():
            row = got[key]
            for name, value in bucket.exact().items():
                assert row[name] == value, (level, key, name)
            for name, value in bucket.floating().items():
                assert (row[name] is None) == (value is None), (level, key)
                assert value is None or math.isclose(
                    row[name], value, rel_tol=1e-9, abs_tol=1e-9), (
                        level, key, name, row[name], value)
    for r in db.dicts("SELECT * FROM stats_hour"):
        z = zone_of[r["camera_id"]]
        assert r["weekday"] == r["local_date"].isoweekday()
        assert local(z, r["start_at"]).hour == r["local_hour"]
        assert local(z, r["end_at"] - dt.timedelta(seconds=1)).hour == \
            r["local_hour"]
        assert offset_at(z, r["start_at"]) == \
            offset_at(z, r["end_at"] - dt.timedelta(seconds=1))
    day = dt.timedelta(days=1)
    for level, key, after in (
            ("day", "local_date", lambda d: d + day),
            ("week", "week_start", lambda d: d + 7 * day),
            ("month", "month_start", next_month),
            ("year", "year_start", lambda d: d.replace(year=d.year + 1)),
            ("weekday_month", "month_start", next_month),
            ("weekday_year", "year_start",
             lambda d: d.replace(year=d.year + 1)),
            ("profile_month", "month_start", next_month)):
        for r in db.dicts(f"SELECT * FROM stats_{level}"):
            z = zone_of[r["camera_id"]]
            assert r["start_at"] == midnight(z, r[key]), level
            assert r["end_at"] == midnight(z, after(r[key])), level
    return {level: len(b) for level, b in want.items()}


# ---- references

def figures(values):
    n, mean = len(values), math.fsum(values) / len(values)
    return n, mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / n)


def references(rows, zone, metric, today, left_out=()):
    """[168] of (basis, n, mean, std) or None, by the rule's words: what the
    rows of one camera say before its day `today`."""
    rows = [(local(zone, r["start_at"]), r) for r in rows]
    rows = [(at, r) for at, r in rows if at.date() < today]
    own = [(at, r[metric]) for at, r in rows if r[metric] is not None
           and r["observed_s"] * 2 >=
           (r["end_at"] - r["start_at"]).total_seconds()
           and (metric, r["start_at"]) not in left_out]
    last = max((at.date() for at, r in rows), default=None)
    day = dt.timedelta(days=1)
    wide = None
    for basis, key in (("day", lambda d: d),
                       ("week", lambda d: d - d.weekday() * day),
                       ("month", lambda d: (d.year, d.month)),
                       ("year", lambda d: d.year)):
        some = [v for at, v in own if key(at.date()) == key(last)]
        if len(some) >= 30:
            wide = basis, *figures(some)
    slots = [[] for _ in range(168)]
    for at, v in own:
        slots[at.weekday() * 24 + at.hour].append((at.date(), v))
    return [("hour_of_week", *figures([v for d, v in same]))
            if len({d for d, v in same}) >= 4 else wide for same in slots]


def outliers_left_out(db, camera):
    """{(metric, start_at)} as the setting reference_outliers says."""
    how = db.one("SELECT value FROM setting "
                 "WHERE name = 'reference_outliers'")
    alert_z = float(db.one("SELECT value FROM setting "
                           "WHERE name = 'alert_z'"))
    left = set()
    for table, names in (("outlier_backup", "exceeded"),
                         ("outlier_low", "below")):
        for o in db.dicts(f"SELECT * FROM {table} WHERE camera_id = %s",
                          camera):
            for m in o[names].split(","):
                z = o[m + "_z"]
                if how != "with" and o["state"] in ("open", "confirmed") and (
                        how == "without" or z is not None
                        and abs(z) >= alert_z):
                    left.add((m, o["start_at"]))
    return left


def check_references(db, camera, zone):
    """All 168 slots against the rule; returns the set of (metric, basis)."""
    rows = [r for r in raw_rows(db) if r["camera_id"] == camera]
    got = {r["slot"]: r for r in db.dicts(
        "SELECT * FROM reference_value WHERE camera_id = %s", camera)}
    today = db.one("SELECT local_date FROM reference_camera "
                   "WHERE camera_id = %s", camera)
    left_out = outliers_left_out(db, camera)
    seen = set()
    for m in METRICS:
        for slot, want in enumerate(references(rows, zone, m, today,
                                               left_out)):
            row = got.get(slot)
            seen.add((m, want and want[0]))
            if want is None:
                assert row is None or row[m + "_basis"] is None, (slot, m)
                continue
            basis, n, mean, std = want
            assert (row[m + "_basis"], row[m + "_n"]) == (basis, n), (slot, m)
            assert math.isclose(row[m + "_mean"], mean, rel_tol=1e-9)
            assert math.isclose(row[m + "_std"], std, rel_tol=1e-9,
                                abs_tol=1e-9)
            assert math.isclose(row[m + "_reference"], mean + 1.5 * std,
                                rel_tol=1e-9)
            assert math.isclose(row[m + "_low"], mean - 4 * std, rel_tol=1e-9,
                                abs_tol=1e-9) if row[m + "_std"] else \
                row[m + "_low"] is None
    return seen
