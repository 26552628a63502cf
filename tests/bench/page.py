# SPDX-License-Identifier: MIT
"""
bench page: what the first view of each page costs, with a year of 20 cameras:
a row each quarter of an hour, in four zones, an outlier at alert level at each
camera every third day (TALLY_BENCH_DAYS for another number of days).

    KB        over the wire, compressed, with all headers: document, scripts,
              style and data, until nothing more is asked for; at most 300
    ms        from the click to the frame that shows the first figures, with an
              empty cache: median and worst of nine
    x         the same over a bare page of the same server (the form for the
              log-in, which has no figures), taken in turn
    cpu       ms of it that the page's own thread worked: other work on the
              machine changes it little
    requests  for all

Exits 1 where a page is over 300 KB or, in the median, over a second.
"""
import datetime as dt
import json
import os
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# In place of this folder, whose http.py would hide Python's own.
sys.path[0] = str(ROOT / "tests" / "web")

import pymysql  # noqa: E402
import urllib.request  # noqa: E402

from browser import Browser  # noqa: E402

CAMERAS = 20
DAYS = int(os.environ.get("TALLY_BENCH_DAYS", "365"))
ROUNDS = 9
BYTES_MAX, MS_MAX = 300000, 1000
ZONES = ("Asia/Seoul", "Asia/Kathmandu", "America/New_York", "Europe/Berlin")
BARE = "/static/login.html"

# What shows that the first figures are there; on pages with charts, the first.
CHART = "article canvas:not([hidden])"
SERIES = "#series[aria-label]"
PAGES = (
    ("/", CHART),
    ("/#range=month", CHART),
    ("/explore", SERIES),
    ("/explore#days=365", SERIES),
    ("/explore#days=30&level=hour&vs=before", SERIES),
    ("/explore#site=Bench&days=365", SERIES),
    ("/outliers", "#list > li"),
    ("/outliers#state=&level=all", "#list > li"),
    ("/cameras", "#list tbody tr"),
    ("/access", "#tokens tbody tr"),
    ("/upload", "#check"),
)

# Counts that rise and fall with the hour, a little other each week; where an
# outlier is to come a row is left out.
ROWS = """
INSERT INTO count_record (camera_id, start_at, end_at, people, vehicle, face,
	people_new, vehicle_new, face_new, car, bus, truck)
SELECT camera_id, at, at + INTERVAL 15 MINUTE, n, n DIV 2, n DIV 5, n DIV 2,
	n DIV 4, n DIV 9, n DIV 3, n MOD 3 = 0, n DIV 7
FROM (SELECT c.camera_id, %s + INTERVAL 15 * q.seq MINUTE AS at,
		c.camera_id + q.seq DIV 96 AS turn, q.seq MOD 96 AS quarter,
		ROUND(9 - 8 * COS(PI() * (q.seq MOD 96) / 48)) +
			CRC32(q.seq * 131 + c.camera_id) MOD 5 AS n
	FROM seq_{first}_to_{last} q STRAIGHT_JOIN camera c
	WHERE c.code LIKE 'bench-%%') r
WHERE (turn MOD 3 = 0 AND quarter = 52) = {odd}"""
MARKS = """
INSERT IGNORE INTO dirty_quarter (start_at, camera_id)
SELECT start_at, camera_id FROM count_record"""


def say(text):
    print(f"page  {text}", file=sys.stderr, flush=True)


def api(method, path, body=None):
    request = urllib.request.Request(
        os.environ["TALLY_URL"] + "/api/v1" + path, method=method,
        data=None if body is None else json.dumps(body).encode(), headers={
            "Authorization": "Bearer " + os.environ["TALLY_ADMIN_TOKEN"],
            "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as reply:
        return json.load(reply)


def fill():
    """A year, up to this quarter of an hour; the last days as they come."""
    now = dt.datetime.now(dt.timezone.utc).replace(tzinfo=None)
    today = dt.datetime.combine(now.date(), dt.time())
    start = today - dt.timedelta(days=DAYS - 1)
    quarters = int((now - start).total_seconds()) // 900
    api("POST", "/sites", {"name": "Bench", "tz": ZONES[0]})
    for i in range(CAMERAS):
        api("POST", "/cameras", {
            "camera": f"bench-{i:02}", "name": f"Gate {i + 1}",
            "site": "Bench", "tz": ZONES[i % len(ZONES)]})
    db = pymysql.connect(unix_socket=os.environ["TALLY_DB_SOCKET"],
                         user=os.environ["TALLY_DB_USER"],
                         database=os.environ["TALLY_DB_NAME"], autocommit=True,
                         init_command="SET time_zone = '+00:00'")
    with db.cursor() as c:
        c.execute("SET @tally_bulk = 1")
        for first in range(0, quarters, 9600):
            last = min(first + 9600, quarters) - 1
            c.execute(ROWS.format(first=first, last=last, odd=0), (start,))
        c.execute("SET @tally_bulk = NULL")
        c.execute(MARKS)
        api("POST", "/jobs/roll_up")
        say("the usual rows are rolled up")
        c.execute(ROWS.format(first=0, last=quarters - 1, odd=1).replace(
            " n, n DIV 2,", " 40 * n, n DIV 2,", 1), (start,))
        api("POST", "/jobs/roll_up")
        c.execute("SELECT COUNT(*) FROM count_record")
        say(f"{c.fetchone()[0]:,} rows of {CAMERAS} cameras")
    db.close()


def log_in(browser, url):
    browser.open({})
    browser.goto(url + "/")
    browser.fill("#user", os.environ["TALLY_USER"])
    browser.fill("#password", os.environ["TALLY_PASSWORD"])
    browser.click("button[type=submit]")
    browser.until("document.querySelector('#cards') !== null")
    return browser.cookies()


def first_view(browser, cookies, path, what):
    browser.open({"viewport": {"width": 1440, "height": 900},
                  "locale": "en-US", "storageState": {"cookies": cookies}})
    return browser.first(os.environ["TALLY_URL"] + path,
                         f"document.querySelector('{what}') !== null")


def main():
    began = time.monotonic()
    if os.environ.get("TALLY_BENCH_DATA") != "there":
        fill()
        say(f"filled within {time.monotonic() - began:.0f} s")
    browser = Browser()
    cookies = log_in(browser, os.environ["TALLY_URL"])
    missed = []
    print(f"page  {'':<40}{'KB':>6}{'ms':>7}{'worst':>7}{'x':>6}"
          f"{'cpu':>6}{'requests':>10}")
    for path, what in PAGES:
        seen, bare = [], []
        for _ in range(ROUNDS):
            bare.append(first_view(browser, cookies, BARE, "form")["ms"])
            seen.append(first_view(browser, cookies, path, what))
        ms = statistics.median(one["ms"] for one in seen)
        worst = max(one["ms"] for one in seen)
        cpu = statistics.median(one["cpu_ms"] for one in seen)
        size = max(one["bytes"] for one in seen)
        print(f"page  {path:<40}{size / 1000:>6.0f}{ms:>7.0f}{worst:>7.0f}"
              f"{ms / statistics.median(bare):>6.1f}{cpu:>6.0f}"
              f"{seen[0]['requests']:>10}", flush=True)
        if size > BYTES_MAX:
            missed.append(f"{path}: {size} bytes")
        if ms > MS_MAX:
            missed.append(f"{path}: {ms:.0f} ms")
    print(f"page  {'the form for the log-in':<40}{'':>6}"
          f"{statistics.median(bare):>7.0f}")
    browser.close()
    for text in missed:
        print(f"page  MISSED {text}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
