# SPDX-License-Identifier: MIT
"""
HTTP to the letter (RFC 9110, RFC 9112, RFC 6750), where test_framing.py and the
tests of single routes do not look: what holds of every route, conditions,
content negotiation, percent-encoding, and who may fail how often.
"""
import json
import re
import socket
import urllib.parse

import pytest

import contract
from apibase import OtherApi, camera, hours_ago, problem, raw, row, stored
from routetable import routes

V1 = "/api/v1"


def ask(tally, method, path, fields="", body="", token=None, host="a"):
    """(status, [(name, value)], body) of one request as it stands here."""
    token = f"Authorization: Bearer {token}\r\n" if token else ""
    got = raw(tally, (f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{token}"
                      "X-Request-Id: strict\r\nConnection: close\r\n"
                      f"{fields}\r\n{body}").encode())
    head, _, rest = got.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    return (int(line.split()[1]),
            [tuple(f.split(": ", 1)) for f in lines], rest)


def value(got, name):
    """The value of a field that stands once, or None."""
    found = [v for n, v in got[1] if n.lower() == name.lower()]
    assert len(found) < 2, got
    return found[0] if found else None


def address(route):
    """A path that the route's pattern fits."""
    path = route.path.replace("{period}", "day").replace("{file}", "app.js")
    return re.sub(r"\{\w+\}", "1", path)


def token_of(tally, route):
    return {"read": tally.read_token, "ingest": tally.ingest_token}.get(
        route.scope, tally.admin_token)


# ---- every route

STREAM = V1 + "/stream"  # a GET of it has no end


def test_head_of_the_stream_is_its_head(tally):
    head = raw(tally, (
        f"GET {STREAM} HTTP/1.1\r\nHost: a\r\nX-Request-Id: strict\r\n"
        f"Authorization: Bearer {tally.read_token}\r\n\r\n").encode(),
        stop=b"\r\n\r\n").partition(b"\r\n\r\n")[0].decode()
    got = ask(tally, "HEAD", STREAM, token=tally.read_token)
    assert (got[0], got[2]) == (200, b"")
    assert {": ".join(f) for f in got[1] if f[0] != "Date"} == {
        f for f in head.split("\r\n")[1:] if not f.startswith("Date: ")}


@pytest.mark.parametrize("route", [
    r for r in routes() if r.method == "GET" and r.path != STREAM], ids=str)
def test_head_is_get_without_the_body(tally, route):
    token, path = token_of(tally, route), address(route)
    # These tell the time, too.
    moving = {"Date"} | (
        {"Content-Length"} if path in ("/healthz", "/metrics") else set())

    def still(got):
        return got[0], [f for f in got[1] if f[0] not in moving]

    for more in ("", "Accept: text/csv\r\nAccept-Encoding: gzip\r\n"):
        for _ in range(20):  # until nothing changed in between
            get, head, after = (ask(tally, method, path, more, token=token)
                                for method in ("GET", "HEAD", "GET"))
            if still(get) == still(after):
                break
        assert still(head) == still(get) == still(after)
        assert head[2] == b""
        assert int(value(get, "Content-Length")) == len(get[2])


@pytest.mark.parametrize("path", sorted({address(r) for r in routes()}))
def test_every_answer_has_its_fields(tally, path):
    known = {r.method for r in routes() if address(r) == path}
    known |= {"HEAD"} if "GET" in known else set()
    for method in {"OPTIONS", "TRACE", "PUT", "get", "PROPFIND"} - known:
        got = ask(tally, method, path, "Content-Length: 2\r\n", "{}")
        assert got[0] == (204 if method == "OPTIONS" else 405), path
        assert set(value(got, "Allow").split(", ")) == known | {"OPTIONS"}
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT",
                            value(got, "Date"))
        assert value(got, "Connection") == "close"
        kind = value(got, "Content-Type")
        if path.startswith("/upload"):  # a page, as people get it
            assert kind in (None, "text/html; charset=utf-8")
        elif method != "OPTIONS":
            assert kind == "application/problem+json"
            problem(json.loads(got[2]), 405)


@pytest.mark.parametrize("fields, path, status", [
    ("", "/nowhere", 404), ("Expect: x\r\n", "/", 417),
    ("Host: a\r\n", "/", 400), ("", "/" + "a" * 9000, 414),
    ("A: " + "b" * 65536 + "\r\n", "/", 431),
    ("Transfer-Encoding: gzip\r\n", "/", 501)],
    ids=["404", "417", "400", "414", "431", "501"])
def test_a_refusal_before_any_route_has_its_fields(
        tally, fields, path, status):
    got = ask(tally, "GET", path, fields)
    assert got[0] == status
    assert value(got, "Date") and value(got, "Content-Type")
    assert int(value(got, "Content-Length")) == len(got[2])
    problem(json.loads(got[2]), status)


def test_options_of_the_server_and_by_address(tally):
    got = ask(tally, "OPTIONS", "*")
    assert got[0] == 204 and value(got, "Content-Length") is None
    got = ask(tally, "OPTIONS", "http://evil.example")
    assert (got[0], value(got, "Allow")) == (204, "GET, HEAD, OPTIONS")
    assert ask(tally, "OPTIONS", "/nowhere")[0] == 404


# ---- what stands where it means nothing

def test_the_body_of_a_get_is_read_over(tally):
    for framing, body in (("Content-Length: 3\r\n", "abc"),
                          ("Transfer-Encoding: chunked\r\n",
                           "3\r\nGET\r\n0\r\nA: b\r\n\r\n")):
        got = raw(tally, (
            f"GET /healthz HTTP/1.1\r\nHost: a\r\n{framing}\r\n{body}"
            "GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ).encode())
        assert re.findall(rb"HTTP/1.1 (\d+)", got) == [b"200", b"404"]


@pytest.mark.parametrize("fields", [
    "TE: trailers, deflate;q=0.5\r\nConnection: TE\r\n",
    "Expect: 100-continue\r\n", "Upgrade: websocket, h2c\r\n",
    "Range: bytes=0-9\r\n", "X-HTTP-Method-Override: DELETE\r\n",
    "If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT\r\n",
    "If-Range: \"x\"\r\n", "Forwarded: for=192.0.2.1;host=evil.example\r\n",
    "Cookie: tally_session=\r\n", "Via: 1.0 a\r\nMax-Forwards: 0\r\n"])
def test_what_is_not_served_is_ignored(tally, fields):
    plain = ask(tally, "GET", "/static/app.js")
    got = ask(tally, "GET", "/static/app.js", fields)
    assert got[0] == 200 and got[2] == plain[2]


def test_http_1_0_is_told_that_it_may_go_on(tally):
    """Or it waits for the connection to end."""
    one = "GET /nowhere HTTP/1.0\r\n{}\r\n"
    got = raw(tally, (one.format("Connection: keep-alive\r\n") +
                      one.format("")).encode())
    assert re.findall(rb"Connection: ([\w-]+)", got) == [
        b"keep-alive", b"close"]


def test_a_write_from_another_host_stays_one_by_any_target(tally):
    """Whom the page belongs to is told by Host alone."""
    for target in ("/login", "http://evil.example/login"):
        got = ask(tally, "POST", target, "Origin: http://evil.example\r\n"
                  "Content-Length: 0\r\n", host="a:80")
        assert got[0] == 403, target
    got = ask(tally, "POST", "http://evil.example/login",
              "Origin: http://a\r\nContent-Length: 0\r\n")
    assert got[0] == 303


def test_expect_is_answered_by_what_will_be_done(tally):
    """No 100 where the head alone is refused, none for HTTP/1.0."""
    wait = "Expect: 100-Continue\r\nContent-Length: 2\r\n"
    for fields, status in (("Content-Type: image/png\r\n", 415),
                           ("If-Match: \"x\"\r\n", 412),
                           ("Idempotency-Key: a b\r\n", 400)):
        got = ask(tally, "POST", V1 + "/counts", wait + fields,
                  token=tally.ingest_token)
        assert got[0] == status
    got = raw(tally, ("POST /api/v1/counts HTTP/1.0\r\nHost: a\r\n" + wait +
                      f"Authorization: Bearer {tally.ingest_token}\r\n\r\n[]"
                      ).encode())
    assert got.startswith(b"HTTP/1.1 200 ")


# ---- conditions

def test_a_tag_of_a_file_is_compared_as_a_list_and_weakly(tally):
    tag = value(ask(tally, "GET", "/static/app.js"), "ETag")
    for known in (tag, "W/" + tag, f'"a,b", {tag}', f",{tag} ,", "*",
                  f'"x"\r\nIf-None-Match: {tag}'):
        got = ask(tally, "GET", "/static/app.js", f"If-None-Match: {known}\r\n")
        assert (got[0], got[2], value(got, "ETag")) == (304, b"", tag), known
        assert value(got, "Content-Length") is None
    for other in ('"x"', "x", tag[1:-1], f"x{tag}", f"w/{tag}", f"*, {tag}",
                  f'"x" {tag}', ""):
        got = ask(tally, "GET", "/static/app.js", f"If-None-Match: {other}\r\n")
        assert got[0] == 200, other


def test_what_is_read_under_a_condition_has_that_tag(tally):
    c = camera(tally)
    post = json.dumps(row(c, hours_ago(2)))
    ask(tally, "POST", V1 + "/counts", f"Content-Length: {len(post)}\r\n",
        post, tally.ingest_token)
    for path, token in ((f"{V1}/counts?camera={c}", tally.read_token),
                        (f"{V1}/stats/day?camera={c}", tally.read_token),
                        (f"{V1}/ingest/config?camera={c}",
                         tally.ingest_token), ("/static/app.js", None)):
        tag = value(ask(tally, "GET", path, token=token), "ETag")
        for match, status in ((tag, 200), (f'"x", {tag}', 200), ("*", 200),
                              ("W/" + tag, 412), ('"x"', 412), ("", 412)):
            got = ask(tally, "GET", path, f"If-Match: {match}\r\n",
                      token=token)
            assert got[0] == status, (path, match)
        got = ask(tally, "GET", path, 'If-Match: "x"\r\n'
                  f"If-None-Match: {tag}\r\nAccept-Encoding: gzip\r\n",
                  token=token)
        assert got[0] == 412 and value(got, "Content-Encoding") is None
        assert json.loads(got[2])["type"].endswith(":precondition-failed")
        assert ask(tally, "GET", path, f"If-Match: {tag}\r\n"
                   f"If-None-Match: {tag}\r\n", token=token)[0] == 304


def test_a_write_under_a_condition_is_done_only_where_it_holds(tally):
    c = camera(tally)
    body = json.dumps(row(c, hours_ago(2)))
    fields = f"Content-Length: {len(body)}\r\n"
    for condition in ('If-Match: "x"', 'If-Match: W/"x", "y"', "If-Match: x",
                      "If-Match:", "If-None-Match: *",
                      'If-Match: *\r\nIf-Match: "x"'):
        got = ask(tally, "POST", V1 + "/counts", f"{condition}\r\n{fields}",
                  body, tally.ingest_token)
        assert got[0] == 412, condition
        assert json.loads(got[2])["type"].endswith(":precondition-failed")
    assert not stored(tally, c)
    # Who may not write learns that first.
    assert ask(tally, "POST", V1 + "/counts", 'If-Match: "x"\r\n' + fields,
               body, tally.read_token)[0] == 403
    # No date is kept that another could be compared with.
    for condition in ("If-Match: *", 'If-None-Match: "x"',
                      "If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT"):
        got = ask(tally, "POST", V1 + "/counts", f"{condition}\r\n{fields}",
                  body, tally.ingest_token)
        assert got[0] == 200, condition
    assert len(stored(tally, c)) == 1


# ---- kinds of content

@pytest.mark.parametrize("fields, status", [
    ("Content-Type: Text/CSV ; Header=present;", 422),
    ('Content-Type: application/json;charset="UTF-8";x=";y"', 200),
    ("Content-Type:", 200),
    ("Content-Encoding:", 200),
    ("Content-Encoding: identity", 200),
    ("Content-Encoding: identity\r\nContent-Encoding: gzip", 415),
    ("Content-Type: text/csv; charset=utf-8; charset=cp949", 415),
    ("Content-Type: text / csv", 415),
    ("Content-Type: text/csv, application/json", 415),
    ("Content-Type: application/json; charset", 415),
    ("Content-Type: application/json-seq", 415)])
def test_what_a_body_is_said_to_be(tally, fields, status):
    got = ask(tally, "POST", V1 + "/counts",
              fields + "\r\nContent-Length: 2\r\n", "[]", tally.ingest_token)
    assert got[0] == status, got


def test_a_body_of_members_is_json(tally):
    for fields, status in (
            ("Content-Type: application/json;charset=utf-8", 422),
            ("Content-Type: application/x-www-form-urlencoded", 422),
            ("Content-Type:", 422), ("Content-Type: text/csv", 415),
            ("Content-Type: application/json;charset=latin1", 415),
            ("Content-Type: multipart/form-data; boundary=x", 415),
            ("Content-Encoding: gzip", 415)):
        for path in ("/cameras", "/tokens"):
            got = ask(tally, "POST", V1 + path,
                      fields + "\r\nContent-Length: 2\r\n", "{}",
                      tally.admin_token)
            assert got[0] == status, (path, fields)


@pytest.mark.parametrize("accept, kind", [
    ("", "json"), ("*/*", "json"), ("application/*;q=0.001", "json"),
    ("text/csv;q=0, */*;q=0.1", "json"), ("text/html, */*;q=0.1", "json"),
    ("text/csv", "csv"), ("application/json;q=0, */*", "csv"),
    ("*/*;q=0", None), ("text/html", None), ("application/problem+json", None),
    ("application/json;q=0", None), ("json", None)])
def test_a_list_is_of_the_kind_that_is_accepted(tally, accept, kind):
    for path in ("/counts", "/stats/day", "/cameras", "/outliers"):
        got = ask(tally, "GET", V1 + path, f"Accept: {accept}\r\n",
                  token=tally.read_token)
        assert got[0] == (200 if kind else 406), path
        assert "Accept" in value(got, "Vary").split(", ")
        if kind:
            assert kind in value(got, "Content-Type").split(";")[0]
        else:  # in the one form that all refusals have
            problem(json.loads(got[2]), 406)


# ---- targets

@pytest.mark.parametrize("path, status", [
    # A path is compared as it stands: nobody in front of Tally and Tally
    # itself can take it for different ones.
    ("/%61pi/v1/counts", 404), ("/api/v1/counts%00", 404),
    ("/api/v1/counts%2F", 404), ("/api/v1/counts;a=b", 404),
    ("/./api/v1/counts", 404), ("/static/../api/v1/counts", 404),
    ("/static/app%2ejs", 404), ("/static/..%2f..%2fmain.c", 404),
    ("/api/v1/stats/%64ay", 404),
    # The query is decoded.
    ("/api/v1/counts?", 200), ("/api/v1/counts?&&", 200),
    ("/api/v1/counts?limit=%31", 200), ("/api/v1/counts?%6Cimit=1", 200),
    ("/api/v1/counts?limit=1&%6Cimit=1", 400),
    ("/api/v1/counts?li%00mit=1", 400), ("/api/v1/counts?limit=1%00", 400),
    ("/api/v1/counts?limit=%ff", 400), ("/api/v1/counts?limit=%zz", 400),
    ("/api/v1/counts?limit=%", 400), ("/api/v1/counts?limit=%1", 400),
    ("/api/v1/counts?camera=%C0%80", 400), ("/api/v1/counts?=1", 400),
    ("/api/v1/counts?camera=%ED%A0%80", 400),
    pytest.param("/api/v1/counts?" + "a=1&" * 65, 400, id="65 parameters")])
def test_a_target_is_read_one_way(tally, path, status):
    got = ask(tally, "GET", path, token=tally.read_token)
    assert got[0] == status, got
    if status != 200:
        problem(json.loads(got[2]), status)


# Of no use as a code, a time, a number, a name or a cursor.
HOSTILE = ("", "-1", "9223372036854775807", "99999999999999999999", "1-1",
           "1.5e9", "\u00e9", "\U0001f600", "'\"\\%_", "\n\x01\x7f", "../x",
           "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
           "2026-03-29T02:30:00", "a" * 300)


@pytest.mark.parametrize("o", [o for o in contract.operations
                               if o.method == "GET"], ids=str)
def test_no_value_of_a_parameter_makes_the_server_fail(tally, o):
    token = {"ingest": tally.ingest_token, "read": tally.read_token}.get(
        o.scope, tally.admin_token)
    plain = re.sub(r"\{\w+\}", "1", o.path.replace("{period}", "day"))
    asked = [f"{plain}?{urllib.parse.urlencode({name: v})}"
             for name in o.of("query") for v in HOSTILE]
    asked += [re.sub(r"\{\w+\}", urllib.parse.quote(v, safe="") or "%20",
                     o.path) for v in HOSTILE if "{" in o.path]
    for path in asked:
        status, _, reply = tally.request("GET", path, token)
        assert status < 500, (path, reply)


# ---- who fails

def test_a_challenge_names_an_error_where_a_token_was_there(tally):
    challenge = 'Bearer realm="tally"'
    got = ask(tally, "GET", V1 + "/cameras")
    assert (got[0], value(got, "WWW-Authenticate")) == (401, challenge)
    for token in ("x y", "x,y", '"x"', "=", "tly_wrong"):
        got = ask(tally, "GET", V1 + "/cameras", token=token)
        assert got[0] == 401
        assert value(got, "WWW-Authenticate") == (
            challenge + ', error="invalid_token"')


def test_what_cannot_be_a_token_counts_as_no_guess(tally):
    for _ in range(30):
        assert ask(tally, "GET", V1 + "/cameras", token="a b")[0] == 401
    assert ask(tally, "GET", V1 + "/cameras", token=tally.read_token)[0] == 200


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
def test_guesses_over_ipv6_are_counted(tally):
    other = OtherApi(tally, listen="::1", auth_failures_max=3)
    port = int(other.port_file.read_text())

    def guess(token):
        with socket.create_connection(("::1", port), timeout=120) as s:
            s.sendall(f"GET {V1}/cameras HTTP/1.1\r\nHost: [::1]:{port}\r\n"
                      f"Authorization: Bearer {token}\r\n"
                      "Connection: close\r\n\r\n".encode())
            return int(s.makefile("rb").readline().split()[1])
    try:
        assert [guess(f"tly_{i}") for i in range(4)] == [401, 401, 429, 429]
        assert guess(tally.read_token) == 200
    finally:
        assert other.stop() == 0
