# SPDX-License-Identifier: MIT
"""What the API's log says, and the id that ties it to an answer."""
import json
import re
import threading

import pytest

from apibase import (OtherApi, camera, code, hours_ago, post, post_csv, raw,
                     row, wait_for)

ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@pytest.fixture(scope="module")
def talking(tally):
    api = OtherApi(tally, log={"format": "json", "access": "yes"},
                   auto_register="yes")
    yield api
    assert api.stop() == 0


def lines(api):
    """Each is JSON with the same members in front."""
    read = [json.loads(ln) for ln in api.log().splitlines()]
    assert all(ln["at"].endswith("Z") and ln["program"] == "tally-api"
               and ln["level"] in ("debug", "info", "warn", "error")
               and ln["message"] for ln in read)
    return read


def of(api, request):
    return wait_for(lambda: [ln for ln in lines(api)
                             if ln.get("request") == request])


def test_an_answer_has_the_id_of_its_line(talking):
    t, c = talking.tally, camera(talking.tally)
    path = f"/api/v1/cameras/{c}?colour=red"
    status, headers, body = t.request("GET", path, t.read_token)
    got = headers["x-request-id"]
    assert status == 400 and ID.fullmatch(got)
    assert json.loads(body)["request_id"] == got
    line, = of(talking, got)
    assert 0 <= line.pop("ms") < 60000 and isinstance(line.pop("token"), int)
    assert line.pop("at") and line == {
        "program": "tally-api", "level": "info", "request": got,
        "message": "request", "method": "GET",
        "route": "/api/v1/cameras/{code}", "status": 400, "bytes": len(body),
        "address": "127.0.0.1"}
    # Neither a path nor a query nor a secret is in the log.
    for secret in (c, "colour", t.read_token, t.ingest_token):
        assert secret not in talking.log()


@pytest.mark.parametrize("sent, kept", [
    ("a", True), ("A-z_0.9" + "x" * 57, True), ("x" * 65, False),
    ("a b", False), ("a\tb", False), ("é", False), ("a\"}", False),
    ("", False)], ids=str)
def test_an_id_is_kept_if_it_is_harmless(talking, sent, kept):
    got = raw(talking.tally, f"GET /nowhere HTTP/1.1\r\nHost: a\r\n"
              f"X-Request-Id: {sent}\r\nConnection: close\r\n\r\n".encode())
    shown = re.search(rb"X-Request-Id: ([^\r]*)\r\n", got)[1].decode()
    assert (shown == sent) == kept and ID.fullmatch(shown)
    assert f'"request_id":"{shown}"'.encode() in got
    assert of(talking, shown)


def test_what_is_no_request_has_an_id_too(talking):
    got = raw(talking.tally, b"GET / HTTP/1.1\r\n\r\n")
    shown = re.search(rb"X-Request-Id: ([^\r]*)\r\n", got)[1].decode()
    line, = of(talking, shown)
    assert line["status"] == 400 and "route" not in line


def test_what_a_request_caused_has_its_id(talking):
    """On the committer's thread, and on a work thread."""
    t, c, name = talking.tally, code(), "cause-" + code()
    status, _, _ = t.request("POST", "/api/v1/counts", t.ingest_token,
                             row(c, hours_ago(1)), {"X-Request-Id": name})
    assert status == 200
    registered = [ln for ln in of(talking, name) if c in ln["message"]]
    assert "registered by its first count" in registered[0]["message"]


def test_requests_side_by_side_keep_their_ids(talking):
    t = talking.tally
    names = ["side-" + code() for _ in range(12)]

    def ask(name):
        got = t.request("GET", "/api/v1/cameras", t.read_token,
                        headers={"X-Request-Id": name})
        assert got[1]["x-request-id"] == name

    threads = [threading.Thread(target=ask, args=(n,)) for n in names]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for name in names:
        assert [ln["status"] for ln in of(talking, name)] == [200]


def test_a_line_is_a_line_whatever_is_sent(talking):
    """Lines cannot be forged: each is JSON, and those of text are as many."""
    t = talking.tally
    for evil in ('x"}\r\n{"at":"', "%0a%0d", "\x1b[31m", "\udc80"):
        raw(t, b"GET /" + evil.encode("utf-8", "surrogateescape")
            + b" HTTP/1.1\r\nHost: a\r\nUser-Agent: "
            + evil.encode("utf-8", "surrogateescape")
            + b"\r\nConnection: close\r\n\r\n")
    assert post(t, row('"}\n{"', hours_ago(1)))[0] == 422
    assert post_csv(t, 'camera\n"a\nb"\n')[0] in (400, 422)
    lines(talking)


def test_a_log_nobody_can_choose_is_refused(tally):
    for log, said in (({"format": "yaml"}, "log.format"),
                      ({"level": "quiet"}, "log.level")):
        with pytest.raises(FileNotFoundError):
            OtherApi(tally, log=log)
