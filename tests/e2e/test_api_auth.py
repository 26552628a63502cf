# SPDX-License-Identifier: MIT
"""
Tokens, log-ins, and what a stranger gets to see.  Who gets what from which
route is in test_api_matrix.py.
"""
import datetime
import http.client
import json
import pathlib
import re

import pytest

from apibase import (OtherApi, camera, code, hours_ago, minutes, post,
                     problem, raw, row, stored, wait_for)
from people import admin, cookie_of, form, log_in

@pytest.fixture
def other(tally):
    """An API of one's own: failures are counted per address and process."""
    api = OtherApi(tally)
    yield api
    assert api.stop() == 0


def make_token(tally, *options):
    return tally.run_tally("token", "create", *options).stdout.split()[0]


def answer(tally, method, path, token=None, headers=None):
    body = b"[]" if method == "POST" else None
    return tally.request(method, path, token, body,
                         {"Content-Type": "application/json",
                          **(headers or {})})


def refusal(got, status):
    """Every refusal has the same shape."""
    assert got[0] == status, got
    assert got[1]["content-type"] == "application/problem+json"
    problem(json.loads(got[2]), status)
    if status == 401:
        assert got[1]["www-authenticate"].startswith("Bearer")
    return json.loads(got[2])


# ---- tokens

@pytest.mark.parametrize("value", [
    "Bearer", "Bearer ", "Basic dTpw", "Token x", "{token}", "Bearer{token}",
    "Bearer {token}x", "Bearer {half}", "Bearer {token} {token}",
    "Digest {token}"])
def test_what_is_no_bearer_token_is_401(tally, value):
    value = value.format(token=tally.read_token, half=tally.read_token[:20])
    refusal(answer(tally, "GET", "/api/v1/cameras",
                   headers={"Authorization": value}), 401)


def test_the_scheme_is_read_in_any_case(tally):
    assert answer(tally, "GET", "/api/v1/cameras", headers={
        "Authorization": "bEARER  " + tally.read_token})[0] == 200


def test_an_expired_token_is_401(tally):
    made = make_token(tally, "--scope", "read", "--name", code("old"))
    assert answer(tally, "GET", "/api/v1/cameras", made)[0] == 200
    tally.sql("UPDATE token SET expires_at = UTC_TIMESTAMP() - INTERVAL 1 "
              "SECOND ORDER BY token_id DESC LIMIT 1")
    wait_for(lambda: answer(tally, "GET", "/api/v1/cameras", made)[0] == 401)
    refusal(answer(tally, "GET", "/api/v1/cameras", made), 401)


def test_a_revoked_token_ends_within_five_seconds(tally):
    name = code("gone")
    made = make_token(tally, "--scope", "ingest", "--name", name)
    c = camera(tally)
    assert post(tally, row(c, hours_ago(2)), token=made)[0] == 200
    tally.run_tally("token", "revoke", name)
    wait_for(lambda: answer(tally, "POST", "/api/v1/counts", made)[0] == 401)
    before = stored(tally, c)
    refusal(tally.request("POST", "/api/v1/counts", made,
                          row(c, hours_ago(1))), 401)
    assert stored(tally, c) == before


def test_a_token_for_cameras_sees_and_writes_no_others(tally):
    mine, other = camera(tally), camera(tally)
    at = hours_ago(2)
    door = camera_of(tally, mine + "/door/in")
    for c in (mine, other, door):
        assert post(tally, row(c, at))[0] == 200
    write = make_token(tally, "--scope", "ingest", "--camera", mine)
    read = make_token(tally, "--scope", "read", "--camera", mine)
    assert post(tally, row(mine, at), token=write)[0] == 200
    assert post(tally, row(door, at), token=write)[0] == 200
    for c in (other, code("nobody"), mine + "x"):
        for query in ("", "?partial=true", "?on_conflict=replace"):
            refusal(tally.request("POST", "/api/v1/counts" + query, write,
                                  [row(mine, at), row(c, at, people=7)]), 403)
    assert stored(tally, other)[0][2] == 1

    # Page by page; "next" names no other camera either.
    path, seen = "/api/v1/cameras?limit=1", []
    while path:
        status, reply = tally.json("GET", path, read)
        assert status == 200 and len(reply["items"]) == 1
        seen += [i["camera"] for i in reply["items"]]
        path = reply["next"]
        assert not path or path.endswith("after=" + seen[-1])
    assert seen == [mine, door]


def camera_of(tally, c):
    tally.json("POST", "/api/v1/cameras", tally.admin_token, {"camera": c})
    return c


@pytest.mark.parametrize("name", ["token", "access_token"])
@pytest.mark.parametrize("path", ["/api/v1/cameras", "/api/v1/counts", "/",
                                  "/healthz", "/nowhere"])
def test_a_token_in_the_address_is_400_and_never_logged(tally, path, name):
    secret = make_token(tally, "--scope", "read")
    for headers in ({}, {"Authorization": "Bearer " + tally.read_token}):
        got = tally.request("GET", f"{path}?a=1&{name}={secret}", None, None,
                            headers)
        refusal(got, 400)
        assert secret.encode() not in got[2] + str(got[1]).encode()
    for log in pathlib.Path(tally.state, "log").iterdir():
        assert secret not in log.read_text(errors="replace"), log


def test_no_log_holds_a_secret(tally):
    status = log_in(tally)[0]
    assert status == 303
    for log in pathlib.Path(tally.state, "log").iterdir():
        text = log.read_text(errors="replace")
        for secret in (tally.admin_token, tally.read_token,
                       tally.ingest_token, tally.password):
            assert secret not in text, log


def test_guessing_is_429_within_twenty_tries_and_others_go_on(other):
    t = other.tally
    for path in ("/api/v1/cameras", "/api/v1/counts"):
        assert answer(t, "GET", path, t.read_token)[0] == 200
    tries = [answer(t, "GET", "/api/v1/cameras", f"{i:043d}")
             for i in range(20)]
    refusal(tries[0], 401)
    refusal(tries[-1], 429)
    assert int(tries[-1][1]["retry-after"]) > 0
    # Whoever has a token is not in the way of the one who guesses.
    assert answer(t, "GET", "/api/v1/cameras", t.read_token)[0] == 200
    assert answer(t, "POST", "/api/v1/counts", t.ingest_token)[0] == 200
    assert answer(t, "GET", "/healthz")[0] in (200, 503)
    refusal(answer(t, "GET", "/api/v1/cameras"), 401)


def test_the_token_is_judged_before_the_body(tally):
    for token, status in (("x" * 43, 401), (tally.read_token, 403)):
        head = (f"POST /api/v1/counts HTTP/1.1\r\nHost: a\r\n"
                f"Authorization: Bearer {token}\r\n"
                "Content-Type: application/json\r\n"
                "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n")
        got = raw(tally, head.encode())
        assert got.startswith(b"HTTP/1.1 %d " % status), got
    head = head.replace(tally.read_token, tally.ingest_token)
    got = raw(tally, head.encode(), stop=b"\r\n\r\n")
    assert got == b"HTTP/1.1 100 Continue\r\n\r\n"


# ---- log-in

def test_a_log_in_sets_a_cookie_for_this_site_alone(tally):
    got = log_in(tally)
    assert got[0] == 303 and got[1]["location"] == "/"
    parts = [p.strip() for p in got[1]["set-cookie"].split(";")]
    assert re.fullmatch(r"tally_session=\w{3}_[A-Za-z0-9_-]{43}", parts[0])
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} < set(parts)
    assert int(next(p for p in parts if p.startswith("Max-Age="))[8:]) > 0
    assert got[1]["cache-control"] == "no-store"
    secret = parts[0].split("=")[1]
    assert not tally.sql("SELECT 1 FROM session WHERE hash = %s", secret)


def test_a_wrong_log_in_says_the_same_whatever_was_wrong(other):
    for changed in ({"password": "wrong"}, {"password": ""},
                    {"user": "nobody"}, {"user": ""},
                    {"user": "admin' OR '1'='1"}, {"password": "x" * 3000}):
        got = log_in(other.tally, **changed)
        assert got[0] == 303 and got[1]["location"] == "/?login=failed"
        assert "set-cookie" not in got[1] and not got[2]


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_guessing_passwords_is_429_within_twenty_tries(tally):
    other = OtherApi(tally, auth_failures_max=5, login_failures_max=1000)
    try:
        tries = [log_in(other.tally, password=f"guess {i}")[0]
                 for i in range(6)]
        assert tries[:4] == [303] * 4 and tries[-1] == 429
        got = log_in(other.tally)
        refusal(got, 429)
        # A browser shows the form again, which says why.
        status, headers, page = log_in(other.tally, {"Accept": BROWSER})
        assert status == 429 and int(headers["retry-after"]) > 0
        assert headers["content-type"].startswith("text/html")
        assert b'action="/login"' in page and (
            b'role="alert" data-t>Too many log-ins failed.' in page)
    finally:
        assert other.stop() == 0


def test_a_form_that_is_none_or_too_large_is_refused(tally):
    assert form(tally, "/login", {"user": "x" * 5000, "password": "y"})[
        0] == 413
    assert tally.request("POST", "/login", None, b"user=%zz")[0] == 400
    page = tally.request("POST", "/login", None, b"user=%zz<b>",
                         {"Accept": BROWSER})
    assert page[0] == 400 and b"<b>" not in page[2]
    assert tally.request("GET", "/login", None, None, {"Accept": BROWSER})[
        2].count(b" hidden></p>") == 1
    assert tally.request("POST", "/login", None, b"")[0] == 303


def test_a_cookie_is_found_among_others(tally):
    cookie = cookie_of(log_in(tally))
    for several in (cookie, "a=b; " + cookie + "; c=d", cookie + ";x"):
        assert answer(tally, "GET", "/api/v1/cameras", headers={
            "Cookie": several})[0] == 200


def test_a_write_from_another_site_is_403(tally):
    own = admin(tally)
    host = tally.url.split("//")[1]
    foreign = [{"Origin": origin} for origin in (
        "http://evil.example", "null", "http://" + host + ".evil",
        "http://evil" + host, "https://evil.example:80")]
    foreign += [{"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site", "Origin": tally.url}]
    for wrong in foreign:
        headers = {**own.read, "X-CSRF-Token": own.csrf, **wrong}
        for got in (answer(tally, "POST", "/api/v1/jobs/roll_up",
                           headers=headers),
                    form(tally, "/login", {"user": "a", "password": "b"},
                         headers),
                    form(tally, "/logout", {"csrf": own.csrf}, headers)):
            assert refusal(got, 403)["type"].endswith(":cross-origin")
    assert answer(tally, "POST", "/api/v1/jobs/roll_up", headers=own.write)[
        0] == 200


def test_a_write_without_what_only_the_page_knows_is_403(tally):
    """What a session may read, another site cannot make it write, whatever a
    browser says or leaves out."""
    own, other = admin(tally), admin(tally)
    assert own.csrf != other.csrf and len(own.csrf) == 43
    for wrong in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": other.csrf},
                  {"X-CSRF-Token": own.csrf[:-1]},
                  {"X-CSRF-Token": own.csrf + "x"},
                  {"X-CSRF-Token": own.cookie.split("=")[1]}):
        got = answer(tally, "POST", "/api/v1/jobs/roll_up",
                     headers={**own.read, "Origin": tally.url, **wrong})
        assert refusal(got, 403)["type"] == "urn:tally:problem:csrf"
    for wrong in ({}, {"csrf": other.csrf}, {"csrf": ""}):
        got = form(tally, "/logout", wrong, own.read)
        assert refusal(got, 403)["type"] == "urn:tally:problem:csrf"
    # A token in the header asks for itself; the cookie beside it says nothing.
    assert answer(tally, "POST", "/api/v1/jobs/roll_up", tally.admin_token,
                  own.read)[0] == 200
    assert own.ask("GET", "/api/v1/cameras")[0] == 200


def test_a_log_out_ends_the_session(tally):
    own = admin(tally)
    cookie = own.read
    assert answer(tally, "GET", "/api/v1/cameras", headers=cookie)[0] == 200
    # What the page's button sends.
    page = tally.request("GET", "/", headers=cookie)[2].decode()
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]
    assert csrf == own.csrf
    got = form(tally, "/logout", {"csrf": csrf},
               {**cookie, "Origin": tally.url})
    assert got[0] == 303 and "Max-Age=0" in got[1]["set-cookie"]
    refusal(answer(tally, "GET", "/api/v1/cameras", headers=cookie), 401)
    # Without a session there is nothing to end, and that is no error.
    assert form(tally, "/logout", {})[0] == 303


def test_a_session_expires(tally):
    for column, minutes_ago in (("expires_at", 0), ("used_at", 121)):
        cookie = {"Cookie": cookie_of(log_in(tally))}
        tally.sql(f"UPDATE session SET {column} = UTC_TIMESTAMP() - "
                  "INTERVAL %s MINUTE", minutes_ago)
        refusal(answer(tally, "GET", "/api/v1/cameras", headers=cookie), 401)
    refusal(answer(tally, "GET", "/api/v1/cameras",
                   headers={"Cookie": "tally_session=" + "A" * 43}), 401)


def test_the_page_shows_itself_to_sessions_alone(tally):
    cookie = {"Cookie": cookie_of(log_in(tally))}
    logged_in = tally.request("GET", "/", headers=cookie)
    stranger = tally.request("GET", "/")
    assert logged_in[0] == stranger[0] == 200
    assert logged_in[2] != stranger[2]
    assert b'action="/login"' in stranger[2]
    assert tally.request("GET", "/", headers={
        "Cookie": "tally_session=" + "A" * 43})[2] == stranger[2]
    for got in (logged_in, stranger):
        assert "frame-ancestors 'none'" in got[1]["content-security-policy"]
        assert got[1]["vary"] == "Cookie"
        assert got[1]["cache-control"] == "no-store"
        assert b"{{" not in got[2]
    assert b'role="alert" hidden></p>' in stranger[2]
    for why, words in (("failed", b"is wrong"), ("expired", b"has ended")):
        assert words in tally.request("GET", "/?login=" + why)[2]


# ---- methods

def test_a_route_knows_its_methods(tally):
    for path, allow in (("/api/v1/counts", {"GET", "HEAD", "POST", "DELETE"}),
                        ("/api/v1/stats/day", {"GET", "HEAD"}),
                        ("/api/v1/jobs/roll_up", {"POST"}),
                        ("/login", {"POST"}), ("/healthz", {"GET", "HEAD"})):
        for method in ("DELETE", "PUT", "PATCH", "GET", "POST", "BREW"):
            if method in allow:
                continue
            got = tally.request(method, path)
            refusal(got, 405)
            assert set(got[1]["allow"].split(", ")) == allow | {"OPTIONS"}
        got = tally.request("OPTIONS", path)
        assert got[0] == 204 and "content-length" not in got[1]
        assert set(got[1]["allow"].split(", ")) == allow | {"OPTIONS"}


@pytest.mark.parametrize("path", [
    "/nowhere", "/api", "/api/v1", "/api/v1/", "/api/v1/counts/",
    "/api/v1//counts", "//api/v1/counts", "/api/v1/Counts",
    "/api/v1/stats", "/api/v1/stats/", "/api/v1/stats/day/x",
    "/static/", "/static/../main.c", "/static/%2e%2e/main.c",
    "/static/nothing.js", "/api/v2/counts"])
def test_what_is_not_there_is_404(tally, path):
    refusal(tally.request("GET", path, tally.read_token), 404)


@pytest.mark.parametrize("period", ["minute", "weekday", "days", "DAY", "day%20"])
def test_a_period_without_statistics_is_404(tally, period):
    refusal(tally.request("GET", f"/api/v1/stats/{period}",
                          tally.read_token), 404)


@pytest.mark.parametrize("path", ["/api/v1/cameras", "/api/v1/counts",
                                  "/healthz", "/", "/nowhere"])
def test_head_is_get_without_the_body(tally, path):
    c = http.client.HTTPConnection(*tally.address, timeout=120)
    headers = {"Authorization": "Bearer " + tally.read_token}
    for _ in range(2):  # on one connection: no body stays behind
        c.request("GET", path, headers=headers)
        got = c.getresponse()
        length = len(got.read())
        c.request("HEAD", path, headers=headers)
        head = c.getresponse()
        assert head.status == got.status and head.read() == b""
        if path not in ("/healthz", "/api/v1/cameras"):
            assert int(head.getheader("Content-Length")) == length
    c.close()


def test_an_answer_is_not_to_be_guessed_at(tally):
    for path in ("/api/v1/cameras", "/nowhere", "/", "/static/app.js"):
        got = tally.request("GET", path, tally.read_token)
        assert got[1]["x-content-type-options"] == "nosniff", path
    got = tally.request("GET", "/api/v1/cameras", tally.read_token)
    assert got[1]["cache-control"] == "private, no-cache"
    date = datetime.datetime.strptime(got[1]["date"],
                                      "%a, %d %b %Y %H:%M:%S GMT")
    assert abs(date - datetime.datetime.utcnow()) < minutes(2)
