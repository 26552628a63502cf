# SPDX-License-Identifier: MIT
"""POST /api/v1/counts: what is stored, what is refused, and in which words."""
import datetime
import json

import pytest

from apibase import (CLASSES, OtherApi, camera, code, counted, figures,
                     head_of, hours_ago, minutes, post, post_csv, problem,
                     raw, refused, row, stored, z)

HEADER = "camera,start_at,end_at,people,vehicle,face\n"


def csv_line(c, start, *cells, length=5):
    return ",".join([c, z(start), z(start + minutes(length)),
                     *map(str, cells)]) + "\n"


# ---- what is stored

def test_one_row_is_stored_with_every_figure(tally):
    c, at = camera(tally), hours_ago(2)
    classes = {name: i for i, name in enumerate(CLASSES)}
    status, reply = post(tally, row(
        c, at, people=12, vehicle=15, face=1, people_new=9, vehicle_new=3,
        face_new=0, classes=classes, observed_s=299))
    assert status == 200
    assert reply == {"received": 1, "inserted": 1, "duplicate": 0,
                     "replaced": 0, "rejected": 0, "errors": []}
    status, reply = tally.json("GET", f"/api/v1/counts?camera={c}",
                               tally.read_token)
    assert status == 200
    assert reply == {"next": None, "items": [{
        "camera": c, "start_at": z(at), "end_at": z(at + minutes(5)),
        "people": 12, "vehicle": 15, "face": 1, "people_new": 9,
        "vehicle_new": 3, "face_new": 0, "classes": classes,
        "observed_s": 299}]}


def test_what_was_not_measured_is_null_and_observed_is_the_interval(tally):
    c, at = camera(tally), hours_ago(2)
    assert post(tally, row(c, at, vehicle=0, face=None))[0] == 200
    item = tally.json("GET", f"/api/v1/counts?camera={c}",
                      tally.read_token)[1]["items"][0]
    assert item["vehicle"] == 0 and item["observed_s"] == 300
    for name in ("people", "face", "people_new", "classes"):
        assert item[name] is None
    assert stored(tally, c) == [(at.replace(tzinfo=None), (
        at + minutes(5)).replace(tzinfo=None), None, 0, None, None, None, 300)]


def test_times_with_any_offset_are_the_same_instant(tally):
    c, at = camera(tally), hours_ago(3)
    seoul = datetime.timezone(datetime.timedelta(hours=9))
    kathmandu = datetime.timezone(datetime.timedelta(hours=5, minutes=45))
    body = row(c, at)
    body["start_at"] = at.astimezone(seoul).isoformat()
    body["end_at"] = (at + minutes(5)).astimezone(kathmandu).isoformat()
    assert counted(post(tally, body)[1]) == {"received": 1, "inserted": 1}
    assert counted(post(tally, row(c, at))[1]) == {
        "received": 1, "duplicate": 1}


def test_an_array_is_stored_in_any_order(tally):
    c, at = camera(tally), hours_ago(5)
    rows = [row(c, at + minutes(5 * i), people=i) for i in (3, 0, 2, 1)]
    status, reply = post(tally, rows)
    assert (status, counted(reply)) == (200, {"received": 4, "inserted": 4})
    assert figures(tally, c) == [0, 1, 2, 3]


def test_an_empty_array_is_200_with_zeros(tally):
    assert post(tally, []) == (200, {
        "received": 0, "inserted": 0, "duplicate": 0, "replaced": 0,
        "rejected": 0, "errors": []})


def test_curl_d_without_a_content_type_works(tally):
    body = json.dumps(row(camera(tally), hours_ago(2)))
    for kind in ("application/x-www-form-urlencoded",
                 "application/json; charset=UTF-8"):
        assert post(tally, body, kind=kind)[0] == 200


def test_an_integral_number_may_be_written_as_any_number(tally):
    c, at = camera(tally), hours_ago(2)
    body = json.dumps(row(c, at, people=0)).replace(
        '"people": 0', '"people": 1.2e1, "vehicle": 3.0')
    assert post(tally, body, kind="application/json")[0] == 200
    assert stored(tally, c)[0][2:4] == (12, 3)


def test_five_thousand_rows_are_stored_and_one_more_is_refused(tally):
    c = camera(tally)
    at = hours_ago(200)

    def rows(n):
        return [{"camera": c, "start_at": z(at + minutes(i)),
                 "end_at": z(at + minutes(i + 1)), "people": i % 7}
                for i in range(n)]
    status, reply = post(tally, rows(5001))
    assert status == 413
    problem(reply, 413)
    assert not stored(tally, c)
    lines = "".join(csv_line(c, at + minutes(i), i % 7, "", "", length=1)
                    for i in range(5000))
    status, reply = post(tally, rows(5000))
    assert (status, counted(reply)) == (
        200, {"received": 5000, "inserted": 5000})
    status, reply = post_csv(tally, HEADER + lines)
    assert (status, counted(reply)) == (
        200, {"received": 5000, "duplicate": 5000})


# ---- idempotent

def test_the_same_row_again_changes_nothing_and_says_so(tally):
    c, at = camera(tally), hours_ago(2)
    body = row(c, at, people=3, classes={"car": 1})
    assert counted(post(tally, body)[1]) == {"received": 1, "inserted": 1}
    before = stored(tally, c)
    assert post(tally, body)[0] == 200
    assert counted(post(tally, {**body, "observed_s": 300})[1]) == {
        "received": 1, "duplicate": 1}
    assert stored(tally, c) == before


@pytest.mark.parametrize("change", [
    {"people": 4}, {"vehicle": 0}, {"people": None, "face": 3},
    {"classes": {"car": 2}}, {"classes": None}, {"observed_s": 150},
    {"people_new": 1}, {"end_at": None}])
def test_a_key_with_other_values_is_409_and_keeps_the_stored_row(
        tally, change):
    c, at = camera(tally), hours_ago(2)
    body = row(c, at, people=3, classes={"car": 1})
    post(tally, body)
    before = stored(tally, c)
    if "end_at" in change:
        change = {"end_at": z(at + minutes(4))}
    first = refused(post(tally, {**body, **change}), "start_at", "conflict",
                    409)
    assert first["line"] == 1
    assert stored(tally, c) == before


def test_on_conflict_replace_replaces(tally):
    c, at = camera(tally), hours_ago(2)
    post(tally, [row(c, at), row(c, at + minutes(5))])
    status, reply = post(
        tally, [row(c, at, people=9), row(c, at + minutes(5)),
                row(c, at + minutes(10), face=2)], "?on_conflict=replace")
    assert (status, counted(reply)) == (200, {
        "received": 3, "inserted": 1, "duplicate": 1, "replaced": 1})
    assert figures(tally, c) == [9, 1, None]
    assert counted(post(tally, row(c, at, people=8),
                        "?on_conflict=replace")[1]) == {
        "received": 1, "replaced": 1}


def test_a_conflict_in_a_batch_is_an_entry_and_stores_nothing(tally):
    c, at = camera(tally), hours_ago(2)
    post(tally, row(c, at))
    rows = [row(c, at + minutes(5)), row(c, at, people=2),
            row(c, at + minutes(10))]
    first = refused(post(tally, rows), "start_at", "conflict")
    assert first["line"] == 2
    assert figures(tally, c) == [1]
    status, reply = post(tally, rows, "?partial=true")
    assert (status, counted(reply)) == (
        200, {"received": 3, "inserted": 2, "rejected": 1})
    assert [e["line"] for e in reply["errors"]] == [2]
    assert figures(tally, c) == [1, 1, 1]


def test_a_row_twice_in_one_request_is_a_duplicate_or_a_conflict(tally):
    c, at = camera(tally), hours_ago(2)
    status, reply = post(tally, [row(c, at), row(c, at)])
    assert (status, counted(reply)) == (
        200, {"received": 2, "inserted": 1, "duplicate": 1})
    at -= minutes(30)
    first = refused(post(tally, [row(c, at), row(c, at, people=2)]),
                    "start_at", "conflict")
    assert first["line"] == 2
    assert len(stored(tally, c)) == 1


def test_a_row_twice_that_is_in_conflict_is_no_duplicate(tally):
    c, at = camera(tally), hours_ago(2)
    post(tally, row(c, at))
    again = [row(c, at, people=2)] * 3
    status, reply = post(tally, again, "?partial=true")
    assert (status, counted(reply)) == (200, {"received": 3, "rejected": 3})
    assert [(e["line"], e["type"]) for e in reply["errors"]] == [
        (1, "conflict"), (2, "conflict"), (3, "conflict")]
    assert counted(post(tally, again, "?on_conflict=replace")[1]) == {
        "received": 3, "replaced": 1, "duplicate": 2}
    assert figures(tally, c) == [2]


def test_errors_come_in_the_order_of_their_lines(tally):
    c, at = camera(tally), hours_ago(4)
    post(tally, [row(c, at), row(c, at + minutes(5))])
    rows = [row(c, at + minutes(5), people=7), row(c, at, people=7),
            row("no code", at), row(c, at + minutes(10), people=-1)]
    status, reply = post(tally, rows, "?partial=true")
    assert (status, counted(reply)) == (200, {"received": 4, "rejected": 4})
    assert [(e["line"], e["type"]) for e in reply["errors"]] == [
        (1, "conflict"), (2, "conflict"), (3, "unknown_camera"),
        (4, "out_of_range")]
    assert "no code can be like that" in reply["errors"][2]["detail"]


# ---- all or nothing

def test_one_bad_row_stores_nothing_unless_partial(tally):
    c, at = camera(tally), hours_ago(3)
    rows = [row(c, at), row(c, at + minutes(5), people=-1),
            row(c, at + minutes(10)), row(c, at + minutes(15), people=1.5)]
    status, reply = post(tally, rows)
    refused((status, reply), "people", "out_of_range")
    assert (reply["received"], reply["rejected"]) == (4, 2)
    assert [(e["line"], e["field"]) for e in reply["errors"]] == [
        (2, "people"), (4, "people")]
    assert not stored(tally, c)
    status, reply = post(tally, rows, "?partial=true")
    assert (status, counted(reply)) == (
        200, {"received": 4, "inserted": 2, "rejected": 2})
    assert len(stored(tally, c)) == 2


def test_partial_judges_local_times_anew_when_a_batch_is_done_again(tally):
    c, at = camera(tally, tz="Asia/Seoul"), hours_ago(6)
    post(tally, row(c, at))
    seoul = datetime.timezone(datetime.timedelta(hours=9))

    def local(t):
        return t.astimezone(seoul).strftime("%Y-%m-%dT%H:%M:%S")
    good = {"camera": c, "start_at": local(at + minutes(5)),
            "end_at": local(at + minutes(10)), "people": 1}
    late = {"camera": c, "start_at": local(at + minutes(20)),
            "end_at": local(at + minutes(15)), "people": 1}
    # The first row makes the shared statement fail: the batch is redone.
    rows = [{**row(c, at), "people": 1}, good, late]
    status, reply = post(tally, rows, "?partial=true&tz=camera")
    assert (status, counted(reply)) == (200, {
        "received": 3, "inserted": 1, "duplicate": 1, "rejected": 1})
    assert reply["errors"][0]["field"] == "end_at"
    assert len(stored(tally, c)) == 2


# ---- overlaps

def test_intervals_that_overlap_in_one_request_are_refused(tally):
    c, at = camera(tally), hours_ago(3)
    first = refused(post(tally, [row(c, at), row(c, at + minutes(4))]),
                    "start_at", "overlap")
    assert first["line"] == 2
    first = refused(post(tally, [row(c, at + minutes(30)),
                                 row(c, at, length=60)]),
                    "start_at", "overlap")
    assert first["line"] == 1
    assert not stored(tally, c)
    d = camera(tally)
    assert post(tally, [row(c, at), row(d, at + minutes(1)),
                        row(c, at + minutes(5))])[0] == 200


@pytest.mark.parametrize("start, length", [(1, 2), (-2, 3), (4, 5), (-5, 60)])
def test_an_overlap_with_the_newest_row_is_refused(tally, start, length):
    c, at = camera(tally), hours_ago(3)
    post(tally, [row(c, at - minutes(60)), row(c, at)])
    refused(post(tally, row(c, at + minutes(start), length)), "start_at",
            "overlap")
    assert len(stored(tally, c)) == 2
    assert post(tally, row(c, at - minutes(5)))[0] == 200
    assert post(tally, row(c, at + minutes(5)))[0] == 200


def test_an_overlap_with_a_newest_row_by_sql_is_refused(tally):
    c, at = camera(tally), hours_ago(3)
    tally.sql("INSERT INTO count_record (camera_id, start_at, end_at, people)"
              " SELECT camera_id, %s, %s, 1 FROM camera WHERE code = %s",
              at.replace(tzinfo=None),
              (at + minutes(10)).replace(tzinfo=None), c)
    refused(post(tally, row(c, at + minutes(5))), "start_at", "overlap")
    tally.sql("DELETE r FROM count_record r JOIN camera USING (camera_id) "
              "WHERE code = %s", c)
    # A refusal is never made from memory alone.
    assert post(tally, row(c, at + minutes(5)))[0] == 200


# ---- cameras

def test_an_unknown_camera_is_registered_only_where_that_is_on(tally):
    c, at = code("new"), hours_ago(2)
    other = OtherApi(tally, auto_register="no")
    try:
        refused(post(other.tally, row(c, at)), "camera", "unknown_camera")
        known = camera(tally)
        status, reply = post(other.tally, [row(c, at), row(known, at)],
                             "?partial=true")
        assert (status, counted(reply)) == (
            200, {"received": 2, "inserted": 1, "rejected": 1})
    finally:
        assert other.stop() == 0
    assert not tally.sql("SELECT 1 FROM camera WHERE code = %s", c)
    assert post(tally, row(c, at))[0] == 200
    assert tally.sql("SELECT camera.name, site.is_default FROM camera "
                     "JOIN site USING (site_id) WHERE code = %s", c) == [
        (c, 1)]


@pytest.mark.parametrize("bad", ["", "a b", "/a", "a/", "a//b", "ü", "a'b",
                                 "x" * 121])
def test_no_camera_is_registered_under_a_code_that_cannot_be(tally, bad):
    refused(post(tally, row(bad, hours_ago(2))), "camera")


# ---- bad input

WRONG_FIGURES = [
    ("-1", "out_of_range"), ("1000001", "out_of_range"),
    ("1e9", "out_of_range"), ("1e400", "out_of_range"),
    ("9007199254740993", "out_of_range"),
    ("18446744073709551615", "out_of_range"),
    ("1.00000000000000001", "out_of_range"),
    ("-1e400", "out_of_range"), ("3.7", "not_an_integer"),
    ("1e-5", "not_an_integer"), ('"12"', "not_a_number"),
    ("true", "not_a_number"), ("[1]", "not_a_number"),
    ("{}", "not_a_number")]


@pytest.mark.parametrize("figure, kind", WRONG_FIGURES)
@pytest.mark.parametrize("field", ["people", "face_new", "car", "observed_s"])
def test_a_wrong_figure_is_named(tally, field, figure, kind):
    c = camera(tally)
    body = json.dumps(row(c, hours_ago(2), vehicle=1))[:-1]
    if field == "car":
        body += f', "classes": {{"bus": 1, "car": {figure}}}}}'
    else:
        body += f', "{field}": {figure}}}'
    refused(post(tally, body, kind="application/json"), field, kind)
    # and by line in an array, the others stored where that is asked for
    body = f"[{json.dumps(row(c, hours_ago(3)))}, {body}]"
    status, reply = post(tally, body, "?partial=true",
                         kind="application/json")
    assert status == 200 and reply["inserted"] == 1
    assert [(e["line"], e["field"]) for e in reply["errors"]] == [(2, field)]


@pytest.mark.parametrize("change, field, kind", [
    ({"end_at": "{at}"}, "end_at", "bad_interval"),
    ({"end_at": "{before}"}, "end_at", "bad_interval"),
    ({"end_at": "{day}"}, "end_at", "bad_interval"),
    ({"start_at": "{naive}"}, "start_at", "no_offset"),
    ({"end_at": "{naive}"}, "end_at", "no_offset"),
    ({"start_at": "1969-12-31T23:59:00Z", "end_at": "1970-01-01T00:04:00Z"},
     "start_at", "out_of_range"),
    ({"start_at": "1999-12-31T23:59:59Z", "end_at": "2000-01-01T00:04:00Z"},
     "start_at", "out_of_range"),
    ({"start_at": "9999-01-01T00:00:00Z", "end_at": "9999-01-01T00:05:00Z"},
     "start_at", "out_of_range"),
    ({"start_at": "{ahead}", "end_at": "{ahead5}"}, "start_at",
     "out_of_range"),
    ({"start_at": "2026-02-30T00:00:00Z"}, "start_at", "bad_time"),
    ({"start_at": "2026-11-21T24:00:00Z"}, "start_at", "bad_time"),
    ({"start_at": "2026-11-21T23:59:60Z"}, "start_at", "bad_time"),
    ({"start_at": "2026-11-21T09:00:00.5Z"}, "start_at", "bad_time"),
    ({"start_at": "2026-11-21"}, "start_at", "bad_time"),
    ({"start_at": "yesterday"}, "start_at", "bad_time"),
    ({"start_at": ""}, "start_at", "bad_time"),
    ({"start_at": 1795253400}, "start_at", "not_text"),
    ({"end_at": None}, "end_at", "not_text"),
    ({"observed_s": 301}, "observed_s", "out_of_range"),
    ({"camera": 7}, "camera", "not_text"),
    ({"camera": None}, "camera", "not_text"),
    ({"People": 3}, "People", "unknown_field"),
    ({"count": 3}, "count", "unknown_field"),
    ({"classes": {"car": 1, "tank": 1}}, "classes", "unknown_field"),
    ({"classes": [1]}, "classes", "not_an_object"),
    ({"people": None}, "people", "missing"),
])
def test_a_wrong_member_is_named(tally, change, field, kind):
    at = hours_ago(2)
    now = datetime.datetime.now(datetime.timezone.utc)
    words = {"at": z(at), "before": z(at - minutes(1)),
             "day": z(at + datetime.timedelta(days=1, seconds=1)),
             "naive": z(at)[:-1], "ahead": z(now + minutes(7)),
             "ahead5": z(now + minutes(12))}
    change = {k: v.format(**words) if isinstance(v, str) else v
              for k, v in change.items()}
    c = camera(tally)
    refused(post(tally, {**row(c, at), **change}), field, kind)
    assert not stored(tally, c)


@pytest.mark.parametrize("field", ["camera", "start_at", "end_at", "people"])
def test_a_missing_member_is_named(tally, field):
    body = row(camera(tally), hours_ago(2))
    del body[field]
    refused(post(tally, body), field, "missing")


def test_the_edges_of_time_are_accepted(tally):
    c = camera(tally)
    now = datetime.datetime.now(datetime.timezone.utc)
    first = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
    assert post(tally, row(c, first, length=24 * 60))[0] == 200
    assert post(tally, row(c, now.replace(microsecond=0) + minutes(4)))[
        0] == 200


def test_a_member_twice_is_named(tally):
    body = json.dumps(row(camera(tally), hours_ago(2)))
    for more, field in (('"people": 1', "people"), ('"camera": "x"', "camera"),
                        ('"classes": {"car": 1, "car": 1}', "classes")):
        refused(post(tally, body[:-1] + ", " + more + "}",
                     kind="application/json"), field, "duplicate_field")


@pytest.mark.parametrize("body", [
    b"", b" \r\n", b"\xef\xbb\xbf{}", b"{", b"[1,]", b"{'a': 1}",
    b'{"people": 01}', b'{"people": NaN}', b'{"people": Infinity}',
    b'{"people": +1}', b'{"people": .5}', b"[] []", b"nul", b"{}\x00",
    b'{"camera": "\xff"}', b'{"camera": "\xed\xa0\x80"}',
    b'{"camera": "a\nb"}', b"[" * 17 + b"]" * 17, b"[" * 100000,
    b"\xff\xfe{\x00}\x00"])
def test_what_is_no_json_is_400(tally, body):
    status, reply = post(tally, body, kind="application/json")
    assert status == 400, reply
    problem(reply, 400)


@pytest.mark.parametrize("body", [
    b"7", b'"a"', b"null", b"true", b"[7]", b"[[]]", b"[null]",
    b'{"camera": "a\\u0000b"}', b'{"camera": "\\ud800"}', b"{}"])
def test_json_that_is_no_count_is_422(tally, body):
    refused(post(tally, body, kind="application/json"))


@pytest.mark.parametrize("headers, status", [
    ({"Content-Type": "text/plain"}, 415),
    ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
    ({"Content-Type": "application/jsonp"}, 415),
    ({"Content-Type": "application/json; charset=EUC-KR"}, 415),
    ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
    ({"Content-Type": "application/json", "Content-Encoding": "br"}, 415),
    ({"Content-Type": "application/json", "Content-Encoding": "identity"},
     200)])
def test_the_body_must_be_of_a_kind_that_is_read(tally, headers, status):
    body = json.dumps(row(camera(tally), hours_ago(2)))
    got, reply = tally.json("POST", "/api/v1/counts", tally.ingest_token,
                            body, headers)
    assert got == status, reply
    if status != 200:
        problem(reply, status)


@pytest.mark.parametrize("query", [
    "?Partial=true", "?x=1", "?partial=yes", "?partial=", "?on_conflict=no",
    "?fold=third", "?tz=Mars/Base", "?tz=../../etc/passwd", "?tz=",
    "?partial=true&partial=false", "?tz=%zz", "?tz=%00", "?tz=%ff"])
def test_a_wrong_parameter_is_400(tally, query):
    c = camera(tally)
    status, reply = post(tally, row(c, hours_ago(2)), query)
    assert status == 400, reply
    problem(reply, 400)
    assert not stored(tally, c)


# ---- bounds of the body

def test_four_mebibytes_of_json_padded_with_blanks_are_read(tally):
    body = json.dumps(row(camera(tally), hours_ago(2)))
    body = body[:-1] + " " * ((4 << 20) - len(body)) + "}"
    assert len(body) == 4 << 20
    assert post(tally, body, kind="application/json")[0] == 200


def test_a_body_over_the_bound_is_413_before_it_is_read(tally):
    got = raw(tally, head_of(tally.ingest_token, 10 << 30,
                             "Expect: 100-continue\r\n"))
    assert got.startswith(b"HTTP/1.1 413 "), got
    assert b"100 Continue" not in got and b"\r\nConnection: close\r\n" in got
    got = raw(tally, head_of(tally.ingest_token, (8 << 20) + 1))
    assert got.startswith(b"HTTP/1.1 413 "), got


def test_a_chunked_body_is_413_at_the_bound(tally):
    head = (f"POST /api/v1/counts HTTP/1.1\r\nHost: a\r\n"
            f"Authorization: Bearer {tally.ingest_token}\r\n"
            "Content-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\n").encode()
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    got = raw(tally, head + chunk * 128 + b"1\r\n \r\n0\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 413 "), got


def test_a_refused_body_within_the_bound_is_drained(tally):
    body = b" " * (7 << 20)
    for token, status in (("no" * 20, 401), (tally.read_token, 403)):
        got = raw(tally, head_of(token, len(body)) + body)
        assert got.startswith(b"HTTP/1.1 %d " % status), got


# ---- CSV

def test_csv_is_stored(tally):
    c, at = camera(tally), hours_ago(3)
    body = ("face,people,camera,end_at,start_at,car,people_new,observed_s\n"
            f"1,12,{c},{z(at + minutes(5))},{z(at)},2,9,150\n"
            f',0,"{c}","{z(at + minutes(10))}","{z(at + minutes(5))}",,,\n')
    status, reply = post_csv(tally, body)
    assert (status, counted(reply)) == (200, {"received": 2, "inserted": 2})
    assert [r[2:] for r in stored(tally, c)] == [
        (12, None, 1, 9, 2, 150), (0, None, None, None, None, 300)]


@pytest.mark.parametrize("change", [
    lambda s: "\ufeff" + s, lambda s: s.replace("\n", "\r\n"),
    lambda s: s.rstrip("\n"), lambda s: s.replace("\n", "\n\n"),
    lambda s: "\ufeff" + s.replace("\n", "\r\n").rstrip()])
def test_csv_of_any_system_is_read(tally, change):
    c, at = camera(tally), hours_ago(3)
    body = HEADER + csv_line(c, at, 1, 2, 3) + csv_line(
        c, at + minutes(5), 4, 5, 6)
    status, reply = post_csv(tally, change(body))
    assert (status, counted(reply)) == (200, {"received": 2, "inserted": 2})
    assert figures(tally, c) == [1, 4]


def test_csv_in_small_pieces_is_the_same(tally):
    c, at = camera(tally), hours_ago(3)
    body = ("\ufeff" + HEADER + csv_line(c, at, 1, 2, 3)).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    got = raw(tally, (
        "POST /api/v1/counts HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        f"Authorization: Bearer {tally.ingest_token}\r\n"
        "Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode() + chunks + b"0\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 "), got
    assert figures(tally, c) == [1]


@pytest.mark.parametrize("cell, kind", [
    ("-1", "out_of_range"), ("1000001", "out_of_range"),
    ("9007199254740993", "out_of_range"), ("3.7", "not_an_integer"),
    ("01", "not_an_integer"), ("00", "not_an_integer"),
    ("1e3", "not_an_integer"), ("NaN", "not_an_integer"),
    ("Infinity", "not_an_integer"), ("null", "not_an_integer"),
    (" 1", "not_an_integer"), ("0x1", "not_an_integer"),
    ("=1+1", "not_an_integer"), ("-", "not_an_integer"),
    ("٣", "not_an_integer")])
def test_a_wrong_cell_is_named_by_line_and_column(tally, cell, kind):
    c, at = camera(tally), hours_ago(3)
    body = HEADER + csv_line(c, at, 1, 2, 3) + csv_line(
        c, at + minutes(5), 1, cell, 3)
    first = refused(post_csv(tally, body), "vehicle", kind)
    assert first["line"] == 3
    assert not stored(tally, c)
    status, reply = post_csv(tally, body, "?partial=true")
    assert (status, counted(reply)) == (
        200, {"received": 2, "inserted": 1, "rejected": 1})


@pytest.mark.parametrize("line, field", [
    ("{c},{at},{end},1,2", ""), ("{c},{at},{end},1,2,3,4", ""),
    (",{at},{end},1,2,3", "camera"), ("{c},,{end},1,2,3", "start_at"),
    ("{c},{at},,1,2,3", "end_at"), ("{c},{at},{end},,,", "people"),
    ("{c},{naive},{end},1,2,3", "start_at"),
    ("{c},{end},{at},1,2,3", "end_at"),
    ("{c},{at},{end},1,\x01,3", "vehicle")])
def test_a_bad_line_is_named(tally, line, field):
    c, at = camera(tally), hours_ago(3)
    words = {"c": c, "at": z(at), "end": z(at + minutes(5)),
             "naive": z(at)[:-1]}
    first = refused(post_csv(tally, HEADER + "\n" + line.format(**words)),
                    field)
    assert first["line"] == 3


@pytest.mark.parametrize("body", [
    "camera,start_at,people\n", "camera,end_at,people\n",
    "start_at,end_at,people\n", "camera,start_at,end_at,People\n",
    "camera,start_at,end_at,people,people\n",
    "camera,start_at,start_date,end_at,people\n",
    "camera;start_at;end_at;people\n", "camera\tstart_at\tend_at\n",
    "camera,start_at,end_at,\n", "\n\n",
    'camera,start_at,end_at,people\na,b,"c', "camera,start_at\rend_at\n",
    'camera,start_at,end_at,people\na,b"c,d,1\n',
    "camera,start_at,end_at,people\na\x00,b,c,1\n",
    "camera,start_at,end_at,people\n" + "x" * 100000])
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(tally, body):
    first = refused(post_csv(tally, body, "?partial=true"))
    assert first["line"] >= 1


def test_csv_that_is_not_utf_8_is_refused(tally):
    c, at = camera(tally), hours_ago(3)
    body = (HEADER + csv_line(c, at, 1, 2, 3)).encode()
    for name, mark in (("utf-16-le", b""), ("utf-16-le", b"\xff\xfe"),
                       ("utf-16-be", b""), ("utf-16-be", b"\xfe\xff")):
        status, reply = post(tally, mark + body.decode().encode(name),
                             kind="text/csv")
        assert status == 415
        assert name.replace("-le", "LE").replace("-be", "BE").upper() in (
            reply["detail"])
    bad = body + b'"x""y",' + b"\xb0\xa1,,,,\n"
    first = refused(post_csv(tally, bad))
    assert (first["line"], first["type"]) == (3, "bad_row")
    assert f"column 2: the cell is not UTF-8 (byte {len(body) + 7})" in (
        first["detail"])
    assert post(tally, b"", kind="text/csv")[0] == 400


@pytest.mark.parametrize("charset", ["cp949", "EUC-KR", '"ks_c_5601-1987"'])
def test_korean_csv_is_read_where_it_says_so(tally, charset):
    """Excel writes it; what it says in Korean is no camera's code."""
    c, at = camera(tally), hours_ago(3)
    kind = f"text/csv; header=present; Charset={charset}"
    body = HEADER + csv_line(c, at, 1, 2, 3)
    assert post(tally, body, kind=kind)[0] == 200
    korean = body + csv_line("정문", at, 1, 2, 3)
    first = refused(post(tally, korean.encode("cp949"), kind=kind),
                    "camera", "unknown_camera")
    assert first["line"] == 3 and '"정문"' in first["detail"]
    status, reply = post(tally, body.encode() + b"\xb0\xa1\xff\n",
                         "?partial=true", kind)
    assert status == 422 and reply["type"].endswith(":bad-csv")
    assert f"byte {len(body) + 2} of the body is not CP949" in reply["detail"]
    assert reply["errors"][0]["line"] == 3
    status, reply = post(tally, (body + "정").encode("cp949")[:-1], "", kind)
    assert status == 422 and f"byte {len(body)} of" in reply["detail"]


@pytest.mark.parametrize("kind", [
    "text/csv; charset=utf-16", "text/csv; charset=latin1",
    "application/x-ndjson; charset=cp949", "application/json;charset=cp949"])
def test_other_encodings_are_415(tally, kind):
    status, reply = post(tally, "[]", kind=kind)
    assert status == 415 and reply["type"].endswith(":unsupported-charset")


@pytest.mark.parametrize("cell, field", [
    ('"1,234"', "vehicle"), ("1 234", "vehicle"), ("12 ", "vehicle"),
    ("12.5", "vehicle"), ("1.", "vehicle"), ("+1", "vehicle"),
    ("12명", "vehicle"), ("2026/11/21 09:00", "start_at"),
    ("11/21/2026 09:00:00Z", "start_at"), ("21.11.2026", "start_at"),
    ("2026-11-21T09:00Z ", "start_at"), ("45982.375", "start_at"),
    ("2026-11-21 오전 9:00", "start_at")])
def test_what_spreadsheets_write_is_named_by_its_field(tally, cell, field):
    c, at = camera(tally), hours_ago(3)
    line = csv_line(c, at, 1, 2, 3).split(",")
    line[{"start_at": 1, "vehicle": 4}[field]] = cell
    first = refused(post_csv(tally, HEADER + ",".join(line)), field)
    assert first["line"] == 2 and first["detail"].startswith(field)


def test_the_header_of_2021_works(tally):
    c = camera(tally, tz="Asia/Seoul")
    body = ("start_date,end_date,people,vehicle\n"
            "2021-08-05 18:00:00,2021-08-05 18:05:00,12,3\n"
            "2021-08-05 18:05,2021-08-05 18:10,13,4\n")
    status, reply = post_csv(tally, body, f"?tz=camera&camera={c}")
    assert (status, counted(reply)) == (200, {"received": 2, "inserted": 2})
    assert [(str(r[0]), r[2]) for r in stored(tally, c)] == [
        ("2021-08-05 09:00:00", 12), ("2021-08-05 09:05:00", 13)]
    refused(post_csv(tally, body, f"?camera={c}"), "start_at", "no_offset")
    # Without a camera they belong to one of their own.
    assert post_csv(tally, body, "?tz=Asia/Seoul")[0] == 200
    assert figures(tally, "default") == [12, 13]


# ---- local times

def test_times_without_offset_are_of_the_zone_that_tz_names(tally):
    at = hours_ago(30).replace(tzinfo=None)
    for tz, zone, offset in (("UTC", None, 0), ("Asia/Kathmandu", None, 345),
                             ("camera", "Asia/Seoul", 540),
                             ("camera", None, 0)):
        c = camera(tally, **({"tz": zone} if zone else {}))
        body = {"camera": c, "start_at": (at + minutes(offset)).isoformat(),
                "end_at": (at + minutes(offset + 5)).isoformat(),
                "people": 1}
        assert post(tally, body, f"?tz={tz}")[0] == 200
        assert [r[0] for r in stored(tally, c)] == [at], (tz, zone)
    # An offset that stands there counts all the same.
    c = camera(tally, tz="Asia/Seoul")
    assert post(tally, row(c, hours_ago(30)), "?tz=camera")[0] == 200
    assert [r[0] for r in stored(tally, c)] == [at]


@pytest.mark.parametrize("tz", ["camera", "Europe/Berlin"])
def test_a_time_that_the_clock_shows_twice_needs_fold(tally, tz):
    body = {"start_at": "2024-10-27T02:30:00", "people": 1,
            "end_at": "2024-10-27T02:35:00"}
    for fold, utc in (("first", "2024-10-27 00:30:00"),
                      ("second", "2024-10-27 01:30:00")):
        c = camera(tally, tz="Europe/Berlin")
        for refuse in ("", "&fold=refuse"):
            refused(post(tally, {**body, "camera": c}, f"?tz={tz}{refuse}"),
                    "start_at", "bad_time")
        assert post(tally, {**body, "camera": c},
                    f"?tz={tz}&fold={fold}")[0] == 200
        assert [str(r[0]) for r in stored(tally, c)] == [utc]


@pytest.mark.parametrize("tz", ["camera", "Europe/Berlin"])
def test_a_time_that_the_clock_skips_is_refused(tally, tz):
    c = camera(tally, tz="Europe/Berlin")
    body = {"camera": c, "start_at": "2024-03-31T02:30:00",
            "end_at": "2024-03-31T03:05:00", "people": 1}
    for fold in ("", "&fold=first", "&fold=second"):
        refused(post(tally, body, f"?tz={tz}{fold}"), "start_at", "bad_time")


def test_a_bound_is_a_length_of_time_not_of_the_clock(tally):
    """25 hours on the wall are 24 of time when the clock goes forward."""
    c = camera(tally, tz="Europe/Berlin")
    body = {"camera": c, "start_at": "2024-03-30T12:00:00",
            "end_at": "2024-03-31T13:00:00", "people": 1}
    assert post(tally, body, "?tz=camera")[0] == 200
    body = {"camera": c, "start_at": "2024-10-26T12:00:00",
            "end_at": "2024-10-27T12:00:00", "people": 1}
    refused(post(tally, body, "?tz=camera"), "end_at", "bad_interval")
