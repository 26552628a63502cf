# SPDX-License-Identifier: MIT
"""
The page at /, in a real browser, against a running Tally: what it shows is
what the API reports.
"""
import datetime
import json
import time
import urllib.parse
import uuid
import zoneinfo

import pytest

from browser import Browser

UTC = datetime.timezone.utc
HOUR = datetime.timedelta(hours=1)
HOSTILE = "<img src=x onerror=alert(1)>\"'&</script><b>dock"
FIELDS = ("new", "mean", "std", "reference", "min", "max", "n")
ZONES = ("Asia/Seoul", "Asia/Kathmandu", "Europe/Berlin", "America/New_York",
         "America/Los_Angeles", "Pacific/Auckland", "Australia/Adelaide",
         "America/Sao_Paulo", "Pacific/Honolulu")


def daytime_zones():
    """Two zones where today already has some hours and still has some."""
    now = datetime.datetime.now(UTC)
    good = [z for z in ZONES
            if 7 <= now.astimezone(zoneinfo.ZoneInfo(z)).hour <= 20]
    return good[0], good[-1]


def stamp(at):
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Camera:
    """A camera of its own for the tests, and rows for it."""

    def __init__(self, tally, name, tz):
        self.tally = tally
        self.code = f"page-{uuid.uuid4().hex[:8]}"
        self.name = name
        self.tz = zoneinfo.ZoneInfo(tz)
        status, reply = tally.json(
            "POST", "/api/v1/cameras", tally.admin_token,
            {"camera": self.code, "name": name, "tz": tz})
        assert status == 201, reply

    def local(self, days_ago, hour, minute=0):
        day = datetime.datetime.now(self.tz).date() - datetime.timedelta(
            days=days_ago)
        return datetime.datetime(day.year, day.month, day.day, hour, minute,
                                 tzinfo=self.tz)

    def row(self, at, minutes=5, **metrics):
        end = at.astimezone(UTC) + datetime.timedelta(minutes=minutes)
        return {"camera": self.code, "start_at": stamp(at),
                "end_at": stamp(end), **metrics}

    def post(self, rows):
        status, reply = self.tally.json(
            "POST", "/api/v1/counts", self.tally.ingest_token, rows)
        assert status == 200 and reply["inserted"] == len(rows), reply

    def stats(self, period, days):
        """What the API reports, as the page asks for it."""
        today = datetime.datetime.now(self.tz).date()
        words = urllib.parse.urlencode({
            "camera": self.code,
            "from": today - datetime.timedelta(days=days - 1),
            "to": today + datetime.timedelta(days=1)})
        status, reply = self.tally.json(
            "GET", f"/api/v1/stats/{period}?{words}", self.tally.read_token)
        assert status == 200, reply
        return reply["items"]


def roll_up(tally):
    status, reply = tally.json("POST", "/api/v1/jobs/roll_up",
                               tally.admin_token)
    assert status == 200, reply


def history(camera, **off):
    """Rows of the last days: yesterday dense, then thinner, with gaps."""
    rows = []
    for ago, hours in ((1, (8, 9, 10, 11)), (2, (9, 10)), (4, (13,)),
                       (9, (12, 13))):
        for hour in hours:
            for minute in range(0, 60, 5):
                n = 10 + (hour + minute) % 3
                rows.append(camera.row(
                    camera.local(ago, hour, minute), people=n,
                    vehicle=minute % 4, face=1 + ago % 3, people_new=n // 2,
                    vehicle_new=1, face_new=1, observed_s=290))
    for row in rows:
        for metric in off:
            row.pop(metric, None)
            row.pop(metric + "_new", None)
    camera.post(rows)


@pytest.fixture(scope="module")
def cameras(tally):
    """Two cameras; faces are not measured at the one with the hostile name."""
    gate_tz, dock_tz = daytime_zones()
    gate = Camera(tally, "Main gate", gate_tz)
    dock = Camera(tally, HOSTILE, dock_tz)

    history(gate)
    history(dock, face=False)
    roll_up(tally)  # references come from the days before
    for camera in (gate, dock):
        rows = [camera.row(camera.local(0, hour, minute), people=11 + hour,
                           vehicle=hour % 2, people_new=hour, observed_s=270)
                for hour in (1, 2, 4) for minute in (0, 5, 10)]
        now_hour = datetime.datetime.now(UTC).replace(
            minute=0, second=0, microsecond=0)
        rows.append(camera.row(now_hour, 1 / 60, people=9, vehicle=0,
                               people_new=2))
        camera.post(rows)
    gate.post([gate.row(gate.local(0, 5), people=97, vehicle=2,
                        people_new=50)])
    roll_up(tally)
    return gate, dock


@pytest.fixture(scope="module")
def chromium():
    b = Browser()
    yield b
    b.close()


# A window in a time zone and a language that are nobody's.
WINDOW = {"timezoneId": "Pacific/Marquesas", "locale": "ar-EG",
          "viewport": {"width": 1280, "height": 900}}


@pytest.fixture
def stranger(chromium):
    """A new window without a session."""
    chromium.open(WINDOW)
    return chromium


@pytest.fixture(scope="module")
def session(tally, cameras, chromium):
    """The cookie of one log-in, for all tests that do not end it."""
    chromium.open(WINDOW)
    log_in(chromium, tally)
    return chromium.cookies()


@pytest.fixture
def browser(chromium, session):
    """A new window with a session."""
    chromium.open({**WINDOW, "storageState": {"cookies": session}})
    return chromium


def log_in(browser, tally, fragment=""):
    browser.goto(tally.url + "/" + fragment)
    browser.fill("#user", tally.user)
    browser.fill("#password", tally.password)
    browser.click("button[type=submit]")
    browser.until("document.querySelector('article canvas') !== null")


def visit(browser, tally, fragment=""):
    browser.goto(tally.url + "/" + fragment)
    browser.until("document.querySelector('article canvas') !== null")


def fragment(camera, metric="people", time_range="today"):
    return "#" + urllib.parse.urlencode({
        "camera": camera.code, "metric": metric, "range": time_range})


def card(camera):
    return f"article[data-camera='{camera.code}']"


def figures(browser, camera):
    """The table of the chart: {start: {field: value or None}}."""
    return json.loads(browser.evaluate("""
        JSON.stringify(Object.fromEntries([...document.querySelectorAll(
            "%s tbody tr")].filter((row) => row.dataset.kind !== 'missing')
            .map((row) => [row.dataset.start, Object.fromEntries(
                [...row.querySelectorAll('[data-field]')].map((cell) =>
                    [cell.dataset.field, cell.dataset.value === '' ? null :
                        Number(cell.dataset.value)]))])))""" % card(camera)))


def reported(camera, metric, period, days):
    """The same, as the API has it."""
    table = {}
    for item in camera.stats(period, days):
        found = item[metric]
        table[item["start"]] = {"observed_s": item["observed_s"]}
        if found:
            table[item["start"]].update({f: found[f] for f in FIELDS})
    return table


def agree(browser, camera, metric, period, days, seconds=120):
    """Waits until page and API say the same; they may be a refresh apart."""
    end = time.monotonic() + seconds
    while True:
        page = figures(browser, camera)
        api = reported(camera, metric, period, days)
        if page == api or time.monotonic() > end:
            assert page == api
            return page
        time.sleep(0.3)


def datasets(browser, camera):
    """What is drawn: the data of the chart's layers."""
    layers = browser.evaluate(
        f"Object.fromEntries(Chart.getChart(document.querySelector("
        f"\"{card(camera)} canvas\")).data.datasets.map((layer) => "
        "[layer.label, layer.data]))")
    return layers["mean"], layers["lowest to highest"], layers["outliers"]


def test_without_a_session_the_form_is_shown_and_figures_are_not(
        tally, stranger):
    assert stranger.goto(tally.url + "/") == 200
    assert stranger.evaluate("document.forms[0].id") == "login"
    assert stranger.text("#cards") is None
    assert stranger.axe() == []


def test_a_wrong_password_is_refused_in_words(tally, stranger):
    stranger.goto(tally.url + "/")
    stranger.fill("#user", tally.user)
    stranger.fill("#password", "not " + tally.password)
    stranger.click("button[type=submit]")
    stranger.until("document.querySelector('#reason')?.hidden === false")
    assert "wrong" in stranger.text("#reason")
    assert stranger.cookies() == []
    assert tally.password not in stranger.url()
    assert stranger.axe() == []


def test_the_session_cookie_is_out_of_reach_of_scripts(
        tally, cameras, stranger):
    log_in(stranger, tally)
    cookies = {c["name"]: c for c in stranger.cookies()}
    assert set(cookies) == {"tally_session", "tally_known"}
    for cookie in cookies.values():
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    assert stranger.evaluate("document.cookie") == ""


@pytest.mark.parametrize("time_range, period, days", [
    ("today", "hour", 1), ("week", "day", 7), ("month", "day", 30)])
def test_the_table_equals_what_the_api_reports(
        tally, cameras, browser, time_range, period, days):
    for camera in cameras:
        for metric in ("people", "vehicle", "face"):
            visit(browser, tally, fragment(camera, metric, time_range))
            table = agree(browser, camera, metric, period, days)
            assert len(table) >= 3


def test_the_tiles_equal_todays_bucket(tally, cameras, browser):
    gate, _ = cameras
    visit(browser, tally, fragment(gate))
    agree(browser, gate, "people", "hour", 1)
    [today] = gate.stats("day", 1)
    for metric in ("people", "vehicle"):
        for field in ("new", "mean", "max"):
            shown = browser.evaluate(
                f"document.querySelector(\"{card(gate)} "
                f"[data-metric={metric}] [data-field={field}]\")"
                ".dataset.value")
            want = today[metric][field]
            assert (float(shown) if shown else None) == want
    assert browser.text(f"{card(gate)} [data-field=new]") == str(
        today["people"]["new"])
    assert browser.text(f"{card(gate)} [data-field=mean]") == (
        f"{today['people']['mean']:.1f}")


def test_what_is_not_measured_is_said_and_never_zero(tally, cameras, browser):
    _, dock = cameras
    visit(browser, tally, fragment(dock, "face", "week"))
    agree(browser, dock, "face", "day", 7)
    tile = f"{card(dock)} .tiles [data-metric=face]"
    assert "not measured" in browser.text(tile)
    assert "0" not in browser.text(tile)
    rows = browser.evaluate(
        f"[...document.querySelectorAll(\"{card(dock)} "
        "tr[data-kind=unmeasured]\")].map((row) => row.textContent)")
    assert rows and all("not measured" in row for row in rows)
    # Vehicles are measured there, and their new ones are not today.
    tile = f"{card(dock)} .tiles [data-metric=vehicle]"
    assert "new: not measured" in browser.text(tile)


def test_an_hour_without_rows_breaks_the_line(tally, cameras, browser):
    gate, _ = cameras
    visit(browser, tally, fragment(gate))
    agree(browser, gate, "people", "hour", 1)
    mean, extent, _ = datasets(browser, gate)
    labels = browser.evaluate(
        f"[...document.querySelectorAll(\"{card(gate)} tbody th\")]"
        ".map((cell) => cell.textContent.slice(0, 5)).reverse()")
    assert labels[:6] == [f"{h:02}:00" for h in range(6)]
    assert mean[0] is None and mean[3] is None and extent[3] is None
    assert mean[1] == 12 and mean[2] == 13 and mean[4] == 15
    assert extent[5] == [97, 97]
    missing = browser.text(f"{card(gate)} tbody tr:nth-last-child(4)")
    assert missing == "03:00no rows"


def test_the_running_hour_is_marked_and_coverage_shown(
        tally, cameras, browser):
    gate, _ = cameras
    for _ in range(3):  # the hour may end meanwhile
        gate.post([gate.row(datetime.datetime.now(UTC), 1 / 60, people=9)])
        roll_up(tally)
        visit(browser, tally, fragment(gate))
        agree(browser, gate, "people", "hour", 1)
        newest = browser.text(f"{card(gate)} tbody tr")
        if "%" in newest:
            break
    assert "running" in newest and "%" in newest
    # Hour 1 holds three rows of 270 watched seconds: 810 of 3600.
    assert "13 min (23 %)" in browser.text(
        f"{card(gate)} tbody tr:nth-last-child(2)")
    assert "% of today so far" in browser.text(f"{card(gate)} .seen")


def test_an_outlier_at_alert_level_is_marked_and_listed(
        tally, cameras, browser):
    gate, _ = cameras
    words = urllib.parse.urlencode({
        "level": "alert", "camera": gate.code,
        "from": stamp(gate.local(0, 0)), "to": stamp(gate.local(0, 23))})
    status, reply = tally.json("GET", "/api/v1/outliers?" + words,
                               tally.read_token)
    assert status == 200
    [item] = [i for i in reply["items"]
              if i["start_at"] == stamp(gate.local(0, 5))]
    found = item["metrics"]["people"]
    assert found["value"] == 97 and abs(found["z"]) >= 4

    visit(browser, tally, fragment(gate))
    row = f"#outliers tr[data-outlier='{item['id']}'][data-metric=people]"
    browser.until(f"document.querySelector(\"{row}\") !== null")
    for field in ("value", "reference", "z"):
        assert float(browser.evaluate(
            f"document.querySelector(\"{row} [data-field={field}]\")"
            ".dataset.value")) == found[field]
    text = browser.text(row)
    assert "Main gate" in text and "05:00" in text and "97" in text
    _, _, marks = datasets(browser, gate)
    assert {"x": gate.local(0, 5).isoformat(), "y": 97} in marks


def test_new_rows_appear_by_themselves(tally, cameras, browser):
    gate, _ = cameras
    visit(browser, tally, fragment(gate))
    before = agree(browser, gate, "people", "hour", 1)
    browser.evaluate("window.stays = true")
    browser.click(f"{card(gate)} summary")
    assert gate.local(0, 6).isoformat() not in before
    gate.post([gate.row(gate.local(0, 6), people=7, vehicle=1,
                        people_new=3)])
    roll_up(tally)
    after = agree(browser, gate, "people", "hour", 1)
    assert after[gate.local(0, 6).isoformat()]["mean"] == 7
    assert browser.evaluate("window.stays") is True
    assert browser.evaluate(
        f"document.querySelector(\"{card(gate)} details\").open") is True


def test_the_choice_stays_in_the_address(tally, cameras, browser):
    gate, dock = cameras
    visit(browser, tally)
    browser.select("#camera", dock.code)
    browser.check("input[value=vehicle]")
    browser.check("input[value=week]")
    agree(browser, dock, "vehicle", "day", 7)
    assert browser.text("#cards-title") == "Vehicles, the last 7 days"
    assert browser.url() == tally.url + "/" + fragment(
        dock, "vehicle", "week")
    browser.click(f"#cameras a[data-camera='{gate.code}']")
    agree(browser, gate, "vehicle", "day", 7)
    assert browser.evaluate(
        "document.querySelectorAll('article').length") == 1


def test_hostile_names_are_text(tally, cameras, browser):
    _, dock = cameras
    visit(browser, tally, fragment(dock))
    agree(browser, dock, "people", "hour", 1)
    assert browser.text(f"{card(dock)} h3") == HOSTILE
    assert browser.evaluate(
        f"[...document.querySelectorAll('#camera option')]"
        f".some((one) => one.textContent === {json.dumps(HOSTILE)})")
    assert browser.evaluate(
        "document.querySelectorAll('img[src=x], article b > b').length") == 0
    browser.goto(tally.url + "/#camera=" + urllib.parse.quote(HOSTILE))
    browser.until("document.querySelector('.nothing') !== null")
    assert HOSTILE in browser.text(".nothing")
    assert browser.seen()["dialogs"] == []


def test_nothing_leaves_the_origin_and_nothing_complains(
        tally, cameras, browser):
    gate, dock = cameras
    visit(browser, tally, fragment(gate))
    for metric in ("people", "vehicle", "face"):
        browser.check(f"input[value={metric}]")
        for time_range in ("today", "week", "month"):
            browser.check(f"input[value={time_range}]")
            browser.until("document.querySelector('#cards-title')"
                          ".textContent.length > 0")
    browser.select("#camera", dock.code)
    agree(browser, dock, "face", "day", 30)
    seen = browser.seen()
    assert len(seen["requests"]) > 10
    assert [u for u in seen["requests"]
            if not u.startswith(tally.url + "/")] == []
    assert seen["console"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 360])
def test_the_page_is_accessible_and_fits(
        tally, cameras, browser, tmp_path, scheme, width):
    gate, _ = cameras
    browser.media(scheme)
    browser.resize(width, 900)
    visit(browser, tally)
    assert browser.axe() == []
    browser.shot(str(tmp_path / f"all-{scheme}-{width}.png"))
    browser.goto(tally.url + "/" + fragment(gate, "people", "week"))
    agree(browser, gate, "people", "day", 7)
    browser.click(f"{card(gate)} summary")
    assert browser.axe() == []
    browser.shot(str(tmp_path / f"one-{scheme}-{width}.png"))
    assert browser.evaluate(
        "document.documentElement.scrollWidth") <= width


def test_a_lost_connection_is_said_and_survived(tally, cameras, browser):
    gate, _ = cameras
    visit(browser, tally, fragment(gate))
    agree(browser, gate, "people", "hour", 1)
    browser.offline(True)
    browser.check("input[value=week]")
    browser.until("document.querySelector('#status').textContent"
                  ".includes('does not answer')")
    assert browser.text(f"{card(gate)} h3") == "Main gate"
    # The next refresh takes the words away.
    browser.evaluate(
        "window.said = []; new MutationObserver(() => said.push("
        "document.querySelector('#status').textContent)).observe("
        "document.querySelector('#status'), { childList: true, "
        "characterData: true, subtree: true }); null")
    browser.offline(False)
    browser.until("said.includes('Tally answers again.')")
    agree(browser, gate, "people", "day", 7)


def test_a_paused_page_asks_for_nothing(tally, cameras, browser):
    def asked():
        return len(browser.seen()["requests"])
    browser.clock()
    visit(browser, tally)
    browser.click("#pause")
    assert browser.evaluate(
        "document.querySelector('#pause').ariaPressed") == "true"
    # What was on its way comes to an end, and nothing follows.
    end = time.monotonic() + 120
    quiet = 0
    while quiet < 10:
        before = asked()
        browser.forward(60000)
        time.sleep(0.2)
        quiet = quiet + 1 if asked() == before else 0
        assert time.monotonic() < end, "a paused page goes on asking"
    browser.click("#pause")
    before = asked()
    while asked() == before:
        browser.forward(60000)
        assert time.monotonic() < end, "it does not go on"


def test_a_session_that_ends_leads_back_to_the_form(tally, cameras, stranger):
    gate, _ = cameras
    where = fragment(gate, "vehicle", "week")
    log_in(stranger, tally, where)
    stranger.forget()
    # Not check(): it waits for the button, and the page has left by then.
    # Nor at once: the page may leave before the click is reported.
    stranger.evaluate("setTimeout(() => document.querySelector("
                      "'input[value=month]').click()), null")
    stranger.until("document.querySelector('#reason')?.hidden === false")
    assert "ended" in stranger.text("#reason")
    assert stranger.text("#cards") is None
    # The choice survives the log-in.
    stranger.fill("#user", tally.user)
    stranger.fill("#password", tally.password)
    stranger.click("button[type=submit]")
    stranger.until("document.querySelector('article canvas') !== null")
    assert stranger.text("#cards-title") == "Vehicles, the last 30 days"


def test_logging_out_ends_the_session(tally, cameras, stranger):
    log_in(stranger, tally)
    cookie, = [c for c in stranger.cookies() if c["name"] == "tally_session"]
    stranger.click("form[action='/logout'] button")
    stranger.until("document.forms[0]?.id === 'login'")
    assert stranger.text("#cards") is None
    status, _, _ = tally.request(
        "GET", "/api/v1/cameras",
        headers={"Cookie": f"tally_session={cookie['value']}"})
    assert status == 401


def test_the_axis_knows_the_days_of_every_zone(tally, stranger):
    """Against Python's own zone data, over days that changed the clock."""
    zones = ("Europe/Berlin", "America/Havana", "Asia/Kathmandu",
             "Australia/Lord_Howe", "America/St_Johns", "Africa/Cairo",
             "Asia/Beirut", "Pacific/Chatham", "America/Santiago", "UTC")
    first = datetime.date(2024, 1, 1)
    dates = [first + datetime.timedelta(days=n) for n in range(0, 400)]
    stranger.goto(tally.url + "/")
    found = stranger.evaluate(
        "Promise.all([import('/static/when.js'), import("
        "'/static/slots.js')]).then(([{ dayStart }, { hourSlots }]) => "
        f"{json.dumps(zones)}.map((tz) => "
        f"{json.dumps([str(d) for d in dates])}.map((date) => "
        "[dayStart(date, tz) / 1000, hourSlots(date, tz).length])))")
    for zone, days in zip(zones, found):
        tz = zoneinfo.ZoneInfo(zone)
        for date, (start, hours) in zip(dates, days):
            want = first_instant(date, tz)
            end = first_instant(date + datetime.timedelta(days=1), tz)
            assert start == want, (zone, date)
            assert hours == local_hours(want, end, tz), (zone, date)


def first_instant(date, tz):
    """The first second of a local date, by going through the hour before."""
    at = int(datetime.datetime(date.year, date.month, date.day,
                               tzinfo=tz).timestamp()) - 7200
    while datetime.datetime.fromtimestamp(at, tz).date() < date:
        at += 900
    return at


def local_hours(start, end, tz):
    """How many hours, each at one offset, the clock shows in a day."""
    shown = [datetime.datetime.fromtimestamp(at, tz)
             for at in range(start, end, 900)]
    return len({(at.hour, at.utcoffset()) for at in shown})


def test_a_bucket_finds_its_hour_where_the_browsers_zone_data_is_old(
        tally, stranger):
    """The server says +01:00, the browser believes UTC; and an hour that the
    browser's clock skips has a place of its own."""
    stranger.goto(tally.url + "/")
    rows = stranger.evaluate("""Promise.all([import('/static/figures.js'),
        import('/static/slots.js')]).then(([{ join }, { hourSlots }]) => {
        const labels = (date, tz, hours, offset) => join(hourSlots(date, tz),
            hours.map((hour) => ({
                start: `${date}T${hour}:00:00${offset}`,
                end: `${date}T${hour}:59:59${offset}`, people: { n: 1 },
            })), 'people', Date.parse('2030-01-01'))
            .map(({ label, figure }) => label + (figure ? '+' : '-'));
        return [
            labels('2025-05-05', 'UTC', ['00', '01', '23'], '+01:00'),
            labels('2025-03-30', 'Europe/Berlin', ['01', '02', '03'],
                '+01:00'),
            labels('2025-10-26', 'Europe/Berlin', ['02'], '+01:00'),
        ];
    })""")
    assert rows[0] == [f"{h:02}:00" + ("+" if h in (0, 1, 23) else "-")
                       for h in range(24)]
    assert rows[1] == [f"{h:02}:00" + ("+" if h in (1, 2, 3) else "-")
                       for h in range(24)]
    assert rows[2][1:5] == ["01:00-", "02:00 +02:00-", "02:00 +01:00+",
                            "03:00-"]
