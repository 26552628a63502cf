# SPDX-License-Identifier: MIT
"""./dev up --sample and `tally sample`: what they add, and that it goes."""
import datetime as dt
import re

import pytest

import apibase
from running import Tally, finish

SITE = "Sample (generated)"
CODES = {"sample-gate", "sample-shop", "sample-parking", "sample-plaza",
         "sample-back-door"}


@pytest.fixture(scope="module")
def sampled():
    """A Tally with the sample, and a camera of its own beside it."""
    began = dt.datetime.now(apibase.UTC)
    t = Tally("--no-ingest", "--sample")
    t.began, t.other = began, apibase.camera(t, tz="Asia/Kathmandu")
    for hours in range(1, 60):
        apibase.post(t, apibase.row(t.other, apibase.hours_ago(hours)))
    assert t.json("POST", "/api/v1/jobs/roll_up", t.admin_token)[0] == 200
    yield t
    finish(t)


def counts(t):
    """How many rows of each camera are in every table that knows cameras."""
    tables = [n for n, in t.sql(
        "SELECT DISTINCT table_name FROM information_schema.columns "
        "JOIN information_schema.tables USING (table_schema, table_name) "
        "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' "
        "AND column_name = 'camera_id'")]
    assert len(tables) > 15
    return {n: dict(t.sql(f"SELECT camera_id, COUNT(*) FROM `{n}` "
                          "GROUP BY camera_id")) for n in tables}


def get(t, path, token=None):
    status, reply = t.json("GET", "/api/v1/" + path, token or t.read_token)
    assert status == 200, reply
    assert reply["next"] is None
    return reply["items"]


def test_up_says_what_it_added_and_how_it_goes(sampled):
    t = sampled
    assert f'5 cameras on site "{SITE}"' in t.said
    assert "tally.ini sample remove" in t.said


def test_cameras_live_in_two_zones_and_one_is_silent(sampled):
    t = sampled
    ours = {c["camera"]: c for c in get(t, "cameras")
            if c["site"] == SITE}
    assert set(ours) == CODES
    assert {c["tz"] for c in ours.values()} == {"Asia/Seoul",
                                                "America/New_York"}
    assert ours["sample-back-door"]["state"] == "silent"
    seen = [dt.datetime.fromisoformat(c["last_seen"].replace("Z", "+00:00"))
            for c in ours.values()]
    # At most two more can be down at a time.
    assert sum(s > t.began - apibase.minutes(15) for s in seen) >= 2


def test_rows_span_eight_weeks_with_gaps_and_without_zeros_for_them(sampled):
    t = sampled
    for code in CODES:
        rows = t.sql(
            "SELECT start_at, end_at, observed_s, people, people_new, "
            "vehicle, car + bus + truck + motorcycle + bicycle + scooter "
            "FROM count_record JOIN camera USING (camera_id) "
            "WHERE code = %s ORDER BY start_at", code)
        first = t.began.replace(tzinfo=None) - dt.timedelta(weeks=8)
        assert first <= rows[0][0] < first + dt.timedelta(hours=8)
        gaps = [b[0] - a[1] for a, b in zip(rows, rows[1:])]
        assert dt.timedelta(hours=1) < max(gaps) < dt.timedelta(hours=8)
        assert any(r[2] * 2 < (r[1] - r[0]).total_seconds() for r in rows)
        assert all(r[4] <= r[3] and r[5] == r[6] for r in rows)
        assert any(r[3] for r in rows)


def test_outliers_are_there_at_alert_level_on_both_sides(sampled):
    t = sampled
    week_ago = t.began - dt.timedelta(days=7, hours=-1)
    high, low = [[o for o in get(t, "outliers?camera=sample-gate&limit=1000"
                                 f"&from={apibase.z(week_ago)}")
                  if o["side"] == side] for side in ("high", "low")]
    assert high and low
    for o in high + low:
        assert o["level"] == "alert" and o["status"] == "open"
        assert o["metrics"]["people"]["basis"] == "hour_of_week"
    assert min(o["metrics"]["people"]["z"] for o in low) <= -4
    everything = get(t, "outliers?camera=sample-gate&limit=1000&level=all"
                     f"&from={apibase.z(week_ago)}")
    assert len(everything) > len(high) + len(low)


def test_references_come_from_the_hour_of_the_week(sampled):
    t = sampled
    assert t.sql(
        "SELECT COUNT(*), COUNT(DISTINCT camera_id), "
        "MIN(people_basis), MAX(people_basis) "
        "FROM reference_value JOIN camera USING (camera_id) "
        "JOIN site USING (site_id) WHERE site.name = %s", SITE) == [
            (5 * 168, 5, "hour_of_week", "hour_of_week")]


def test_profile_and_days_show_the_rhythm_at_once(sampled):
    t = sampled
    mean = {(p["weekday"], p["hour"]): p["people"]["mean"]
            for p in get(t, "stats/profile?camera=sample-gate")}
    assert len(mean) == 168
    for weekday in range(1, 6):
        assert mean[weekday, 8] > 2 * mean[weekday, 21]
        assert mean[weekday, 8] > 20 * mean[weekday, 3]
        assert mean[weekday, 8] > 3 * mean[7, 8]
    days = get(t, "stats/day?camera=sample-gate")
    assert len(days) in (56, 57, 58)
    assert len(get(t, "stats/week?camera=sample-plaza")) in (8, 9)
    parked = get(t, "stats/month?camera=sample-parking")
    assert all(sum(m["classes"].values()) == m["vehicle"]["sum"]
               for m in parked)


def test_every_statistic_is_a_recount(sampled):
    t = sampled
    done = t.run_tally("verify", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_sending_again_changes_nothing(sampled):
    t = sampled
    until = t.began - dt.timedelta(hours=6)

    def stored():
        return t.sql(
            "SELECT COUNT(*), BIT_XOR(CRC32(CONCAT_WS(',', camera_id, "
            "start_at, people, people_new, vehicle, face, car, observed_s))) "
            "FROM count_record WHERE start_at < %s", until), t.sql(
            "SELECT COUNT(*), SUM(CAST(z * 1000 AS INTEGER)) FROM outlier WHERE start_at < %s", until)

    before = stored()
    done = t.run_tally("sample", "add", "--weeks", "2")
    rows, there = map(int, re.search(
        r" (\d+) rows \((\d+) of them", done.stdout).groups())
    assert 0 <= rows - there < 20, done.stdout
    assert stored() == before


def test_a_foreign_camera_on_the_site_is_not_removed(sampled):
    t = sampled
    t.sql("UPDATE camera SET site_id = (SELECT site_id FROM site WHERE "
          "name = %s) WHERE code = %s", SITE, t.other)
    done = t.run_tally("sample", "remove", check=False)
    assert done.returncode == 1 and t.other in done.stderr
    assert len([c for c in get(t, "cameras") if c["site"] == SITE]) == 6
    t.sql("UPDATE camera SET site_id = (SELECT site_id FROM site WHERE "
          "is_default = 1) WHERE code = %s", t.other)


def test_remove_leaves_nothing_and_nothing_else_missing(sampled):
    t = sampled
    bound = t.run_tally("token", "create", "--scope", "read", "--name", "b",
                        "--camera", "sample-gate").stdout.strip()
    assert len(get(t, "cameras", bound)) == 1
    ours = {n for n, in t.sql("SELECT camera_id FROM camera "
                              "WHERE code LIKE 'sample-%'")}
    before = counts(t)
    assert ours < set(before["count_record"])
    done = t.run_tally("sample", "remove")
    assert SITE in done.stdout and "5 cameras" in done.stdout
    assert counts(t) == {n: {c: rows for c, rows in per.items()
                             if c not in ours} for n, per in before.items()}
    assert t.sql("SELECT name FROM site") == [("Default site",)]
    left = {c["camera"] for c in get(t, "cameras")}
    assert t.other in left and not left & CODES
    assert t.sql("SELECT revoked_at IS NOT NULL FROM token "
                 "WHERE name = 'b'") == [(1,)]
    assert {c for c, in t.sql("SELECT subject FROM audit WHERE "
                              "action = 'camera.remove'")} == CODES
    assert "there is no site" in t.run_tally("sample", "remove").stdout


def test_it_can_come_again_but_not_into_the_camera_of_another(sampled):
    t = sampled
    again = t.run_tally("sample", "add", "--weeks", "1")
    assert "(0 of them" in again.stdout
    t.run_tally("sample", "remove")
    assert t.json("POST", "/api/v1/cameras", t.admin_token,
                  {"camera": "sample-shop"})[0] == 201
    done = t.run_tally("sample", "add", check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "sample-shop" in done.stderr and "Default site" in done.stderr
    assert {c["camera"] for c in get(t, "cameras")} & CODES == {"sample-shop"}


def test_no_row_of_a_removed_camera_is_left(sampled):
    """Not even where the API still knows the camera."""
    t = sampled
    gone = [apibase.camera(t), apibase.camera(t)]
    for code in gone:
        assert apibase.post(t, apibase.row(code, apibase.hours_ago(3))
                            )[0] == 200
    for code in gone:
        t.sql("CALL remove_camera((SELECT camera_id FROM camera "
              "WHERE code = %s), 100)", code)
    # Registered anew: dev lets cameras register themselves.
    for code in gone:
        assert apibase.post(t, apibase.row(code, apibase.hours_ago(2))
                            )[0] == 200
        assert len(apibase.stored(t, code)) == 1
    assert t.sql("SELECT COUNT(*) FROM count_record LEFT JOIN camera "
                 "USING (camera_id) WHERE code IS NULL") == [(0,)]


@pytest.mark.parametrize("options, status, words", [
    (["sample", "add", "--weeks", "0"], 2, "--weeks"),
    (["sample", "add", "--weeks", "8x"], 2, "--weeks"),
    (["--set", "ingest.token_file=", "sample", "add"], 2, "token_file"),
    (["--set", "ingest.url=ftp://a", "sample", "add"], 2, "ingest.url"),
    (["--set", "ingest.url=http://127.0.0.1:1", "sample", "add"], 1,
     "/api/v1/cameras"),
    (["--set", "ingest.token_file=/dev/null", "sample", "add"], 1,
     "/dev/null"),
])
def test_what_is_wrong_is_said_in_one_line(sampled, options, status, words):
    t = sampled
    done = t.run_tally(*options, check=False)
    assert done.returncode == status
    assert words in done.stderr and done.stderr.count("\n") == 1
