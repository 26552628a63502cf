# SPDX-License-Identifier: MIT
"""The live view in a real browser: an <img> shows what a camera sees, and goes
on to the next picture."""
import pathlib
import sys
import threading
import uuid

import pytest

from browser import Browser

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from jpeg import BRIGHT, DARK, picture  # noqa: E402


@pytest.fixture
def chromium():
    b = Browser()
    yield b
    b.close()


def test_an_img_shows_one_picture_after_another(tally, chromium):
    c = f"live-{uuid.uuid4().hex[:8]}"
    assert tally.json("POST", "/api/v1/cameras", tally.admin_token,
                      {"camera": c})[0] == 201
    chromium.open({})
    chromium.goto(tally.url + "/")
    chromium.fill("#user", tally.user)
    chromium.fill("#password", tally.password)
    chromium.click("button[type=submit]")
    chromium.until("document.querySelector('main') !== null "
                   "&& document.forms.login === undefined")
    shade, over = [DARK], threading.Event()

    def send():
        while not over.is_set():
            tally.request("POST", f"/api/v1/ingest/frames?camera={c}",
                          tally.ingest_token, picture(shade=shade[0]),
                          {"Content-Type": "image/jpeg"})
            over.wait(0.05)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        chromium.evaluate(
            "{ const img = document.createElement('img'); img.id = 'live'; "
            f"img.src = '/api/v1/cameras/{c}/live.mjpeg?wait=30'; "
            "document.body.append(img); }")
        chromium.until("document.querySelector('#live').naturalWidth === 8")
        # What is in the middle of it now.
        seen = ("(() => { const c = document.createElement('canvas')."
                "getContext('2d'); c.drawImage(document.querySelector("
                "'#live'), 0, 0); return c.getImageData(4, 4, 1, 1).data[0]; "
                "})()")
        for shade[0] in (BRIGHT, DARK, BRIGHT):
            chromium.until(f"Math.abs({seen} - {shade[0]}) < 3")
    finally:
        over.set()
        sender.join()
