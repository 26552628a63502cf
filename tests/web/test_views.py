# SPDX-License-Identifier: MIT
"""Every page as it is first seen: how much it weighs, that it asks nobody else,
that everybody can read it, and a picture of it."""
import datetime
import re
import uuid

import pytest

from browser import Browser
from pages import KINDS, PAGES, STATIC, THERE, log_in, shot

BYTES_MAX = 300000
CAMERAS, DAYS = 12, 15
HOSTILE = "<img src=x onerror=alert(1)>"


def rows(camera, at, nth):
    """An hour each; now and then many more."""
    made = []
    for back in range(24 * DAYS, 0, -1):
        start = at - datetime.timedelta(hours=back)
        n = 5 + (back * 7 + nth * 3) % 23
        made.append({
            "camera": camera, "start_at": start.isoformat(),
            "end_at": (start + datetime.timedelta(hours=1)).isoformat(),
            "people": n, "people_new": n // 2, "vehicle": n // 3,
            "vehicle_new": n // 4, "face": n // 5, "face_new": n // 6,
            "classes": {"car": n // 4, "bus": n % 2}})
    return made


@pytest.fixture(scope="module")
def full(tally):
    """As many cameras as a page of the dashboard has, before all that other
    tests made, with markup in their names, and something in all of the week's
    hours."""
    site = f"{HOSTILE} {uuid.uuid4().hex[:8]}"
    codes = sorted(f"0-view-{uuid.uuid4().hex[:8]}" for _ in range(CAMERAS))
    now = datetime.datetime.now(datetime.timezone.utc).replace(
        minute=0, second=0, microsecond=0)
    assert tally.json("POST", "/api/v1/sites", tally.admin_token, {
        "name": site, "tz": "Asia/Seoul"})[0] == 201
    for nth, code in enumerate(codes):
        assert tally.json("POST", "/api/v1/cameras", tally.admin_token, {
            "camera": code, "site": site,
            "name": f"{HOSTILE} {nth}"})[0] == 201
    whole = [row for nth, code in enumerate(codes)
             for row in rows(code, now, nth)]
    status, reply = tally.json("POST", "/api/v1/counts", tally.ingest_token,
                               whole)
    assert status == 200 and reply["inserted"] == len(whole), reply
    assert tally.json("POST", "/api/v1/jobs/roll_up",
                      tally.admin_token)[0] == 200
    tally.json("POST", "/api/v1/counts", tally.ingest_token, {
        "camera": codes[0], "start_at": now.isoformat(), "people": 500,
        "end_at": (now + datetime.timedelta(minutes=1)).isoformat()})
    yield codes
    for code in codes:
        tally.json("PATCH", f"/api/v1/cameras/{code}", tally.admin_token,
                   {"retired": True})


@pytest.fixture(scope="module")
def chromium():
    b = Browser()
    yield b
    b.close()


@pytest.fixture(scope="module")
def session(tally, full, chromium):
    log_in(chromium, tally)
    return chromium.cookies()


def address(page, codes, days=7):
    return page + {"/explore": f"#camera={codes[0]}&days={days}&level=hour",
                   "/outliers": f"#camera={codes[0]}"}.get(page, "")


def opened(chromium, session, **options):
    chromium.open({"viewport": {"width": 1440, "height": 900},
                   "locale": "en-US", "storageState": {"cookies": session},
                   **options})
    return chromium


@pytest.mark.parametrize("page", PAGES)
def test_the_first_view_is_light(tally, full, chromium, session, page):
    """With nothing in the cache; the Korean words are the longest."""
    browser = opened(chromium, session, locale="ko-KR")
    seen = browser.first(tally.url + address(page, full, 30), THERE[page])
    assert 10000 < seen["bytes"] < BYTES_MAX
    assert seen["console"] == []


def imported(name, found):
    """The modules that one loads, and theirs."""
    for other in re.findall(r"from\s+'\./([\w.]+)';",
                            (STATIC / name).read_text()):
        if other not in found:
            found.add(other)
            imported(other, found)
    return found


@pytest.mark.parametrize("page", sorted(p.name for p in STATIC.glob("*.html")))
def test_a_document_names_all_its_modules(page):
    """So that none waits for another that names it."""
    text = (STATIC / page).read_text()
    [start] = re.findall(r'<script type="module" src="/static/([^"]+)"', text)
    named = re.findall(r'<link rel="modulepreload" href="/static/([^"]+)"',
                       text)
    assert named == sorted(imported(start, set()))


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_is_for_everybody(tally, full, chromium, session, kind):
    browser = opened(chromium, session, **KINDS[kind])
    for page in PAGES:
        browser.goto(tally.url + address(page, full))
        browser.until(THERE[page] + " && !document.querySelector("
                      "'[aria-busy]')", 60)
        assert browser.axe() == [], page
        assert browser.evaluate(
            "document.documentElement.scrollWidth <= "
            "document.documentElement.clientWidth"), page
        assert browser.evaluate(
            "document.querySelectorAll('img[src=x]').length") == 0
        shot(browser, f"{page.strip('/') or 'dashboard'}-{kind}")
    seen = browser.seen()
    assert seen["console"] == [] and seen["dialogs"] == []
    assert all(url.startswith((tally.url + "/", "data:"))
               for url in seen["requests"])
