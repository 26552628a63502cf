# SPDX-License-Identifier: MIT
"""
The page /explore, in a real browser: its figures are the API's, and what it
calls usual is what a recount of the raw rows says.
"""
import datetime
import json
import statistics
import urllib.parse
import uuid
import zoneinfo

import pytest

from browser import Browser

UTC = datetime.timezone.utc
SEOUL = zoneinfo.ZoneInfo("Asia/Seoul")
DAY = datetime.timedelta(days=1)
FIELDS = ("new", "mean", "std", "reference", "min", "max", "n")
CLASSES = ("car", "bus", "truck", "motorcycle", "bicycle", "scooter")


class Yard:
    """A site with two cameras.  `day` has hours 9 and 11, none at 10; the same
    weekday of the five weeks before has all three, and so has the day before
    each of them.  `odd` has the same, and a row out of the ordinary in each
    metric."""

    def __init__(self, tally):
        self.tally = tally
        mark = uuid.uuid4().hex[:8]
        self.site = f"Yard & <b>{mark}"
        self.code, self.other = f"yard-{mark}", f"lane-{mark}"
        self.odd = f"odd-{mark}"
        self.today = datetime.datetime.now(SEOUL).date()
        self.day = self.today - 2 * DAY
        status, reply = tally.json("POST", "/api/v1/sites", tally.admin_token,
                                   {"name": self.site, "tz": "Asia/Seoul"})
        assert status == 201, reply
        for camera in ({"camera": self.code, "site": self.site},
                       {"camera": self.other, "site": self.site},
                       {"camera": self.odd, "tz": "Asia/Seoul"}):
            status, reply = tally.json("POST", "/api/v1/cameras",
                                       tally.admin_token, camera)
            assert status == 201, reply
        rows = [row for weeks in range(1, 6) for back in (0, 1)
                for row in self.hours(weeks * 7 + back, (9, 10, 11))]
        self.post(rows + self.hours(0, (9, 11)))
        self.post([{**row, "camera": self.odd, "face": 1 + row["people"] % 2}
                   for row in rows if row["camera"] == self.code])
        status, reply = tally.json("POST", "/api/v1/jobs/roll_up",
                                   tally.admin_token)
        assert status == 200, reply
        self.post([{**self.hours(0, (9,))[0], "camera": self.odd,
                    "people": 300, "vehicle": 200, "face": 100}])

    def hours(self, back, hours):
        made = []
        for code in (self.code, self.other):
            for hour in hours:
                for minute in range(0, 60, 15):
                    day = self.day - back * DAY
                    at = datetime.datetime(day.year, day.month, day.day, hour,
                                           minute, tzinfo=SEOUL)
                    n = 3 + (back * 7 + hour * 5 + minute) % 11
                    made.append({
                        "camera": code, "start_at": at.isoformat(),
                        "end_at": (at + datetime.timedelta(
                            minutes=15)).isoformat(),
                        "people": n, "people_new": n // 2, "vehicle": n % 4,
                        "classes": {"car": n % 3, "bus": n % 2},
                        "observed_s": 870})
        return made

    def post(self, rows):
        status, reply = self.tally.json(
            "POST", "/api/v1/counts", self.tally.ingest_token, rows)
        assert status == 200 and reply["inserted"] == len(rows), reply

    def stats(self, level, first, last, **of):
        """The API's items of the dates first to last, both included."""
        words = urllib.parse.urlencode(
            {**(of or {"camera": self.code}), "from": first,
             "to": last + DAY})
        status, reply = self.tally.json(
            "GET", f"/api/v1/stats/{level}?{words}", self.tally.read_token)
        assert status == 200 and reply["next"] is None, reply
        return reply["items"]

    def raw(self, first, last):
        """Raw rows of one camera, those of the dates first to last."""
        start = datetime.datetime.combine(first, datetime.time(), SEOUL)
        end = datetime.datetime.combine(last + DAY, datetime.time(), SEOUL)
        words = urllib.parse.urlencode(
            {"camera": self.code, "from": start.isoformat(),
             "to": end.isoformat(), "limit": 10000})
        return self.tally.json("GET", f"/api/v1/counts?{words}",
                               self.tally.read_token)[1]["items"]


@pytest.fixture(scope="module")
def yard(tally):
    return Yard(tally)


@pytest.fixture(scope="module")
def chromium():
    b = Browser()
    yield b
    b.close()


@pytest.fixture(scope="module")
def session(tally, chromium):
    chromium.open({})
    chromium.goto(tally.url + "/")
    chromium.fill("#user", tally.user)
    chromium.fill("#password", tally.password)
    chromium.click("button[type=submit]")
    chromium.until("document.querySelector('#cards') !== null")
    return chromium.cookies()


def window(chromium, session, **options):
    chromium.open({"viewport": {"width": 1280, "height": 900},
                   "timezoneId": "Pacific/Marquesas", "locale": "en-US",
                   "storageState": {"cookies": session}, **options})
    return chromium


@pytest.fixture
def browser(chromium, session):
    return window(chromium, session)


def visit(browser, yard, **words):
    named = {"camera": yard.code, "from": yard.day, "to": yard.day, **words}
    browser.goto("about:blank")  # another # alone is no new page
    browser.goto(yard.tally.url + "/explore#" + urllib.parse.urlencode(
        {k: v for k, v in named.items() if v is not None}))
    ready(browser)


def ready(browser):
    browser.until("document.querySelector('#figures tbody tr, #none:not("
                  "[hidden])') && !document.querySelector('#main[aria-busy]')")


def table(browser, where="#figures"):
    """{start: {field: value or None}} of the rows that have figures."""
    rows = json.loads(browser.evaluate("""
        JSON.stringify([...document.querySelectorAll("%s tbody tr")].map(
            (row) => [row.dataset.start, row.dataset.kind,
                Object.fromEntries([...row.querySelectorAll("[data-field]")]
                    .map((cell) => [cell.dataset.field,
                        cell.dataset.value === "" ? null :
                            Number(cell.dataset.value)]))]))""" % where))
    return {start: figures for start, kind, figures in rows
            if kind not in ("missing", "unmeasured")}


def expect(items, metric="people"):
    return {item["start"]: {"observed_s": item["observed_s"],
                            **{f: item[metric][f] for f in FIELDS}}
            for item in items if item[metric]}


def shown(browser):
    return {start: {f: figures[f] for f in (*FIELDS, "observed_s")}
            for start, figures in table(browser).items()}


def test_who_has_no_session_is_asked_to_log_in(tally, chromium):
    chromium.open({})
    assert chromium.goto(tally.url + "/explore") == 200
    assert chromium.evaluate("document.forms[0].id") == "login"


@pytest.mark.parametrize("level, back", [
    ("hour", 0), ("day", 14), ("week", 40), ("month", 40), ("year", 40)])
def test_each_level_equals_what_the_api_reports(yard, browser, level, back):
    first = yard.day - back * DAY
    visit(browser, yard, level=level, **{"from": first})
    start = {"week": first - datetime.timedelta(days=first.weekday()),
             "month": first.replace(day=1),
             "year": first.replace(month=1, day=1)}.get(level, first)
    want = expect(yard.stats(level, start, yard.day))
    assert shown(browser) == want and want


def test_a_site_is_all_of_its_cameras(yard, browser):
    visit(browser, yard, camera=None, site=yard.site, metric="vehicle")
    want = expect(yard.stats("hour", yard.day, yard.day, site=yard.site),
                  "vehicle")
    assert shown(browser) == want
    one = yard.stats("hour", yard.day, yard.day)
    assert [item["vehicle"]["sum"] * 2 for item in one] == [
        item["n"] * item["mean"] for item in want.values()]
    assert yard.site in browser.text("#series-title")


def test_a_gap_is_a_gap(yard, browser):
    visit(browser, yard)
    mean = browser.evaluate("Chart.getChart('series').data.datasets.find("
                            "(d) => d.label === 'mean').data")
    assert len(mean) == 24
    assert [at for at, value in enumerate(mean) if value is not None] == [
        9, 11]
    kinds = browser.evaluate(
        "[...document.querySelectorAll('#figures tbody tr')].map((row) => "
        "row.dataset.kind)")
    assert kinds.count("missing") == 22


def test_the_usual_is_a_recount_of_the_weeks_before(yard, browser):
    visit(browser, yard)
    found = table(browser)
    before = yard.raw(yard.day - 84 * DAY, yard.day - DAY)
    for start, figures in found.items():
        hour = datetime.datetime.fromisoformat(start).hour
        same = [row["people"] for row in before
                if (at := datetime.datetime.fromisoformat(
                    row["start_at"].replace("Z", "+00:00")).astimezone(SEOUL)
                    ).weekday() == yard.day.weekday() and at.hour == hour]
        assert len(same) == 5 * 4
        assert figures["usual"] == pytest.approx(statistics.fmean(same),
                                                 rel=1e-12)
        cell = browser.evaluate(
            f"Number(document.querySelector('#profile tr[data-weekday=\""
            f"{yard.day.isoweekday()}\"] td[data-hour=\"{hour}\"]')"
            ".dataset.value)")
        assert cell == pytest.approx(figures["usual"], rel=1e-12)


@pytest.mark.parametrize("level", ["hour", "day"])
def test_usually_new_is_the_mean_of_those_days(yard, browser, level):
    visit(browser, yard, show="new", level=level)
    found = table(browser)
    before = yard.stats(level, yard.day - 84 * DAY, yard.day - DAY)
    for start, figures in found.items():
        at = datetime.datetime.fromisoformat(start)
        same = [item["people"]["new"] for item in before
                if (then := datetime.datetime.fromisoformat(
                    item["start"])).weekday() == at.weekday()
                and then.hour == at.hour]
        assert len(same) == 5
        assert figures["usual"] == pytest.approx(statistics.fmean(same),
                                                 rel=1e-12)


def test_another_time_and_another_camera_stand_beside(yard, browser):
    visit(browser, yard, vs="before")
    before = yard.day - 7 * DAY
    want = {item["start"][11:]: item["people"]["mean"]
            for item in yard.stats("hour", before, before)}
    compared = {start[11:]: figures["compared"]
                for start, figures in table(browser).items()}
    assert compared == {at: want[at] for at in compared} and compared
    visit(browser, yard, vs=yard.other, show="new")
    want = {item["start"]: item["people"]["new"] for item in yard.stats(
        "hour", yard.day, yard.day, camera=yard.other)}
    assert {start: figures["compared"] for start, figures in
            table(browser).items()} == want


def test_vehicles_stand_by_class(yard, browser):
    visit(browser, yard, metric="vehicle")
    items = yard.stats("hour", yard.day, yard.day)
    found = {start: figures for start, figures in
             table(browser, "#class-figures").items()
             if figures["car"] is not None}
    assert found == {item["start"]: {name: item["classes"].get(name)
                                     for name in CLASSES} for item in items}
    visit(browser, yard)
    assert browser.evaluate("document.querySelector('#classes-part').hidden")


def test_the_sums_are_those_of_the_rows(yard, browser):
    visit(browser, yard)
    rows = yard.raw(yard.day, yard.day)
    sums = browser.evaluate(
        "Object.fromEntries([...document.querySelectorAll('#sums "
        "[data-field]')].map((one) => [one.dataset.field, "
        "Number(one.dataset.value)]))")
    people = [row["people"] for row in rows]
    assert sums == {"new": sum(row["people_new"] for row in rows),
                    "mean": pytest.approx(statistics.fmean(people)),
                    "max": max(people), "observed_s": 8 * 870}


def test_the_year_shows_each_day_and_leads_to_it(yard, browser):
    first = yard.day - 7 * DAY
    visit(browser, yard, show="new", **{"from": first, "to": first})
    want = {item["start"][:10]: item["people"]["new"] for item in yard.stats(
        "day", datetime.date(first.year, 1, 1),
        datetime.date(first.year, 12, 31))}
    found = browser.evaluate(
        "Object.fromEntries([...document.querySelectorAll('#year "
        "td[data-date]')].filter((cell) => cell.dataset.value).map((cell) => "
        "[cell.dataset.date, Number(cell.dataset.value)]))")
    assert found == want and len(want) > 1
    other = next(day for day in want if day != str(first))
    browser.click(f"#year td[data-date='{other}'] a")
    browser.until(f"location.hash.includes('from={other}&to={other}')")
    ready(browser)
    browser.until("[...document.querySelectorAll('#figures tbody tr')].some("
                  f"(row) => row.dataset.start.startsWith('{other}'))")


def test_dragging_looks_closer_and_the_address_keeps_it(yard, browser):
    first = yard.day - 9 * DAY
    visit(browser, yard, level="day", **{"from": first})
    box, left, right = browser.evaluate(
        "(() => { const chart = Chart.getChart('series'); const box = "
        "chart.canvas.getBoundingClientRect(); return [box.top + box.height "
        "/ 2, ...[2, 5].map((at) => box.left + "
        "chart.scales.x.getPixelForValue(at))]; })()")
    browser.drag(left, box, right, box)
    browser.until(f"location.hash.includes('from={first + 2 * DAY}&"
                  f"to={first + 5 * DAY}')")
    ready(browser)
    browser.until("document.querySelectorAll('#figures tbody tr').length "
                  "=== 96")
    browser.click("#wider")
    browser.until(f"document.querySelector('#from').value === "
                  f"'{first}' && !document.querySelector('[aria-busy]')")
    browser.click("#back")
    browser.until("document.querySelector('#to').value === "
                  f"'{first - DAY}'")


def test_the_links_give_the_same_as_csv(yard, browser):
    visit(browser, yard)
    for link, level, first, last in (
            ("series", "hour", yard.day, yard.day),
            ("profile", "profile", yard.day - 84 * DAY, yard.day - DAY)):
        kind, text = browser.evaluate(
            f"fetch(document.querySelector('#{link}-csv').href).then("
            "async (r) => [r.headers.get('Content-Type'), await r.text()])")
        lines = text.strip().split("\r\n")
        assert kind.startswith("text/csv")
        assert lines[0].startswith("camera,tz,start,end,")
        assert len(lines) - 1 == len(yard.stats(level, first, last))


def test_it_is_accessible_with_all_its_parts(yard, browser):
    visit(browser, yard, metric="vehicle", vs="before")
    assert browser.axe() == []
    seen = browser.seen()
    assert seen["console"] == [] and seen["dialogs"] == []


# Each page, and what is there once it has everything it asked for.
PAGES = {
    "/#camera={odd}&range=week": "Chart.getChart(document.querySelector('article "
    "canvas'))?.data.datasets.some((one) => one.label === 'usual')",
    "/explore#camera={code}&from={day}&to={day}&metric=vehicle&vs=before":
    "document.querySelector('#class-figures tbody tr') && "
    "!document.querySelector('#main[aria-busy]')",
    "/outliers#camera={odd}": "['people', 'vehicle', 'face'].every((metric) "
    "=> document.querySelector(`#list [data-metric=${metric}]`))",
    "/cameras#camera={code}": "document.querySelector('#list tbody tr') && "
    "!document.querySelector('#one').hidden",
    "/access": "document.querySelector('#tokens tbody tr') && "
    "document.querySelector('#users tbody tr')",
    "/upload": "document.querySelector('#check')",
}


@pytest.mark.parametrize("language, title", [("ko", "분석"), ("zh", "分析")])
def test_every_page_speaks_the_language(
        yard, chromium, session, language, title):
    browser = window(chromium, session, locale=language)
    for page, there in PAGES.items():
        browser.goto(yard.tally.url + page.format(**vars(yard)))
        browser.until(f"document.documentElement.lang === '{language}' && "
                      f"Boolean({there})")
        if page.startswith("/explore"):
            assert browser.text("h1") == title
        assert browser.evaluate("import('/static/words.js').then((words) => "
                                "[...words.missed])") == []
        assert browser.axe() == []
    # The switch is kept.
    browser.select("#language", "en")
    browser.until("document.documentElement.lang === 'en'")
    browser.goto(yard.tally.url + "/explore")
    browser.until("document.querySelector('h1').textContent === 'Explore'")
