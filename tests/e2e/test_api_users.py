# SPDX-License-Identifier: MIT
"""
People: log-ins over HTTP, what is theirs, and who guesses at passwords.  Who
may do what is in test_api_matrix.py, log-in and log-out in test_api_auth.py.
"""
import http.client
import json
import pathlib
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest

from apibase import OtherApi, camera, code, wait_for, waits_for_a_lock
from people import Person, admin, cookie_of, log_in, person, user

USERS = "/api/v1/users"
PASSWORD = "/api/v1/session/password"


def add(tally, **members):
    """A log-in by HTTP; (name, password)."""
    body = {"user": code("user"), "password": "correct horse", **members}
    status, reply = tally.json("POST", USERS, tally.admin_token, body)
    assert status == 201, reply
    return body["user"], body["password"]


def enter(tally, name, password, headers=None):
    """The session, or the status and where to."""
    got = log_in(tally, headers, user=name, password=password)
    if got[0] == 303 and got[1]["location"] == "/":
        return Person(tally, cookie_of(got))
    return got[0], got[1].get("location")


FAILED = (303, "/?login=failed")


def test_a_log_in_is_added_listed_changed_and_removed(tally):
    c = camera(tally)
    boss = person(tally, "admin")
    name = code("kim") + "@exämple"
    path = USERS + "/" + name.replace("@", "%40").replace("ä", "%C3%A4")
    status, made = boss.ask("POST", USERS, {
        "user": name, "password": "correct horse", "cameras": [c]})
    assert status == 201 and made == {
        "user": name, "role": "viewer", "cameras": [c], "state": "active",
        "created_at": made["created_at"], "last_login_at": None}
    kim = enter(tally, name, "correct horse")
    assert kim.told["role"] == "viewer" and kim.told["cameras"] == [c]
    assert kim.ask("PATCH", "/api/v1/outliers/1", {"status": "confirmed"})[
        0] == 403
    listed = {u["user"]: u for u in boss.ask("GET", USERS)[1]["items"]}
    assert listed[name]["last_login_at"] >= made["created_at"]

    # A role holds for sessions that are there, within two seconds.
    assert boss.ask("PATCH", path, {"role": "reviewer", "cameras": None}) == (
        200, {**listed[name], "role": "reviewer", "cameras": None})
    wait_for(lambda: Person(tally, kim.cookie).told["role"] == "reviewer")
    assert kim.ask("PATCH", "/api/v1/outliers/4294967295",
                   {"status": "confirmed"})[0] == 404
    assert boss.ask("PATCH", path, {"disabled": True})[1]["state"] \
        == "disabled"
    wait_for(lambda: kim.ask("GET", "/api/v1/cameras")[0] == 401)
    assert enter(tally, name, "correct horse") == FAILED
    assert boss.ask("PATCH", path, {"disabled": False})[1]["state"] \
        == "active"
    kim = enter(tally, name, "correct horse")
    assert boss.ask("DELETE", path) == (204, None)
    wait_for(lambda: kim.ask("GET", "/api/v1/cameras")[0] == 401)
    assert boss.ask("DELETE", path)[0] == boss.ask(
        "PATCH", path, {"role": "viewer"})[0] == 404
    status, audit = tally.json(
        "GET", "/api/v1/audit?actor=" + boss.told["name"], tally.admin_token)
    assert [(i["action"], i["subject"], i["detail"])
            for i in audit["items"]][::-1] == [
        (f"user.{action}", name, detail) for action, detail in (
            ("create", {"role": "viewer", "cameras": [c]}),
            ("change", {"role": "reviewer", "cameras": None}),
            ("change", {"disabled": True}), ("change", {"disabled": False}),
            ("remove", None))]
    assert "correct horse" not in json.dumps(audit)


@pytest.mark.parametrize("field, members", [
    ("user", {"user": "a b"}), ("user", {"user": ""}),
    ("user", {"user": "x" * 101}), ("user", {"user": "a\n"}),
    ("password", {"password": "1234567"}), ("password", {"password": ""}),
    ("password", {"password": "x" * 129}), ("password", {"password": 12345678}),
    ("role", {"role": "root"}), ("role", {"role": "none"}),
    ("cameras", {"cameras": []}), ("cameras", {"cameras": ["nowhere"]}),
    ("colour", {"colour": "red"})])
def test_what_no_log_in_may_be_is_422_with_its_field(tally, field, members):
    body = {"user": code("never"), "password": "correct horse", **members}
    status, reply = tally.json("POST", USERS, tally.admin_token, body)
    assert status == 422 and reply["field"] == field, reply
    assert not tally.sql("SELECT 1 FROM user WHERE name = %s", body["user"])
    if field != "user":
        status, reply = tally.json("PATCH", f"{USERS}/{user(tally)}",
                                   tally.admin_token, members)
        assert status == 422 and reply["field"] == field, reply


def test_pages_of_log_ins_follow_each_other(tally):
    own = code("pages-of")
    names = [add(tally, user=own + end)[0] for end in ".a .b .c".split()]
    path, seen = f"{USERS}?limit=1&after={names[0]}", []
    while path and len(seen) < 2:
        status, reply = tally.json("GET", path, tally.admin_token)
        assert status == 200 and len(reply["items"]) == 1
        seen.append(reply["items"][0]["user"])
        path = reply["next"]
    assert seen == names[1:]


def test_nobody_takes_rights_away_from_the_session_in_use(tally):
    boss = person(tally, "admin")
    own = f"{USERS}/{boss.told['name']}"
    for body in ({"disabled": True}, {"role": "viewer"}, {"cameras": [
            camera(tally)]}):
        status, reply = boss.ask("PATCH", own, body)
        assert (status, reply["type"]) == (409, "urn:tally:problem:conflict")
    assert boss.ask("DELETE", own)[0] == 409
    # Another password ends the others of it alone.
    other = person(tally, name=boss.told["name"])
    assert boss.ask("PATCH", own, {"password": "another one"})[0] == 200
    wait_for(lambda: other.ask("GET", "/api/v1/cameras")[0] == 401)
    assert boss.ask("GET", "/api/v1/cameras")[0] == 200


def test_who_asks_is_told_who_they_are(tally):
    own = admin(tally)
    assert own.told["kind"] == "user" and own.told["name"] == tally.user
    assert own.told["scopes"] == ["read", "review", "admin"]
    status, reply = tally.json("GET", "/api/v1/session", tally.read_token)
    assert status == 200 and reply == {
        "kind": "token", "name": "read", "role": None, "scopes": ["read"],
        "cameras": None, "csrf": None, "session_expires_at": None}


def test_one_logs_out_here_or_everywhere(tally):
    name = user(tally)
    a, b, c, stranger = [person(tally, name=name) for _ in range(3)] + [
        person(tally)]
    status, headers, _ = tally.request("DELETE", "/api/v1/session",
                                       headers=a.write)
    assert status == 204 and "Max-Age=0" in headers["set-cookie"]
    assert a.ask("GET", "/api/v1/session")[0] == 401
    assert b.ask("GET", "/api/v1/session")[0] == 200
    assert b.ask("DELETE", "/api/v1/sessions") == (204, None)
    for gone in (b, c):
        assert gone.ask("GET", "/api/v1/session")[0] == 401
    assert stranger.ask("GET", "/api/v1/session")[0] == 200


@pytest.mark.parametrize("path", ("/api/v1/session", "/api/v1/sessions"))
def test_a_session_that_is_used_while_it_ends_is_over(tally, path):
    own = person(tally)
    answers = []

    def leave():
        answers.append(own.ask("DELETE", path))
    # Its end waits; who looks it up meanwhile finds it.
    with tally.db() as db, db.cursor() as cursor:
        db.autocommit(False)
        cursor.execute("SELECT s.hash FROM session s JOIN user USING (user_id) "
                       "WHERE name = %s FOR UPDATE", (own.told["name"],))
        leaving = threading.Thread(target=leave)
        leaving.start()
        wait_for(lambda: waits_for_a_lock(tally))
        assert own.ask("GET", "/api/v1/session")[0] == 200
        assert not answers
        db.rollback()
    leaving.join()
    assert answers == [(204, None)]
    assert own.ask("GET", "/api/v1/session")[0] == 401


def test_ones_own_password_wants_the_one_before(tally):
    name, password = add(tally)
    here, there = enter(tally, name, password), enter(tally, name, password)
    for body, field in (({"current": "wrong one", "password": "another one"},
                         "current"),
                        ({"current": password, "password": "short"},
                         "password")):
        status, reply = here.ask("PUT", PASSWORD, body)
        assert status == 422 and reply["field"] == field
    assert here.ask("PUT", PASSWORD, {"current": password,
                                      "password": "another one"})[0] == 204
    assert there.ask("GET", "/api/v1/session")[0] == 401
    assert here.ask("GET", "/api/v1/session")[0] == 200
    assert enter(tally, name, password) == FAILED
    assert enter(tally, name, "another one").told["name"] == name


def test_sessions_of_one_person_are_bounded_and_an_old_hash_is_renewed(tally):
    name, password = add(tally)
    # "correct horse", as it was hashed with less memory.
    tally.sql("UPDATE user SET password_hash = %s WHERE name = %s", OLD, name)
    first = person(tally, name=name)
    tally.sql("UPDATE session SET used_at = used_at - INTERVAL 1 MINUTE")
    tally.sql("INSERT INTO session (hash, user_id, expires_at) SELECT "
              "UNHEX(SHA2(CONCAT(u.name, seq), 256)), user_id, '2099-01-01' "
              "FROM user u, seq_1_to_49 WHERE u.name = %s", name)
    second = enter(tally, name, password)
    assert tally.sql("SELECT COUNT(*) FROM session JOIN user USING (user_id) "
                     "WHERE name = %s", name) == [(50,)]
    wait_for(lambda: first.ask("GET", "/api/v1/session")[0] == 401)
    assert second.told["name"] == name
    (renewed,), = tally.sql("SELECT password_hash FROM user WHERE name = %s",
                            name)
    assert renewed.startswith("$argon2id$v=19$m=65536,t=2,p=1$")
    assert enter(tally, name, password).told["name"] == name


OLD = ("$argon2id$v=19$m=19456,t=2,p=1$FoM4GUr92uoq7/GZzHntLQ$"
       "lpq/8rzvqV65dYGYRkehSywILsOvAhuRaYgjuYp1hmE")


def test_guessing_at_a_name_keeps_its_person_out_of_no_known_browser(tally):
    api = OtherApi(tally, auth_failures_max=1000, login_failures_max=2)
    try:
        t = api.tally
        name, password = add(t)
        got = log_in(t, user=name, password=password)
        assert got[0] == 303
        known = cookies_of(t, name, password)["tally_known"]
        # Names that nobody has are counted alike, and told alike.
        for who in (name, code("nobody")):
            tries = [log_in(t, user=who, password=f"guess {i}")
                     for i in range(3)]
            assert [g[0] for g in tries] == [303, 429, 429]
            assert int(tries[-1][1]["retry-after"]) > 0
            said = {json.loads(g[2])["detail"] for g in tries[1:]}
            assert len(said) == 1 and who not in said.pop()
        # The right password is not looked at from just anywhere …
        for cookie in ({}, {"Cookie": "tally_known=" + "A" * 43}):
            assert enter(t, name, password, cookie)[0] == 429
        # … but is from where it was right before; guesses there are counted
        # by themselves.
        mine = {"Cookie": known}
        assert enter(t, name, password, mine).told["name"] == name
        assert [enter(t, name, "wrong one", mine)[0] for _ in range(2)] == [
            303, 429]
        assert enter(t, name, password, mine)[0] == 429
        # Others go on.
        assert log_in(t)[1]["location"] == "/"
    finally:
        assert api.stop() == 0


def cookies_of(tally, name, password):
    """Both, as a browser keeps them: {name: "name=value"}."""
    c = http.client.HTTPConnection(*tally.address, timeout=120)
    c.request("POST", "/login", urllib.parse.urlencode(
        {"user": name, "password": password}))
    r = c.getresponse()
    r.read()
    c.close()
    found = [v.split(";") for k, v in r.getheaders()
             if k.lower() == "set-cookie"]
    for _, *attributes in found:
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {
            a.strip() for a in attributes}
    return {v[0].split("=")[0]: v[0] for v in found}


def test_cookies_are_secure_behind_https(tally):
    api = OtherApi(tally, trusted_proxies="127.0.0.1")
    try:
        https = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        got = log_in(api.tally, https)
        assert got[0] == 303 and got[1]["set-cookie"].endswith("; Secure")
        own = Person(api.tally, cookie_of(got))
        # The proxy's origin is https, and its Host that of the browser.
        headers = {**own.write, **https, "Origin": own.write[
            "Origin"].replace("http:", "https:")}
        status, head, _ = api.tally.request(
            "DELETE", "/api/v1/session", headers=headers)
        assert status == 204 and head["set-cookie"].endswith("; Secure")
        assert "Secure" not in log_in(api.tally)[1]["set-cookie"]
    finally:
        assert api.stop() == 0


def test_log_ins_that_come_all_at_once_leave_the_others_their_turn(tally):
    """What is over the bound is told to come again; nothing waits for it."""
    api = OtherApi(tally, auth_failures_max=1000, login_failures_max=1000)
    try:
        with ThreadPoolExecutor(40) as pool:
            tries = [pool.submit(log_in, api.tally, user=f"u{i}",
                                 password="a guess") for i in range(40)]
            assert camera(api.tally)
            got = [f.result() for f in tries]
        busy = [g for g in got if g[0] == 503]
        assert {g[0] for g in got} <= {303, 503} and len(busy) < 40
        assert all("retry-after" in g[1] for g in busy)
    finally:
        assert api.stop() == 0


def test_no_log_holds_what_people_are_known_by(tally):
    name, password = add(tally, password="a secret that is told to nobody")
    own = enter(tally, name, password)
    own.ask("DELETE", "/api/v1/session")
    for log in pathlib.Path(tally.state, "log").iterdir():
        text = log.read_text(errors="replace")
        for secret in (password, own.csrf, own.cookie.split("=")[1]):
            assert secret not in text, log
