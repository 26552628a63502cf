# SPDX-License-Identifier: MIT
"""
Detection records over HTTP: what is taken, what is refused and how it is named,
that sending again changes nothing, and how they are read.
"""
import csv
import datetime
import io
import json

import pytest

from apibase import (OtherApi, camera, code, counted, hours_ago, minutes,
                     problem, record, refused, row, z)

PATH = "/api/v1/records"
BOX = {"class": "people", "score": 0.5, "x": 0, "y": 0, "w": 1, "h": 1}


def send(tally, body, query="", kind=None, token=None):
    return tally.json("POST", PATH + query, token or tally.ingest_token, body,
                      {"Content-Type": kind} if kind else None)


def read(tally, query="", token=None):
    status, page = tally.json("GET", PATH + query, token or tally.read_token)
    assert status == 200, page
    return page


def items(tally, c):
    return read(tally, f"?camera={c}")["items"]


def test_a_record_comes_back_as_it_was_sent(tally):
    c = camera(tally, tz="Asia/Seoul")
    boxes = [{"class": "people", "score": 0.91, "x": 0.1, "y": 0.2, "w": 0.08,
              "h": 0.31, "track": 7},
             {"class": "bus", "score": 1, "x": 0, "y": 0, "w": 1, "h": 1},
             # Rounded to a 10 000th, it still ends at the picture's edge.
             {"class": "scooter", "score": 0.12345, "x": 0.33335, "y": 0.9999,
              "w": 0.66665, "h": 0.0001, "track": None}]
    sent = {"camera": c, "at": "2026-11-20T09:00:00.1239+09:00",
            "frame": 10 ** 15 - 1, "people": 1, "vehicle": 2, "face": None,
            "decode_ms": 4.2, "detect_ms": 21.50009, "boxes": boxes}
    status, reply = send(tally, sent)
    assert status == 200, reply
    assert counted(reply) == {"received": 1, "inserted": 1}
    (got,) = items(tally, c)
    assert got.pop("boxes") == [
        boxes[0], boxes[1],
        {"class": "scooter", "score": 0.123, "x": 0.3334, "y": 0.9999,
         "w": 0.6666, "h": 0.0001}]
    assert got == {"camera": c, "at": "2026-11-20T00:00:00.123Z",
                   "frame": 10 ** 15 - 1, "people": 1, "vehicle": 2, "face": None,
                   "decode_ms": 4.2, "detect_ms": 21.5}
    # What is not told is null; no boxes are not "none were found".
    assert send(tally, {"camera": c, "at": "2026-11-20T00:00:01Z", "frame": 0,
                        "face": 3})[0] == 200
    got = items(tally, c)[0]
    assert [got[k] for k in ("people", "face", "decode_ms", "boxes")] == [
        None, 3, None, None]
    assert tally.json("GET", f"/api/v1/counts?camera={c}",
                      tally.read_token)[1]["items"] == []


def test_sending_again_changes_nothing(tally):
    c, at = camera(tally), hours_ago(2)
    lines = [record(c, at + datetime.timedelta(milliseconds=i), frame=i)
             for i in range(3)]
    for i, r in enumerate(lines):
        r["at"] = r["at"][:-1] + f".00{i}Z"
    text = "\n".join(map(json.dumps, lines)) + "\r\n\n"
    first = send(tally, text, kind="application/x-ndjson")[1]
    assert counted(first) == {"received": 3, "inserted": 3}
    before = items(tally, c)
    # In another order, twice over, with other values: the first stays.
    again = [{**r, "frame": 99, "decode_ms": 1} for r in lines[::-1]] * 2
    assert counted(send(tally, again)[1]) == {"received": 6, "duplicate": 6}
    assert items(tally, c) == before
    assert [r["frame"] for r in before] == [2, 1, 0]
    more = [*again, record(c, hours_ago(3))]
    assert counted(send(tally, more)[1]) == {
        "received": 7, "inserted": 1, "duplicate": 6}


WRONG = [
    ({"colour": 1}, "colour", "unknown_field"),
    ({"camera": 7}, "camera", "not_text"),
    ({"camera": "no such\u00e9"}, "camera", "unknown_camera"),
    ({"at": None}, "at", "not_text"),
    ({"at": "yesterday"}, "at", "bad_time"),
    ({"at": "2026-11-20T00:00:00.5"}, "at", "no_offset"),
    ({"at": "1999-12-31T23:59:59.999Z"}, "at", "out_of_range"),
    ({"at": "2099-01-01T00:00:00Z"}, "at", "out_of_range"),
    ({"frame": None}, "frame", "not_a_number"),
    ({"frame": 0.5}, "frame", "not_an_integer"),
    ({"frame": -1}, "frame", "out_of_range"),
    ({"frame": 10 ** 15}, "frame", "out_of_range"),
    ({"people": "1"}, "people", "not_a_number"),
    ({"people": 1000001}, "people", "out_of_range"),
    ({"people": 2}, "people", "boxes_differ"),
    ({"people": None, "face": 0}, "people", "boxes_differ"),
    ({"vehicle": 1}, "vehicle", "boxes_differ"),
    ({"people": None, "boxes": None}, "people", "missing"),
    ({"decode_ms": -1}, "decode_ms", "out_of_range"),
    ({"detect_ms": True}, "detect_ms", "not_a_number"),
    ({"boxes": {}}, "boxes", "not_an_array"),
    ({"boxes": [7]}, "boxes", "not_an_object"),
    ({"boxes": [{**BOX, "z": 1}]}, "boxes", "unknown_field"),
    ({"boxes": [{**BOX, "class": "dog"}]}, "boxes", "unknown_class"),
    ({"boxes": [{**BOX, "score": 1.1}]}, "boxes", "out_of_range"),
    ({"boxes": [{**BOX, "x": -0.1}]}, "boxes", "out_of_range"),
    ({"boxes": [{**BOX, "x": 0.1}]}, "boxes", "out_of_range"),
    ({"boxes": [{**BOX, "h": None}]}, "boxes", "not_a_number"),
    ({"boxes": [{**BOX, "track": 1.5}]}, "boxes", "not_an_integer"),
    ({"boxes": [{"class": "people"}]}, "boxes", "missing"),
    ({"boxes": [BOX] * 257, "people": 257}, "boxes", "out_of_range"),
]


def test_what_is_wrong_is_named_by_line_and_field(tally):
    c = camera(tally)
    for members, field, kind in WRONG:
        bad = {**record(c), **members}
        first = refused(send(tally, [record(c), bad]), field, kind)
        assert first["line"] == 2 and field in first["detail"], first
    for missing in ("camera", "at", "frame"):
        bad = record(c)
        del bad[missing]
        refused(send(tally, bad), missing, "missing")
    twice = json.dumps(record(c))[:-1] + ', "frame": 2}'
    refused(send(tally, twice, kind="application/json"), "frame",
            "duplicate_field")
    assert refused(send(tally, f'{twice[:-13]}}}\n\n[7\n', "",
                        "application/x-ndjson"), "", "bad_row")["line"] == 3
    assert items(tally, c) == []
    # The good ones of the same, where the sender wants them.
    many = [{**record(c, hours_ago(5 + i)), **w[0]}
            for i, w in enumerate(WRONG)] + [record(c)]
    status, reply = send(tally, many, "?partial=true")
    assert status == 200
    assert counted(reply) == {"received": len(many), "inserted": 1,
                              "rejected": len(WRONG)}
    assert [(e["line"], e["field"], e["type"]) for e in reply["errors"]] == [
        (i + 1, *w[1:]) for i, w in enumerate(WRONG)]
    assert len(items(tally, c)) == 1


@pytest.mark.parametrize("body, kind, query, status, slug", [
    (b"", None, "", 400, "empty"),
    (b" ", None, "", 400, "not-json"),
    (b'{"camera":', None, "", 400, "not-json"),
    (b"[" * 40, None, "", 400, "not-json"),
    (b"a,b\n", "text/csv", "", 415, "unsupported-type"),
    (b"{}", "application/json; charset=cp949", "", 415, "unsupported-charset"),
    (b"{}", None, "?on_conflict=replace", 400, "unknown-parameter"),
    (b"{}", None, "?partial=maybe", 400, "bad-parameter"),
    (b"[" + b"{}," * 1000 + b"{}]", None, "", 413, "too-many-rows"),
    (b"{}\n" * 1001, "application/x-ndjson", "", 413, "too-many-rows"),
], ids=range(10))
def test_a_body_that_is_none_is_refused(tally, body, kind, query, status, slug):
    got, reply = send(tally, body, query, kind)
    assert got == status, reply
    problem(reply, status)
    assert reply["type"] == "urn:tally:problem:" + slug
    assert send(tally, [])[1]["received"] == 0


def test_a_camera_is_registered_by_its_first_record_where_rows_may(tally):
    c = code()
    assert counted(send(tally, record(c))[1])["inserted"] == 1
    assert tally.sql("SELECT COUNT(*) FROM audit WHERE action = "
                     "'camera.create' AND subject = %s", c) == [(1,)]
    other = OtherApi(tally, auto_register="no")
    try:
        refused(send(other.tally, record(code())), "camera", "unknown_camera")
    finally:
        assert other.stop() == 0
    assert tally.json("PATCH", "/api/v1/cameras/" + c, tally.admin_token,
                      {"retired": True})[0] == 200
    soon = datetime.datetime.now(datetime.timezone.utc) + minutes(2)
    refused(send(tally, record(c, soon)), "camera", "retired_camera")
    # What was found before it retired may have waited.
    assert send(tally, record(c, hours_ago(2)))[0] == 200


def test_pages_of_many_cameras_are_newest_first_and_whole(tally):
    cameras = sorted(camera(tally, tz="Asia/Kathmandu") for _ in range(3))
    at = hours_ago(30)
    sent = [{**record(c, at + datetime.timedelta(seconds=i // 4)),
             "frame": 100 * k + i} for k, c in enumerate(cameras)
            for i in range(8)]
    for r in sent:
        r["at"] = r["at"][:-1] + f".{r['frame'] % 4 * 250:03}Z"
    assert counted(send(tally, sent)[1])["inserted"] == 24
    order = sorted(sent, key=lambda r: r["camera"])
    order.sort(key=lambda r: r["at"], reverse=True)
    asked = "?" + "&".join("camera=" + c for c in cameras)
    path, got = PATH + asked + "&limit=5", []
    while path:
        page = read(tally, path.removeprefix(PATH))
        assert len(page["items"]) == 5 or not page["next"]
        got += page["items"]
        path = page["next"]
    key = ("camera", "at", "frame")
    assert ([[r[k] for k in key] for r in got]
            == [[r[k] for k in key] for r in order])
    # To the millisecond, also in the camera's zone.
    first, last = z(at)[:-1] + ".250Z", z(at)[:-1] + ".750Z"
    local = (at + datetime.timedelta(hours=5, minutes=45)).strftime(
        "%Y-%m-%dT%H:%M:%S.75")
    for to in (last, local):
        within = read(tally, f"{asked}&from={first}&to={to}")["items"]
        assert [r["frame"] for r in within] == [2, 102, 202, 1, 101, 201]
    status, headers, text = tally.request(
        "GET", f"{PATH}?camera={cameras[0]}&limit=2", tally.read_token,
        headers={"Accept": "text/csv"})
    assert status == 200 and 'rel="next"' in headers["link"]
    table = list(csv.DictReader(io.StringIO(text.decode())))
    assert [t["frame"] for t in table] == ["7", "6"]
    assert json.loads(table[0]["boxes"]) == sent[7]["boxes"]
    assert tally.request("GET", f"{PATH}?camera={cameras[0]}&limit=2",
                         tally.read_token, headers={
                             "Accept": "text/csv",
                             "If-None-Match": headers["etag"]})[0] == 304
    for bad in ("limit=501", "from=x", "after=7", "tz=UTC"):
        assert tally.json("GET", f"{PATH}?{bad}", tally.read_token)[0] == 400


def test_largest_records_fill_a_page(tally):
    c = camera(tally)
    box = {"class": "motorcycle", "score": 0.123, "x": 0.1234, "y": 0.1234,
           "w": 0.1234, "h": 0.1234, "track": 999999999999999}
    assert send(tally, record(c, hours_ago(9), people=0, vehicle=256,
                              boxes=[box] * 256))[0] == 200
    tally.sql("INSERT INTO detection_record SELECT camera_id, at + INTERVAL "
              "seq SECOND, seq, 0, 256, NULL, NULL, NULL, boxes FROM "
              "detection_record JOIN camera USING (camera_id), seq_1_to_500 "
              "WHERE code = %s", c)
    # As CSV, which nobody holds to a schema box by box.
    status, headers, text = tally.request(
        "GET", f"{PATH}?camera={c}&limit=500&format=csv", tally.read_token)
    tally.sql("DELETE FROM detection_record WHERE camera_id = (SELECT "
              "camera_id FROM camera WHERE code = %s)", c)
    assert status == 200 and "link" in headers
    csv.field_size_limit(1 << 20)
    table = list(csv.DictReader(io.StringIO(text.decode())))
    assert [int(t["frame"]) for t in table] == list(range(500, 0, -1))
    assert all(t["boxes"] == table[0]["boxes"] for t in table)
    assert json.loads(table[0]["boxes"]) == [box] * 256


def test_a_camera_with_records_goes_with_all_of_them(tally):
    c = camera(tally)
    send(tally, [record(c, hours_ago(2 + i)) for i in range(5)])
    tally.json("POST", "/api/v1/counts", tally.ingest_token,
               row(c, hours_ago(1)))
    (number,) = tally.sql("SELECT camera_id FROM camera WHERE code = %s", c)[0]
    done = [tally.sql("CALL remove_camera(%s, 2)", number)[0]
            for _ in range(3)]
    assert done == [(1, 0), (0, 0), (0, 1)]
    for table in ("detection_record", "count_record", "camera"):
        assert tally.sql(f"SELECT COUNT(*) FROM {table} WHERE camera_id = %s",
                         number) == [(0,)]
