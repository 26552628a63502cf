# SPDX-License-Identifier: MIT
"""POST /api/v1/counts with NDJSON, and with more than one commit can hold."""
import json
import socket
import time

import pytest

from apibase import (OtherApi, camera, counted, figures, head_of, hours_ago,
                     minutes, post, post_csv, problem, raw, refused, row,
                     stored, wait_for, z)

NDJSON = "application/x-ndjson"
HEADER = "camera,start_at,end_at,people\n"
PART = 5000


def post_lines(tally, lines, query="", kind=NDJSON):
    text = "".join(line if isinstance(line, str) else json.dumps(line) + "\n"
                   for line in lines)
    return post(tally, text, query, kind)


def csv_rows(c, at, n, first=0):
    """One-minute rows as lines of CSV; `at` is the minute of number 0."""
    return [f"{c},{z(at + minutes(i))},{z(at + minutes(i + 1))},{i % 9}\n"
            for i in range(first, first + n)]


def count_rows(tally, c):
    return tally.sql("SELECT COUNT(*) FROM count_record JOIN camera "
                     "USING (camera_id) WHERE code = %s", c)[0][0]


# ---- NDJSON

@pytest.mark.parametrize("kind", [
    NDJSON, NDJSON + "; charset=utf-8", "application/ndjson",
    "application/jsonl"])
def test_an_object_a_line_is_stored(tally, kind):
    c, at = camera(tally), hours_ago(5)
    rows = [row(c, at + minutes(5 * i), people=i) for i in range(3)]
    status, reply = post_lines(tally, [
        json.dumps(rows[0]) + "\r\n", "\n", " \t\r\n", rows[2],
        " " + json.dumps(rows[1])], kind=kind)
    assert (status, counted(reply)) == (200, {"received": 3, "inserted": 3})
    assert figures(tally, c) == [0, 1, 2]
    assert counted(post_lines(tally, rows)[1]) == {
        "received": 3, "duplicate": 3}


@pytest.mark.parametrize("bad, field, kind", [
    ("{", "", "bad_row"), ("[1,]", "", "bad_row"), ("nul", "", "bad_row"),
    ('{"people": 01}', "", "bad_row"), ("{}{}", "", "bad_row"),
    ('{"camera": "\udcff"}', "", "bad_row"),
    ('{"camera": "a\\u0000"}', "", "bad_row"), ("[" * 17, "", "bad_row"),
    ("\ufeff{}", "", "bad_row"), ("[]", "", "not_an_object"),
    ("7", "", "not_an_object"), ("{}", "camera", "missing"),
    ('{"people": 1, "people": 1}', "people", "duplicate_field"),
    ('{"Camera": "a"}', "Camera", "unknown_field"),
    ('{"people": 1e400}', "people", "out_of_range")])
def test_a_bad_line_is_a_bad_row(tally, bad, field, kind):
    c, at = camera(tally), hours_ago(5)
    text = (json.dumps(row(c, at)) + "\n\n" + bad + "\n"
            + json.dumps(row(c, at + minutes(5)))).encode(
                errors="surrogateescape")
    first = refused(post(tally, text, kind=NDJSON), field, kind)
    assert first["line"] == 3
    assert not stored(tally, c)
    status, reply = post(tally, text, "?partial=true", NDJSON)
    assert (status, counted(reply)) == (
        200, {"received": 3, "inserted": 2, "rejected": 1})


@pytest.mark.parametrize("body, status", [
    (b"", 400), (b"\n \n", 200), (b"x" * 16385, 422),
    ("{}\n".encode("utf-16"), 415), ("{}\n".encode("utf-16-le"), 415),
    ("{}\n".encode("utf-16-be"), 415)])
def test_lines_that_cannot_be_told_apart(tally, body, status):
    got, reply = post(tally, body, "?partial=true", NDJSON)
    assert got == status, reply
    if status == 415:
        assert "UTF-16" in reply["detail"]
    if status == 422:
        refused((got, reply), "", "unreadable")


def test_ndjson_in_small_pieces_is_the_same(tally):
    c, at = camera(tally), hours_ago(3)
    body = "".join(json.dumps(row(c, at + minutes(5 * i))) + "\n"
                   for i in range(2)).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    got = raw(tally, head_of(tally.ingest_token, None,
                             "Connection: close\r\n", NDJSON)
              + chunks + b"0\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 "), got
    assert figures(tally, c) == [1, 1]


# ---- parts

def test_more_rows_than_a_part_are_stored_in_parts(tally):
    c, at = camera(tally), hours_ago(300)
    lines = csv_rows(c, at, 2 * PART + 1)
    text = HEADER + "".join(lines)
    status, reply = post_csv(tally, text, "?parts=false")
    assert status == 413
    problem(reply, 413)
    assert not count_rows(tally, c)
    # The last line lacks its end: the last row shows with the body's end.
    status, reply = post_csv(tally, text.rstrip("\n"))
    assert (status, counted(reply)) == (
        200, {"received": 2 * PART + 1, "inserted": 2 * PART + 1})
    assert "stored_rows" not in reply
    assert count_rows(tally, c) == 2 * PART + 1
    # Sent again, as NDJSON and with one row that is new.
    rows = [row(c, at + minutes(i), 1, people=i % 9)
            for i in range(2 * PART + 2)]
    status, reply = post_lines(tally, rows)
    assert (status, counted(reply)) == (200, {
        "received": 2 * PART + 2, "duplicate": 2 * PART + 1, "inserted": 1})


def test_a_bad_row_ends_a_long_body_behind_the_parts_before(tally):
    c, at = camera(tally), hours_ago(300)
    lines = csv_rows(c, at, PART + 20)
    lines[PART + 7] = lines[PART + 7].rsplit(",", 1)[0] + ",-1\n"
    # The same key as in the part before, with other values.
    lines[PART + 9] = lines[3].rsplit(",", 1)[0] + ",77\n"
    text = HEADER + "".join(lines)
    status, reply = post_csv(tally, text)
    assert status == 422
    problem(reply, 422)
    assert counted(reply) == {"received": PART + 20, "inserted": PART,
                              "rejected": 1}
    assert (reply["stored_rows"], reply["stored_line"]) == (PART, PART + 1)
    assert [(e["line"], e["field"]) for e in reply["errors"]] == [
        (PART + 9, "people")]
    assert f"the rows up to line {PART + 1} are stored" in reply["detail"]
    assert count_rows(tally, c) == PART
    status, reply = post_csv(tally, text, "?partial=true")
    assert (status, counted(reply)) == (200, {
        "received": PART + 20, "duplicate": PART, "inserted": 18,
        "rejected": 2})
    assert [(e["line"], e["type"]) for e in reply["errors"]] == [
        (PART + 9, "out_of_range"), (PART + 11, "conflict")]
    # A quote that is never closed: the rest cannot be trusted.
    broken = HEADER + "".join(lines[:PART + 1]) + '"' + lines[0]
    status, reply = post_csv(tally, broken, "?partial=true")
    assert status == 422 and reply["type"].endswith(":bad-csv")
    assert reply["stored_rows"] == PART
    assert reply["errors"][-1]["type"] == "unreadable"


def test_errors_are_listed_up_to_a_bound_and_counted_beyond(tally):
    text = "x\n" * (PART + 100)
    status, reply = post(tally, text, "?partial=true", NDJSON)
    assert status == 200
    assert counted(reply) == {"received": PART + 100, "rejected": PART + 100}
    assert [e["line"] for e in reply["errors"]] == list(range(1, PART + 1))


def test_a_bound_token_ends_a_long_body_at_a_foreign_camera(tally):
    c, other, at = camera(tally), camera(tally), hours_ago(300)
    token = tally.run_tally("token", "create", "--scope", "ingest",
                            "--camera", c).stdout.split()[0]
    text = HEADER + "".join(csv_rows(c, at, PART + 1) + csv_rows(
        other, at, 1))
    status, reply = post_csv(tally, text, token=token)
    assert status == 403 and reply["stored_rows"] == PART
    assert (count_rows(tally, c), count_rows(tally, other)) == (PART, 0)


def chunked(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_who_leaves_early_leaves_whole_parts(tally):
    c, at = camera(tally), hours_ago(300)
    with socket.create_connection(tally.address, timeout=120) as s:
        s.sendall(head_of(tally.ingest_token, None, kind="text/csv"))
        s.sendall(chunked((HEADER + "".join(
            csv_rows(c, at, PART + 1000))).encode()))
        wait_for(lambda: count_rows(tally, c))
    time.sleep(0.2)
    assert count_rows(tally, c) == PART


def test_a_client_is_held_back_while_its_part_is_stored(tally):
    """The table is locked: what is sent stays with the kernels of both ends,
    and nothing is lost once the lock goes."""
    c, at = camera(tally), hours_ago(300)
    blank = " " * 8191 + "\n"
    data = "".join(json.dumps(row(c, at + minutes(i), 1)) + "\n"
                   for i in range(PART + 1)).encode() + blank.encode() * 2048
    sent = 0
    with tally.db() as db, db.cursor() as cursor, \
            socket.create_connection(tally.address, timeout=120) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        cursor.execute("LOCK TABLES count_record WRITE")
        s.sendall(head_of(tally.ingest_token, len(data), kind=NDJSON))
        s.settimeout(1)
        try:
            while sent < len(data):
                sent += s.send(data[sent:sent + 65536])
        except TimeoutError:
            pass
        assert sent < len(data)
        cursor.execute("UNLOCK TABLES")
        s.settimeout(120)
        s.sendall(data[sent:])
        got = s.recv(65536)
    assert got.startswith(b"HTTP/1.1 200 "), got
    assert b'"inserted":%d,' % (PART + 1) in got


def test_a_long_body_meets_its_bounds(tally):
    c, at = camera(tally), hours_ago(300)
    part = chunked((HEADER + "".join(csv_rows(c, at, PART + 1))).encode())
    head = head_of(tally.ingest_token, None, kind="text/csv")
    wide = OtherApi(tally, stream_max="4M")
    silent = OtherApi(tally, body_timeout_s=3)
    endless = OtherApi(tally, stream_timeout_s=2)
    try:
        # Too long, as it says or as it shows.
        got = raw(wide.tally, head_of(
            tally.ingest_token, (4 << 20) + 1, kind="text/csv"))
        assert got.startswith(b"HTTP/1.1 413 "), got
        got = raw(wide.tally, head + chunked(b"\n" * (4 << 20))
                  + chunked(b"\n"))
        assert got.startswith(b"HTTP/1.1 413 "), got
        # Silent in the middle.
        got = raw(silent.tally, head + part)
        assert got.startswith(b"HTTP/1.1 408 "), got
        assert count_rows(tally, c) == PART
        # Never silent for long, but without an end.
        with socket.create_connection(endless.tally.address) as s:
            s.sendall(head)
            s.settimeout(0.1)
            got = b""
            until = time.monotonic() + 120
            while not got and time.monotonic() < until:
                s.sendall(chunked(b"\n" * 1024))
                try:
                    got = s.recv(4096)
                except TimeoutError:
                    pass
        assert got.startswith(b"HTTP/1.1 408 "), got
    finally:
        assert [api.stop() for api in (wide, silent, endless)] == [0] * 3
