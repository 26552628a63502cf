# SPDX-License-Identifier: MIT
"""A line and a zone that are drawn while ingest runs: it counts at them without
a restart, and not any more once they are removed."""
import signal
import subprocess

import pytest

from apibase import camera, wait_for
from running import BUILD, ROOT, SHARED

CLIP = SHARED / "data/videos/one-by-one-person-detection.mp4"

pytestmark = pytest.mark.skipif(not CLIP.exists(),
                                reason="needs ../shared/data/videos")


def newest(tally, c):
    """Start of a series' newest row, as seconds; 0: none."""
    return tally.sql(
        "SELECT COALESCE(MAX(TO_SECONDS(r.start_at)), 0) FROM count_record r "
        "JOIN camera USING (camera_id) WHERE code = %s", c)[0][0]


def ingest_state(tally, c):
    """What the ingest said of itself that watches the camera."""
    said = tally.json("GET", f"/api/v1/cameras/{c}", tally.read_token)[1]
    return said["ingest"] and said["ingest"]["state"]


def refused(folder):
    kept = folder / "spool" / "refused.ndjson"
    return len(kept.read_text().splitlines()) if kept.exists() else 0


def comes_late(tally, c, folder):
    """Whether more is refused while some seconds of it are stored."""
    late, last = refused(folder), newest(tally, c)
    wait_for(lambda: newest(tally, c) > last + 5)
    return refused(folder) > late


def test_what_is_drawn_is_counted_without_a_restart(tally, tmp_path):
    c = camera(tally)
    path = f"/api/v1/cameras/{c}"
    token = tmp_path / "token"
    token.write_text(tally.ingest_token)
    log = tmp_path / "ingest.log"
    ingest = subprocess.Popen(
        [ROOT / BUILD / "tally-ingest", "--url", tally.url, "--token-file",
         token, "--spool-dir", tmp_path / "spool", "--source", CLIP,
         "--camera", c, "--interval", "1", "--engine", "motion"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=open(log, "w"))
    try:
        wait_for(lambda: newest(tally, c))
        wait_for(lambda: ingest_state(tally, c) == "running")
        for kind, name, points in (
                ("line", "door", [[0.5, 0], [0.5, 1]]),
                ("zone", "hall", [[0, 0], [1, 0], [1, 1], [0, 1]])):
            status, reply = tally.json(
                "PUT", f"{path}/{kind}s/{name}", tally.admin_token,
                {"points": points})
            assert status == 201, reply
        # Somebody is in the zone, which is all of the picture; the line has
        # rows, of whoever crosses it, both ways.
        wait_for(lambda: tally.sql(
            "SELECT 1 FROM count_record r JOIN camera USING (camera_id) JOIN "
            "count_detail d USING (camera_id, start_at) WHERE code = %s AND "
            "r.people > 0 AND d.people_peak > 0", c + "/hall"))
        for direction in ("in", "out"):
            wait_for(lambda: newest(tally, f"{c}/door/{direction}"))
        for kind, name in (("line", "door"), ("zone", "hall")):
            assert tally.request("DELETE", f"{path}/{kind}s/{name}",
                                 tally.admin_token)[0] == 204
        # Rows on their way meet a series that is retired; then none comes.
        wait_for(lambda: not comes_late(tally, c, tmp_path))
        assert newest(tally, c + "/hall") < newest(tally, c)
        ingest.send_signal(signal.SIGTERM)
        assert ingest.wait(120) == 0, log.read_text()
        assert "drawn before holds" not in log.read_text()
        assert "does not take" not in log.read_text()
        assert ingest_state(tally, c) == "stopped"
    finally:
        if ingest.poll() is None:
            ingest.kill()
            ingest.wait()
