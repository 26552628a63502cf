# SPDX-License-Identifier: MIT
"""The page at /upload in a real browser that runs no scripts."""
import datetime
import uuid

import pytest

from browser import Browser

AT = datetime.datetime.now(datetime.timezone.utc).replace(
    minute=0, second=0, microsecond=0) - datetime.timedelta(days=2)


@pytest.fixture(scope="module")
def browser():
    b = Browser()
    yield b
    b.close()


@pytest.fixture
def plain(browser, tally):
    """A window of somebody who logged in, without JavaScript."""
    log_in(browser, tally, javaScriptEnabled=False)
    return browser


def log_in(browser, tally, password=None, **options):
    browser.open({"viewport": {"width": 420, "height": 900}, **options})
    browser.goto(tally.url + "/")
    browser.fill("#user", tally.user)
    browser.fill("#password", password or tally.password)
    browser.submit("button[type=submit]")


def rows(camera, people):
    at = [(AT + datetime.timedelta(minutes=i)).strftime("%Y-%m-%dT%H:%M:%SZ")
          for i in range(len(people) + 1)]
    return "camera,start_at,end_at,people\r\n" + "".join(
        f"{camera},{at[i]},{at[i + 1]},{p}\r\n" for i, p in enumerate(people))


def stored(tally, camera):
    return [r[0] for r in tally.sql(
        "SELECT people FROM count_record JOIN camera USING (camera_id) "
        "WHERE code = %s ORDER BY start_at", camera)]


def test_a_bad_file_is_reported_and_mended(plain, tally, tmp_path):
    camera = f"web-{uuid.uuid4().hex[:8]}"
    file = tmp_path / "<b>counts & more.csv"
    file.write_text(rows(camera, [1, "many", 3, -4]))
    plain.goto(tally.url + "/upload")
    plain.setFiles("#file", str(file))
    plain.submit("section[aria-labelledby=by-file] button")
    assert plain.url() == tally.url + "/upload"
    assert "Stored in part" in plain.text("#report h2")
    assert plain.text("#file-name") == file.name
    body = plain.text("#report tbody")
    assert body == ('3peoplepeople: "many" is not a whole number'
                    "5peoplepeople is not from 0 to 1000000")
    assert stored(tally, camera) == [1, 3]
    # The bad rows, mended.
    path = plain.evaluate("document.querySelector('#rejected').pathname")
    mended = tally.request("GET", path, tally.read_token)[2].decode()
    file.write_text(mended.replace("many", "2").replace("'-4", "4"))
    plain.setFiles("#file", str(file))
    plain.submit("section[aria-labelledby=by-file] button")
    assert plain.text("#report h2") == "Stored"
    assert stored(tally, camera) == [1, 2, 3, 4]
    assert plain.seen()["console"] == []


def test_a_count_by_hand_is_wrong_and_then_right(plain, tally):
    camera = f"web-{uuid.uuid4().hex[:8]}"
    hand = "section[aria-labelledby=by-hand] button"
    plain.goto(tally.url + "/upload")
    plain.fill("#hand-camera", camera)
    plain.fill("#hand-tz", "Asia/Seoul")
    plain.fill("#hand-start", "2026-01-05T09:00")
    plain.fill("#hand-end", "2026-01-05T09:05")
    plain.fill("#hand-people", "1,234")
    plain.submit(hand)
    assert "whole number" in plain.text("#hand-people-fault")
    assert stored(tally, camera) == []
    plain.fill("#hand-people", "1234")
    plain.submit(hand)
    assert plain.text("#report h2") == "The count is stored"
    assert stored(tally, camera) == [1234]


def test_it_can_be_read_by_everybody(browser, tally, tmp_path):
    """axe needs scripts; the page is the same."""
    log_in(browser, tally)
    file = tmp_path / "counts.csv"
    file.write_text(rows("web-none", ["many"]))
    browser.goto(tally.url + "/upload")
    browser.setFiles("#file", str(file))
    browser.click("section[aria-labelledby=by-file] button")
    browser.until("document.querySelector('#report') !== null")
    for scheme in ("light", "dark"):
        browser.media(scheme)
        assert browser.axe() == []


def test_a_person_logs_in_and_out(browser, tally):
    log_in(browser, tally, javaScriptEnabled=False, password="not this one")
    assert browser.text("#reason") == "User or password is wrong."
    assert browser.cookies() == []
    log_in(browser, tally, javaScriptEnabled=False)
    assert "tally_session" in {c["name"] for c in browser.cookies()}
    assert browser.text("#login") is None
    browser.submit("form[action='/logout'] button")
    assert "tally_session" not in {c["name"] for c in browser.cookies()}
    assert browser.text("#login h1") == "Tally"
