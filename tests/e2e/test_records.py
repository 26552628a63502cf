# SPDX-License-Identifier: MIT
"""
Detection records, end to end: those of a real clip arrive and say what their
boxes say, running it again changes nothing, and an API that is away costs
records, counted, and no row.
"""
import json
import subprocess

import pytest

from apibase import code, wait_for
from running import BUILD, ROOT
from test_clip import FACES, MODELS, pages, status_of

pytestmark = pytest.mark.skipif(
    not FACES.exists() or not MODELS.exists(),
    reason="needs ../shared/data/videos and ../shared/models")

START = "2026-11-18T23:59:50Z"
FIGURES = {"people": {"people"}, "face": {"face"}, "vehicle": {
    "vehicle", "car", "bus", "truck", "motorcycle", "bicycle", "scooter"}}


def start(tally, folder, *settings):
    """ingest over the clip."""
    folder.mkdir()
    token = folder / "token"
    token.write_text(tally.ingest_token)
    return subprocess.Popen(
        [ROOT / BUILD / "tally-ingest", "--url", tally.url, "--token-file",
         token, "--spool-dir", folder / "spool", "--models", MODELS,
         "--source", FACES, "--interval", "1", "--speed", "max", "--start",
         START, "--engine", "opencv", "--set", "ingest.face_cfg=", "--set", "ingest.drain_timeout_s=300",
         *[w for s in settings for w in ("--set", f"ingest.{s}")]],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=open(folder / "log", "w"), text=True)


def end(ingest, folder):
    """What it prints at its end."""
    out = ingest.stdout.read()
    log = (folder / "log").read_text()
    assert ingest.wait() == 0, log
    return json.loads(out)


def run(tally, folder, *settings):
    return end(start(tally, folder, *settings), folder)


def test_the_records_of_a_clip_arrive_and_agree_with_their_boxes(
        tally, tmp_path):
    c = code("clip")
    totals = run(tally, tmp_path / "first", f"camera={c}", "record_frames=2")
    records = pages(tally, f"/api/v1/records?camera={c}&limit=50")
    made = (totals["pictures"] + 1) // 2
    assert len(records) == made == totals["records"] > 15, totals
    assert totals["records_stored"] == made
    assert totals["records_refused"] == totals["records_dropped"] == 0
    times = [r["at"] for r in records]
    assert times == sorted(times, reverse=True) and times[-1].startswith(
        START[:-1])
    frames = [r["frame"] for r in records]
    assert frames == sorted(set(frames), reverse=True) and frames[-1] == 1
    tracks = {}
    for r in records:
        assert r["face"] is None and r["detect_ms"] > 0 <= r["decode_ms"]
        for figure in ("people", "vehicle"):
            assert r[figure] == sum(b["class"] in FIGURES[figure]
                                    for b in r["boxes"]), r
        assert len(r["boxes"]) == r["people"] + r["vehicle"]
        for b in r["boxes"]:
            assert 0 <= b["x"] <= b["x"] + b["w"] <= 1.00001, r
            assert 0 <= b["y"] <= b["y"] + b["h"] <= 1.00001, r
            assert 0.3 <= b["score"] <= 1
            if "track" in b:
                tracks[b["track"]] = tracks.get(b["track"], 0) + 1
    # Somebody walks by: one object through several records.
    assert max(tracks.values()) >= 3
    assert sum(r["people"] for r in records) > 0

    again = run(tally, tmp_path / "second", f"camera={c}", "record_frames=2")
    assert again["records_stored"] == made
    assert pages(tally, f"/api/v1/records?camera={c}&limit=500") == records


def test_an_api_that_does_not_take_records_holds_up_no_row(tally, tmp_path):
    c = code("clip")
    folder = tmp_path / "away"
    assert tally.json("POST", "/api/v1/cameras", tally.admin_token,
                      {"camera": c})[0] == 201
    tally.sql("RENAME TABLE detection_record TO records_away")
    try:
        ingest = start(tally, folder, f"camera={c}", "record_frames=1",
                       "engine=motion")
        wait_for(lambda: "detection records: not stored: HTTP 500"
                 in (folder / "log").read_text(), 300)
        wait_for(lambda: status_of(folder)["spool"]["waiting"] == 0
                 and status_of(folder)["post"]["stored"] > 0, 300)
        assert status_of(folder)["records"]["stored"] == 0
    finally:
        tally.sql("RENAME TABLE records_away TO detection_record")
    totals = end(ingest, folder)
    assert totals["stored"] == totals["intervals"] > 2
    assert totals["records_stored"] == totals["records"] > 20
    assert totals["records_dropped"] == totals["waiting"] == 0
    assert len(pages(tally, f"/api/v1/records?camera={c}")) == totals["records"]
    log = (folder / "log").read_text()
    assert log.count("detection records:") == 2
    assert log.index("not stored") < log.index("stored again")
