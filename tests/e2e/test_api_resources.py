# SPDX-License-Identifier: MIT
"""What can be read, reviewed and changed: outliers, cameras, sites."""
import pytest

from apibase import camera, code, hours_ago, minutes, post, problem, row, z
from test_api_read import get, query, walk

V1 = "/api/v1"


def change(tally, path, body, status=200, token=None):
    got, reply = tally.json("PATCH", V1 + path, token or tally.admin_token,
                            body)
    assert got == status, reply
    if status != 200:
        problem(reply, status)
    return reply


def make_token(tally, *scopes, cameras=None):
    """(name, secret)"""
    body = {"name": code("token"), "scopes": scopes}
    if cameras:
        body["cameras"] = cameras
    status, reply = tally.json("POST", V1 + "/tokens", tally.admin_token, body)
    assert status == 201, reply
    return reply["name"], reply["token"]


# ---- outliers

def judged(tally, rows_of):
    """A camera with references of 60 ± some people, and the rows asked for,
    as {minute: (people, vehicle)}."""
    c, at = camera(tally), hours_ago(72)
    rows = [row(c, at + minutes(5 * i), people=60 + i % 3, vehicle=60 + i % 3)
            for i in range(30)]
    assert post(tally, rows)[0] == 200
    assert tally.json("POST", V1 + "/jobs/roll_up", tally.admin_token)[0] \
        == 200
    at = hours_ago(2)
    rows = [row(c, at + minutes(m), people=p, vehicle=v)
            for m, (p, v) in rows_of.items()]
    assert post(tally, rows)[0] == 200
    return c, at


def test_a_review_is_kept_with_who_and_when(tally):
    c, at = judged(tally, {0: (500, 60), 5: (60, 0), 10: (500, 0)})
    path = "/api/v1/outliers" + query(camera=c, level="all")
    items, _ = walk(tally, path)
    assert [(i["start_at"], i["side"]) for i in items] == [
        (z(at + minutes(10)), "high"), (z(at + minutes(10)), "low"),
        (z(at + minutes(5)), "low"), (z(at), "high")]
    for i in items:
        assert (i["status"], i["note"], i["reviewed_by"], i["reviewed_at"]) \
            == ("open", None, None, None)
        assert get(tally, f"/api/v1/outliers/{i['id']}") == i
    both, low, only_low, only_high = items
    # A row that is high and low is listed once each, whatever the page.
    for limit in (1, 2, 3):
        assert walk(tally, path + f"&limit={limit}")[0] == items

    name, secret = make_token(tally, "review")
    for item, body in ((only_low, {"status": "dismissed", "note": "=a parade"}),
                       (only_high, {"status": "confirmed"}),
                       (low, {"note": "looked at"})):
        got = change(tally, f"/outliers/{item['id']}", body, token=secret)
        assert got["reviewed_by"] == name and got["reviewed_at"]
        assert {**item, **body, "reviewed_by": name,
                "reviewed_at": got["reviewed_at"]} == got
        assert get(tally, f"/api/v1/outliers/{item['id']}") == got
    for status, want in (("open", [both, low]), ("confirmed", [only_high]),
                         ("dismissed", [only_low])):
        found, _ = walk(tally, path + f"&status={status}&limit=1")
        assert [i["id"] for i in found] == [i["id"] for i in want]
    csv = tally.request("GET", path + "&format=csv&status=dismissed",
                        tally.read_token)[2].decode()
    assert f",dismissed,'=a parade,{name},20" in csv

    # Null takes the note away, and a person's name takes the token's place.
    got = change(tally, f"/outliers/{only_low['id']}", {"note": None})
    assert got["note"] is None and got["status"] == "dismissed"
    assert got["reviewed_by"] != name
    found = tally.sql("SELECT actor, detail FROM audit WHERE subject = %s AND "
                      "action = 'outlier.review' ORDER BY audit_id", c)
    assert len(found) == 4 and found[0][0] == name
    assert '"status":"dismissed","note":"=a parade"' in found[0][1]

    # Still an outlier: the review stays.  In order: it goes.
    replace = "?on_conflict=replace"
    high = f"/outliers/{only_high['id']}"
    assert post(tally, row(c, at, people=400, vehicle=60), replace)[0] == 200
    got = get(tally, V1 + high)
    assert (got["people"], got["status"], got["reviewed_by"]) == (
        400, "confirmed", name)
    assert post(tally, row(c, at, people=60, vehicle=60), replace)[0] == 200
    get(tally, V1 + high, 404)
    change(tally, high, {"status": "open"}, 404)
    assert only_high["id"] not in [i["id"] for i in walk(tally, path)[0]]
    assert post(tally, row(c, at, people=450, vehicle=60), replace)[0] == 200
    got = get(tally, V1 + high)
    assert (got["status"], got["reviewed_by"]) == ("open", None)


@pytest.mark.parametrize("body, field", [
    ({}, "status"), ({"status": None}, "status"), ({"status": "x"}, "status"),
    ({"status": "withdrawn"}, "status"), ({"status": 1}, "status"),
    ({"note": " "}, "note"), ({"note": "a\nb"}, "note"),
    ({"note": "ä" * 1001}, "note"), ({"id": "1"}, "id"),
    ({"status": "open", "reviewed_by": "me"}, "reviewed_by")])
def test_what_is_no_review_is_refused_by_name(tally, body, field):
    c = camera(tally)
    tally.sql("INSERT INTO outlier_low (camera_id, start_at, end_at, "
              "observed_s, below, k) SELECT camera_id, '2024-01-01', "
              "'2024-01-02', 0, 'people', 1 FROM camera WHERE code = %s", c)
    (oid,), = tally.sql("SELECT outlier_id FROM outlier_low JOIN camera "
                        "USING (camera_id) WHERE code = %s", c)
    assert change(tally, f"/outliers/low-{oid}", body, 422)["field"] == field
    note = {"note": "ä" * 1000, "status": "open"}
    assert change(tally, f"/outliers/low-{oid}", note)["note"] == note["note"]


def test_an_id_that_is_none_is_404(tally):
    for oid in ("0", "-1", "01", "x", "low-", "low-0", "low-x", "9" * 18,
                "9" * 40, "1%20", "low-low-1"):
        get(tally, f"/api/v1/outliers/{oid}", 404)
        change(tally, f"/outliers/{oid}", {"status": "open"}, 404)
    get(tally, "/api/v1/outliers/1?level=all", 400)
    get(tally, "/api/v1/outliers?status=withdrawn", 400)
