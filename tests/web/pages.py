# SPDX-License-Identifier: MIT
"""What the tests of several pages share."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATIC = ROOT / "api" / "www"
PAGES = ("/", "/explore", "/outliers", "/cameras", "/access", "/upload")
KINDS = {
    "light": {"colorScheme": "light"}, "dark": {"colorScheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 800}},
    "wall": {"viewport": {"width": 2560, "height": 1440}},
}
# What is there once a page shows what it has to.
THERE = {
    "/": "document.querySelector('article canvas:not([hidden])')",
    "/explore": "document.querySelector('#figures tbody tr')",
    "/outliers": "document.querySelector('#list > li, #none:not([hidden])')",
    "/cameras": "document.querySelector('#list tbody tr')",
    "/access": "document.querySelector('#tokens tbody tr')",
    "/upload": "document.querySelector('#check')",
}


def shot(browser, name):
    """Keeps a picture of the page: var/test/screens/NAME.png."""
    folder = ROOT / "var" / "test" / "screens"
    folder.mkdir(parents=True, exist_ok=True)
    # Not in its place until it is whole; other processes look, too.
    part = folder / f"{name}.{os.getpid()}.png"
    browser.shot(str(part))
    part.replace(folder / f"{name}.png")


def log_in(browser, tally, user=None, password=None, **options):
    browser.open({"viewport": {"width": 1280, "height": 900},
                  "locale": "en-US", **options})
    browser.goto(tally.url + "/")
    browser.fill("#user", user or tally.user)
    browser.fill("#password", password or tally.password)
    browser.click("button[type=submit]")
    browser.until("document.querySelector('#cards') !== null", 60)


def ask(tally, method, path, body=None, token=None):
    token = token or (tally.read_token if method == "GET" else
                      tally.admin_token)
    status, reply = tally.json(method, "/api/v1" + path, token, body)
    assert status in (200, 201), reply
    return reply


def drawing_point(browser, x, y):
    left, top, width, height = browser.evaluate(
        "(() => { const svg = document.querySelector('#drawing'); "
        "svg.scrollIntoView({ block: 'center' }); const box = "
        "svg.getBoundingClientRect(); "
        "return [box.left, box.top, box.width, box.height]; })()")
    return left + x * width, top + y * height
