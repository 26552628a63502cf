# SPDX-License-Identifier: MIT
"""What can be read, reviewed and changed: outliers, cameras, sites."""
import datetime
import gzip
import urllib.parse
import zoneinfo

import pytest

from apibase import (UTC, camera, code, hours_ago, minutes, post, problem,
                     refused, row, wait_for, z)
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
    # In one hour: they are of one day, whatever the time.
    rows = [row(c, at + minutes(i), 1, people=60 + i % 3, vehicle=60 + i % 3)
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


# ---- cameras

def path_of(c):
    return "/cameras/" + urllib.parse.quote(c, safe="")


def roll_up(tally):
    assert tally.json("POST", V1 + "/jobs/roll_up", tally.admin_token)[0] \
        == 200


def by_day():
    """A zone where it is about noon, its midnight, now; rows of today are
    never those of yesterday in the middle of a test."""
    now = datetime.datetime.now(UTC).replace(microsecond=0)
    zone = zoneinfo.ZoneInfo(f"Etc/GMT{now.hour - 12:+d}")
    local = now.astimezone(zone)
    return zone.key, local.replace(hour=0, minute=0, second=0), now


def test_a_camera_is_changed_and_moves_to_another_zone(tally):
    c = code("gate") + "/door/in"
    status, _ = tally.json("POST", V1 + "/cameras", tally.admin_token,
                           {"camera": c, "tz": "Asia/Seoul"})
    assert status == 201
    tally.sql("INSERT INTO camera (code, site_id, tz, parent_id, kind) "
              "SELECT CONCAT(code, '/x'), site_id, tz, camera_id, 'line' "
              "FROM camera WHERE code = %s", c)
    assert post(tally, row(c, hours_ago(30)))[0] == 200
    roll_up(tally)
    site = code("site")
    got = change(tally, path_of(c), {"name": "=in", "site": site})
    assert (got["camera"], got["name"], got["site"], got["tz"]) == (
        c, "=in", site, "Asia/Seoul")
    (listed,), _ = walk(tally, V1 + "/cameras" + query(site=site, limit=1,
                                                       state="silent"))
    for other in (get(tally, V1 + path_of(c)), listed):
        # The day goes on meanwhile.
        assert {**other, "today": None} == {**got, "today": None}
        assert set(other["today"]) == {"coverage", "observed_s", "elapsed_s",
                                       "gaps"}
    line = get(tally, V1 + path_of(c + "/x"))
    assert (line["site"], line["name"]) == (site, c + "/x")

    # Its own zone goes; then it follows its site's.
    sites, _ = walk(tally, V1 + "/sites?limit=7")
    (ours,) = [s for s in sites if s["name"] == site]
    assert (ours["cameras"], ours["default"]) == (1, False)
    assert change(tally, path_of(c), {"tz": None})["tz"] == ours["tz"]
    for tz in ("Europe/Berlin", "Asia/Kathmandu"):
        got = change(tally, f"/sites/{ours['id']}", {"tz": tz})
        assert got == {**ours, "tz": tz}
        assert get(tally, V1 + path_of(c))["tz"] == tz
        roll_up(tally)
        (day,) = get(tally, V1 + "/stats/day" + query(camera=c))["items"]
        assert day["tz"] == tz and day["people"]["sum"] == 1
    found = tally.sql("SELECT subject, detail FROM audit WHERE action IN "
                      "('camera.change', 'site.change') ORDER BY audit_id "
                      "DESC LIMIT 4")
    assert [f[0] for f in found] == [site, site, c, c]
    assert found[2][1] == '{"tz":null}'


def test_what_the_database_refuses_says_why(tally):
    c = camera(tally)
    tally.sql("CREATE OR REPLACE TRIGGER resources_test BEFORE UPDATE ON "
              "camera FOR EACH ROW PRECEDES camera_bu IF OLD.code = "
              f"'{c}' AND NOT NEW.tz <=> OLD.tz THEN SIGNAL SQLSTATE '45000' "
              "SET MESSAGE_TEXT = 'the clock is nailed to the wall'; END IF")
    try:
        got = change(tally, path_of(c), {"tz": "Asia/Seoul", "name": "x"},
                     409)
    finally:
        tally.sql("DROP TRIGGER resources_test")
    assert got["detail"] == "the clock is nailed to the wall"
    assert get(tally, V1 + path_of(c))["name"] == c


def test_a_retired_camera_takes_none_but_older_rows_and_keeps_its_own(tally):
    c = camera(tally)
    old = row(c, hours_ago(30))
    assert post(tally, old)[0] == 200
    got = change(tally, path_of(c), {"retired": True})
    assert (got["state"], got["today"]) == ("retired", None)
    at, = tally.sql("SELECT retired_at FROM camera WHERE code = %s", c)
    # At once, though the writer knew it a moment ago.
    end = at[0].replace(tzinfo=UTC)
    refused(post(tally, row(c, end)), "camera", "retired_camera")
    # What it counted before may have lain in a spool.
    spooled = row(c, end - minutes(5))
    status, reply = post(tally, [spooled, row(c, end), row(
        other := camera(tally), hours_ago(2))], "?partial=true")
    assert (status, reply["inserted"], reply["rejected"]) == (200, 2, 1)
    for body in (old, spooled):
        assert post(tally, body)[1]["duplicate"] == 1
    refused(post(tally, f"camera,start_at,end_at,people\n{c},{z(end)}"
                 f",{z(end + minutes(1))},1\n", kind="text/csv"),
            "camera", "retired_camera")
    assert change(tally, path_of(c), {"retired": True})["state"] == "retired"
    assert tally.sql("SELECT retired_at FROM camera WHERE code = %s", c) \
        == [at]
    assert len(get(tally, V1 + "/counts" + query(camera=[c, other]))["items"]
               ) == 3
    roll_up(tally)
    assert get(tally, V1 + "/stats/day" + query(camera=c))["items"]
    for state, there in (("retired", True), ("live", False), ("new", False)):
        items, _ = walk(tally, V1 + "/cameras" + query(state=state))
        assert (c in [i["camera"] for i in items]) == there
        assert {i["state"] for i in items} <= {state}
    # What had gone before it stays away when it comes back.
    tally.sql("INSERT INTO camera (code, site_id, parent_id, kind, "
              "retired_at) SELECT CONCAT(code, l.tail), site_id, camera_id, "
              "'line', l.at FROM camera JOIN (SELECT '/gone' AS tail, "
              "'2024-01-01' AS at UNION SELECT '/with', %s) l "
              "WHERE code = %s", at[0], c)
    assert change(tally, path_of(c), {"retired": False})["state"] == "live"
    for tail, state in (("/gone", "retired"), ("/with", "new")):
        assert get(tally, V1 + path_of(c + tail))["state"] == state
    wait_for(lambda: post(tally, row(c, hours_ago(2)))[0] == 200)


def test_gaps_and_coverage_are_those_of_the_local_day(tally):
    tz, midnight, now = by_day()
    c, long, new = (camera(tally, tz=tz) for _ in range(3))
    tally.sql("UPDATE camera SET created_at = '2020-01-01' "
              "WHERE code IN %s", (c, long))

    def hour(n):
        return midnight + datetime.timedelta(hours=n)

    # Watched 1 to 4 and 5:15 to 6, a little of it at 4; nothing since.
    rows = [row(c, hour(1) + minutes(5 * i), people=i) for i in range(36)]
    rows += [{**row(c, hour(4), people=1), "observed_s": 100}]
    rows += [row(c, hour(5) + minutes(15 + 5 * i)) for i in range(9)]
    rows += [row(c, hour(-1))]
    rows += [row(long, hour(i), length=60) for i in range(0, 6)]
    rows += [{**row(long, hour(6), length=180), "observed_s": 9000}]
    assert post(tally, rows)[0] == 200
    roll_up(tally)
    got = get(tally, V1 + path_of(c))
    today, gaps = got["today"], got["today"]["gaps"]
    elapsed = today["elapsed_s"]
    # By the whole minute.
    assert -60 < elapsed - (now - midnight).total_seconds() < 3600
    assert elapsed % 60 == 0
    assert today["observed_s"] == 36 * 300 + 100 + 9 * 300
    assert today["coverage"] == today["observed_s"] / elapsed
    assert gaps[:2] == [{"from": z(hour(0)), "to": z(hour(1))},
                        {"from": z(hour(4)), "to": z(hour(5) + minutes(15))}]
    assert got["state"] == "silent" and len(gaps) == 3
    assert gaps[2]["from"] == z(hour(6)) and gaps[2]["to"] >= z(hour(11))
    # Rows longer than a quarter hour fill those behind it; what comes after
    # the newest of a live camera is not missed yet.
    got = get(tally, V1 + path_of(long))
    assert (got["state"], got["today"]["gaps"]) == ("live", [
        {"from": z(hour(8) + minutes(30)), "to": z(hour(9))}])
    assert get(tally, V1 + path_of(new))["today"] is None
    headers, body = tally.request(
        "GET", V1 + "/cameras?format=csv", tally.read_token)[1:]
    head, *lines = body.decode().split("\r\n")
    assert head == ("camera,name,site,tz,last_seen,state,today_coverage,"
                    "today_observed_s,today_elapsed_s,today_gaps,"
                    "last_error_at,last_error_detail,ingest_name,ingest_at,"
                    "ingest_state,ingest_version,ingest_engine,"
                    "ingest_pictures,ingest_dropped,ingest_fps,"
                    "ingest_waiting,ingest_bytes,ingest_oldest,"
                    "ingest_refused,ingest_given_up,ingest_error")
    assert any(ln.startswith(f"{new},{new},")
               and ln.endswith(",new,,,,,," + "," * 14)
               for ln in lines)


def test_the_last_error_of_a_camera_is_told(tally):
    c = camera(tally)
    tally.sql("INSERT INTO trigger_failure (camera_id, start_at, error_no, "
              "message) SELECT camera_id, '2024-01-01 10:00', 1146, 'a table "
              "is not there' FROM camera WHERE code = %s", c)
    error = get(tally, V1 + path_of(c))["last_error"]
    assert set(error) == {"at", "detail"}
    assert "2024-01-01T10:00:00Z" in error["detail"]
    assert "table" not in error["detail"]
    tally.sql("DELETE FROM trigger_failure")


@pytest.mark.parametrize("body, field", [
    ({}, "name"), ({"name": None}, "name"), ({"name": ""}, "name"),
    ({"name": 1}, "name"), ({"tz": "Mars/Base"}, "tz"), ({"tz": ""}, "tz"),
    ({"site": "a\nb"}, "site"), ({"retired": "yes"}, "retired"),
    ({"retired": 1}, "retired"), ({"camera": "x"}, "camera")])
def test_a_wrong_change_is_named_by_its_member(tally, body, field):
    c = camera(tally)
    before = get(tally, V1 + path_of(c))
    got = change(tally, path_of(c), body, 422)
    assert got["field"] == field
    assert get(tally, V1 + path_of(c)) == before


def test_a_camera_that_is_not_there_is_404(tally):
    for c in (code("no"), "%3Cscript%3E", "a%20b", "%25", "1"):
        get(tally, f"{V1}/cameras/{c}", 404)
        change(tally, f"/cameras/{c}", {"name": "x"}, 404)
    for c in ("%zz", "%ff", "a%00b"):
        get(tally, f"{V1}/cameras/{c}", 400)
    get(tally, V1 + "/cameras/default?x=1", 400)
    get(tally, V1 + "/cameras?state=dead", 400)
    get(tally, V1 + "/cameras?camera=x", 400)
    assert get(tally, V1 + "/cameras" + query(site=code("no"))) == {
        "items": [], "next": None}


# ---- sites

def test_a_site_is_made_and_renamed_once(tally):
    names = [code("site"), code("=site")]
    made = []
    for name, tz in zip(names, ("Asia/Seoul", None)):
        status, reply = tally.json("POST", V1 + "/sites", tally.admin_token,
                                   {"name": name, "tz": tz})
        assert status == 201, reply
        made.append(reply)
    (default,) = [s for s in walk(tally, V1 + "/sites")[0] if s["default"]]
    assert made[0] == {"id": made[0]["id"], "name": names[0],
                       "tz": "Asia/Seoul", "default": False, "cameras": 0}
    assert made[1]["tz"] == default["tz"]
    new = {"name": names[1]}
    status, reply = tally.json("POST", V1 + "/sites", tally.admin_token, new)
    assert status == 409 and reply["type"].endswith(":exists")
    change(tally, f"/sites/{made[0]['id']}", new, 409)
    got = change(tally, f"/sites/{made[0]['id']}", {"name": names[0] + "x"})
    assert got["name"] == names[0] + "x"
    c = camera(tally, site=names[1])
    camera(tally, site=names[1])
    change(tally, path_of(c), {"retired": True})
    (ours,) = [s for s in walk(tally, V1 + "/sites?limit=3")[0]
               if s["name"] == names[1]]
    assert ours["cameras"] == 1
    csv = tally.request("GET", V1 + "/sites?format=csv", tally.read_token)[2]
    assert f"\r\n{ours['id']},'{names[1]},{default['tz']},false,1\r\n" \
        in csv.decode()
    # A token that is bound counts its own alone.
    for cameras, want in (([c], 0), ([camera(tally, site=names[1])], 1)):
        _, secret = make_token(tally, "read", cameras=cameras)
        assert get(tally, V1 + "/sites", token=secret)["items"] == [
            {**ours, "cameras": want}]


@pytest.mark.parametrize("body, field", [
    ({}, "name"), ({"name": ""}, "name"), ({"name": "x" * 101}, "name"),
    ({"tz": "UTC"}, "name"), ({"name": "x", "tz": "Mars/Base"}, "tz"),
    ({"name": "x", "tz": 1}, "tz"), ({"name": "x", "cameras": 1}, "cameras")])
def test_what_is_no_site_is_refused_by_name(tally, body, field):
    status, reply = tally.json("POST", V1 + "/sites", tally.admin_token, body)
    assert (status, reply["field"]) == (422, field)
    (default,) = [s for s in walk(tally, V1 + "/sites")[0] if s["default"]]
    if "name" in body or not body:
        got = change(tally, f"/sites/{default['id']}", body, 422)
        assert got["field"] == field
    for site in ("0", "x", "99999999999", "4294967295"):
        change(tally, f"/sites/{site}", {"tz": "UTC"}, 404)


# ---- what all lists have

LISTS = ["counts?limit=1000&from=2024-03-01&to=2024-03-02",
         "outliers?level=all&limit=1000", "cameras", "sites", "tokens",
         "audit?limit=1000"]


@pytest.fixture(scope="module")
def long_lists(tally):
    """Each list is worth packing; nobody changes them for a while."""
    at = datetime.datetime(2024, 3, 1, 12, tzinfo=UTC)
    codes = [camera(tally, site=code("site") + "x" * 80, tz="UTC")
             for _ in range(12)]
    assert post(tally, [row(c, at + minutes(5 * i), people=i % 7)
                        for c in codes for i in range(60)])[0] == 200
    for c in codes:
        make_token(tally, "read", cameras=[c])
    tally.sql("INSERT INTO outlier_backup (camera_id, start_at, end_at, "
              "people, observed_s, exceeded, k, z) SELECT camera_id, "
              "'2024-03-01', '2024-03-01 00:05', 9, 300, 'people', 1.5, 4.5 "
              "FROM camera WHERE code IN %s", codes)
    return codes


def same_again(ask, headers):
    """(the answer, that to who has it).  What says the time, or when a token
    was used, may change meanwhile."""
    for _ in range(20):
        first = ask(headers)
        again = ask({**headers, "If-None-Match": first[1]["etag"]})
        if again[0] == 304:
            break
    return first, again


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("format", ["json", "csv"])
def test_who_has_a_list_is_not_sent_it_again(tally, long_lists, path, format):
    _, secret = make_token(tally, "read", "admin")
    path = f"{V1}/{path}{'&' if '?' in path else '?'}format={format}"

    def ask(headers, method="GET"):
        return tally.request(method, path, secret, headers=headers)

    for headers in ({}, {"Accept-Encoding": "gzip"}):
        first, again = same_again(ask, headers)
        assert first[0] == 200 and format in first[1]["content-type"]
        assert again[0] == 304 and not again[2]
        for got in (first, again):
            assert got[1]["etag"] == first[1]["etag"]
            assert got[1]["vary"] == "Accept, Accept-Encoding"
            assert got[1]["cache-control"] == "private, no-cache"
        assert ask({**headers, "If-None-Match": '"other", W/"x"'})[0] == 200
        assert ask({**headers, "If-None-Match": "*"})[0] == 304
        head = ask(headers, "HEAD")
        assert head[0] == 200 and not head[2]
        packed = "gzip" in headers.values()
        assert ("content-encoding" in first[1]) == packed
        assert ("content-encoding" in head[1]) == packed
        if packed:
            assert len(first[2]) < len(gzip.decompress(first[2]))
            assert gzip.decompress(first[2]).startswith(plain[2][:20])
            assert first[1]["etag"] != plain[1]["etag"]
        else:
            plain = first


def test_a_list_that_changes_has_another_tag(tally, long_lists):
    c = long_lists[0]
    path = V1 + "/counts" + query(camera=c, **{"from": "2024-03-01",
                                               "to": "2024-03-02"})
    pages = [path, path + "&limit=10&format=csv", path + "&limit=1000"]

    def tags():
        return [tally.request("GET", p, tally.read_token)[1]["etag"]
                for p in pages]

    before = tags()
    assert tags() == before
    old = row(c, datetime.datetime(2024, 3, 1, 12, tzinfo=UTC), people=99)
    assert post(tally, old, "?on_conflict=replace")[0] == 200
    after = tags()
    # The first page of ten does not hold that row.
    assert [a == b for a, b in zip(after, before)] == [False, True, False]
    # Of a page whose link goes elsewhere the tag is another one, too.
    first = tally.request("GET", pages[1], tally.read_token)[1]
    assert 'rel="next"' in first["link"]


def test_an_empty_list_of_a_bound_token_is_one(tally):
    c = camera(tally)
    _, secret = make_token(tally, "read", cameras=[c])
    for path in ("counts", "outliers?level=all"):
        status, headers, body = tally.request("GET", f"{V1}/{path}", secret)
        assert (status, body) == (200, b'{"items":[],"next":null}')
        assert headers["etag"]
