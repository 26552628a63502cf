# SPDX-License-Identifier: MIT
"""`tally verify` on schemas whose every flaw is known."""
import datetime as dt
import random
import re
import subprocess

import pytest

from running import BUILD, ROOT

ZONES = ("Asia/Seoul", "Asia/Kathmandu", "Australia/Lord_Howe",
         "America/New_York", "America/St_Johns")
# Days whose clock changes, in one zone or another, and some that follow.
DAYS = ((2025, 4, 6), (2025, 10, 5), (2025, 11, 2), (2026, 3, 8),
        (2008, 11, 2), (2009, 3, 8), (2024, 2, 29), (2025, 12, 31))
COUNTS = ("people", "vehicle", "face", "people_new", "vehicle_new",
          "face_new", "car", "bus", "truck", "motorcycle", "bicycle",
          "scooter")


class Verified:
    """What a run said, taken apart."""

    def __init__(self, done):
        self.status = done.returncode
        self.lines = done.stdout.splitlines()
        self.stderr = done.stderr
        m = re.fullmatch(
            r"(\d+) rows of (\d+) cameras; compared: (.*); "
            r"(\d+) buckets wait for the next roll-up; (\d+) differences; "
            r"(\d+) overlaps; (\d+) not compared", self.lines[-1])
        assert m, done.stdout + done.stderr
        self.compared = {level: int(n) for n, level in
                         (c.split() for c in m[3].split(", "))}
        (self.rows, self.cameras, self.pending, self.differences,
         self.overlaps, self.not_compared) = (
             int(m[i]) for i in (1, 2, 4, 5, 6, 7))

    @property
    def found(self):
        return self.lines[:-1]


@pytest.fixture
def verify(db):
    def run(*options):
        done = subprocess.run(
            [ROOT / BUILD / "tally", "--set", f"database.socket={db.socket}",
             "--set", f"database.user={db.user}",
             "--set", f"database.name={db.name}", "verify", *options],
            capture_output=True, text=True, timeout=120, cwd=ROOT)
        return Verified(done) if done.returncode < 2 else done
    return run


def rows(rng, camera, n, days=DAYS):
    """n rows that do not overlap, scattered around the days."""
    at, made = set(), []
    while len(at) < n:
        at.add(dt.datetime(*rng.choice(days)) +
               dt.timedelta(seconds=rng.randint(-100000, 180000)))
    at = sorted(at)
    for a, after in zip(at, at[1:] + [at[-1] + dt.timedelta(days=1)]):
        s = min(rng.choice((10, 60, 300, 900, 3600, 86400)),
                int((after - a).total_seconds()))
        top = rng.choice((3, 40, 1000000))
        r = {"camera_id": camera, "start_at": a,
             "end_at": a + dt.timedelta(seconds=s),
             **{m: rng.choice((None, rng.randint(0, top))) for m in COUNTS},
             "observed_s": rng.choice((s, s, s // 3, 0))}
        if all(r[m] is None for m in COUNTS):
            r["people"] = 0
        made.append(r)
    return made


def test_a_sound_database_has_no_difference(db, verify):
    rng = random.Random(1)
    for z in ZONES:
        db.add(rows(rng, db.camera(z, z), 400))
    v = verify()
    assert (v.status, v.rows, v.cameras) == (0, 2000, 5)
    assert v.pending > 2000 and not any(v.compared.values())
    db.roll_up()
    v = verify()
    assert (v.status, v.pending, v.found) == (0, 0, [])
    for level, n in v.compared.items():
        assert n == db.one(f"SELECT COUNT(*) FROM stats_{level}") > 0, level
