# SPDX-License-Identifier: MIT
"""
Files: POST /upload and /api/v1/uploads, what is kept of them, and the bad rows
that come back.  Forms are sent as bytes, so that they can be wrong.
"""
import csv
import gzip
import hashlib
import html
import io
import json
import pathlib
import re
import select
import socket
import threading

import pytest

from apibase import (OtherApi, camera, code, counted, figures, hours_ago,
                     minutes, problem, raw, row, stored, wait_for, z)
from people import cookie_of, log_in, person
from test_api_bulk import count_rows, csv_rows

V1 = "/api/v1/uploads"
HEADER = "camera,start_at,end_at,people\n"
BOUNDARY = "----tally0123"
FORM = {"Content-Type": "multipart/form-data; boundary=" + BOUNDARY}
AT = hours_ago(400)


def part(name, value, file=None, kind=None):
    head = f'Content-Disposition: form-data; name="{name}"'
    if file is not None:
        head += f'; filename="{file}"'
    if kind:
        head += f"\r\nContent-Type: {kind}"
    if isinstance(value, str):
        value = value.encode()
    return (f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + value + b"\r\n")


def form(file=None, name="counts.csv", kind="text/csv", **fields):
    parts = [part(k, v) for k, v in fields.items()]
    if file is not None:
        parts.append(part("file", file, name, kind))
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def upload(tally, file, query="", token=None, **fields):
    """(status, reply) of POST /api/v1/uploads."""
    return tally.json("POST", V1 + query, token or tally.ingest_token,
                      form(file, **fields), FORM)


def page(tally, body, cookie=None, method="POST", path="/upload"):
    """(status, text) of the page."""
    headers = dict(FORM, **({"Cookie": cookie} if cookie else {}))
    if cookie and body is not None:
        # As the page has it: before all else.
        csrf = tally.json("GET", "/api/v1/session", headers=headers)[1]["csrf"]
        body = part("csrf", csrf) + body
    status, head, text = tally.request(method, path, None, body, headers)
    assert head["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in head["content-security-policy"]
    return status, text.decode()


def lines(c, n=3, first=0, at=AT):
    return HEADER + "".join(csv_rows(c, at, n, first))


def rejected(tally, reply):
    """The bad rows, as the API gives them: bytes."""
    status, head, text = tally.request("GET", reply["rejected_url"],
                                       tally.read_token)
    assert status == 200 and head["content-type"].startswith("text/csv")
    return text


# ---- what comes in

def test_a_file_is_stored_and_sent_again_is_there(tally):
    c = camera(tally)
    status, reply = upload(tally, lines(c), name="C:\\x\\../a b.csv")
    assert status == 201
    assert counted(reply) == {"received": 3, "inserted": 3}
    assert reply["file"] == "a b.csv" and reply["by"] == "ingest"
    assert reply["errors"] == [] and reply["rejected_url"] is None
    assert figures(tally, c) == [0, 1, 2]
    status, reply = upload(tally, lines(c))
    assert counted(reply) == {"received": 3, "duplicate": 3}
    changed = lines(c).replace(",2\n", ",7\n")
    assert counted(upload(tally, changed)[1]) == {
        "received": 3, "duplicate": 2, "rejected": 1}
    assert counted(upload(tally, changed, on_conflict="replace")[1]) == {
        "received": 3, "duplicate": 2, "replaced": 1}
    assert figures(tally, c) == [0, 1, 7]


@pytest.mark.parametrize("change", [
    gzip.compress, lambda b: gzip.compress(b[:50]) + gzip.compress(b[50:]),
    lambda b: b"\xef\xbb\xbf" + b, lambda b: b.replace(b"\n", b"\r\n")])
def test_what_it_is_shows_in_its_bytes(tally, change):
    c = camera(tally)
    for text, at in ((lines(c), 0), ("".join(
            json.dumps(row(c, AT + minutes(60 + 5 * i), people=i)) + "\n"
            for i in range(3)), 3)):
        body = change(text.encode())
        if at and body[:1] == b"\xef":
            continue  # a line of JSON may not begin with that
        status, reply = upload(tally, body, name="x.bin", kind="image/png")
        assert (status, counted(reply)) == (
            201, {"received": 3, "inserted": 3})
    # The same without a form, the fields in the address.
    status, reply = tally.json(
        "POST", V1 + "?partial=false&tz=UTC", tally.ingest_token,
        change(lines(c).encode()), {"Content-Type": "text/csv"})
    assert (status, counted(reply)) == (201, {"received": 3, "duplicate": 3})


@pytest.mark.parametrize("size", [1, 7, 4093])
def test_however_the_form_is_cut(tally, size):
    c = camera(tally)
    body = form(lines(c, 40) + "\r\n--" + BOUNDARY[:-1] + "\r\n",
                tz="UTC", partial="false")
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(p), p) for p in
        (body[i:i + size] for i in range(0, len(body), size)))
    got = raw(tally, (f"POST {V1} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                      f"Authorization: Bearer {tally.ingest_token}\r\n"
                      f"Content-Type: {FORM['Content-Type']}\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n").encode()
              + chunks + b"0\r\n\r\n")
    head, _, text = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 422"), got
    # The line that looks like a boundary is a row with a cell.
    reply = json.loads(text)
    assert counted(reply) == {"received": 41, "rejected": 1}
    assert reply["errors"][0]["line"] == 43
    assert not stored(tally, c)


@pytest.mark.parametrize("body, status, word", [
    (b"", 400, "boundary"),
    (form("x")[:-6], 400, "boundary"),
    (b"x" + form("x"), 400, "boundary"),
    (form("x") + b"x", 400, "boundary"),
    (form("x").replace(b"\r\n", b"\n"), 400, "boundary"),
    (form("x").replace(b"form-data; name", b"attachment; name"), 400,
     "form-data"),
    (form("x", tz="UTC").replace(b'"tz"', b'"' + b"z" * 5000 + b'"'), 400,
     "long"),
    (form("x", colour="red"), 422, "not known"),
    (part("tz", "UTC") + form("x", tz="UTC"), 422, "twice"),
    (part("file", "x", "a") + form("x"), 422, "two files"),
    (form("x", tz="z" * 300), 422, "too long"),
    (form(), 422, "file is missing"),
    (form("", name=""), 422, "file is missing"),
    (form(""), 422, "empty"),
    (form(" \n\n"), 422, "empty"),
    (form("x", start_at="2026-01-01"), 422, "either"),
    (form("x", tz="Mars/Base"), 400, "time zone"),
    (form("x", fold="third"), 400, "fold"),
    (form("x", partial="perhaps"), 400, "partial"),
    (form("x", on_conflict="win"), 400, "on_conflict"),
    (form("x", charset="KOI8"), 415, "charset"),
    (form("PK\3\4" + "x" * 99), 415, "CSV"),
    (form("%PDF-1.7"), 415, "neither"),
    (form("\x89PNG\r\n\x1a\n\0\0"), 415, "neither"),
    (form('[{"camera":"a"}]'), 415, "array"),
    (form("<html>"), 415, "HTML"),
    (form(gzip.compress(gzip.compress(b"x"))), 415, "neither"),
    (form(gzip.compress(b"x" * 99)[:-4]), 422, "damaged"),
    (form(gzip.compress(b"x" * 99) + b"junk"), 422, "damaged"),
    (form(gzip.compress(bytes(2 << 20))), 413, "ratio"),
    (form("camera;start_at;end_at\n"), 422, "';'"),
    (form(HEADER.encode("utf-16")), 415, "UTF-16"),
    (form("camera,when\n"), 422, "no column"),
    (form(HEADER.encode() + "\ud55c".encode("cp949") + b"\xff,,,\n",
          charset="CP949"), 422, "CP949"),
])
def test_what_is_no_file_of_counts_is_refused(tally, body, status, word):
    got, reply = tally.json("POST", V1, tally.ingest_token, body, FORM)
    assert got == status and word in reply["detail"], reply
    problem(reply, status)
    # A person reads the same sentence.
    got, text = page(tally, part("token", tally.ingest_token) + body)
    if body not in (b"", ) and not body.startswith(b"x"):
        assert got == status
        assert html.escape(word).replace("&#x27;", "&#39;") in text


def test_korean_where_it_is_said(tally):
    c = camera(tally)
    at = z(AT)
    text = HEADER + f"\ud55c\uad6d,{at},{at},1\n" + lines(c)[len(HEADER):]
    status, reply = upload(tally, text.encode("cp949"))
    assert reply["errors"][0]["detail"].endswith("(byte 30)"), reply
    for fields in ({"charset": "cp949"}, {"kind": "text/csv; charset=EUC-KR"}):
        status, reply = upload(tally, text.encode("cp949"), **fields)
        assert status == 201 and reply["rejected"] == 1
        assert "\ud55c\uad6d," in rejected(tally, reply).decode()


# ---- good and bad

def test_bad_rows_come_back_to_be_mended(tally):
    c = camera(tally)
    good = csv_rows(c, AT, 9)
    bad = [good[2].replace(z(AT + minutes(2)), "=NOW()"),
           good[4].replace(",4\n", ",-4\n"), good[6].replace(",6", ",'=6"),
           '"no, such\n@one"' + good[8][len(c):]]
    text = (HEADER + good[0] + bad[0] + good[1] + bad[1] + bad[2] + bad[3])
    status, reply = upload(tally, text)
    assert status == 201
    assert counted(reply) == {"received": 6, "inserted": 2, "rejected": 4}
    assert [(e["line"], e["field"]) for e in reply["errors"]] == [
        (3, "start_at"), (5, "people"), (6, "people"), (7, "camera")]
    back = rejected(tally, reply).decode()
    rows = list(csv.reader(io.StringIO(back, newline="")))
    assert rows[0] == HEADER.strip().split(",") + ["rejected_reason"]
    assert [r[-1].split(":")[0] for r in rows[1:]] == [
        f"line {e['line']}, {e['field']}" for e in reply["errors"]]
    assert rows[1][1] == "'=NOW()" and rows[2][3] == "'-4"
    assert rows[3][3] == "''=6" and rows[4][0] == "no, such\n@one"
    # Sent back as it is, it is as bad as before, for the same reasons.
    status, again = upload(tally, back)
    assert counted(again) == {"received": 4, "rejected": 4}
    assert [e["detail"] for e in again["errors"]] == [
        e["detail"] for e in reply["errors"]]
    assert [r[:-1] for r in csv.reader(io.StringIO(
        rejected(tally, again).decode(), newline=""))] == [
            r[:-1] for r in rows]
    # Mended, it is stored.
    rows[1][1], rows[2][3], rows[3][3] = z(AT + minutes(2)), "4", "6"
    rows[4][0] = c
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    assert counted(upload(tally, out.getvalue())[1]) == {
        "received": 4, "inserted": 4}
    assert figures(tally, c) == [0, 1, 2, 4, 6, 8]


def test_bad_lines_of_json_come_back_as_csv(tally):
    c = camera(tally)
    good = row(c, AT, people=1, vehicle=2)
    bad = [dict(good, people=-1, classes={"car": 1}), dict(good, people="12"),
           dict(good, People=1), [1]]
    text = "".join(json.dumps(b) + "\n" for b in [good, *bad]) + '{"cam\n'
    reply = upload(tally, text)[1]
    assert counted(reply) == {"received": 6, "inserted": 1, "rejected": 5}
    rows = list(csv.DictReader(io.StringIO(rejected(tally, reply).decode())))
    assert rows[0]["people"] == "'-1" or rows[0]["people"] == "-1"
    assert (rows[0]["camera"], rows[0]["car"]) == (c, "1")
    # What no cell can hold is there as it stood, and stays bad.
    assert [r["camera"] for r in rows[1:]] == [""] * 4
    assert rows[1]["rejected_text"] == "'" * 0 + json.dumps(bad[1])
    assert rows[4]["rejected_text"] == '{"cam'
    again = upload(tally, rejected(tally, reply))[1]
    assert counted(again) == {"received": 5, "rejected": 5}
    rows[0]["people"] = "3"
    out = io.StringIO()
    w = csv.DictWriter(out, rows[0])
    w.writeheader()
    w.writerow(dict(rows[0], start_at=z(AT + minutes(5)),
                    end_at=z(AT + minutes(10))))
    assert counted(upload(tally, out.getvalue())[1]) == {
        "received": 1, "inserted": 1}


def test_a_file_that_ends_in_the_middle_says_where(tally):
    c = camera(tally)
    text = lines(c, 2) + f'{c},"{z(AT)},,\n'
    status, reply = upload(tally, text, partial="false")
    assert (status, reply["unread"]["line"]) == (422, 4) and not stored(
        tally, c)
    status, reply = upload(tally, text)
    assert (status, counted(reply)) == (201, {"received": 2, "inserted": 2})
    assert reply["unread"]["line"] == 4 and "quote" in reply["unread"]["detail"]
    assert "From line 4 on" in page(
        tally, form(text, token=tally.ingest_token))[1]


def test_all_or_nothing_looks_at_the_whole_file_first(tally):
    c, other = camera(tally), camera(tally)
    at = hours_ago(3000)
    text = lines(c, 5200, at=at)
    # One that only the database can tell, and one of another part.
    assert upload(tally, lines(c, 1, 5100, at=at))[1]["inserted"] == 1
    bad = text.replace(f"{z(at + minutes(5101))},{5100 % 9}\n",
                       f"{z(at + minutes(5101))},77\n")
    status, reply = upload(tally, bad, partial="false")
    assert status == 422 and counted(reply) == {
        "received": 5200, "rejected": 1}
    assert reply["errors"][0]["type"] == "conflict"
    assert count_rows(tally, c) == 1
    status, reply = upload(
        tally, lines(other, 5001, at=at) + csv_rows(other, at, 1)[0],
        partial="false")
    assert status == 422 and reply["errors"][0]["type"] == "not_in_order"
    assert not stored(tally, other)
    status, reply = upload(tally, text, partial="false")
    assert (status, counted(reply)) == (
        201, {"received": 5200, "inserted": 5199, "duplicate": 1})
    assert count_rows(tally, c) == 5200


# ---- who

def bound_token(tally, c, scopes="ingest,read"):
    secret = f"tly_{code('upload')}"
    tally.sql("INSERT INTO token (name, hash, scopes) VALUES (%s, %s, %s)",
              secret, hashlib.sha256(secret.encode()).digest(), scopes)
    tally.sql("INSERT INTO token_camera SELECT token_id, camera_id FROM token "
              "t, camera WHERE t.name = %s AND code = %s", secret, c)
    return secret


def test_who_may(tally):
    c = camera(tally)
    file = part("file", lines(c), "a.csv") + form()
    for fields, status in ((b"", 401), (part("token", ""), 401),
                           (part("token", "tly_" + "A" * 43), 401),
                           (part("token", tally.read_token), 403)):
        assert page(tally, fields + file)[0] == status
    # The token comes too late to know who writes to the disk.
    assert page(tally, part("file", lines(c), "a.csv")
                + form(token=tally.ingest_token))[0] == 401
    assert not stored(tally, c)
    cookie = cookie_of(log_in(tally))
    headers = dict(FORM, Cookie=cookie, Origin="http://evil.example")
    assert tally.request("POST", "/upload", None, file, headers)[0] == 403
    # Without what only the page knows, and where that comes too late.
    for body in (file, part("csrf", "x" * 43) + file,
                 part("file", lines(c), "a.csv") + form(csrf="x")):
        got = tally.request("POST", "/upload", None, body,
                            dict(FORM, Cookie=cookie, Origin=tally.url))
        assert got[0] == 403 and b"CSRF token" in got[2]
    viewer = person(tally).cookie
    assert page(tally, file, viewer)[0] == 403
    assert not stored(tally, c)
    text = page(tally, None, viewer, "GET")[1]
    assert 'name="token"' in text and 'name="csrf"' not in text
    # A token in the form counts more than the session beside it.
    assert tally.request("POST", "/upload", None, part(
        "token", tally.ingest_token) + file, dict(FORM, Cookie=viewer))[
            0] == 200
    assert tally.request("POST", V1 + "?token=x", tally.ingest_token, file,
                         FORM)[0] == 400
    status, text = page(tally, file, cookie)
    assert status == 200 and ">3</strong> there already" in text
    assert page(tally, part("token", tally.ingest_token) + file)[0] == 200


def test_a_bound_token_writes_and_sees_its_own(tally):
    a, b = camera(tally), camera(tally)
    token, other = bound_token(tally, a), bound_token(tally, a)
    text = lines(a, 2) + "".join(csv_rows(b, AT, 1)) + "".join(
        csv_rows(a + "/nobody", AT, 1)) + "".join(csv_rows(code(), AT, 1))
    status, reply = upload(tally, text, token=token)
    assert status == 201 and not stored(tally, b)
    assert [e["line"] for e in reply["errors"]] == [4, 5, 6] or [
        e["line"] for e in reply["errors"]] == [4, 6]
    assert {e["detail"] for e in reply["errors"] if e["line"] != 5} == {
        "the token is not for this camera"}
    mine = [u["id"] for u in tally.json("GET", V1, token)[1]["items"]]
    assert mine == [reply["id"]]
    assert tally.json("GET", V1, other)[1]["items"] == []
    for path in (f"{V1}/{reply['id']}", reply["rejected_url"]):
        assert tally.request("GET", path, token)[0] == 200
        assert tally.request("GET", path, other)[0] == 404
        assert tally.request("GET", path, tally.read_token)[0] == 200
        assert tally.request("GET", path, tally.ingest_token)[0] == 403
    path = f"/upload/{reply['id']}/rejected.csv"
    for secret, want in ((token, 200), (tally.read_token, 200), (other, 404),
                         (tally.ingest_token, 404), ("x", 401)):
        assert tally.request("POST", path, None, f"token={secret}")[0] == want


# ---- what is kept

def test_uploads_are_kept_listed_and_let_go(tally):
    c = camera(tally)
    ids = [upload(tally, lines(c, 1 + i) + "x,\n")[1]["id"] for i in range(3)]
    status, reply = tally.json("GET", V1 + "?limit=2", tally.read_token)
    assert [u["id"] for u in reply["items"]] == ids[:0:-1]
    status, reply = tally.json("GET", reply["next"], tally.read_token)
    assert reply["items"][0]["id"] == ids[0]
    one = tally.json("GET", f"{V1}/{ids[0]}", tally.read_token)[1]
    assert (one["format"], one["by_kind"], one["file"], one["rejected_kept"],
            one["received"], one["errors"][0]["line"]) == (
                "csv", "token", "counts.csv", 1, 2, 3)
    text = tally.request("GET", V1 + "?format=csv&limit=1",
                         tally.read_token)[2]
    assert text.startswith(b"id,at,by_kind,") and text.count(b"\r\n") == 2
    for path in ("/0", "/x", "/999999999999", "/999999999999/rejected.csv"):
        assert tally.request("GET", V1 + path, tally.read_token)[0] == 404
    audit = tally.json("GET", "/api/v1/audit?action=upload.store",
                       tally.admin_token)[1]["items"]
    assert audit[0]["subject"] == "counts.csv"
    assert audit[0]["detail"]["id"] == ids[2]
    tally.sql("UPDATE upload SET at = at - INTERVAL 91 DAY "
              "WHERE upload_id = %s", ids[0])
    tally.sql("CALL run_daily()")
    assert tally.request("GET", f"{V1}/{ids[0]}", tally.read_token)[0] == 404
    assert not tally.sql("SELECT 1 FROM upload_rejected WHERE upload_id = %s",
                         ids[0])


# ---- the page

NAME = "<img src=x onerror=alert(1)>&\u202e'%22.csv"


def test_the_page_says_what_became_of_a_file(tally):
    c = camera(tally)
    cookie = cookie_of(log_in(tally))
    status, text = page(tally, None, cookie, "GET")
    assert status == 200 and 'name="token"' not in text
    assert text.count('<option value="') > 300 and "Asia/Seoul" in text
    assert 'name="token"' in page(tally, None, None, "GET")[1]
    bad = "".join(f"<b>,{z(AT)},x,1\n" for _ in range(150))
    status, text = page(tally, form(lines(c, 2) + bad, name=NAME, tz="UTC"),
                        cookie)
    assert status == 200 and "Stored in part" in text
    assert "<img src=x" not in text and "<b>" not in text
    assert "&#60;img src=x onerror=alert(1)&#62;" in text
    assert text.count('<td class="number">') == 100
    assert "And 50 more." in text and 'value="UTC"' in text
    path = re.search(r'href="(/api/v1/uploads/\d+/rejected.csv)"', text)[1]
    status, _, body = tally.request("GET", path, None, None,
                                    {"Cookie": cookie})
    assert status == 200 and body.count(b"\r\n") == 151
    # Without a session the token is asked for once more.
    status, text = page(tally, form(lines(c, 2) + bad,
                                    token=tally.ingest_token))
    path = re.search(r'action="(/upload/\d+/rejected.csv)"', text)[1]
    assert tally.ingest_token not in text
    status, _, body = tally.request("POST", path, None,
                                    "token=" + tally.ingest_token)
    assert status == 200 and body.count(b"\r\n") == 151


def test_one_count_by_hand(tally):
    c = camera(tally, tz="Asia/Seoul")
    cookie = cookie_of(log_in(tally))
    fields = {"camera": c, "tz": "camera", "start_at": "2026-01-05T09:00",
              "end_at": "2026-01-05T09:05", "people": "12", "face": ""}
    status, text = page(tally, form(**dict(fields, people="a lot")), cookie)
    assert status == 422 and not stored(tally, c)
    assert 'value="a lot" maxlength="10" aria-invalid="true"' in text
    assert 'id="hand-people-fault">people: &#34;a lot&#34; is not' in text
    assert f'name="camera" value="{c}"' in text
    status, text = page(tally, form(**fields), cookie)
    assert status == 200 and "The count is stored" in text
    assert [str(r[0]) for r in stored(tally, c)] == ["2026-01-05 00:00:00"]
    assert stored(tally, c)[0][2:5] == (12, None, None)
    assert "there already" in page(tally, form(**fields), cookie)[1]


# ---- bounds, and the day everything goes wrong

class Lean(OtherApi):
    """Memory that was freed is soon used again."""

    asan = "log_path=sanitizer:quarantine_size_mb=1"

    def folder(self):
        return self.port_file.parent / "upload"

    def peak_kib(self):
        status = pathlib.Path("/proc", str(self.process.pid), "status")
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])


def test_memory_does_not_grow_with_the_file(tally):
    c = camera(tally)
    api = Lean(tally, upload_dir="")
    bad = "".join(f"{c},{z(AT)},never,{i}\n" for i in range(20000))
    assert upload(api.tally, HEADER + bad)[1]["rejected"] == 20000
    before = api.peak_kib()
    status, reply = upload(api.tally, gzip.compress(
        (HEADER + bad * 10).encode()), name="many.gz")
    assert (status, reply["rejected"], len(reply["errors"])) == (
        201, 200000, 100)
    assert api.peak_kib() - before < 48 << 10
    kept = tally.sql("SELECT rejected_kept, SUM(LENGTH(csv)) FROM upload JOIN "
                     "upload_rejected USING (upload_id) WHERE upload_id = %s",
                     reply["id"])[0]
    assert 100000 < kept[0] < 200000 and kept[1] <= 16 << 20
    assert not list(api.folder().iterdir())
    assert api.stop() == 0


def test_the_disk_is_bounded(tally):
    c = camera(tally)
    api = OtherApi(tally, upload_max="64k", uploads_disk="96k",
                   uploads_max=2, upload_expanded_max="64k")
    big = lines(c, 3) + "x" * 70000
    status, reply = upload(api.tally, big)
    assert status == 413 and "upload_max" in reply["detail"]
    status, reply = upload(api.tally, gzip.compress(big.encode()))
    assert status == 413 and "expanded" in reply["detail"]
    head = (f"POST {V1} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
            f"{tally.ingest_token}\r\nContent-Type: {FORM['Content-Type']}"
            "\r\nContent-Length: 66000\r\n\r\n").encode()
    body = form("x" * 60000)[:60000]
    held = [socket.create_connection(api.tally.address) for _ in range(2)]
    for s in held:
        s.sendall(head + body)
    # Two at a time, but the disk has no room for both.
    (late,), _, _ = select.select(held, [], [], 60)
    assert b" 503 " in late.recv(4096)
    held.remove(late)
    late.close()

    def settled():
        return upload(api.tally, lines(c, 3))[0] == 201
    wait_for(settled)
    more = socket.create_connection(api.tally.address)
    more.sendall(head)
    wait_for(lambda: upload(api.tally, lines(c, 3))[0] == 503)
    for s in (held[0], more):
        s.close()
    wait_for(settled)
    assert api.stop() == 0


def test_killed_in_the_middle_and_sent_again(tally):
    c = camera(tally)
    api = Lean(tally, upload_dir="")
    text = lines(c, 20000, at=hours_ago(4000))

    def send():
        try:
            upload(api.tally, text)
        except OSError:
            pass

    sender = threading.Thread(target=send)
    sender.start()
    wait_for(lambda: count_rows(tally, c))
    api.kill()
    sender.join()
    assert not list(api.folder().iterdir())
    # One that died between making its file and taking its name away.
    (api.folder() / "upload-abcdef").write_text("x")
    before = count_rows(tally, c)
    # What is kept of it says so, and how far it came: the part that was on
    # its way is in no figure yet.
    kept = tally.json("GET", "/api/v1/uploads?limit=1", tally.read_token)[1][
        "items"][0]
    assert kept["inserted"] == kept["received"] in (before, before - 5000)
    assert kept["unread_line"] == kept["received"] + 2
    assert "cut off" in kept["unread_detail"]
    assert (kept["rejected"], kept["rejected_url"]) == (0, None)
    api.start()
    assert not list(api.folder().iterdir())
    status, reply = upload(api.tally, text)
    assert (status, reply["rejected"]) == (201, 0)
    assert (reply["inserted"], reply["duplicate"]) == (20000 - before, before)
    assert api.stop() == 0
