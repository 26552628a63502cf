# SPDX-License-Identifier: MIT
"""How ingests fare: what they say of themselves, and where it shows."""
import json

import pytest

from apibase import camera, code, ingest_report, problem

STATUS = "/api/v1/ingest/status"


def say(tally, report, token=None):
    """(status, reply); the reply is None where there is none."""
    status, _, body = tally.request("POST", STATUS,
                                    token or tally.ingest_token, report)
    return status, json.loads(body) if body else None


def shown(tally, c, token=None):
    return tally.json("GET", "/api/v1/cameras/" + c,
                      token or tally.read_token)[1]["ingest"]


def checked(tally):
    return tally.health()["checks"]["ingest"]


def test_a_report_shows_in_the_camera_and_its_end_too(tally):
    c, name = camera(tally), code("pc")
    assert shown(tally, c) is None
    report = ingest_report([c, code("nobody")], name, waiting=3, bytes=500,
                           oldest="2026-11-21T09:00:10+09:00", refused=1,
                           quarantined=2, lost=3, expired=4)
    report["post"]["error"] = "Connection refused"
    assert say(tally, report) == (204, None)
    got = shown(tally, c)
    (at,), = tally.sql("SELECT c.at FROM ingest_camera c "
                       "JOIN ingest i USING (ingest_id) "
                       "WHERE i.name = %s", name)
    assert got.pop("at") == at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert got == {
        "name": name, "state": "running", "version": "0.1.0",
        "engine": "motion", "pictures": 50, "dropped": 2, "fps": 4.5,
        "waiting": 3, "bytes": 500, "oldest": "2026-11-21T00:00:10Z",
        "refused": 3, "given_up": 7, "error": "Connection refused"}
    # The last word holds, and there is one row of it.
    assert say(tally, {**ingest_report([c], name), "stopped": True})[0] == 204
    assert (shown(tally, c)["state"], shown(tally, c)["waiting"]) == (
        "stopped", 0)
    assert tally.sql("SELECT COUNT(*) FROM ingest WHERE name = %s",
                     name) == [(1,)]


def test_another_token_does_not_speak_for_an_ingest(tally):
    c, name = camera(tally), code("pc")
    other = tally.json("POST", "/api/v1/tokens", tally.admin_token, {
        "name": code("token"), "scopes": ["ingest", "read"],
        "cameras": [c]})[1]["token"]
    report = ingest_report([], name, waiting=9)
    assert say(tally, report)[0] == 204
    report = ingest_report([c], name)
    report["post"]["error"] = "no such host"
    assert say(tally, report, other)[0] == 204
    assert tally.sql("SELECT waiting_n FROM ingest WHERE name = %s ORDER BY 1",
                     name) == [(0,), (9,)]
    # What may speak of other cameras is not for who is bound to some.
    assert shown(tally, c)["error"] == "no such host"
    assert shown(tally, c, other)["error"] is None


@pytest.mark.parametrize("of, member, value", [
    (None, "ingest", "a b"), (None, "ingest", "x" * 65),
    (None, "version", ""), (None, "up_s", -1), (None, "stopped", 0),
    (None, "spool", []), (None, "cameras", {}), (None, "more", 1),
    ("spool", "waiting", 1.5), ("spool", "bytes", -1),
    ("spool", "oldest", "2026-11-21"), ("spool", "full", None),
    ("post", "error", "x" * 401), ("post", "stored", "1"),
    ("camera", "camera", "no code!"), ("camera", "fps", -0.5),
    ("camera", "last_picture_s", True)], ids=str)
def test_a_bad_report_names_the_member(tally, of, member, value):
    report = ingest_report(["gate"])
    there = (report if of is None else
             report["cameras"][0] if of == "camera" else report[of])
    there[member] = value
    status, reply = say(tally, report)
    problem(reply, 422)
    prefix = {None: "", "camera": "cameras.0."}.get(of, f"{of}.")
    assert (status, reply["field"]) == (422, prefix + member)
    if member != "more":
        del there[member]
        assert say(tally, report)[1]["detail"] == (
            f"{prefix}{member} is missing")


def test_what_is_kept_is_bounded(tally):
    twice = json.dumps(ingest_report([])).replace(
        '"up_s": 5', '"up_s": 5, "up_s": 5')
    assert tally.json("POST", STATUS, tally.ingest_token,
                      twice)[1]["field"] == "up_s"
    assert say(tally, ingest_report([code() for _ in range(257)]))[0] == 422
    assert say(tally, ingest_report([code() for _ in range(256)]))[0] == 204


def test_an_ingest_that_is_silent_is_late_and_a_month_later_forgotten(
        fresh_tally):
    t = fresh_tally("--no-ingest")
    c = camera(t)
    names = [code("pc") for _ in range(256)]
    assert say(t, ingest_report([c], names[0], waiting=5))[0] == 204
    assert checked(t) == {"status": "ok", "known": 1, "late": 0, "full": 0,
                          "rows_waiting": 5, "oldest_s": None}
    t.sql("UPDATE ingest SET at = at - INTERVAL 61 SECOND")
    assert shown(t, c)["state"] == "late"
    assert (checked(t)["status"], checked(t)["late"]) == ("degraded", 1)
    assert say(t, ingest_report([c], names[0], full=True))[0] == 204
    assert checked(t)["detail"] == "the spool of an ingest is full"
    for name in names[1:]:
        assert say(t, ingest_report([], name))[0] == 204
    assert say(t, ingest_report([], code("pc")))[0] == 409
    assert say(t, ingest_report([], names[7]))[0] == 204
    t.sql("UPDATE ingest SET at = at - INTERVAL 31 DAY WHERE name = %s",
          names[9])
    assert say(t, ingest_report([], code("pc")))[0] == 204
    assert t.sql("SELECT COUNT(*) FROM ingest") == [(256,)]
