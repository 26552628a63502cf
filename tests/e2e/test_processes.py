# SPDX-License-Identifier: MIT
"""Several API processes on one port."""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import urllib.parse

import pytest

from apibase import OtherApi, camera, code, figures, hours_ago, row, wait_for
from pki import Authority
from running import alive
from test_metrics import Scraped
from test_tls import Https


def children(api):
    pid = api.process.pid
    return [int(c) for c in pathlib.Path(
        f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def two(tally):
    api = OtherApi(tally, processes=2, metrics_from="127.0.0.1")
    wait_for(lambda: api.log().count("serving 127.0.0.1") == 2)
    yield api
    assert api.stop() == 0
    assert api.log().count("finishing what was begun") >= 2


class Client:
    """A connection that stays with the process that took it."""

    def __init__(self, api):
        self.api = api
        self.c = http.client.HTTPConnection(*api.tally.address, timeout=120)
        self.ask("GET", "/readyz")

    def ask(self, method, path, body=None, token=None, **headers):
        if token:
            headers["Authorization"] = "Bearer " + token
        self.c.request(method, path, body and json.dumps(body), {
            k.replace("_", "-"): v for k, v in headers.items()})
        r = self.c.getresponse()
        self.headers = {k.lower(): v for k, v in r.getheaders()}
        return r.status, r.read()

    def form(self, path, **values):
        self.c.request("POST", path, urllib.parse.urlencode(values))
        r = self.c.getresponse()
        r.read()
        return r.status


@contextlib.contextmanager
def alone(api, pid):
    """The others are held meanwhile."""
    others = [c for c in children(api) if c != pid]
    for c in others:
        os.kill(c, signal.SIGSTOP)
        wait_for(lambda: "\tT (stopped)" in pathlib.Path(
            f"/proc/{c}/status").read_text())
    try:
        yield
    finally:
        for c in others:
            os.kill(c, signal.SIGCONT)


def client_of(api, pid):
    """One that this process serves."""
    with alone(api, pid):
        return Client(api)


def test_both_serve_and_what_one_writes_the_other_sees(two):
    t = two.tally
    a, b = [client_of(two, pid) for pid in children(two)]
    assert (a.headers["x-request-id"].split("-")[0]
            != b.headers["x-request-id"].split("-")[0])
    c = camera(t)
    path = f"/api/v1/stats/day?camera={c}"
    first = row(c, hours_ago(2), people=5)
    for people in range(5, 9):
        # Through one and then the other; the last reader's tag is old then.
        writer, reader = (a, b) if people % 2 else (b, a)
        tag = reader.ask("GET", path, token=t.read_token) and (
            reader.headers["etag"])
        new = {**first, "people": people}
        assert writer.ask("POST", "/api/v1/counts?on_conflict=replace", new,
                          t.ingest_token)[0] == 200
        assert reader.ask("POST", "/api/v1/jobs/roll_up",
                          token=t.admin_token)[0] == 200
        for each in (reader, writer):
            status, reply = each.ask("GET", path, token=t.read_token,
                                     If_None_Match=tag)
            assert status == 200, reply
            assert json.loads(reply)["items"][0]["people"]["sum"] == people
    # The same key, the same row: counted once, whoever is asked.
    key = {"Idempotency_Key": code("key")}
    replies = [each.ask("POST", "/api/v1/counts", row(c, hours_ago(5)),
                        t.ingest_token, **key) for each in (a, b)]
    assert replies[0] == replies[1] and replies[0][0] == 200
    assert b.ask("POST", "/api/v1/counts", first, t.ingest_token)[0] == 409


def test_who_guesses_is_counted_across_them(tally):
    """Tokens by address, passwords by name; also by one that took the place of
    one that died."""
    api = OtherApi(tally, processes=2, auth_failures_max=9,
                   login_failures_max=3)
    try:
        wait_for(lambda: api.log().count("serving 127.0.0.1") == 2)
        first, second = children(api)
        a, b = client_of(api, first), client_of(api, second)

        def log_in(client):
            return client.form("/login", user="nobody", password="a guess")

        assert [log_in(c) for c in (a, b, a, b)] == [303, 303, 429, 429]
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: api.log().count("serving 127.0.0.1") == 3)
        third = client_of(api, next(p for p in children(api) if p != second))
        assert log_in(third) == 429

        def ask(client):
            return client.ask("GET", "/api/v1/sites", token="tly_wrong")[0]

        # Three passwords were looked at; so the ninth failure is the sixth.
        assert [ask(c) for c in (b, third) * 4] == [401] * 5 + [429] * 3
    finally:
        assert api.stop() == 0


def test_a_session_of_tls_is_resumed_or_begun_anew(tally, tmp_path):
    """Each has ticket keys of its own: what one cannot read is a full
    handshake, and no failure."""
    api = Https(tally, Authority(tmp_path, "authority"), "several",
                processes=2)
    try:
        wait_for(lambda: api.log().count("serving 127.0.0.1") == 2)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = api.context(maximum_version=version)
            with alone(api, children(api)[0]):
                session, _ = visit(api, context, None)
                assert visit(api, context, session)[1]
            with alone(api, children(api)[1]):
                other, reused = visit(api, context, session)
                assert not reused
                assert visit(api, context, other)[1]
    finally:
        assert api.stop() == 0


def test_one_that_cannot_start_again_ends_no_other(tally, tmp_path):
    """A certificate is renewed by halves while one dies."""
    api = Https(tally, Authority(tmp_path, "authority"), "halves",
                processes=2)
    try:
        wait_for(lambda: api.log().count("serving 127.0.0.1") == 2, 60)
        key = api.pair[1].read_text()
        shutil.copyfile(api.authority.sign("next")[1], api.pair[1])
        os.kill(children(api)[0], signal.SIGKILL)
        wait_for(lambda: "cannot start; the others go on" in api.log(), 60)
        assert api.get("/static/login.js")[0] == 200
        api.pair[1].write_text(key)
        wait_for(lambda: api.log().count("serving 127.0.0.1") == 3, 60)
    finally:
        assert api.stop() == 0


def visit(api, context, session):
    """(the session one has afterwards, whether it was resumed)"""
    with socket.create_connection(api.address, timeout=120) as plain, \
            context.wrap_socket(plain, server_hostname="localhost",
                                session=session) as s:
        s.sendall(b"GET /static/login.js HTTP/1.1\r\nHost: a\r\n\r\n")
        assert s.recv(15) == b"HTTP/1.1 200 OK"
        return s.session, s.session_reused


def test_any_of_them_tells_of_all(two):
    t = two.tally
    a, b = [client_of(two, pid) for pid in children(two)]
    before = Scraped(t)
    asked = {"route": "/api/v1/sites", "method": "GET"}
    for each in (a, b):
        assert each.ask("GET", "/api/v1/sites", token=t.read_token)[0] == 200
    now = Scraped(t)
    name = "tally_http_requests_total"
    assert now.sum(name, **asked) - before.sum(name, **asked) == 2
    assert now.labels("process_open_fds", "process") == {"0", "1"}
    for n in "01":  # told once a second
        wait_for(lambda: Scraped(t).sum("tally_connections", process=n) > 0)


def test_one_that_dies_takes_nothing_that_was_acknowledged(two):
    t, c = two.tally, camera(two.tally)
    old, acknowledged, killed = children(two), 0, None
    for i in range(40):
        body = row(c, hours_ago(9) + (hours_ago(0) - hours_ago(1)) / 60 * i,
                   length=1, people=i)
        if i == 20:
            killed = old[0]
            os.kill(killed, signal.SIGKILL)
        while True:
            try:
                status, _, reply = t.request(
                    "POST", "/api/v1/counts", t.ingest_token, body)
                break
            except (OSError, http.client.HTTPException):
                assert killed  # not answered: sent again, as clients do
        assert status == 200, reply
        acknowledged += 1
    assert figures(t, c) == list(range(acknowledged))
    # And another takes its place.
    wait_for(lambda: len(children(two)) == 2 and killed not in children(two))
    assert f"died of signal {signal.SIGKILL.value}" in two.log()
    wait_for(lambda: two.log().count("serving 127.0.0.1") == 3)


def test_who_takes_a_place_has_the_settings_of_today(tally):
    api = OtherApi(tally, processes=2, metrics_from="192.0.2.1")
    try:
        wait_for(lambda: api.log().count("serving 127.0.0.1") == 2, 60)
        api.ini.write_text(api.ini.read_text().replace("192.0.2.1",
                                                       "127.0.0.1"))
        api.process.send_signal(signal.SIGHUP)
        wait_for(lambda: api.log().count("api.metrics_from was changed") == 3,
                 60)
        old = children(api)
        os.kill(old[0], signal.SIGKILL)
        wait_for(lambda: api.log().count("serving 127.0.0.1") == 3, 60)
        for pid in children(api):
            assert client_of(api, pid).ask("GET", "/metrics")[0] == 200
    finally:
        assert api.stop() == 0


def test_none_is_left_when_the_first_one_is_killed(tally):
    api = OtherApi(tally, processes=2)
    wait_for(lambda: len(children(api)) == 2)
    pids = children(api)
    api.kill()
    wait_for(lambda: not any(alive(p) for p in pids))


def test_where_none_can_work_the_first_one_says_so(tally):
    api = OtherApi(tally, processes=2, www_dir="/nowhere")
    assert api.process.wait(timeout=120) == 1
