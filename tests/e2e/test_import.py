# SPDX-License-Identifier: MIT
"""`tally import`: history out of CSV files, with all its dirt."""
import csv
import datetime as dt
import gzip
import math
import os
import signal
import subprocess

import pytest

import ownbase
from apibase import camera, code, post_csv, wait_for
from running import BUILD, ROOT, SHARED

DATA = SHARED / "data" / "counts"
MELBOURNE = DATA / "melbourne_pedestrians_hourly.csv.gz"
I94 = DATA / "metro_i94_traffic_volume.csv.gz"
PART = 5000  # rows of a transaction


@pytest.fixture(scope="module")
def own(tally):
    o = ownbase.Own(tally, "tally_import")
    yield o
    o.close()


@pytest.fixture
def load(own, tmp_path):
    """load(text or bytes, options) imports a file; what it said."""
    def run(text, *options):
        path = tmp_path / "rows.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return own.run_tally("import", str(path), *options, check=False)
    return run


def counts(done):
    """(read, new, duplicate, replaced, refused) of the summary."""
    words = done.stdout.splitlines()[0].replace(",", " ").replace(";", " ").split()
    return tuple(int(words[words.index(w) - 1]) for w in
                 ("rows", "new", "duplicate", "replaced", "refused"))


def stored(own, camera_code):
    return own.sql("SELECT start_at, end_at, people, vehicle FROM "
                   "count_record JOIN camera USING (camera_id) WHERE code = %s"
                   " ORDER BY start_at", camera_code)


# ---- the real files

def figures(values):
    n, s, q = len(values), sum(values), sum(v * v for v in values)
    return n, s, q, min(values), max(values), s / n, \
        math.sqrt(n * q - s * s) / n


LEVELS = {  # name -> (key columns, what the key is of a local time)
    "day": ("local_date", lambda t: (t.date(),)),
    "week": ("week_start",
             lambda t: (t.date() - dt.timedelta(days=t.weekday()),)),
    "month": ("month_start", lambda t: (t.date().replace(day=1),)),
    "year": ("year_start", lambda t: (t.date().replace(month=1, day=1),)),
    "weekday_month": ("month_start, weekday", lambda t: (
        t.date().replace(day=1), t.isoweekday())),
    "weekday_year": ("year_start, weekday", lambda t: (
        t.date().replace(month=1, day=1), t.isoweekday())),
    "profile_month": ("month_start, weekday, local_hour", lambda t: (
        t.date().replace(day=1), t.isoweekday(), t.hour)),
}


def check_level(own, level, metric, rows):
    """Every bucket against the file's own rows: {camera: {local time: n}}."""
    columns, key = LEVELS[level]
    for name, series in rows.items():
        want = {}
        for at, value in series.items():
            want.setdefault(key(at), []).append(value)
        n = columns.count(",") + 1
        got = {r[:n]: r[n:] for r in own.sql(
            f"SELECT {columns}, " + ", ".join(
                f"{metric}_{c}" for c in
                ("n", "sum", "sq", "min", "max", "mean", "std")) +
            f" FROM stats_{level} JOIN camera USING (camera_id) "
            "WHERE code = %s", name)}
        assert set(got) == set(want), (level, name)
        for k, values in want.items():
            right = figures(values)
            assert got[k][:5] == right[:5], (level, name, k)
            for a, b in zip(got[k][5:], right[5:]):
                assert math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def read_file(path, name, at, value):
    """{camera: {local time: n}} and the numbers of lines that are no row: the
    local time does not exist (Melbourne, 2012-10-07 02h), or NaN."""
    rows, bad = {}, []
    with gzip.open(path, "rt", encoding="utf-8", newline="") as f:
        reader = csv.DictReader(f)
        for r in reader:
            t = dt.datetime.fromisoformat(r[at])
            if r[value] == "NaN" or t == dt.datetime(2012, 10, 7, 2):
                bad.append(reader.line_num)
                continue
            series = rows.setdefault(name(r), {})
            assert series.setdefault(t, int(r[value])) == int(r[value])
    return rows, bad


def test_the_real_files_come_in_whole_and_every_level_agrees(own, tmp_path):
    if not MELBOURNE.exists() or not I94.exists():
        pytest.skip("the count series of ../shared/data/counts are not here")
    report = tmp_path / "report.csv"
    done = own.run_tally(
        "import", str(MELBOURNE), "--camera-column", "sensor_id",
        "--name-column", "sensor_name", "--register", "--site", "Melbourne",
        "--camera-tz", "Australia/Melbourne", "--tz", "camera", "--fold",
        "first", "--time-column", "local_time", "--interval", "1h",
        "--people", "count", "--report", str(report), check=False)
    assert done.returncode == 1, done.stderr
    people, bad = read_file(MELBOURNE, lambda r: r["sensor_id"], "local_time",
                            "count")
    n = sum(len(s) for s in people.values())
    assert counts(done) == (295632, 295618, 0, 0, 14) and n == 295618
    assert "At a time that the clock shows twice, taken as the first: 32\n" \
        in done.stdout and "Cameras added: 12\n" in done.stdout
    with open(report, encoding="utf-8", newline="") as f:
        listed = list(csv.DictReader(f))
    assert [int(r["line"]) for r in listed] == bad and len(bad) == 14
    assert len(done.stderr.splitlines()) == 14
    gap = [r for r in listed if r["column"] == "local_time"]
    assert len(gap) == 10
    for r in gap:
        assert r["reason"] == (
            "2012-10-07T02:00:00 does not exist in Australia/Melbourne, the "
            "clock was put forward")
        assert r["row"].startswith("2012-10-07 02:00,")
    assert all(r["column"] == "count" and "NaN" in r["reason"] and
               r["row"].endswith(",NaN") for r in listed if r not in gap)
    assert own.sql("SELECT code, c.name, c.tz, s.name FROM camera c JOIN site "
                   "s USING (site_id) WHERE code = '13'") == [
        ("13", "Flagstaff Station", "Australia/Melbourne", "Melbourne")]
    # The autumn hour is the first of the two: 02h at +11:00.
    assert own.sql(
        "SELECT start_at FROM count_record JOIN camera USING (camera_id) "
        "WHERE code = '1' AND start_at BETWEEN '2012-03-31 14:00' AND "
        "'2012-03-31 17:00' ORDER BY 1") == [
            (dt.datetime(2012, 3, 31, h),) for h in (14, 15, 17)]

    i94 = ("import", str(I94), "--camera", "i94", "--tz", "America/Chicago",
           "--fold", "first", "--time-column", "date_time", "--interval", "1h",
           "--vehicle", "traffic_volume")
    done = own.run_tally(*i94, check=False)
    assert done.returncode == 1 and counts(done)[4] == 48204
    assert len(done.stderr.splitlines()) == 101
    assert 'line 2, camera: camera "i94": it is not registered' in done.stderr
    assert "48104 more rows refused" in done.stderr
    done = own.run_tally(*i94, "--register", "--camera-tz", "America/Chicago")
    assert counts(done) == (48204, 40575, 7629, 0, 0), done.stdout
    done = own.run_tally(*i94, "--roll-up")
    assert counts(done) == (48204, 0, 48204, 0, 0), done.stdout
    assert "up to date" in done.stdout
    assert own.one("SELECT COUNT(*) FROM dirty_quarter") == 0

    done = own.run_tally("verify")
    assert "0 differences; 0 overlaps; 0 not compared" in done.stdout
    vehicle, bad = read_file(I94, lambda r: "i94", "date_time",
                             "traffic_volume")
    assert not bad and len(vehicle["i94"]) == 40575
    for level in LEVELS:
        check_level(own, level, "people", people)
        check_level(own, level, "vehicle", vehicle)


# ---- dirt

def test_every_bad_row_is_named_and_the_good_ones_are_stored(
        own, load, tmp_path):
    own.run_tally("camera", "add", "dirt", "--tz", "America/New_York")
    text = """when,cam,n,cars,weather
2025-03-09 01:00,dirt,5,,fine
2025-03-09 02:00,dirt,6,,in the gap
2025-03-09 03:00,dirt,,7,not measured
2025-03-09 04:00,dirt,,,nothing at all
2025-03-09 05:00,dirt,12.0,0,whole
2025-03-09 06:00,dirt,NaN,1,
2025-03-09 07:00,dirt,-1,1,
2025-03-09 08:00,dirt,1000001,1,
2025-03-09 09:00,dirt,1.5,1,
2025-03-09 05:00,dirt,12,0,the same again
2025-03-09 05:00,dirt,13,0,other values
2025-03-09 05:30,dirt,1,1,overlaps line 6
2025-03-09 09:00,ghost,1,1,
2025-03-09 09:00,,1,1,
25:61,dirt,1,1,
2099-01-01 00:00,dirt,1,1,
1999-01-01 00:00,dirt,1,1,
2025-03-09 10:00,dirt,1,1
2025-11-02 01:00,dirt,3,3,twice
2025-03-09T15:00:00Z,dirt,4,4,an offset of its own
"""
    want = [
        (3, "when", "2025-03-09T02:00:00 does not exist in America/New_York, "
         "the clock was put forward"),
        (5, "n", "at least one"), (7, "n", '"NaN" is not a whole number'),
        (8, "n", "not from 0 to 1000000"), (9, "n", "not from 0 to 1000000"),
        (10, "n", "not a whole number"),
        (12, "when", "line 6 has the same camera and time with other values"),
        (13, "when", "overlaps the one of line 6"),
        (14, "cam", 'camera "ghost": it is not registered'),
        (15, "cam", "camera is missing"), (16, "when", "no time like"),
        (17, "when", "ahead"), (18, "when", "before 2000-01-01"),
        (19, "", "4 cells where the header has 5"),
        (20, "when", "there is twice"),
    ]
    report = tmp_path / "report.csv"
    options = ("--camera-column", "cam", "--time-column", "when", "--interval",
               "1h", "--people", "n", "--vehicle", "cars", "--tz", "camera",
               "--report", str(report))
    want[-1] = (20, "when", "is there twice in America/New_York, the clock "
                "was put back")
    for how in ("--dry-run", "--strict", "--all"):
        done = load(text, *options, how)
        assert done.returncode == 1
        assert counts(done) == (20, 4, 1, 0, 15), done.stdout
        assert len(done.stderr.splitlines()) == len(want)
        for line, (n, column, reason) in zip(done.stderr.splitlines(), want):
            assert line.startswith(
                f"line {n}, {column}: " if column else f"line {n}: "), line
            assert reason in line
        with open(report, encoding="utf-8", newline="") as f:
            listed = list(csv.reader(f))
        assert listed[0] == ["line", "column", "reason", "row"]
        assert [(int(r[0]), r[1]) for r in listed[1:]] == [
            w[:2] for w in want]
        assert [r[3] for r in listed[1:]] == [
            text.splitlines()[w[0] - 1] for w in want]
        assert bool(stored(own, "dirt")) == (how == "--all")
    hour = dt.timedelta(hours=1)
    at = [dt.datetime(2025, 3, 9, h) for h in (6, 7, 9, 15)]
    assert stored(own, "dirt") == [
        (at[0], at[0] + hour, 5, None), (at[1], at[1] + hour, None, 7),
        (at[2], at[2] + hour, 12, 0), (at[3], at[3] + hour, 4, 4)]
    # Once more: nothing is new, and what was bad is.
    assert counts(load(text, *options)) == (20, 0, 5, 0, 15)


def test_the_second_of_two_equal_hours_can_be_meant(own, load):
    own.run_tally("camera", "add", "twice", "--tz", "UTC")
    text = ("day;of\n".replace(";", ",") +
            "02/11/2025 01.30,4\n02/11/2025 02.30,5\n")
    options = ("--camera", "twice", "--time-column", "day", "--time-format",
               "%d/%m/%Y %H.%M", "--people", "of", "--interval", "30m",
               "--tz", "America/New_York", "--fold")
    done = load(text, *options, "second")
    assert done.returncode == 0, done.stderr
    assert "At a time that the clock shows twice, taken as the second: 1\n" \
        in done.stdout
    assert [r[0] for r in stored(own, "twice")] == [
        dt.datetime(2025, 11, 2, 6, 30), dt.datetime(2025, 11, 2, 7, 30)]
    load(text, *options, "first")
    assert [r[0].hour for r in stored(own, "twice")] == [5, 6, 7]


def test_a_stored_row_is_refused_kept_or_replaced(own, load):
    own.run_tally("camera", "add", "again")
    head = "camera,start_at,end_at,people\n"
    row = "again,2025-05-05T0{}:00:00Z,2025-05-05T0{}:00:00Z,{}\n"
    old = head + row.format(1, 2, 5) + row.format(2, 3, 6)
    new = head + row.format(1, 2, 7) + row.format(3, 4, 8)
    assert counts(load(old)) == (2, 2, 0, 0, 0)
    done = load(new)
    assert done.returncode == 1 and counts(done) == (2, 1, 0, 0, 1)
    assert done.stderr == ("line 2, start_at: this camera's row of that time "
                           "is stored with other values\n")
    done = load(new, "--on-conflict", "keep")
    assert done.returncode == 0 and counts(done) == (2, 0, 1, 0, 0)
    assert "Kept as stored, with other values: 1\n" in done.stdout
    assert [r[2] for r in stored(own, "again")] == [5, 6, 8]
    # A file that contradicts itself is refused even then.
    done = load(new + row.format(1, 2, 9), "--on-conflict", "replace")
    assert done.returncode == 1 and counts(done) == (3, 0, 1, 1, 1)
    assert done.stderr == ("line 4, start_at: line 2 has the same camera and "
                           "time with other values\n")
    assert [r[2] for r in stored(own, "again")] == [7, 6, 8]
    # What repeats a row that is refused is not stored either.
    done = load(old + row.format(1, 2, 5))
    assert counts(done) == (3, 0, 1, 0, 2)
    assert "it repeats line 2, which was refused" in done.stderr


def test_what_the_api_gives_as_csv_comes_in_again(tally, own, load):
    c = camera(tally, tz="Asia/Kathmandu")
    status, reply = post_csv(
        tally, "camera,start_at,end_at,people,vehicle,bus,people_new,"
        "observed_s\n" + "".join(
            f"{c},2026-01-0{d}T00:00:00Z,2026-01-0{d}T00:05:00Z,{d},,{d},1,"
            f"{200 + d}\n" for d in range(1, 8)))
    assert status == 200, reply
    status, _, text = tally.request(
        "GET", f"/api/v1/counts?camera={c}&format=csv", tally.read_token)
    assert status == 200
    done = load(gzip.compress(text), "--register", "--camera-tz",
                "Asia/Kathmandu")
    assert done.returncode == 0, done.stderr
    assert counts(done) == (7, 7, 0, 0, 0)
    rows = ("SELECT start_at, end_at, people, vehicle, bus, people_new, "
            "observed_s FROM {}.count_record JOIN {}.camera USING (camera_id) "
            "WHERE code = %s ORDER BY 1")
    assert own.sql(rows.format(own.name, own.name), c) == \
        own.sql(rows.format(tally.db_name, tally.db_name), c)


# ---- stopped, cut off, unreadable

class Slow:
    """An import that reads from a pipe, so that a test holds it where it
    likes."""

    def __init__(self, own, tmp_path, name):
        self.own, self.name = own, name
        self.path = tmp_path / "pipe"
        os.mkfifo(self.path)
        self.start = dt.datetime(2020, 1, 1)
        own.run_tally("camera", "add", name)
        self.process = subprocess.Popen(
            [ROOT / BUILD / "tally", *own.options, "import", str(self.path)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        self.pipe = open(self.path, "w", encoding="utf-8")
        self.pipe.write("camera,start_at,end_at,people\n")

    def rows(self, a, b):
        for i in range(a, b):
            at = [(self.start + dt.timedelta(minutes=m)).isoformat() + "Z"
                  for m in (i, i + 1)]
            yield f"{self.name},{at[0]},{at[1]},{i % 10}\n"

    def feed(self, a, b):
        """More than a part, by some 64 KiB: read so much at a time."""
        try:
            self.pipe.writelines(self.rows(a, b))
            self.pipe.flush()
        except BrokenPipeError:  # it has ended
            pass

    def stored(self):
        return self.own.one(
            "SELECT COUNT(*) FROM count_record JOIN camera USING (camera_id) "
            "WHERE code = %s", self.name)

    def end(self):
        try:
            self.pipe.close()
        except BrokenPipeError:
            pass
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err


@pytest.mark.parametrize("how", (signal.SIGINT, signal.SIGKILL))
def test_a_stopped_import_goes_on_with_the_same_command(
        own, load, tmp_path, how):
    slow = Slow(own, tmp_path, f"stopped-{how.value}")
    slow.feed(0, PART + 3000)
    wait_for(lambda: slow.stored() == PART)
    slow.process.send_signal(how)
    if how == signal.SIGINT:
        slow.feed(PART + 3000, 3 * PART)
    status, out, err = slow.end()
    if how == signal.SIGINT:
        assert status == 1 and "the same command again" in err, err
        assert f"{2 * PART} rows read: {2 * PART} new" in out
    there = slow.stored()
    assert there == (PART if how == signal.SIGKILL else 2 * PART)
    done = load("camera,start_at,end_at,people\n" +
                "".join(slow.rows(0, 3 * PART)))
    assert done.returncode == 0, done.stderr
    assert counts(done) == (3 * PART, 3 * PART - there, there, 0, 0)
    assert slow.stored() == 3 * PART


def test_a_lost_connection_loses_and_doubles_nothing(own, tmp_path):
    slow = Slow(own, tmp_path, "lost")
    slow.feed(0, PART + 3000)
    wait_for(lambda: slow.stored() == PART)
    killed = 0
    for (i,) in own.sql("SELECT id FROM information_schema.processlist WHERE "
                        "db = %s AND id <> CONNECTION_ID() AND command = "
                        "'Sleep' AND user = %s", own.name, own.tally.db_user):
        own.sql(f"KILL CONNECTION {i}")
        killed += 1
    assert killed
    slow.feed(PART + 3000, 2 * PART + 100)
    status, out, err = slow.end()
    assert status == 0, err
    assert f"{2 * PART + 100} rows read: {2 * PART + 100} new" in out
    assert "connection lost" in err and slow.stored() == 2 * PART + 100
    assert own.sql("SELECT SUM(people) FROM count_record JOIN camera USING "
                   "(camera_id) WHERE code = 'lost'") == [
        (sum(i % 10 for i in range(2 * PART + 100)),)]


ROWS = ("camera,start_at,end_at,people\n"
        "cut,2025-05-05T01:00:00Z,2025-05-05T02:00:00Z,1\n"
        "cut,2025-05-05T02:00:00Z,2025-05-05T03:00:00Z,2\n")


@pytest.mark.parametrize("text,options,words,new", [
    ("", (), "the file is empty", 0),
    ("a,b\n", (), 'line 1, column 1: "a" is no column of a count', 0),
    ("camera,start_at,people\n", (), "the header lacks end_at", 0),
    ("a,b\n1,2\n", ("--people", "c", "--time-column", "a", "--interval", "1h",
                    "--camera", "cut"), "the header lacks c", 0),
    (ROWS + 'cut,"2025\n', (), "the quote opened on line 4", 2),
    (gzip.compress(ROWS.encode() * 1000, mtime=0)[:-9], (), "rows.csv: ", None),
    (ROWS.encode("utf-16"), (), "UTF-16", 0),
])
def test_a_file_that_cannot_be_read_on_says_where(
        own, load, text, options, words, new):
    own.run_tally("camera", "add", "cut", check=False)
    own.sql("DELETE r FROM count_record r JOIN camera USING (camera_id) "
            "WHERE code = 'cut'")
    done = load(text, *options)
    assert done.returncode == 1
    assert words in done.stderr, done.stderr
    if new is not None:
        assert len(stored(own, "cut")) == new


@pytest.mark.parametrize("options,word", [
    ((), "argument"), (("a", "b"), "b"),
    (("a", "--camera", "x", "--camera-column", "y"), "--camera-column"),
    (("a", "--interval", "1h", "--end-column", "y"), "--end-column"),
    (("a", "--interval", "25h"), "25h"), (("a", "--interval", "1"), "1"),
    (("a", "--fold", "last"), "refuse, first, second"),
    (("a", "--on-conflict", "merge"), "refuse, replace, keep"),
    (("a", "--tz", "Mars/Base"), "Mars/Base"),
    (("a", "--site", "x"), "--register"),
    (("a", "--time-format", "%s"), "--time-format"),
    (("a", "--people", "n", "--vehicle", "n"), '"n"'),
])
def test_a_wrong_command_line_is_one_line_and_status_2(own, options, word):
    done = own.run_tally("import", *options, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and word in done.stderr


def test_a_file_that_is_not_there_is_one_line(own, tmp_path):
    done = own.run_tally("import", str(tmp_path / "none"), check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("none: No such file or directory\n")
