# SPDX-License-Identifier: MIT
"""
HTTPS: who is served and who is turned away, the same strict framing as without
TLS, and a new certificate while connections are open.
"""
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

from apibase import (OtherApi, camera, code, figures, hours_ago, minutes,
                     post_csv, row, wait_for, z)
from livebase import passes_live
from pki import Authority, openssl
from running import BUILD, ROOT
from test_clients import PROGRAMS
from test_framing import (CHUNKS, GOOD, HEADS, LENGTHS, Talk, fields, post,
                          smuggled, whole_post)
from test_sources import GREY


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki"), "authority")


class Https(OtherApi):
    """A second API process that speaks HTTPS."""

    def __init__(self, tally, authority, name, **settings):
        self.authority = authority
        self.pair = authority.sign(name)
        super().__init__(tally, tls_cert=self.pair[0], tls_key=self.pair[1],
                         **settings)
        self.address = self.tally.address
        self.port = self.address[1]
        self.ingest_token = tally.ingest_token

    def context(self, **settings):
        c = ssl.create_default_context(cafile=self.authority.ca)
        for key, value in settings.items():
            setattr(c, key, value)
        return c

    def connect(self, context=None, name="localhost"):
        s = socket.create_connection(self.address, timeout=120)
        try:
            return (context or self.context()).wrap_socket(
                s, server_hostname=name)
        except BaseException:
            s.close()
            raise

    def get(self, path, token=None):
        c = http.client.HTTPSConnection(*self.address, timeout=120,
                                        context=self.context())
        c.request("GET", path, headers={
            "Authorization": "Bearer " + token} if token else {})
        r = c.getresponse()
        answer = r.status, dict(r.getheaders()), r.read()
        c.close()
        return answer

    def serial(self):
        with self.connect() as s:
            return s.getpeercert()["serialNumber"]


@pytest.fixture(scope="module")
def https(tally, authority):
    api = Https(tally, authority, "server")
    yield api
    assert api.stop() == 0


class SafeTalk(Talk):
    """The same over TLS."""

    def __init__(self, api, **settings):
        self.socket = api.connect(api.context(**settings))
        self.got, self.ended = b"", False

    def send(self, data):
        with contextlib.suppress(ssl.SSLError):
            super().send(data)

    def read(self, seconds):
        if self.ended:
            return False
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return False
        except (ConnectionResetError, ssl.SSLError):
            data = b""
        self.ended = not data
        self.got += data
        return True


def test_https_is_served_and_browsers_are_told_to_stay(https, tally):
    status, headers, body = https.get("/static/login.js")
    assert status == 200 and b"SPDX" in body
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "strict-transport-security" not in tally.request(
        "GET", "/static/login.js")[1]


def test_what_both_sides_agree_on(https):
    with https.connect() as s:
        assert s.version() == "TLSv1.3"
    context = https.context(maximum_version=ssl.TLSVersion.TLSv1_2)
    with https.connect(context) as s:
        name = s.cipher()[0]
        assert name.startswith("ECDHE-") and ("GCM" in name or
                                              "POLY1305" in name)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with https.connect(context) as s:
        assert s.selected_alpn_protocol() == "http/1.1"
        session = s.session
        s.sendall(fields())
        assert s.recv(15) == b"HTTP/1.1 200 OK"
    with socket.create_connection(https.address) as plain:
        with context.wrap_socket(plain, server_hostname="localhost",
                                 session=session) as s:
            assert s.session_reused


def test_who_is_turned_away(https, tmp_path):
    old = https.context()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    cbc = https.context(maximum_version=ssl.TLSVersion.TLSv1_2)
    cbc.set_ciphers("ECDHE-ECDSA-AES256-SHA384")
    h2 = https.context()
    h2.set_alpn_protocols(["h2"])
    other = ssl.create_default_context(
        cafile=Authority(tmp_path, "stranger").ca)
    for context in (old, cbc, h2, other):
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            https.connect(context)
    with pytest.raises(ssl.SSLCertVerificationError):
        https.connect(name="other.example")
    done = subprocess.run(
        ["openssl", "s_client", "-tls1_2", "-connect",
         "{}:{}".format(*https.address)], input=b"R\n",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    assert b"RENEGOTIATING" in done.stdout
    assert b"no renegotiation" in done.stdout, done.stdout
    assert https.get("/static/login.js")[0] == 200


def test_plain_http_gets_a_word_and_garbage_none(https):
    with Talk(https.address) as talk:
        talk.send(post(https.ingest_token, b"Content-Length: 2\r\n", b"[]"))
        assert talk.until_end() == [400]
        assert "https://" in json.loads(talk.replies()[0][1])["detail"]
    for garbage in (b"\0" * 100, b"hello\r\n", b"\x16" + b"\xff" * 100):
        with Talk(https.address) as talk:
            talk.send(garbage)
            assert not talk.until_end()


def test_framing_is_as_strict(https, tally):
    """What tests/e2e/test_framing.py sends, inside of TLS."""
    bad = [(name, request, want) for name, request, want in HEADS]
    bad += [(f, post(https.ingest_token, f, b"[]"), want)
            for f, want in LENGTHS]
    bad += [(c, post(https.ingest_token, b"Transfer-Encoding: chunked\r\n", c),
             400) for c in CHUNKS]
    behind = whole_post(https.ingest_token, "smuggled")
    for name, request, want in bad:
        with SafeTalk(https) as talk:
            talk.send(request + behind)
            assert talk.until_end() == [want], (name, talk.got[:400])
    assert smuggled(tally) == 0
    for name, request, want in GOOD:
        with SafeTalk(https) as talk:
            talk.send(request + fields(b"Connection: close"))
            assert talk.until_end() == [want, 200], (name, talk.got)


def test_bytes_however_they_come(https):
    """One by one, many requests in one record, more than a buffer holds."""
    token = https.ingest_token
    with SafeTalk(https) as talk:
        for byte in post(token, b"Content-Length: 2\r\n", b"[]"):
            talk.send(bytes([byte]))
        assert talk.until(1) == [200]
        talk.got = b""
        talk.send(fields() * 1000)
        while talk.got.count(b"HTTP/1.1 200 OK\r\n") < 1000:
            assert talk.read(60) and not talk.ended
        talk.send(fields(b"A: b").replace(b"GET", b"HEAD"))
        while not talk.got.endswith(b"\r\n\r\n"):
            assert talk.read(60)
        talk.got = b""
        talk.send(post(token, b"Content-Length: 2\r\n"
                       b"Expect: 100-continue\r\n"))
        assert talk.until(1) == [100]
        talk.send(b"[]")
        assert talk.until(2) == [100, 200]
        talk.send(post("tly_wrong", b"Content-Length: 1000000\r\n",
                       b" " * 1000000))
        assert talk.until_end()[-1] == 401


def test_long_bodies_and_replies_arrive_whole(https, tally):
    c, begin = code(), hours_ago(1100)
    lines = "".join(f"{c},{z(begin + minutes(5 * i))},"
                    f"{z(begin + minutes(5 * i + 5))},{i % 97}\n"
                    for i in range(12000))
    text = "camera,start_at,end_at,people\n" + lines
    connection = http.client.HTTPSConnection(*https.address, timeout=120,
                                             context=https.context())
    connection.request("POST", "/api/v1/counts", text, {
        "Authorization": "Bearer " + https.ingest_token,
        "Content-Type": "text/csv"})
    r = connection.getresponse()
    assert json.loads(r.read())["inserted"] == 12000, r.status
    connection.close()
    assert post_csv(tally, text)[1]["duplicate"] == 12000
    path = f"/api/v1/counts?camera={c}&limit=10000"
    _, _, plain = tally.request("GET", path, tally.read_token)
    assert len(plain) > 1000000
    # A client that is slow to read, with little room on its way.
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(60)
    s.connect(https.address)
    with https.context().wrap_socket(s, server_hostname="localhost") as t:
        t.sendall((f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                   f"Authorization: Bearer {tally.read_token}\r\n\r\n").encode())
        got = b""
        while piece := t.recv(3000):
            got += piece
    assert got.partition(b"\r\n\r\n")[2] == plain


def test_pictures_and_events_come_at_once(https, tally):
    passes_live(lambda: http.client.HTTPSConnection(
        *https.address, timeout=120, context=https.context()), tally)


def test_a_new_pair_without_a_dropped_connection(tally, authority):
    api = Https(tally, authority, "old")
    try:
        first = api.serial()
        with SafeTalk(api) as talk:
            talk.send(fields())
            assert talk.until(1) == [200]
            for file, to in zip(authority.sign("new"), api.pair):
                shutil.copyfile(file, to)
            api.process.send_signal(signal.SIGHUP)
            wait_for(lambda: api.serial() != first)
            second = api.serial()
            talk.send(fields())
            assert talk.until(2) == [200, 200]
            shutil.copyfile(authority.sign("third")[1], api.pair[1])
            api.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "is not the key of api.tls_cert" in api.log())
            assert f"api.tls_key: {api.pair[1]}: " in api.log()
            assert api.serial() == second
            talk.send(fields())
            assert talk.until(3) == [200] * 3
    finally:
        assert api.stop() == 0


def test_a_handshake_has_its_deadline(tally, authority):
    """Who says nothing, half a hello, or dribbles it, is closed; until then it
    has its place among the connections."""
    api = Https(tally, authority, "hasty", head_timeout_s=2,
                connections_max=3)
    try:
        context, out = api.context(), ssl.MemoryBIO()
        hello = context.wrap_bio(ssl.MemoryBIO(), out)
        with pytest.raises(ssl.SSLWantReadError):
            hello.do_handshake()
        with Talk(api.address) as a, Talk(api.address) as b, \
                Talk(api.address) as c, Talk(api.address) as full:
            b.send(out.read(100))
            c.send(b"\x16")
            while not c.ended:
                c.send(b"\x03")
                c.read(0.2)
            for talk in (a, b, full):
                assert talk.until_end(60) == []
        _, _, body = wait_for(lambda: (
            got := api.get("/healthz"))[0] == 200 and got)
        # The fourth took the place of one that had said nothing yet.
        assert json.loads(body)["checks"]["server"]["gave_way"] == 1
    finally:
        assert api.stop() == 0


def api_with(tally, tmp_path, **settings):
    """What tally-api said that could not start."""
    options = [o for k, v in settings.items()
               for o in ("--set", f"api.{k}={v}")]
    done = subprocess.run(
        [ROOT / BUILD / "tally-api", "--config",
         os.path.join(tally.state, "run", "tally.ini"), "--set",
         f"api.port_file={tmp_path / 'port'}", "--set", "api.port=0",
         *options], cwd=tmp_path, stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_what_is_no_good_is_named(tally, authority, tmp_path):
    cert, key = authority.sign("named")
    other = authority.sign("others")[1]
    rsa = tmp_path / "rsa.key"
    openssl("genrsa", "-out", rsa, "2048")
    locked, empty = tmp_path / "locked.key", tmp_path / "empty.pem"
    openssl("ec", "-in", key, "-aes256", "-passout", "pass:secret", "-out",
            locked)
    empty.write_text("no certificate\n")
    for pair, words in [
            ((cert, ""), "api.tls_cert and api.tls_key: one is set without"),
            (("", key), "api.tls_cert and api.tls_key: one is set without"),
            (("/nowhere", key), "api.tls_cert: /nowhere: No such file"),
            ((empty, key), f"api.tls_cert: {empty}: "),
            ((cert, "/nowhere"), "api.tls_key: /nowhere: No such file"),
            ((cert, other), f"api.tls_key: {other}: is not the key of"),
            ((cert, rsa), f"api.tls_key: {rsa}: is not the key of"),
            ((cert, locked), f"api.tls_key: {locked}: "),
            ((cert, cert), f"api.tls_key: {cert}: ")]:
        said = api_with(tally, tmp_path, tls_cert=pair[0], tls_key=pair[1])
        assert words in said and said.count("\n") == 1, said


def test_plain_http_stays_on_this_machine_unless_told_otherwise(
        tally, authority, tmp_path):
    for address in ("0.0.0.0", "::", "192.0.2.1"):
        assert "api.plain_http = yes" in api_with(tally, tmp_path,
                                                  listen=address)
    for settings in ({"plain_http": "yes"}, {}):
        if settings:
            api = OtherApi(tally, listen="0.0.0.0", **settings)
            assert api.tally.health()
        else:
            api = Https(tally, authority, "wide", listen="0.0.0.0")
            assert api.get("/static/login.js")[0] == 200
            assert "everybody on this machine" not in api.log()
        assert api.stop() == 0


def test_a_key_that_everybody_reads_is_warned_of(tally, authority):
    pair = authority.sign("open")
    pair[1].chmod(0o644)
    api = OtherApi(tally, tls_cert=pair[0], tls_key=pair[1])
    assert api.stop() == 0
    assert (f"api.tls_key: {pair[1]}: everybody on this machine may read it"
            in api.log())


# ---- clients


def test_documented_clients_trust_the_authority_they_are_given(
        https, tally, tmp_path):
    c = camera(tally)
    (tmp_path / "tally.header").write_text(
        "Authorization: Bearer " + tally.ingest_token + "\n")
    for name in ("live.sh", "live.py", "tally.py"):
        (tmp_path / name).write_text(PROGRAMS[name])
    line = json.dumps(row(c, hours_ago(3)))
    env = {**os.environ, "TALLY_URL": "https://localhost:%d" % https.port,
           "SSL_CERT_FILE": str(https.authority.ca)}
    for other in ("CURL_CA_BUNDLE", "SSL_CERT_DIR"):
        env.pop(other, None)
    for command, words in ((["sh", "live.sh", line], ""),
                           (["python3", "live.py"], line)):
        done = subprocess.run(command, input=words, cwd=tmp_path, env=env,
                              stdout=subprocess.PIPE, text=True, timeout=120)
        assert done.returncode == 0 and json.loads(done.stdout)["received"]
    assert figures(tally, c) == [1]


def count_images(https, folder, *options):
    """tally-ingest counts two still images, and sends its one row there."""
    (folder / "images").mkdir(parents=True)
    for n in range(2):
        (folder / "images" / f"{n}.jpg").write_bytes(GREY)
    (folder / "token").write_text(https.ingest_token)
    c = code()
    done = subprocess.run(
        [ROOT / BUILD / "tally-ingest", "--url",
         "https://localhost:%d" % https.port, "--token-file",
         folder / "token", "--spool-dir", folder / "spool", "--camera", c,
         "--source", folder / "images", "--engine", "motion", "--speed",
         "max", "--interval", "1", "--set", "ingest.fps=1", "--set",
         "ingest.drain_timeout_s=20", "--start", z(hours_ago(2)), *options],
        cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, timeout=120)
    return c, done


def test_ingest_sends_to_whom_it_trusts(https, tally, tmp_path):
    c, done = count_images(https, tmp_path / "good", "--set",
                           f"ingest.ca={https.authority.ca}")
    assert done.returncode == 0, done.stderr
    assert figures(tally, c) == [0, 0]
    stranger = Authority(tmp_path, "stranger").ca
    c, done = count_images(https, tmp_path / "bad", "--set",
                           "ingest.drain_timeout_s=1", "--set",
                           f"ingest.ca={stranger}")
    assert done.returncode != 0 and "certificate" in done.stderr
    assert figures(tally, c) == []
    _, done = count_images(https, tmp_path / "lost", "--set",
                           "ingest.ca=/nowhere")
    assert done.returncode == 2
    assert "ingest.ca: /nowhere: No such file" in done.stderr
