# SPDX-License-Identifier: MIT
"""
Many clients who mean no good, or cannot help it, and a good one among them.
`./dev bench attack` measures what is only held here.
"""
import contextlib
import http.client
import json
import os
import pathlib
import resource
import select
import signal
import socket
import time

from apibase import (OtherApi, camera, figures, head_of, hours_ago, minutes,
                     post, problem, row, wait_for)
from test_metrics import Scraped

EACH, FEW = 60, 15  # clients of a kind
PAGE = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
GET = b"GET /static/login.js HTTP/1.1\r\nHost: a\r\n\r\n"


class Crowd:
    """Connections that are closed at the end."""

    def __init__(self, api):
        self.address = api.tally.address
        self.sockets = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in self.sockets:
            s.close()

    def one(self, data=b"", room=None, source="127.0.0.1"):
        s = socket.socket()
        if room:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        s.settimeout(120)
        s.bind((source, 0))
        s.connect(self.address)
        self.sockets.append(s)
        s.sendall(data)
        return s

    def many(self, n, *args, **kwargs):
        return [self.one(*args, **kwargs) for _ in range(n)]


def until_end(s):
    """All that comes; where the other end resets, what came until then."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while piece := s.recv(1 << 20):
            got += piece
    return got


def server(api, ask=None):
    """The counters of a process, over a connection that is there."""
    if not ask:
        return api.tally.health()["checks"]["server"]

    def checks():
        ask.request("GET", "/healthz")
        return json.loads(ask.getresponse().read())["checks"]
    return wait_for(lambda: checks().get("server"))


def is_503(got):
    head, _, body = got.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 503 ") and "\nRetry-After: " in head, got
    problem(json.loads(body), 503)
    return True


def get(tally, path):
    return (f"GET {path} HTTP/1.1\r\nHost: a\r\n"
            f"Authorization: Bearer {tally.read_token}\r\n\r\n").encode()


def stream(crowd, api, **kwargs):
    """A client of /stream: it has its place for as long as it likes."""
    s = crowd.one(get(api.tally, "/api/v1/stream"), **kwargs)
    assert s.recv(15) == b"HTTP/1.1 200 OK"
    return s


def test_slow_clients_are_cut_and_a_good_one_is_served(tally):
    api = OtherApi(tally, head_timeout_s=2, body_timeout_s=3,
                   idle_timeout_s=1, reply_timeout_s=1)
    c, at = camera(tally), hours_ago(100)
    length = head_of(tally.ingest_token, 1000)
    with Crowd(api) as crowd:
        idle = crowd.many(EACH)
        heads = crowd.many(EACH, GET[:-2])
        bodies = crowd.many(EACH, length + b"{")
        # More than all the system's buffers hold.
        readers = crowd.many(FEW, PAGE * 60, room=4096)
        rows = 0

        def late():
            """While this is waited for the good client goes on."""
            nonlocal rows
            status, reply = post(api.tally, row(
                c, at + minutes(rows), length=1))
            assert status == 200, reply
            rows += 1
            s = Scraped(api.tally)
            return (s.sum("tally_connections_idle_closed_total") >= EACH
                    and all(s.sum("tally_refused_total",
                                  bound=f"late_{kind}") >= n
                            for kind, n in (("heads", EACH), ("bodies", EACH),
                                            ("replies", FEW))))
        wait_for(late)
        assert all(until_end(s) == b"" for s in idle)
        for s in heads + bodies:
            assert until_end(s).startswith(b"HTTP/1.1 408 ")
        for s in readers:
            assert until_end(s).count(b"HTTP/1.1 200 ") < 60
    assert figures(tally, c) == [1] * rows
    wait_for(lambda: server(api)["connections"] == 1)
    s = Scraped(api.tally)
    assert s.sum("tally_reply_bytes") == 0
    assert s.sum("tally_refused_total", bound="framing") == 0
    assert api.stop() == 0


def test_a_whole_request_has_a_deadline(tally):
    """However the time is spent, within the deadlines of its parts."""
    api = OtherApi(tally, head_timeout_s=60, body_timeout_s=60,
                   request_timeout_s=2)
    with Crowd(api) as crowd:
        s = crowd.one(head_of(tally.ingest_token, 1000) + b"{")
        assert until_end(s).startswith(b"HTTP/1.1 408 ")
    assert Scraped(api.tally).sum("tally_refused_total",
                                  bound="late_requests") == 1
    assert api.stop() == 0


def test_who_waits_for_nothing_gives_way(tally):
    api = OtherApi(tally, connections_max=20)
    with Crowd(api) as crowd:
        kept = stream(crowd, api)
        idle = crowd.many(60)
        for s in idle[:40]:
            assert until_end(s) == b""
        for _ in range(5):
            s = crowd.one(GET)
            assert s.recv(15) == b"HTTP/1.1 200 OK"
        # Nobody is left to give way but who asks.
        streams = [stream(crowd, api) for _ in range(18)]
        counts = server(api)
        assert counts["connections"] == 20 and counts["streams"] == 19
        assert counts["gave_way"] >= 60 and not counts["refused_connections"]
        with contextlib.closing(http.client.HTTPConnection(
                *api.tally.address, timeout=120)) as ask:
            assert server(api, ask)["streams"] == 19
            streams.append(stream(crowd, api))  # in the place of `ask`
        assert is_503(until_end(crowd.one(GET)))
        assert is_503(until_end(crowd.one(GET)))
        kept.close()
        streams.pop().close()
        wait_for(lambda: is_there(api))
        assert server(api)["refused_connections"] >= 2
    assert api.stop() == 0


def is_there(api):
    return api.tally.request("GET", "/readyz")[0] == 200


def test_an_address_has_its_share_of_connections(tally):
    api = OtherApi(tally, address_connections_max=3)
    with Crowd(api) as crowd:
        idle = crowd.many(3, source="127.0.0.2")
        other = crowd.one(source="127.0.0.3")
        # Its own give way, the one first that has waited longest.
        for s in idle:
            kept = stream(crowd, api, source="127.0.0.2")
            assert until_end(s) == b""
        for s in crowd.many(5, GET, source="127.0.0.2"):
            assert is_503(until_end(s))
        other.sendall(GET)
        assert other.recv(15) == b"HTTP/1.1 200 OK"
        kept.close()
        wait_for(lambda: crowd.one(GET, source="127.0.0.2").recv(15)
                 == b"HTTP/1.1 200 OK")
        counts = server(api)
        assert counts["refused_addresses"] >= 5 and counts["gave_way"] >= 3
    assert api.stop() == 0
    # A trusted proxy brings many.
    api = OtherApi(tally, address_connections_max=1,
                   trusted_proxies="127.0.0.2")
    with Crowd(api) as crowd:
        for s in crowd.many(3, GET, source="127.0.0.2"):
            assert s.recv(15) == b"HTTP/1.1 200 OK"
    assert api.stop() == 0


def test_memory_has_a_budget(tally):
    api = OtherApi(tally, memory_max="32M", bodies_max="1G")
    body = 4 << 20  # is asked for as a whole, once it begins to come
    with Crowd(api) as crowd:
        assert server(api)["memory_max"] == 32 << 20
        bodies = crowd.many(20, head_of(tally.ingest_token, body)
                            + b"[" + b" " * 65536)
        wait_for(lambda: server(api)["refused_bodies"] == 13, 60)
        told = select.select(bodies, [], [], 0)[0]
        assert len(told) == 13
        for s in told:
            # What still comes is read to its end, or to a deadline.
            s.shutdown(socket.SHUT_WR)
            assert is_503(until_end(s))
        assert 28 << 20 < server(api)["memory_bytes"] < 32 << 20
        assert post(api.tally, row(camera(tally), hours_ago(2)))[0] == 200
        # Heads that do not end take what is left.
        heads = crowd.many(150, GET[:-2])
        wait_for(lambda: server(api)["memory_bytes"] > 32 << 20, 60)
        assert is_503(until_end(crowd.one(get(tally, "/api/v1/cameras")
                                          .replace(b"\r\n\r\n", b"\r\n"
                                                   b"Connection: close"
                                                   b"\r\n\r\n"))))
        for path in ("/readyz", "/", "/metrics"):
            assert api.tally.request("GET", path, tally.read_token)[0] == 200
        assert server(api)["refused_memory"] == 1
        assert Scraped(api.tally).sum("tally_refused_total",
                                      bound="memory") == 1
        for s in heads + bodies:
            s.close()
        wait_for(lambda: server(api)["memory_bytes"] < 1 << 20, 60)
        assert api.tally.request("GET", "/api/v1/cameras",
                                 tally.read_token)[0] == 200
    assert api.stop() == 0


def descriptors(api):
    folder = pathlib.Path(f"/proc/{api.process.pid}/fd")
    return {int(p.name): os.readlink(p) for p in folder.iterdir()}


def limit_descriptors(api, n):
    resource.prlimit(api.process.pid, resource.RLIMIT_NOFILE,
                     (n, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def test_without_descriptors_it_waits_and_does_not_spin(tally):
    api = OtherApi(tally)
    ask = http.client.HTTPConnection(*api.tally.address, timeout=120)
    most = os.sysconf("SC_OPEN_MAX")
    with Crowd(api) as crowd:
        assert not server(api, ask)["no_descriptors"]
        # None at all: the queue stays as it is, and is looked at now and then.
        limit_descriptors(api, 5)
        begun = time.monotonic()
        waiting = crowd.many(20, GET)
        wait_for(lambda: server(api, ask)["no_descriptors"] >= 5)
        tries = server(api, ask)["no_descriptors"]
        # Ten a second; a loop without a pause makes 100000.
        assert tries <= 10 * (time.monotonic() - begun) + 10
        assert api.log().count("cannot accept: Too many open files") == 1
        limit_descriptors(api, most)
        for s in waiting:
            assert s.recv(15) == b"HTTP/1.1 200 OK"
        # One is kept for telling those who come too late.
        wait_for(lambda: list(descriptors(api).values()).count("/dev/null")
                 == 2)
        used = descriptors(api)
        free = 3
        limit_descriptors(api, max(used) + free + 1)
        free += len(set(range(max(used))) - set(used))
        told = [s for s in crowd.many(30, GET)
                if not (got := s.recv(65536)).startswith(b"HTTP/1.1 200 ")
                and is_503(got + until_end(s))]
        assert len(told) >= 30 - free
        assert server(api, ask)["refused_connections"] == len(told)
        limit_descriptors(api, most)
        wait_for(lambda: is_there(api))
    ask.close()
    assert api.stop() == 0


def test_connections_are_fitted_to_the_descriptors(tally):
    api = OtherApi(tally, connections_max=4000)
    resource.prlimit(api.process.pid, resource.RLIMIT_NOFILE, (300, 300))
    api.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "descriptors: 300 in all leave 216 for clients"
             in api.log())
    assert Scraped(api.tally).sum("tally_connections_max") == 216
    assert Scraped(api.tally).sum("process_max_fds") == 300
    assert api.stop() == 0
