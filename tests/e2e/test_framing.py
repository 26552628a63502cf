# SPDX-License-Identifier: MIT
"""
HTTP framing over raw sockets (RFC 9112): each input gets its status and, where
it was refused, the connection ends.  Behind every input stands a whole second
request that writes a row; where the first is refused it must never run.
"""
import contextlib
import datetime
import json
import os
import pathlib
import select
import socket
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
REFUSED_WITHIN_S = 60  # an idle connection is closed after 75
MIB = 1 << 20


def start_at():
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.replace(minute=0, second=0, microsecond=0)


def count_of(camera):
    begin = start_at() - datetime.timedelta(hours=2)
    end = begin + datetime.timedelta(minutes=5)
    return json.dumps({
        "camera": camera, "start_at": begin.isoformat(),
        "end_at": end.isoformat(), "people": 1}).encode()


def post(token, fields, body=b"", line=b"POST /api/v1/counts HTTP/1.1"):
    """A request with this token; each of fields ends in CRLF."""
    return (line + b"\r\nHost: a\r\nAuthorization: Bearer " + token.encode() +
            b"\r\nContent-Type: application/json\r\n" + fields + b"\r\n" +
            body)


def whole_post(token, camera):
    body = count_of(camera)
    return post(token, b"Content-Length: %d\r\n" % len(body), body)


class Talk:
    """One connection and the bytes that came over it."""

    def __init__(self, address):
        self.begun = time.monotonic()
        self.socket = socket.create_connection(address, timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got = b""
        self.ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """The server may have ended the connection by now."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def read(self, seconds):
        """Takes what comes within that time; False once nothing came."""
        if self.ended or not select.select([self.socket], [], [], seconds)[0]:
            return False
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.ended = not data
        self.got += data
        return True

    def replies(self):
        """(status, body) of each whole reply so far."""
        found, rest = [], self.got
        while b"\r\n\r\n" in rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            lines = head.split(b"\r\n")
            status = int(lines[0].split()[1])
            length = sum(int(line.split(b":")[1]) for line in lines
                         if line.lower().startswith(b"content-length:"))
            if len(rest) < length:
                break
            found.append((status, rest[:length]))
            rest = rest[length:]
        return found

    def statuses(self):
        return [status for status, _ in self.replies()]

    def until(self, n, seconds=REFUSED_WITHIN_S):
        """Waits for n replies; the statuses of all that came."""
        end = time.monotonic() + seconds
        while len(self.replies()) < n and not self.ended:
            left = end - time.monotonic()
            if left <= 0:
                break
            self.read(left)
        return self.statuses()

    def until_end(self, seconds=REFUSED_WITHIN_S):
        end = time.monotonic() + seconds
        while not self.ended and time.monotonic() < end:
            self.read(max(0, end - time.monotonic()))
        assert self.ended, f"still open, after {self.got[:300]!r}"
        return self.statuses()


# It asks nobody else, as /healthz does.
PATH = b"/static/login.js"
GET = b"GET " + PATH + b" HTTP/1.1\r\n"
HOST = b"Host: a\r\n"


def fields(*more):
    return GET + HOST + b"".join(f + b"\r\n" for f in more) + b"\r\n"


# Refused: name, the request, the status.
HEADS = [
    # the request line
    ("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ("NUL first", b"\0\r\n\r\n", 400),
    ("three empty lines", b"\r\n" * 3 + fields(), 400),
    ("LF first", b"\n" + fields(), 400),
    ("blank first", b" " + fields(), 400),
    ("two blanks before the target", fields().replace(b" ", b"  ", 1), 400),
    ("tab before the target", fields().replace(b" ", b"\t", 1), 400),
    ("two blanks before the version",
     fields().replace(b" HTTP", b"  HTTP"), 400),
    ("blank behind the version", fields().replace(b"1.1", b"1.1 "), 400),
    ("LF ends the request line", fields().replace(b"\r\n", b"\n", 1), 400),
    ("CR ends the request line", fields().replace(b"\r\n", b"\r", 1), 400),
    ("no version", b"GET " + PATH + b"\r\n\r\n", 400),
    ("lower-case http", fields().replace(b"HTTP", b"http"), 400),
    ("HTTP/01.1", fields().replace(b"1.1", b"01.1"), 400),
    ("HTTP/1.10", fields().replace(b"1.1", b"1.10"), 400),
    ("HTTP/2.0", fields().replace(b"1.1", b"2.0"), 505),
    ("HTTP/9.9", fields().replace(b"1.1", b"9.9"), 505),
    ("HTTP/0.9", fields().replace(b"1.1", b"0.9"), 505),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("high byte in the method", b"G\xc3T / HTTP/1.1\r\n\r\n", 400),
    # the target
    ("high byte in the target", fields().replace(b"/s", b"/\xff"), 400),
    ("control byte in the target", fields().replace(b"/s", b"/\x01"), 400),
    ("NUL in the target", fields().replace(b"/s", b"/\0"), 400),
    ("fragment in the target", fields().replace(b"s ", b"s#x ", 1), 400),
    ("no slash", fields().replace(PATH, PATH[1:]), 400),
    ("* with GET", fields().replace(PATH, b"*"), 400),
    ("address with a user",
     fields().replace(PATH, b"http://u:p@a" + PATH), 400),
    ("address of another scheme",
     fields().replace(PATH, b"ftp://a" + PATH), 400),
    ("CONNECT", b"CONNECT a:443 HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    ("target of 9000 bytes", fields().replace(b"s ", b"s" * 9000 + b" "),
     414),
    ("target of 64 KiB", fields().replace(b"s ", b"s" * 65536 + b" "), 414),
    # fields
    ("blank before the colon", fields(b"Content-Length : 2"), 400),
    ("tab before the colon", fields(b"A\t: b"), 400),
    ("blank in a name", fields(b"A b: c"), 400),
    ("empty name", fields(b": c"), 400),
    ("no colon", fields(b"A"), 400),
    ("NUL in a name", fields(b"A\0: b"), 400),
    ("high byte in a name", fields(b"\xc3\xa9: b"), 400),
    ("NUL in a value", fields(b"A: b\0c"), 400),
    ("control byte in a value", fields(b"A: b\x08c"), 400),
    ("DEL in a value", fields(b"A: b\x7fc"), 400),
    ("bare CR in a value", fields(b"A: b\rc"), 400),
    ("bare LF ends a field", fields(b"A: b\nC: d"), 400),
    ("folded line", fields(b"A: b", b" c"), 400),
    ("folded by a tab", fields(b"A: b", b"\tc"), 400),
    ("blank before the first field",
     GET + b" A: b\r\n" + HOST + b"\r\n", 400),
    ("1500 fields", fields(*[b"A:"] * 1500), 431),
    ("65 fields", fields(*[b"A: b"] * 64), 431),
    ("head of 64 KiB", fields(b"A: " + b"b" * 65536), 431),
    # Host
    ("no Host", GET + b"\r\n", 400),
    ("two Host", fields(HOST.strip()), 400),
    ("two Host, different", fields(b"host: b"), 400),
    ("empty Host", GET + b"Host:\r\n\r\n", 400),
    ("blank in Host", GET + b"Host: a b\r\n\r\n", 400),
    ("comma in Host", GET + b"Host: a,b\r\n\r\n", 400),
    ("path in Host", GET + b"Host: a/b\r\n\r\n", 400),
    ("user in Host", GET + b"Host: u@a\r\n\r\n", 400),
    ("port that is none", GET + b"Host: a:8x\r\n\r\n", 400),
    # what comes once
    ("two Authorization",
     fields(b"Authorization: Bearer a", b"Authorization: Bearer b"), 400),
    ("two Content-Type",
     fields(b"Content-Type: text/csv", b"Content-Type: text/csv"), 400),
    ("two Cookie", fields(b"Cookie: a=b", b"Cookie: a=c"), 400),
    ("unknown expectation", fields(b"Expect: 200-ok"), 417),
]

# Refused: the fields that frame a body, the status.  A valid token is there.
LENGTHS = [
    (b"Content-Length: 2\r\nContent-Length: 2\r\n", 400),
    (b"Content-Length: 2\r\nContent-Length: 3\r\n", 400),
    (b"Content-Length: 2, 2\r\n", 400),
    (b"Content-Length: +2\r\n", 400),
    (b"Content-Length: -2\r\n", 400),
    (b"Content-Length: -0\r\n", 400),
    (b"Content-Length: 0x2\r\n", 400),
    (b"Content-Length: 2 2\r\n", 400),
    (b"Content-Length: 2.0\r\n", 400),
    (b"Content-Length:\r\n", 400),
    (b"Content-Length: \xb2\r\n", 400),
    (b"Content-Length: 18446744073709551618\r\n", 400),
    (b"Content-Length : 2\r\n", 400),
    (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", 400),
    (b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", 400),
    (b"Transfer-Encoding: gzip\r\n", 501),
    (b"Transfer-Encoding: xchunked\r\n", 501),
    (b"Transfer-Encoding: identity\r\n", 501),
    (b"Transfer-Encoding: gzip, chunked\r\n", 501),
    (b"Transfer-Encoding: chunked, gzip\r\n", 400),
    (b"Transfer-Encoding: chunked, chunked\r\n", 400),
    (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
    (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", 400),
    (b"Transfer-Encoding: \x0bchunked\r\n", 400),
    (b"Transfer-Encoding : chunked\r\n", 400),
    (b"Transfer-Encoding:\r\n chunked\r\n", 400),
    (b"Transfer-Encoding:\r\n", 400),
    (b"Transfer-Encoding: chunked;a=b\r\n", 400),
]

# Refused: a chunked body.
CHUNKS = [
    b"0x2\r\n[]\r\n0\r\n\r\n",
    b"+2\r\n[]\r\n0\r\n\r\n",
    b"-0\r\n\r\n",
    b" 2\r\n[]\r\n0\r\n\r\n",
    b"2 \r\n[]\r\n0\r\n\r\n",
    b"\r\n[]\r\n0\r\n\r\n",
    b"g\r\n[]\r\n0\r\n\r\n",
    b"000000002\r\n[]\r\n0\r\n\r\n",
    b"10000000000000002\r\n[]\r\n0\r\n\r\n",
    b"2\n[]\r\n0\r\n\r\n",
    b"2\r\n[]\n0\r\n\r\n",
    b"2\r\n[]0\r\n\r\n",
    b"2\r\n[]xx0\r\n\r\n",
    b"2\r\n[] \r\n0\r\n\r\n",
    b"2;a\n[]\r\n0\r\n\r\n",
    b"2;a=\"\n\"\r\n[]\r\n0\r\n\r\n",
    b"2;\0\r\n[]\r\n0\r\n\r\n",
    b"2;" + b"x" * 5000 + b"\r\n[]\r\n0\r\n\r\n",
    b"2\r\n[]\r\n0\r\nA : b\r\n\r\n",
    b"2\r\n[]\r\n0\r\nA: b\r\n c\r\n\r\n",
    b"2\r\n[]\r\n0\r\nA: b\n\r\n",
]

# Accepted: the request and its status; the connection goes on.
GOOD = [
    ("two empty lines first", b"\r\n\r\n" + fields(), 200),
    ("HTTP/1.9", fields().replace(b"1.1", b"1.9"), 200),
    ("HTTP/1.0 kept alive", b"GET " + PATH + b" HTTP/1.0\r\n"
     b"Connection: keep-alive\r\n\r\n", 200),
    ("absolute address", fields().replace(
        PATH, b"http://evil.example" + PATH), 200),
    ("path of two slashes", fields().replace(
        PATH, b"//evil.example" + PATH), 404),
    ("unknown method", fields().replace(b"GET", b"BREW"), 405),
    ("upgrade is ignored",
     fields(b"Connection: upgrade", b"Upgrade: h2c"), 200),
    ("high bytes in a value", fields(b"A: \xc3\xa9\xff"), 200),
    ("64 fields", fields(*[b"A: b"] * 63), 200),
]


def refused(tally, request, want, name):
    """One reply with that status, then the end; nothing runs behind it."""
    token = tally.ingest_token
    with Talk(tally.address) as talk:
        talk.send(request + whole_post(token, "smuggled"))
        assert talk.until_end() == [want], (name, talk.got[:400])
        body = talk.replies()[0][1]
        assert json.loads(body)["status"] == want, name


def smuggled(tally, camera="smuggled"):
    return tally.sql("SELECT COUNT(*) FROM camera WHERE code = %s",
                     camera)[0][0]


def test_the_request_behind_runs_when_it_stands_in_the_open(tally):
    """Or the tests below could not fail."""
    token = tally.ingest_token
    with Talk(tally.address) as talk:
        talk.send(fields() + whole_post(token, "framing"))
        assert talk.until(2) == [200, 200], talk.got
    assert smuggled(tally, "framing") == 1


@pytest.mark.parametrize("name,request_,want", HEADS,
                         ids=[h[0] for h in HEADS])
def test_a_malformed_head_is_refused(tally, name, request_, want):
    refused(tally, request_, want, name)
    assert smuggled(tally) == 0


@pytest.mark.parametrize("framing,want", LENGTHS,
                         ids=[repr(f)[2:-1] for f, _ in LENGTHS])
def test_an_ambiguous_length_is_refused(tally, framing, want):
    refused(tally, post(tally.ingest_token, framing, b"[]"), want, framing)
    assert smuggled(tally) == 0


@pytest.mark.parametrize("body", CHUNKS, ids=[repr(c[:30])[2:-1] for c in CHUNKS])
def test_a_malformed_chunk_is_refused(tally, body):
    refused(tally, post(tally.ingest_token, b"Transfer-Encoding: chunked\r\n",
                        body), 400, body)
    assert smuggled(tally) == 0


def test_chunked_with_http_1_0_is_refused(tally):
    refused(tally, post(tally.ingest_token, b"Transfer-Encoding: chunked\r\n",
                        b"2\r\n[]\r\n0\r\n\r\n",
                        b"POST /api/v1/counts HTTP/1.0"), 400, "1.0")
    assert smuggled(tally) == 0


@pytest.mark.parametrize("name,request_,want", GOOD, ids=[g[0] for g in GOOD])
def test_what_is_legal_is_served_and_the_connection_goes_on(
        tally, name, request_, want):
    with Talk(tally.address) as talk:
        talk.send(request_ + fields(b"Connection: close"))
        assert talk.until_end() == [want, 200], (name, talk.got)


@pytest.mark.parametrize("body", [
    b"2\r\n[]\r\n0\r\n\r\n", b"1\r\n[\r\n1\r\n]\r\n0\r\n\r\n",
    b"00000002\r\n[]\r\n000\r\n\r\n", b"2;x=\"y\"\r\n[]\r\n0;z\r\n\r\n",
    b"2\r\n[]\r\n0\r\nContent-Length: 9\r\nHost: b\r\n\r\n"])
def test_legal_chunks_are_read_and_what_follows_is_a_request(tally, body):
    with Talk(tally.address) as talk:
        talk.send(post(tally.ingest_token, b"Transfer-Encoding: chunked\r\n",
                       body) + fields(b"Connection: close"))
        assert talk.until_end() == [200, 200], talk.got
        assert json.loads(talk.replies()[0][1])["received"] == 0


def test_the_head_may_come_byte_by_byte(tally):
    with Talk(tally.address) as talk:
        for byte in post(tally.ingest_token, b"Content-Length: 2\r\n", b"[]"):
            talk.send(bytes([byte]))
        assert talk.until(1) == [200]


def test_a_fault_is_refused_before_the_head_ends(tally):
    for begin in (GET[:-2] + b"\n", GET + b"Host : ", b"\x16\x03",
                  GET + b"A: b\r\n "):
        with Talk(tally.address) as talk:
            talk.send(begin)
            assert talk.until_end() == [400], begin


def test_pipelined_requests_are_answered_in_order(tally):
    token = tally.ingest_token
    ask = post(token, b"Content-Length: 2\r\n", b"[]")
    lost = fields().replace(PATH, b"/nowhere")
    with Talk(tally.address) as talk:
        talk.send(ask + lost + fields() + ask + lost +
                  fields(b"Connection: close") + fields())
        assert talk.until_end() == [200, 404, 200, 200, 404, 200]
        bodies = [body for _, body in talk.replies()]
        for at in (0, 3):
            assert json.loads(bodies[at])["received"] == 0
        assert bodies[2] == bodies[5] and b"SPDX" in bodies[2]


def test_pipelined_requests_beyond_the_buffer_are_all_answered(tally):
    with Talk(tally.address) as talk:
        talk.send(fields() * 1000)
        assert talk.until(1000) == [200] * 1000


def test_a_wrong_token_is_refused_before_the_body_is_sent(tally):
    for framing in (b"Content-Length: 100000\r\n",
                    b"Transfer-Encoding: chunked\r\n",
                    b"Content-Length: 100000\r\nExpect: 100-continue\r\n"):
        with Talk(tally.address) as talk:
            talk.send(post("tly_wrong", framing))
            assert talk.until(1) == [401], talk.got


def test_a_body_over_the_bound_is_refused_before_it_is_sent(tally):
    for more in (b"", b"Expect: 100-continue\r\n"):
        with Talk(tally.address) as talk:
            talk.send(post(tally.ingest_token,
                           b"Content-Length: 10000000000\r\n" + more))
            assert talk.until(1) == [413], talk.got


def test_a_chunked_body_is_refused_where_it_crosses_the_bound(tally):
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with Talk(tally.address) as talk:
        talk.socket.settimeout(60)
        talk.send(post(tally.ingest_token, b"Transfer-Encoding: chunked\r\n"))
        with contextlib.suppress(TimeoutError):
            for _ in range(64 * MIB // 65536):
                if talk.replies() or talk.ended:
                    break
                talk.send(chunk)
                talk.read(0)
        assert talk.until(1) == [413], talk.got[:300]


def test_a_refused_body_within_the_bound_is_drained(tally):
    """The client that sends on before it reads gets its reply, no reset."""
    with Talk(tally.address) as talk:
        talk.socket.sendall(post(
            "tly_wrong", b"Content-Length: %d\r\n" % MIB, b" " * MIB))
        assert talk.until_end() == [401]


def test_continue_is_said_after_the_token_was_checked(tally):
    body = b"[]"
    with Talk(tally.address) as talk:
        talk.send(post(tally.ingest_token,
                       b"Content-Length: 2\r\nExpect: 100-continue\r\n"))
        assert talk.until(1) == [100]
        talk.send(body)
        assert talk.until(2) == [100, 200]


def test_a_body_that_comes_with_its_head_needs_no_continue(tally):
    with Talk(tally.address) as talk:
        talk.send(post(tally.ingest_token,
                       b"Content-Length: 2\r\nExpect: 100-continue\r\n",
                       b"[]") + fields(b"Connection: close"))
        assert talk.until_end()[-2:] == [200, 200]


def test_http_1_0_closes_unless_asked(tally):
    with Talk(tally.address) as talk:
        talk.send(b"GET " + PATH + b" HTTP/1.0\r\n\r\n" + fields())
        assert talk.until_end() == [200]


# ---- deadlines: a second API on the same database, with little patience


HASTY = {"head_timeout_s": 2, "body_timeout_s": 3, "idle_timeout_s": 2}


class Hasty:
    def __init__(self, tally, port):
        self.ingest_token = tally.ingest_token
        self.address = ("127.0.0.1", port)


@pytest.fixture(scope="module")
def hasty(tally, tmp_path_factory):
    port_file = tmp_path_factory.mktemp("hasty") / "port"
    command = [str(ROOT / os.environ["TALLY_BUILD"] / "tally-api"), "--config",
               os.path.join(tally.state, "run", "tally.ini"),
               "--set", "api.port=0", "--set", f"api.port_file={port_file}"]
    for key, value in HASTY.items():
        command += ["--set", f"api.{key}={value}"]
    api = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL,
                           stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + 60
        while not (port_file.exists() and port_file.read_text().strip()):
            assert api.poll() is None and time.monotonic() < end, \
                "the second API does not start"
            time.sleep(0.05)
        yield Hasty(tally, int(port_file.read_text()))
    finally:
        api.terminate()
        _, words = api.communicate(timeout=120)
    assert b"Sanitizer" not in words and b"runtime error" not in words, words


def dribble(talk, data):
    """A byte each 0.2 s; the age of the connection when it was answered."""
    for byte in data:
        talk.send(bytes([byte]))
        talk.read(0.2)
        if talk.ended or talk.replies():
            return time.monotonic() - talk.begun
    pytest.fail("alive though it dribbled all it had")


def test_a_dribbling_head_meets_the_deadline(hasty):
    with Talk(hasty.address) as talk:
        after = dribble(talk, GET + b"A: b\r\n" * 100)
        assert after > HASTY["head_timeout_s"] - 0.5
        assert talk.until_end() == [408]


def test_a_field_a_second_meets_the_deadline(hasty):
    with Talk(hasty.address) as talk:
        talk.send(GET)
        for _ in range(60):
            talk.send(b"A: b\r\n")
            talk.read(1)
            if talk.replies():
                break
        assert talk.until_end() == [408]


def test_a_dribbling_body_meets_the_deadline(hasty):
    with Talk(hasty.address) as talk:
        talk.send(post(hasty.ingest_token, b"Content-Length: 1000\r\n"))
        after = dribble(talk, b" " * 999)
        assert after > HASTY["body_timeout_s"] - 0.5
        assert talk.until_end() == [408]


def test_dribbling_chunks_meet_the_deadline(hasty):
    with Talk(hasty.address) as talk:
        talk.send(post(hasty.ingest_token, b"Transfer-Encoding: chunked\r\n"))
        assert dribble(talk, b"1\r\n \r\n" * 200)
        assert talk.until_end() == [408]


def test_an_idle_connection_is_closed_without_a_word(hasty):
    with Talk(hasty.address) as fresh, Talk(hasty.address) as used:
        used.send(fields())
        assert used.until(1) == [200]
        assert fresh.until_end() == []
        assert used.until_end() == [200]


def among_dribblers(hasty):
    """How long 50 requests take while 300 clients dribble."""
    slow = [Talk(hasty.address) for _ in range(300)]
    try:
        for talk in slow:
            talk.send(GET + b"A")
        begin = time.monotonic()
        with Talk(hasty.address) as talk:
            talk.send(fields() * 50)
            assert talk.until(50) == [200] * 50
        took = time.monotonic() - begin
        for talk in slow:
            assert talk.until_end() == [408]
        return took
    finally:
        for talk in slow:
            talk.socket.close()


def test_dribblers_do_not_hinder_others(hasty):
    # Who waits for dribblers waits each time; a busy machine is slow at times.
    assert any(among_dribblers(hasty) < HASTY["head_timeout_s"]
               for _ in range(8))
