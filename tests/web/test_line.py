# SPDX-License-Identifier: MIT
"""A line that is drawn with the mouse while ingest runs, and whoever crosses it
on the page of figures, as many as the API says and the rows hold."""
import pathlib
import signal
import subprocess
import sys
import urllib.parse
import uuid

import pytest

from browser import Browser
from pages import drawing_point, log_in, shot
from running import BUILD, ROOT, SHARED

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from apibase import wait_for  # noqa: E402

CLIP = SHARED / "data/videos/one-by-one-person-detection.mp4"

pytestmark = pytest.mark.skipif(not CLIP.exists(),
                                reason="needs ../shared/data/videos")


@pytest.fixture
def chromium():
    b = Browser()
    yield b
    b.close()


@pytest.fixture
def watch(tally, tmp_path):
    """watch(code): an ingest that sees the clip as this camera."""
    running = []

    def start(code):
        token = tmp_path / "token"
        token.write_text(tally.ingest_token)
        running.append(subprocess.Popen(
            [ROOT / BUILD / "tally-ingest", "--url", tally.url,
             "--token-file", token, "--spool-dir", tmp_path / "spool",
             "--source", CLIP, "--camera", code, "--interval", "1",
             "--engine", "motion"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(tmp_path / "ingest.log", "w")))
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()


def crossed(tally, series):
    """How many the rows themselves hold."""
    (n,), = tally.sql(
        "SELECT CAST(COALESCE(SUM(people_new), 0) AS INT) FROM count_record "
        "JOIN camera USING (camera_id) WHERE code = %s", series)
    return n


def reported(tally, series):
    """{hour: crossings}, as the API has them."""
    status, reply = tally.json(
        "GET", f"/api/v1/stats/hour?camera={series}", tally.read_token)
    assert status == 200, reply
    return {item["start"]: item["people"]["new"] for item in reply["items"]}


def shown(browser):
    """The same of the page's table."""
    return dict(browser.evaluate(
        "[...document.querySelectorAll('#figures tbody tr[data-kind]')]"
        ".map((row) => [row.dataset.start, "
        "row.querySelector('[data-field=new]')])"
        ".filter(([, cell]) => cell !== null && cell.dataset.value !== '')"
        ".map(([start, cell]) => [start, Number(cell.dataset.value)])"))


def test_who_crosses_a_drawn_line_is_seen_on_the_page(tally, chromium, watch):
    code = f"line-{uuid.uuid4().hex[:8]}"
    assert tally.json("POST", "/api/v1/cameras", tally.admin_token,
                      {"camera": code, "tz": "Asia/Seoul"})[0] == 201
    log_in(chromium, tally)
    chromium.goto(tally.url + f"/cameras#camera={code}")
    chromium.until("!document.querySelector('#one').hidden && "
                   "!document.querySelector('#drawers').hidden", 60)
    chromium.click("#draw-line")
    for y in (0.02, 0.98):
        at = drawing_point(chromium, 0.5, y)
        chromium.drag(*at, *at)
    chromium.fill("#shape-name", "door")
    chromium.click("#shape button[type=submit]")
    chromium.until("document.querySelector('#shapes [data-shape=door]')", 60)

    both = [f"{code}/door/{way}" for way in ("in", "out")]
    process = watch(code)
    wait_for(lambda: sum(crossed(tally, each) for each in both), 300)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    assert tally.json("POST", "/api/v1/jobs/roll_up",
                      tally.admin_token)[0] == 200
    for each in both:
        api = reported(tally, each)
        assert sum(api.values()) == crossed(tally, each)
        chromium.goto(tally.url + "/explore#" + urllib.parse.urlencode(
            {"camera": each, "metric": "people", "show": "new", "days": 2,
             "level": "hour"}))
        chromium.until("document.querySelector('#figures [data-field=new]')",
                       60)
        assert shown(chromium) == api
        chromium.goto(tally.url + "/")
    chromium.goto(tally.url + f"/cameras#camera={code}")
    for each in both:
        chromium.until(f"document.querySelector(\"tr[data-camera='{each}']\")",
                       60)
    shot(chromium, "line")
