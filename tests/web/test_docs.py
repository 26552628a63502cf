# SPDX-License-Identifier: MIT
"""
The page at /docs, in a real browser, against a running Tally: every route is
there and can be tried, by keyboard alone, and the token goes nowhere else.
"""
import json
import pathlib
import uuid

import pytest

from browser import Browser

DOC = json.loads((pathlib.Path(__file__).resolve().parents[2]
                  / "api" / "www" / "openapi.json").read_text())


@pytest.fixture(scope="module")
def chromium():
    b = Browser()
    yield b
    b.close()


@pytest.fixture
def page(tally, chromium):
    """The page in a new window without a session."""
    chromium.open({"viewport": {"width": 1100, "height": 900}})
    assert chromium.goto(tally.url + "/docs") == 200
    chromium.until("document.querySelector('#routes details') !== null")
    return chromium


def by_label(page, route, label):
    """The field of a route that has this label, as a selector."""
    return "#" + page.evaluate(
        f"[...document.querySelectorAll('#{route} label')].find((l) => "
        f"l.textContent.split(' ')[0] === {json.dumps(label)}).htmlFor")


def show(page, route):
    page.evaluate(f"document.querySelector('#{route} summary').focus()")
    page.press("Enter")
    page.until(f"document.querySelector('#{route} form') !== null")


def answer(page, route):
    """(status, text) of what the route's form got."""
    page.until(f"document.querySelector('#{route} .outcome strong') !== null "
               f"&& !document.querySelector('#{route} [aria-busy]')")
    return page.text(f"#{route} .outcome strong"), page.text(
        f"#{route} [aria-label=Answer]")


def send(page, route):
    page.evaluate(
        f"document.querySelector('#{route} .outcome').replaceChildren()")
    page.evaluate(f"document.querySelector('#{route} button').focus()")
    page.press("Enter")
    return answer(page, route)


def test_every_route_of_the_document_is_there_and_can_be_opened(tally, page):
    wanted = [f"{m.upper()} {path}" for path, item in DOC["paths"].items()
              for m in item]
    shown = page.evaluate("[...document.querySelectorAll('summary h3')]"
                          ".map((h) => h.textContent)")
    assert sorted(shown) == sorted(wanted)
    page.evaluate("document.querySelectorAll('details').forEach((d) => "
                  "{ d.open = true; })")
    page.until("document.querySelectorAll('details form').length === "
               "document.querySelectorAll('details').length")
    # They are made alike; three tell as much to axe as all, in a tenth of time.
    page.evaluate("[...document.querySelectorAll('details')].filter((d) => "
                  "!['postCounts', 'listStats', 'postUpload']"
                  ".includes(d.id))"
                  ".forEach((d) => { d.remove(); })")
    assert page.axe() == []
    page.media("dark")
    page.resize(360, 700)
    assert page.axe() == []
    assert page.evaluate("document.documentElement.scrollWidth <= 360")
    seen = page.seen()
    assert not seen["console"] and not seen["dialogs"]
    assert all(u.startswith(tally.url + "/") for u in seen["requests"])


def test_a_route_is_tried_by_keyboard_and_the_token_stays_here(tally, page):
    page.evaluate("document.querySelector('#token').focus()")
    page.fill("#token", tally.read_token)
    show(page, "listCameras")
    page.fill(by_label(page, "listCameras", "limit"), "1")
    # Enter in a field sends as well.
    page.press("Enter")
    status, text = answer(page, "listCameras")
    assert status == "200 OK"
    assert len(json.loads(text)["items"]) <= 1
    held = page.evaluate("""JSON.stringify([document.documentElement.outerHTML,
        location.href, { ...localStorage }, { ...sessionStorage },
        document.cookie, history.state])""")
    assert tally.read_token not in held
    assert not any(tally.read_token in u for u in page.seen()["requests"])
    # A new page knows nothing of it.
    page.goto(tally.url + "/")
    page.goto(tally.url + "/docs#listCameras")
    page.until("document.querySelector('#listCameras form') !== null")
    assert send(page, "listCameras")[0] == "401 Unauthorized"


def test_a_body_a_path_and_a_refusal(tally, page):
    page.fill("#token", tally.ingest_token)
    show(page, "postCounts")
    camera = f"docs-{uuid.uuid4().hex[:8]}"
    row = {"camera": camera, "start_at": "2020-01-01T00:00:00Z",
           "end_at": "2020-01-01T00:05:00Z", "people": 3}
    page.fill("#postCounts-body", json.dumps(row))
    status, text = send(page, "postCounts")
    assert (status, json.loads(text)["inserted"]) == ("200 OK", 1)
    page.select("#postCounts-type", "text/csv")
    assert page.evaluate("document.querySelector('#postCounts-body').value"
                         ".startsWith('camera,start_at,')")
    page.fill("#postCounts-body", f"camera,start_at,end_at,people\n{camera},"
              "2020-01-01T00:00:00Z,2020-01-01T00:05:00Z,-3\n")
    status, text = send(page, "postCounts")
    assert status.startswith("422 ")
    assert json.loads(text)["errors"][0]["line"] == 2
    # A form of parts, each with a field of its own.
    show(page, "postUpload")
    for name, value in {**row, "start_at": "2020-01-01T00:05:00Z",
                        "end_at": "2020-01-01T00:10:00Z"}.items():
        page.fill(f"#postUpload-body-{name}", str(value))
    status, text = send(page, "postUpload")
    assert status.startswith("201 "), text
    command = page.text("#postUpload [aria-label='The same with curl']")
    assert f"-F 'camera={camera}'" in command
    page.fill("#token", tally.read_token)
    show(page, "listStats")
    page.select(by_label(page, "listStats", "period"), "year")
    page.fill(by_label(page, "listStats", "camera"), f"{camera}, {camera}")
    status, text = send(page, "listStats")
    assert (status, json.loads(text)["period"]) == ("200 OK", "year")
    command = page.text("#listStats [aria-label='The same with curl']")
    assert f"camera={camera}&camera={camera}" in command
    assert tally.read_token not in command
