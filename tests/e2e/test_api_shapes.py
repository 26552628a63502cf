# SPDX-License-Identifier: MIT
"""Lines and zones over HTTP, what ingest fetches of them, and the detail that
rows bring beside their figures."""
import concurrent.futures
import urllib.parse

from apibase import camera, code, hours_ago, post, problem, refused, row

DOOR = {"points": [[0.1, 0.5], [0.9, 0.5]]}
HALL = {"points": [[0, 0], [1, 0], [0.5, 1]]}
CONFIG = "/api/v1/ingest/config"


def at(c, kind=None, name=None):
    path = "/api/v1/cameras/" + urllib.parse.quote(c, safe="")
    return f"{path}/{kind}s/{name}" if kind else path + "/shapes"


def put(tally, c, kind, name, body):
    return tally.json("PUT", at(c, kind, name), tally.admin_token, body)


def remove(tally, c, kind, name):
    return tally.request("DELETE", at(c, kind, name), tally.admin_token)[0]


def series(tally, c):
    """Code, kind, in use? of a camera's lines and zones."""
    return list(tally.sql(
        "SELECT s.code, s.kind, s.retired_at IS NULL FROM camera s JOIN "
        "camera p ON p.camera_id = s.parent_id WHERE p.code = %s "
        "ORDER BY s.code", c))


def config(tally, c, tag=None, wait=None):
    """(status, headers, body)"""
    return tally.request(
        "GET", f"{CONFIG}?camera={c}" + (f"&wait={wait}" if wait else ""),
        tally.ingest_token, headers={"If-None-Match": tag} if tag else {})


def test_a_line_is_two_series_and_a_zone_one(tally):
    c = camera(tally, tz="Asia/Seoul")
    assert put(tally, c, "line", "door", DOOR) == (201, {
        "line": "door", **DOOR, "min_angle": 10, "in": "in", "out": "out"})
    assert put(tally, c, "zone", "hall", HALL)[0] == 201
    assert series(tally, c) == [(c + "/door/in", "line", 1),
                                (c + "/door/out", "line", 1),
                                (c + "/hall", "zone", 1)]
    listed = tally.json("GET", at(c), tally.read_token)
    assert listed == (200, {
        "camera": c, "tz": "Asia/Seoul",
        "lines": [{"line": "door", **DOOR, "min_angle": 10, "in": "in",
                   "out": "out"}],
        "zones": [{"zone": "hall", **HALL}]})
    # The same again is one still; another direction is another series.
    assert put(tally, c, "line", "door", DOOR)[0] == 200
    assert put(tally, c, "line", "door", {
        **DOOR, "in": "east", "min_angle": 30})[0] == 200
    assert series(tally, c)[:3] == [(c + "/door/east", "line", 1),
                                    (c + "/door/in", "line", 0),
                                    (c + "/door/out", "line", 1)]
    # Rows of a series are rows of a camera, in its parent's zone.
    assert post(tally, row(c + "/door/out", hours_ago(2)))[0] == 200
    assert tally.json("POST", "/api/v1/jobs/roll_up", tally.admin_token)[0] \
        == 200
    status, reply = tally.json(
        "GET", f"/api/v1/stats/hour?camera={c}/door/out", tally.read_token)
    assert [i["people"]["sum"] for i in reply["items"]] == [1]
    assert reply["items"][0]["tz"] == "Asia/Seoul"
    # What is removed retires and comes back.
    assert remove(tally, c, "line", "door") == 204
    assert remove(tally, c, "line", "door") == 404
    assert [s[2] for s in series(tally, c)] == [0, 0, 0, 1]
    assert put(tally, c, "line", "door", DOOR)[0] == 201
    assert [s[2] for s in series(tally, c)] == [0, 1, 1, 1]
    assert [a[0] for a in tally.sql(
        "SELECT action FROM audit WHERE subject LIKE %s ORDER BY audit_id",
        c + "/%")] == ["line.set", "zone.set", "line.set", "line.set",
                       "line.remove", "line.set"]


def test_what_is_drawn_wrong_is_named(tally):
    c, n = camera(tally), code("other")
    for body, field in (
            ({}, "points"), ({"points": [[0, 0]]}, "points"),
            ({"points": [[0, 0], [0, 0]]}, "points"),
            ({"points": [[0, 0], [1, 2]]}, "points"),
            ({"points": [[0, 0], [1, 1], [0, 1]]}, "points"),
            ({**DOOR, "min_angle": 91}, "min_angle"),
            ({**DOOR, "in": "a/b"}, "in"), ({**DOOR, "out": "in"}, "out"),
            ({**DOOR, "colour": "red"}, "colour"),
            ({**DOOR, "line": "gate"}, "line"),
            ({**DOOR, "speed_from": "a"}, "distance_m"),
            ({**DOOR, "distance_m": 3}, "distance_m")):
        status, reply = put(tally, c, "line", "door", body)
        problem(reply, status)
        assert (status, reply["field"]) == (422, field), (body, reply)
    assert put(tally, c, "zone", "z", DOOR)[1]["field"] == "points"
    assert put(tally, c, "line", "a%20b", DOOR)[1]["field"] == "line"
    assert put(tally, c, "line", "door", b"[]")[0] == 422
    assert put(tally, n, "line", "door", DOOR)[0] == 404
    assert not series(tally, c)
    # Names and codes are one's own.
    assert put(tally, c, "line", "door", DOOR)[0] == 201
    assert put(tally, c, "zone", "door", HALL)[0] == 409
    assert put(tally, c + "/door/in", "line", "x", DOOR)[0] == 409
    # A series that its programs have counted so far is taken over.
    tally.json("POST", "/api/v1/cameras", tally.admin_token,
               {"camera": c + "/hall"})
    assert put(tally, c, "zone", "hall", HALL)[0] == 201
    assert (c + "/hall", "zone", 1) in series(tally, c)
    other = camera(tally)
    long = "x" * 32
    tally.sql("UPDATE camera SET code = %s WHERE code = %s",
              other + "y" * (100 - len(other)), other)
    assert put(tally, other + "y" * (100 - len(other)), "zone", long, HALL)[
        1]["field"] == "zone"
    for i in range(15):
        assert put(tally, c, "line", f"l{i}", DOOR)[0] == 201
    assert put(tally, c, "line", "one-more", DOOR)[0] == 409


def test_ingest_hears_of_a_change(tally):
    """A request with the right tag waits until there is another one."""
    a, b = camera(tally), camera(tally)
    assert put(tally, b, "zone", "hall", HALL)[0] == 201
    status, headers, body = config(tally, a)
    tag = headers["etag"]
    assert status == 200 and b"hall" not in body
    assert config(tally, a, tag)[0] == 304
    assert config(tally, a, tag, 1)[0] == 304
    assert config(tally, a, '"other"', 60)[0] == 200
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(config, tally, a, tag, 60)
        # Another camera's change is none.
        assert put(tally, b, "zone", "hall", {
            **HALL, "points": [[0, 0], [1, 0], [1, 1]]})[0] == 200
        assert put(tally, a, "line", "door", DOOR)[0] == 201
        status, headers, body = waiting.result()
    assert status == 200 and headers["etag"] != tag and b"door" in body
    # All cameras that the token covers, without a filter.
    every = tally.json("GET", CONFIG, tally.ingest_token)[1]["cameras"]
    mine = {c["camera"]: c for c in every if c["camera"] in (a, b)}
    assert [len(mine[a]["lines"]), len(mine[b]["zones"])] == [1, 1]
    assert a + "/door/in" not in {c["camera"] for c in every}
    for query in ("wait=61", "wait=x", "wait=1&wait=2", "x=1"):
        assert tally.request("GET", f"{CONFIG}?{query}",
                             tally.ingest_token)[0] == 400


def test_detail_is_kept_beside_the_figures(tally):
    c = camera(tally)
    detail = {"people": {"left": 2, "peak": 3, "stay_s": 450},
              "speed": {"n": 2, "sum_cm_s": 2600, "max_cm_s": 1400}}
    r = {**row(c, hours_ago(1)), "detail": detail}
    assert post(tally, r)[1]["inserted"] == 1
    # In whatever order it is written; one that says nothing is the same, too.
    again = {**r, "detail": dict(reversed(detail.items()))}
    assert post(tally, again)[1]["duplicate"] == 1
    assert post(tally, row(c, hours_ago(1)))[1]["duplicate"] == 1
    other = {**r, "detail": {"people": {"peak": 4}}}
    assert post(tally, other)[0] == 409
    listed = tally.json("GET", f"/api/v1/counts?camera={c}", tally.read_token)
    assert listed[1]["items"][0]["detail"] == detail
    assert list(tally.sql(
        "SELECT d.people_left, d.people_peak, d.people_mean, "
        "d.speed_sum_cm_s / d.speed_n, d.vehicle_peak FROM count_detail d "
        "JOIN camera USING (camera_id) WHERE code = %s", c)) \
        == [(2, 3, 1.5, 1300, None)]
    assert post(tally, other, "?on_conflict=replace")[1]["replaced"] == 1
    listed = tally.json("GET", f"/api/v1/counts?camera={c}", tally.read_token)
    assert listed[1]["items"][0]["detail"] == {"people": {"peak": 4}}
    for wrong in (3, {"people": 3}, {"dogs": {}}, {"people": {"peak": -1}},
                  {"people": {"peak": 0.5}}, {"speed": {"left": 1}},
                  {"face": {"left": 2000000000}}):
        error = refused(post(tally, {**r, "detail": wrong}), "detail",
                        "bad_detail")
        assert "detail" in error["detail"]
