# SPDX-License-Identifier: MIT
"""How an API process ends, and how it takes its settings again."""
import json
import os
import signal
import socket
import threading

from apibase import (OtherApi, camera, figures, head_of, hours_ago, row,
                     wait_for)


def begun(api, data):
    s = socket.create_connection(api.tally.address, timeout=120)
    s.sendall(data)
    return s


def rest(s):
    """All that still comes."""
    got = b""
    while piece := s.recv(65536):
        got += piece
    s.close()
    return got


def told_to_stop(api):
    api.process.send_signal(signal.SIGTERM)
    wait_for(lambda: "finishing what was begun" in api.log())


def requests(api):
    return api.tally.health()["checks"]["server"]["requests"]


def test_what_was_accepted_is_finished(tally):
    api = OtherApi(tally, stop_timeout_s=600)
    c = camera(api.tally)
    body = json.dumps(row(c, hours_ago(1), people=7)).encode()
    idle = begun(api, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert idle.recv(65536).startswith(b"HTTP/1.1 200 ")
    before = requests(api)
    sending = begun(api, head_of(tally.ingest_token, len(body)) + body[:9])
    wait_for(lambda: requests(api) > before + 1)
    half = begun(api, b"GET /readyz HTTP/1.1\r\n")
    requests(api)  # that one came later and was answered: half is read
    told_to_stop(api)
    # Nobody waits on it: closed.  Nobody new gets in.
    assert rest(idle) == b""
    try:
        assert rest(begun(api, b"GET / HTTP/1.1\r\n")) == b""
    except OSError:
        pass
    half.sendall(b"Host: a\r\n\r\n")
    got = rest(half)
    assert got.startswith(b"HTTP/1.1 503 ") and b":stopping" in got
    assert b"\r\nConnection: close\r\n" in got
    assert api.process.poll() is None
    sending.sendall(body[9:])
    got = rest(sending)
    assert got.startswith(b"HTTP/1.1 200 "), got
    assert b"\r\nConnection: close\r\n" in got
    assert api.process.wait(timeout=120) == 0
    assert figures(tally, c) == [7]


def test_told_twice_it_leaves_at_once(tally):
    api = OtherApi(tally, stop_timeout_s=3600)
    s = begun(api, head_of(tally.ingest_token, 9))
    before = requests(api)
    assert before >= 1
    told_to_stop(api)
    api.process.send_signal(signal.SIGTERM)
    assert api.process.wait(timeout=120) == 1
    s.close()


def test_it_ends_while_the_database_hangs(fresh_tally):
    t = fresh_tally("--no-ingest")
    api, c = OtherApi(t, stop_timeout_s=1), camera(t)
    at = row(c, hours_ago(1))
    path = "/api/v1/counts"
    assert api.tally.json("POST", path, t.ingest_token, at)[0] == 200
    os.kill(t.pid("mariadb"), signal.SIGSTOP)
    try:
        def post():
            try:
                api.tally.json("POST", path, t.ingest_token,
                               {**at, "people": 2})
            except OSError:
                pass  # not answered, then: nothing was promised

        asking = threading.Thread(target=post)
        asking.start()
        wait_for(lambda: api.tally.json("GET", "/healthz")[0] == 503)
        assert api.stop() == 0
        asking.join()
    finally:
        os.kill(t.pid("mariadb"), signal.SIGCONT)


def test_it_takes_settings_again_and_keeps_them_from_a_bad_file(tally):
    api = OtherApi(tally, metrics_from="192.0.2.1")
    t, ini = api.tally, api.ini.read_text()

    def told(text, line):
        api.ini.write_text(text)
        api.process.send_signal(signal.SIGHUP)
        wait_for(lambda: line in api.log())

    assert t.request("GET", "/metrics")[0] == 401
    good = ini.replace("192.0.2.1", "127.0.0.1") + "format = json\n"
    told(good.replace("[api]\n", "[api]\ndb_connections = 9\n"),
         "api.db_connections wants a restart")
    wait_for(lambda: "settings: api.metrics_from was changed" in api.log())
    assert t.request("GET", "/metrics")[0] == 200
    assert json.loads(api.log().splitlines()[-1])["level"]
    # A line that is wrong is named, a value as well, and nothing changes.
    number = good.count("\n") + 1
    told(good + "colour = red\n", f"{api.ini}:{number}: ")
    told(good.replace("= 127.0.0.1", "= here"), "\\\"here\\\"")
    assert t.request("GET", "/metrics")[0] == 200
    assert api.stop() == 0
