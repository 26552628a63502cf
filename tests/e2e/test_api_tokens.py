# SPDX-License-Identifier: MIT
"""Tokens over HTTP, and the list of who changed what."""
import csv
import datetime as dt
import io
import json
import pathlib
import re

import pytest

from apibase import (UTC, camera, code, hours_ago, problem, row, wait_for, z)
from people import admin
from test_api_auth import make_token

TOKENS = "/api/v1/tokens"
SECRET = r"tly_[A-Za-z0-9_-]{43}"


def create(tally, want=201, by=None, **members):
    body = {"name": code("token"), "scopes": ["read"], **members}
    status, reply = tally.json("POST", TOKENS, by or tally.admin_token, body)
    assert status == want, reply
    return reply


def rotate(tally, token_id, body=None, want=201):
    status, reply = tally.json("POST", f"{TOKENS}/{token_id}/rotate",
                               tally.admin_token, body)
    assert status == want, reply
    return reply


def revoke(tally, token_id):
    status, _, body = tally.request("DELETE", f"{TOKENS}/{token_id}",
                                    tally.admin_token)
    return status, body


def listed(tally, path=TOKENS):
    items = []
    while path:
        status, reply = tally.json("GET", path, tally.admin_token)
        assert status == 200, reply
        items += reply["items"]
        path = reply["next"]
    return items


def works(tally, secret):
    return tally.request("GET", "/api/v1/cameras", secret)[0] == 200


def audit(tally, query=""):
    return listed(tally, "/api/v1/audit?limit=1000" + query)


def test_a_token_is_made_and_its_secret_shown_once(tally):
    mine, other = camera(tally), camera(tally)
    ends = dt.datetime.now(UTC).replace(microsecond=0) + dt.timedelta(days=9)
    made = create(tally, name="Café 정문 " + mine, scopes=["read", "ingest"],
                  cameras=[mine],
                  expires_at=ends.astimezone(dt.timezone(
                      dt.timedelta(hours=9))).isoformat())
    secret = made.pop("token")
    assert re.fullmatch(SECRET, secret)
    (item,) = [i for i in listed(tally) if i["id"] == made["id"]]
    assert item == made == {
        "id": made["id"], "name": "Café 정문 " + mine,
        "scopes": ["ingest", "read"], "cameras": [mine],
        "created_at": made["created_at"], "expires_at": z(ends),
        "revoked_at": None, "last_used_at": None, "state": "valid"}
    assert tally.json("POST", "/api/v1/counts", secret,
                      row(mine, hours_ago(1)))[0] == 200
    assert tally.json("POST", "/api/v1/counts", secret,
                      row(other, hours_ago(1)))[0] == 403
    (item,) = [i for i in listed(tally) if i["id"] == made["id"]]
    assert item["last_used_at"]
    status, headers, body = tally.request(
        "GET", TOKENS + "?format=csv", tally.admin_token)
    assert status == 200 and headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    (item,) = [i for i in rows if i["id"] == str(made["id"])]
    assert item["scopes"] == "ingest\nread" and item["cameras"] == mine
    # Whatever shows tokens shows no secret, nor do the logs.
    text = json.dumps(listed(tally)) + json.dumps(audit(tally)) + body.decode()
    assert secret not in text
    for log in pathlib.Path(tally.state, "log").iterdir():
        assert secret not in log.read_text(errors="replace"), log


def test_pages_hold_every_token_once(tally):
    for _ in range(3):
        create(tally)
    ids = [i for i, in tally.sql("SELECT token_id FROM token ORDER BY 1")]
    assert [i["id"] for i in listed(tally, TOKENS + "?limit=2")] == ids
    for wrong in ("limit=0", "limit=1001", "after=x", "after=-1", "x=1",
                  "limit=1&limit=1", "format=xml"):
        status, reply = tally.json("GET", f"{TOKENS}?{wrong}",
                                   tally.admin_token)
        assert status == 400, wrong
        problem(reply, 400)


def test_a_valid_token_has_its_name_alone(tally):
    first = create(tally)
    reply = create(tally, 409, name=first["name"])
    assert reply["type"].endswith(":exists")
    assert revoke(tally, first["id"]) == (204, b"")
    assert create(tally, name=first["name"])["id"] > first["id"]


@pytest.mark.parametrize("members, field", [
    ({"name": None}, "name"), ({"name": 7}, "name"), ({"name": ""}, "name"),
    ({"name": "123"}, "name"), ({"name": "  "}, "name"),
    ({"name": "a\nb"}, "name"), ({"name": "a\u2028b"}, "name"),
    ({"name": "é" * 51}, "name"),
    ({"scopes": None}, "scopes"), ({"scopes": []}, "scopes"),
    ({"scopes": "read"}, "scopes"), ({"scopes": [1]}, "scopes"),
    ({"scopes": ["write"]}, "scopes"), ({"scopes": ["read,admin"]}, "scopes"),
    ({"scopes": ["read", "read"]}, "scopes"), ({"scopes": [""]}, "scopes"),
    ({"cameras": []}, "cameras"), ({"cameras": "gate-1"}, "cameras"),
    ({"cameras": ["nowhere"]}, "cameras"), ({"cameras": [None]}, "cameras"),
    ({"cameras": ["x"] * 257}, "cameras"),
    ({"expires_at": "2099-01-01"}, "expires_at"),
    ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
    ({"expires_at": "3001-01-01T00:00:00Z"}, "expires_at"),
    ({"expires_at": "1970-01-01T00:00:00Z"}, "expires_at"),
    ({"expires_at": 4070908800}, "expires_at"),
    ({"hash": "x"}, "hash"), ({"token": "x"}, "token"),
])
def test_a_wrong_token_is_named_by_its_member(tally, members, field):
    before = tally.sql("SELECT COUNT(*) FROM token")
    reply = create(tally, 422, **members)
    problem(reply, 422)
    assert reply["field"] == field and reply["detail"].startswith(field)
    assert tally.sql("SELECT COUNT(*) FROM token") == before


@pytest.mark.parametrize("body, status, field", [
    (b"", 400, None), (b"{", 400, None), (b"\xff", 400, None),
    (b"[]", 422, None), (b'"x"', 422, None),
    (b'{"name":"a","name":"b","scopes":["read"]}', 422, "name"),
    (b'{"scopes":["read"]}', 422, "name"), (b'{"name":"a"}', 422, "scopes"),
    (b'{"name":"a\\u0000","scopes":["read"]}', 422, None),
    (b" " * 70000, 413, None)])
def test_what_is_no_token_is_refused(tally, body, status, field):
    got, reply = tally.json("POST", TOKENS, tally.admin_token, body)
    assert got == status, reply
    problem(reply, status)
    assert reply.get("field") == field


def test_a_revoked_token_ends_at_once_here(tally):
    made = create(tally)
    assert works(tally, made["token"])
    assert revoke(tally, made["id"]) == (204, b"")
    assert not works(tally, made["token"])
    # Again: nothing to do, and nothing to tell.
    before = audit(tally)
    assert revoke(tally, made["id"]) == (204, b"")
    assert audit(tally) == before
    (item,) = [i for i in listed(tally) if i["id"] == made["id"]]
    assert item["state"] == "revoked" and item["revoked_at"]
    for nothing in ("0", "999999999", "99999999999999999999", "x", "-1",
                    "1x", "%31"):
        status, body = revoke(tally, nothing)
        assert status == 404, nothing
        problem(json.loads(body), 404)


def test_a_rotated_token_ends_now_or_after_the_overlap(tally):
    c = camera(tally)
    one = create(tally, cameras=[c], expires_at="2099-01-01T00:00:00Z")
    assert works(tally, one["token"])
    two = rotate(tally, one["id"])
    assert not works(tally, one["token"]) and works(tally, two["token"])
    three = rotate(tally, two["id"], {"overlap_s": 3600})
    assert works(tally, two["token"]) and works(tally, three["token"])
    assert (two["replaces"], three["replaces"]) == (one["id"], two["id"])
    same = ("name", "scopes", "cameras", "expires_at")
    assert ([one[k] for k in same] == [two[k] for k in same]
            == [three[k] for k in same])
    state = {i["id"]: i for i in listed(tally)}
    assert [state[t["id"]]["state"] for t in (one, two, three)] == [
        "revoked", "valid", "valid"]
    left = (dt.datetime.fromisoformat(
        state[two["id"]]["expires_at"].replace("Z", "+00:00"))
        - dt.datetime.now(UTC)).total_seconds()
    assert 3500 < left <= 3600
    for t in (one, two):
        reply = rotate(tally, t["id"], want=409)
        assert reply["type"].endswith(":conflict")
    for body in ({"overlap_s": -1}, {"overlap_s": 1.5}, {"overlap_s": "1h"},
                 {"overlap_s": 2592001}, {"overlap": 1}):
        reply = rotate(tally, three["id"], body, 422)
        assert reply["field"] == next(iter(body))
    rotate(tally, 999999999, want=404)
    # The overlap ends by itself.
    tally.sql("UPDATE token SET expires_at = UTC_TIMESTAMP() "
              "WHERE token_id = %s", two["id"])
    wait_for(lambda: not works(tally, two["token"]))
    assert works(tally, three["token"])


def test_an_admin_who_is_bound_to_cameras_manages_no_tokens(tally):
    c = camera(tally)
    bound = make_token(tally, "--scope", "admin,read", "--camera", c)
    mine = create(tally, cameras=[c])
    for method, path, body in (
            ("GET", TOKENS, None), ("GET", "/api/v1/audit", None),
            ("POST", TOKENS, {"name": code(), "scopes": ["read"],
                              "cameras": [c]}),
            ("POST", f"{TOKENS}/{mine['id']}/rotate", None),
            ("DELETE", f"{TOKENS}/{mine['id']}", None),
            ("DELETE", f"{TOKENS}/999999999", None)):
        status, reply = tally.json(method, path, bound, body)
        assert status == 403, (method, path)
        problem(reply, 403)
    assert works(tally, mine["token"])


def test_what_is_changed_is_listed_with_who_did_it(tally):
    name = code("ops")
    ops = create(tally, name=name, scopes=["admin"])
    since = audit(tally)[0]["id"]
    c, by = code(), ops["token"]
    assert tally.json("POST", "/api/v1/cameras", by,
                      {"camera": c, "tz": "Asia/Seoul"})[0] == 201
    made = create(tally, by=by, cameras=[c])
    tally.json("POST", f"{TOKENS}/{made['id']}/rotate", by, {"overlap_s": 60})
    tally.request("DELETE", f"{TOKENS}/{made['id']}", by)
    assert tally.json("POST", "/api/v1/jobs/roll_up", by)[0] == 200
    # Refused, so nothing has changed.
    tally.json("POST", "/api/v1/cameras", by, {"camera": c})
    create(tally, 422, by=by, scopes=[])
    found = [i for i in audit(tally) if i["id"] > since][::-1]
    assert [i["action"] for i in found] == [
        "camera.create", "token.create", "token.rotate", "token.revoke",
        "roll_up"]
    assert [i["id"] for i in found] == sorted(i["id"] for i in found)
    for i in found:
        assert (i["actor_kind"], i["actor_id"], i["actor"], i["address"]) == (
            "token", ops["id"], name, "127.0.0.1")
    assert [i["subject"] for i in found] == [
        c, made["name"], made["name"], made["name"], None]
    assert found[0]["detail"] == {"name": None, "site": None,
                                  "tz": "Asia/Seoul"}
    assert found[1]["detail"] == {
        "id": made["id"], "scopes": ["read"], "cameras": [c],
        "expires_at": None}
    assert found[2]["detail"]["replaces"] == made["id"]
    assert set(found[4]["detail"]) == {"rows", "buckets", "ms"}
    age = dt.datetime.now(UTC) - dt.datetime.fromisoformat(
        found[0]["at"].replace("Z", "+00:00"))
    assert dt.timedelta(seconds=-2) < age < dt.timedelta(minutes=5)
    # By action and by actor, page by page.
    assert [i["id"] for i in audit(tally, "&actor=" + name)] == [
        i["id"] for i in found[::-1]]
    both = listed(tally, "/api/v1/audit?limit=1&action=token.rotate&actor="
                  + name)
    assert both == [found[2]]
    one_by_one = listed(tally, "/api/v1/audit?limit=1&actor=" + name)
    assert one_by_one == found[::-1]
    assert audit(tally, "&actor=nobody") == []
    status, _, body = tally.request(
        "GET", "/api/v1/audit?format=csv&actor=" + name, tally.admin_token)
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    assert status == 200 and len(rows) == 5
    assert json.loads(rows[-1]["detail"]) == found[0]["detail"]
    text = json.dumps(audit(tally))
    for secret in (by, made["token"], tally.admin_token, tally.password):
        assert secret not in text


def test_a_session_is_a_user_in_the_list(tally):
    own = admin(tally)
    body = {"name": code("session"), "scopes": ["read"]}
    assert tally.json("POST", TOKENS, None, body, own.read)[0] == 403
    status, made = own.ask("POST", TOKENS, body)
    assert status == 201
    path = f"{TOKENS}/{made['id']}"
    assert tally.json("DELETE", path, None, None, own.read)[0] == 403
    assert own.ask("DELETE", path) == (204, None)
    found = audit(tally, "&actor=" + tally.user)[:2]
    assert [(i["action"], i["actor_kind"], i["subject"]) for i in found] == [
        ("token.revoke", "user", body["name"]),
        ("token.create", "user", body["name"])]


def test_a_camera_that_a_count_registers_is_listed_by_its_token(tally):
    # ./dev turns auto_register on.
    name, c = code("sender"), code("new")
    sender = create(tally, name=name, scopes=["ingest"])
    at = row(c, hours_ago(1))
    assert tally.json("POST", "/api/v1/counts", sender["token"], at)[0] == 200
    assert tally.json("POST", "/api/v1/counts", sender["token"], at)[0] == 200
    assert [(i["action"], i["subject"]) for i in audit(tally, "&actor=" + name)
            ] == [("camera.create", c)]
