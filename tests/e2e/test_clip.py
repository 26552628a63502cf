# SPDX-License-Identifier: MIT
"""
End to end: what ingest counted in a real clip is what GET /stats reports, row
by row, with the API and MariaDB killed and started again in the middle.
"""
import contextlib
import csv
import json
import os
import signal
import subprocess
import time
from datetime import datetime, timezone

import pytest

from running import BUILD, ROOT, SHARED

CLIP = SHARED / "data/videos/one-by-one-person-detection.mp4"
FACES = SHARED / "data/videos/face-demographics-walking-preview.mp4"
MODELS = SHARED / "models"
FIGURES = ("people", "vehicle", "face", "people_new", "vehicle_new", "face_new")

pytestmark = pytest.mark.skipif(
    not CLIP.exists() or not MODELS.exists(),
    reason="needs ../shared/data/videos and ../shared/models")


def start_ingest(tally, folder, *options):
    token = folder / "token"
    token.write_text(tally.ingest_token)
    return subprocess.Popen(
        [ROOT / BUILD / "tally-ingest", "--url", tally.url,
         "--token-file", token, "--spool-dir", folder / "spool",
         "--models", MODELS, "--source", CLIP, "--camera", "clip",
         "--interval", "1", "--speed", "max", "--engine", "opencv",
         "--report", folder / "report.csv", *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=open(folder / "ingest.log", "w"), text=True)


def pages(tally, path):
    items = []
    while path:
        status, page = tally.json("GET", path, tally.read_token)
        assert status == 200, page
        items += page["items"]
        path = page["next"]
    return items


def stored_rows(tally):
    return tally.sql("SELECT COUNT(*) FROM count_record")[0][0]


def utc(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(
        timezone.utc)


def children(pid):
    """Processes that any thread of it has started."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError), open(
                f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
            found += map(int, f.read().split())
    return found


@pytest.mark.skipif(not (ROOT / BUILD / "tally-darknet").exists(),
                    reason="Darknet is not there; ./dev darknet builds it")
def test_darknet_counts_what_opencv_counts_though_it_dies(tally, tmp_path):
    totals = {}
    for engine in ("opencv", "darknet"):
        folder = tmp_path / engine
        folder.mkdir()
        ingest = start_ingest(
            tally, folder, "--engine", engine, "--source", FACES,
            "--camera", f"clip-{engine}", "--start", "2026-11-18T12:00:00Z")
        while engine == "darknet" and ingest.poll() is None:
            rows = folder / "report.csv"
            if rows.exists() and rows.read_text().count("\n") > 1:
                for child in children(ingest.pid):
                    os.kill(child, signal.SIGKILL)
                break
            time.sleep(0.02)
        totals[engine] = json.loads(ingest.stdout.read())
        log = (folder / "ingest.log").read_text()
        assert ingest.wait() == 0, log
        assert f"engine {engine}: " in log and "pictures/s" in log
    assert "tally-darknet was ended by signal 9" in log
    assert "tally-darknet works again" in log
    one, other = totals["opencv"], totals["darknet"]
    assert other["stored"] == other["intervals"] == one["intervals"] >= 3
    assert other["pictures"] == one["pictures"] and other["skipped"] == 0
    for metric in ("people", "people_new", "face"):
        assert other[metric] == one[metric] > 0, metric
    status, page = tally.json("GET", "/api/v1/counts?camera=clip-darknet",
                              tally.read_token)
    assert status == 200
    assert sum(row["people"] for row in page["items"]) == other["people"]


def status_of(folder):
    """What --status prints; None where nothing runs there."""
    done = subprocess.run(
        [ROOT / BUILD / "tally-ingest", "--status", "--spool-dir",
         folder / "spool"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, timeout=120)
    assert done.returncode == (0 if done.stdout else 9), done.stderr
    return json.loads(done.stdout) if done.stdout else None


def check_status(ingest, folder):
    while ingest.poll() is None:
        status = status_of(folder)
        if status and status["cameras"][0]["pictures"]:
            break
    assert status["pid"] == ingest.pid
    camera, spool = status["cameras"][0], status["spool"]
    assert (camera["camera"], camera["engine"]) == ("clip", "opencv")
    assert camera["detect_ms"] > 0 and camera["dropped"] == 0
    assert spool["bytes"] <= spool["bytes_max"] and not spool["full"]
    assert (spool["oldest"] is None) == (spool["waiting"] == 0)
    assert spool["refused"] == spool["lost"] == spool["quarantined"] == 0
    assert set(status["post"]) == {"stored", "error"}


def test_every_count_arrives_once_though_api_and_mariadb_die(
        fresh_tally, tmp_path):
    tally = fresh_tally("--no-ingest")
    # The rows lie on both sides of midnight.
    ingest = start_ingest(
        tally, tmp_path, "--start", "2026-11-19T23:59:00Z")
    check_status(ingest, tmp_path)
    kills = 0
    for program in ("api", "mariadb", "mariadb", "api"):
        rows = stored_rows(tally)
        while ingest.poll() is None and stored_rows(tally) < rows + 5:
            time.sleep(0.02)
        if ingest.poll() is not None:
            break
        tally.kill(program)
        kills += 1
        tally.up()
    out = ingest.stdout.read()
    log = (tmp_path / "ingest.log").read_text()
    assert ingest.wait() == 0, log
    assert kills >= 2, "nothing was killed while ingest ran"
    assert status_of(tmp_path) is None
    totals = json.loads(out)
    assert totals["stored"] == totals["intervals"] > 100
    assert totals["waiting"] == totals["refused"] == 0
    assert totals["quarantined"] == 0

    # Row by row: what ingest wrote down is what the API gives back.
    with open(tmp_path / "report.csv", newline="") as f:
        counted = {utc(row["start_at"]): row for row in csv.DictReader(f)}
    stored = {utc(row["start_at"]): row
              for row in pages(tally, "/api/v1/counts?camera=clip&limit=50")}
    assert stored.keys() == counted.keys()
    for start, row in counted.items():
        for figure in FIGURES:
            assert str(stored[start][figure]) == row[figure], (start, figure)

    # In sum: the statistics of both days are ingest's own totals.
    status, _ = tally.json("POST", "/api/v1/jobs/roll_up", tally.admin_token)
    assert status == 200
    days = pages(tally, "/api/v1/stats/day?camera=clip")
    assert [d["start"][:10] for d in days] == ["2026-11-19", "2026-11-20"]
    assert sum(d["n"] for d in days) == totals["intervals"]
    assert sum(d["observed_s"] for d in days) == totals["observed_s"]
    for metric in ("people", "vehicle", "face"):
        assert sum(d[metric]["sum"] for d in days) == totals[metric], metric
        assert sum(d[metric]["new"] for d in days) == totals[metric + "_new"]
    assert totals["people"] > 0

    # The same clip at the same time again: nothing is counted twice.
    again = start_ingest(tally, tmp_path, "--start", "2026-11-19T23:59:00Z",
                         "--spool-dir", tmp_path / "second")
    out = again.stdout.read()
    assert again.wait() == 0
    assert json.loads(out)["stored"] == totals["intervals"]
    tally.json("POST", "/api/v1/jobs/roll_up", tally.admin_token)
    assert pages(tally, "/api/v1/stats/day?camera=clip") == days
