# SPDX-License-Identifier: MIT
"""The alarm: an outlier arrives while somebody looks at a page, any page."""
import datetime
import json
import time
import uuid

import pytest

from browser import Browser
from pages import PAGES, log_in

UTC = datetime.timezone.utc
MINUTE = datetime.timedelta(minutes=1)
NAME = "<img src=x onerror=alert(1)> & gate"


class Odd:
    """A camera at which more than usual is there when one says so."""

    def __init__(self, tally):
        self.tally = tally
        self.code = f"odd-{uuid.uuid4().hex[:8]}"
        self.now = datetime.datetime.now(UTC).replace(second=0, microsecond=0)
        self.sent = 0
        self.ask("POST", "/cameras", {"camera": self.code, "name": NAME,
                                      "tz": "Asia/Seoul"})
        day = datetime.timedelta(days=1)
        self.post([self.row(self.now - n * day - k * MINUTE, 10 + k % 3)
                   for n in range(2, 6) for k in range(20)])
        self.ask("POST", "/jobs/roll_up")

    def ask(self, method, path, body=None, token=None):
        status, reply = self.tally.json(
            method, "/api/v1" + path, token or self.tally.admin_token, body)
        assert status in (200, 201), reply
        return reply

    def row(self, at, people):
        return {"camera": self.code, "start_at": at.isoformat(),
                "end_at": (at + MINUTE).isoformat(), "people": people}

    def post(self, rows):
        self.ask("POST", "/counts", rows, self.tally.ingest_token)

    def rings(self):
        """One more outlier; how many people it has."""
        self.sent += 1
        people = 400 + self.sent
        self.post([self.row(self.now - (60 - self.sent) * MINUTE, people)])
        return people


@pytest.fixture(scope="module")
def odd(tally):
    return Odd(tally)


@pytest.fixture(scope="module")
def browser(tally):
    b = Browser()
    log_in(b, tally)
    yield b
    b.close()


def heard(browser, people):
    """Waits until the page says so, at the top; what it says in all."""
    browser.until("document.querySelector('.alarm')?.textContent.includes("
                  f"'{people} people')", 60)
    return browser.evaluate("[...document.querySelectorAll('.alarm a')].map("
                            "(one) => one.textContent)")


def visit(browser, tally, page):
    """The page, once its stream has begun."""
    before = len(browser.responses("/api/v1/stream"))
    browser.goto("about:blank")
    browser.goto(tally.url + page)
    wait_stream(browser, before)


def wait_stream(browser, before):
    end = time.monotonic() + 60
    while len(browser.responses("/api/v1/stream")) == before:
        assert time.monotonic() < end, "the page does not listen"
        time.sleep(0.1)


def test_it_rings_on_every_page_and_leads_to_the_review(tally, odd, browser):
    for page in PAGES:
        visit(browser, tally, page)
        people = odd.rings()
        [said] = heard(browser, people)
        assert said.startswith(NAME + ", ")
        assert browser.evaluate(
            "document.querySelector('.alarms').getAttribute('role')"
        ) == "alert"
    assert browser.axe() == []
    browser.click(".alarm a")
    browser.until("document.querySelector('#list > li')?.textContent"
                  f".includes('{people}')", 60)
    assert f"/outliers#camera={odd.code}" in browser.url()
    assert browser.seen()["dialogs"] == []


def test_it_is_hidden_by_keys_and_a_reload_repeats_nothing(
        tally, odd, browser):
    visit(browser, tally, "/access")
    first, second = odd.rings(), odd.rings()
    assert len(heard(browser, second)) == 2
    browser.evaluate("document.querySelector('.alarm a').focus()")
    browser.press("Escape")
    browser.until("document.querySelectorAll('.alarm').length === 1")
    assert browser.evaluate("document.activeElement.closest('.alarm') !== "
                            "null")
    browser.press("Enter")
    browser.until("document.querySelector('.alarm') === null")
    assert browser.evaluate("document.activeElement.localName") == "h1"
    visit(browser, tally, "/access")
    third = odd.rings()
    [said] = heard(browser, third)
    assert str(first) not in said


def test_what_came_while_the_connection_was_lost_is_told(
        fresh_tally, browser):
    own = fresh_tally("--no-ingest")
    odd = Odd(own)
    log_in(browser, own)
    visit(browser, own, "/upload")
    heard(browser, odd.rings())
    before = len(browser.responses("/api/v1/stream"))
    own.kill("api")
    missed = odd_while_down(own, odd)
    own.up()
    wait_stream(browser, before)
    said = heard(browser, missed)
    assert len(said) == 2, json.dumps(said)


def odd_while_down(tally, odd):
    """A row that a person wrote at the prompt."""
    odd.sent += 1
    people = 400 + odd.sent
    at = odd.now - (60 - odd.sent) * MINUTE
    tally.sql("INSERT INTO count_record (camera_id, start_at, end_at, people)"
              " SELECT camera_id, %s, %s, %s FROM camera WHERE code = %s",
              at.strftime("%F %T"), (at + MINUTE).strftime("%F %T"), people,
              odd.code)
    return people
