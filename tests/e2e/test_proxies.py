# SPDX-License-Identifier: MIT
"""
The proxies of docs/operations.md, taken out of it and run in front of an API
process; and whom the API believes about a client's address.
"""
import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess

import pytest

from apibase import OtherApi, camera, code, hours_ago, minutes, wait_for, z
from livebase import passes_live
from pki import Authority
from running import BUILD, ROOT, free_port

SNIPPETS = dict(re.findall(r"^```(nginx|haproxy)\n(.*?)^```$",
                           (ROOT / "docs" / "operations.md").read_text(),
                           re.S | re.M))

NGINX = """
daemon off;
pid {folder}/pid;
user root;
error_log {folder}/error.log;
events {{ }}
http {{
	access_log off;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
{snippet}
}}
"""


@pytest.fixture(scope="module")
def api(tally):
    a = OtherApi(tally, trusted_proxies="127.0.0.1 10.0.0.0/8",
                 auth_failures_max=3)
    yield a
    assert a.stop() == 0


class Proxy:
    """One of them, on a free port."""

    def __init__(self, kind, folder, api):
        authority = Authority(folder, "authority")
        cert, key = authority.sign("tally.example")
        (folder / "both.pem").write_bytes(cert.read_bytes() + key.read_bytes())
        self.port = free_port()
        text = SNIPPETS[kind]
        for was, now in (("/etc/tally/tls/fullchain.pem", cert),
                         ("/etc/tally/tls/key.pem", key),
                         ("/etc/tally/tls/both.pem", folder / "both.pem"),
                         ("listen 443", f"listen 127.0.0.1:{self.port}"),
                         ("bind :443", f"bind 127.0.0.1:{self.port}"),
                         ("127.0.0.1:8080",
                          "127.0.0.1:%d" % api.tally.address[1])):
            text = text.replace(was, str(now))
        ini = folder / "proxy.conf"
        if kind == "nginx":
            text = NGINX.format(folder=folder, snippet=text)
            command = ["nginx", "-p", str(folder), "-c", str(ini)]
        else:
            command = ["haproxy", "-db", "-f", str(ini)]
        ini.write_text(text)
        self.context = ssl.create_default_context(cafile=authority.ca)
        self.log = folder / "proxy.log"
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.log, "w", encoding="utf-8"))
        wait_for(self.listens)

    def listens(self):
        assert self.process.poll() is None, self.log.read_text()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def connect(self):
        return http.client.HTTPSConnection("localhost", self.port, timeout=120,
                                           context=self.context)

    def request(self, method, path, body=None, **headers):
        c = self.connect()
        c.request(method, path, body, headers)
        r = c.getresponse()
        answer = r.status, r.headers, r.read()
        c.close()
        return answer


@pytest.fixture(scope="module", params=["haproxy", "nginx"])
def proxy(request, api, tmp_path_factory):
    if request.param == "nginx" and not shutil.which("nginx"):
        pytest.skip("nginx is not installed: its package would start it")
    p = Proxy(request.param, tmp_path_factory.mktemp(request.param), api)
    yield p
    p.process.terminate()
    p.process.wait(120)


def audited(tally, c):
    """The address that registered a camera."""
    (row,), = tally.sql("SELECT address FROM audit WHERE subject = %s", c)
    return row


def test_requests_pass_and_the_client_is_the_proxys_client(proxy, tally):
    bearer = "Bearer " + tally.admin_token
    status, headers, _ = proxy.request("GET", "/static/login.js")
    assert status == 200
    assert headers["Strict-Transport-Security"]
    c = code()
    # What a client says of itself does not come through.
    status, _, reply = proxy.request(
        "POST", "/api/v1/cameras", json.dumps({"camera": c}),
        Authorization=bearer, **{"X-Forwarded-For": "198.51.100.7",
                                 "Forwarded": "for=198.51.100.8"})
    assert status == 201, reply
    assert audited(tally, c) == "127.0.0.1"
    # A code with slashes stays one segment of the path.
    c = camera(tally) + "/door"
    assert proxy.request("POST", "/api/v1/cameras", json.dumps({"camera": c}),
                         Authorization=bearer)[0] == 201
    status, _, reply = proxy.request(
        "GET", "/api/v1/cameras/" + c.replace("/", "%2F"),
        Authorization="Bearer " + tally.read_token)
    assert status == 200 and json.loads(reply)["camera"] == c


def test_a_body_passes_as_it_comes(proxy, tally):
    """Its first part is stored before its end is written."""
    c = camera(tally)
    begin = hours_ago(1000)

    def lines(first, n):
        return "".join(json.dumps({
            "camera": c, "start_at": z(begin + minutes(5 * i)),
            "end_at": z(begin + minutes(5 * i + 5)), "people": 1}) + "\n"
            for i in range(first, first + n)).encode()

    def rows():
        return tally.sql("SELECT COUNT(*) FROM count_record JOIN camera "
                         "USING (camera_id) WHERE code = %s", c)[0][0]

    h = proxy.connect()
    h.putrequest("POST", "/api/v1/counts")
    h.putheader("Authorization", "Bearer " + tally.ingest_token)
    h.putheader("Content-Type", "application/x-ndjson")
    h.putheader("Transfer-Encoding", "chunked")
    h.endheaders()

    def chunk(data):
        h.send(b"%x\r\n%s\r\n" % (len(data), data))

    chunk(lines(0, 6000))
    wait_for(lambda: rows() >= 5000)
    chunk(lines(6000, 10))
    h.send(b"0\r\n\r\n")
    r = h.getresponse()
    assert r.status == 200 and json.loads(r.read())["inserted"] == 6010
    h.close()


def test_pictures_and_events_pass_as_they_come(proxy, tally):
    passes_live(proxy.connect, tally)


def test_whom_the_api_believes(api, tally):
    def make(api, sent):
        c = code()
        status, reply = api.tally.json(
            "POST", "/api/v1/cameras", tally.admin_token, {"camera": c},
            {"X-Forwarded-For": sent})
        assert status == 201, reply
        return audited(tally, c)

    assert make(api, "203.0.113.1, 192.0.2.3, 10.1.2.3") == "192.0.2.3"
    assert make(api, "2001:DB8::5") == "2001:db8::5"
    assert make(api, "nonsense") == "127.0.0.1"
    # Failures count for who made them, and for nobody else behind the proxy.
    wrong = [api.tally.json("GET", "/api/v1/cameras", "tly_wrong", None,
                            {"X-Forwarded-For": f"203.0.113.9, {a}"})[0]
             for a in ["192.0.2.77"] * 4 + ["192.0.2.78"]]
    assert wrong == [401, 401, 429, 429, 401]
    other = OtherApi(tally)
    try:
        assert make(other, "192.0.2.3") == "127.0.0.1"
    finally:
        assert other.stop() == 0


def test_wrong_settings_are_named(tally):
    for setting, words in (
            ("trusted_proxies=127.0.0.1 10.0.0.0/40",
             'api.trusted_proxies: "10.0.0.0/40" is no address or network'),
            ("proxy_header=X-Real-IP",
             'api.proxy_header: "X-Real-IP" is neither X-Forwarded-For')):
        done = subprocess.run(
            [ROOT / BUILD / "tally-api", "--config",
             f"{tally.state}/run/tally.ini", "--set", "api.port=0", "--set",
             "api.port_file=", "--set", "api." + setting],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            timeout=120)
        assert done.returncode == 1 and words in done.stderr, done.stderr
