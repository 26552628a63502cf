# SPDX-License-Identifier: MIT
"""
The document api/www/openapi.json and the API say the same: the routes, who may
call them, what they take, and every answer.

What is documented is produced here: most of it the same way for every route,
from the examples of the document; SPECIAL holds what only one route answers.
"""
import concurrent.futures
import gzip
import json
import re
import shutil
import socket
import subprocess
import urllib.parse

import pytest

import contract
from apibase import (OtherApi, camera, code, hours_ago, ingest_report, minutes,
                     raw, row, wait_for)
from contract import operations
from jpeg import picture
from people import Person, cookie_of, person, user
from routetable import routes
from running import ROOT

V1 = "/api/v1"
DOCUMENT = V1 + "/openapi.json"
WEB = ROOT / "tests" / "web"
NOBODY = "tly_" + "A" * 43


def named(things):
    return {str(t): t for t in things}


# ---- what there is

def test_the_document_names_every_route_and_no_other():
    served, written = set(named(routes())), set(named(operations))
    assert not served - written, (
        "api/www/openapi.json lacks these: add them, and to SPECIAL of "
        "tests/e2e/test_openapi.py how to get what only they answer")
    assert not written - served


@pytest.mark.parametrize("o", operations, ids=str)
def test_who_may_call_it_is_that_of_the_table(o):
    r = named(routes())[str(o)]
    assert o.scope == ("" if r.session else r.scope)
    session = {"session": []} in o.raw["security"]
    assert session == (r.scope not in ("", "ingest"))
    assert o.raw.get("x-unbound", False) == r.unbound


@pytest.mark.parametrize("o", operations, ids=str)
def test_what_stands_in_its_path_is_described(o):
    assert set(o.of("path")) == set(re.findall(r"\{(\w+)\}", o.path))


def test_a_period_is_there_if_the_document_says_so(tally):
    every = {"hour", "day", "week", "month", "year", "profile", "decade"}
    for o in operations:
        known = o.of("path").get("period", {}).get("schema", {}).get("enum")
        for period in every if known else ():
            status, _ = tally.json("GET", o.path.format(period=period),
                                   tally.read_token)
            assert status == (200 if period in known else 404), period


# ---- how to ask

def example(parameter):
    s = parameter["schema"]
    v = parameter.get("example", s.get("default", s.get("enum", ["1"])[0]))
    v = v[0] if isinstance(v, list) else v
    return str(v).lower() if isinstance(v, bool) else str(v)


def address(o, query=None, **path):
    """Its path by the document's examples, with what it requires."""
    path = {n: path.get(n, example(p)) for n, p in o.of("path").items()}
    wanted = {n: example(p) for n, p in o.of("query").items()
              if p.get("required")}
    words = urllib.parse.urlencode({**wanted, **(query or {})})
    return o.path.format(**path) + ("?" + words if words else "")


def is_personal(o):
    """For a session, and no token."""
    return o.raw["security"] == [{"session": []}]


def own(tally):
    """The headers of a session, for any API process."""
    headers = person(tally).write
    del headers["Origin"]
    return headers


def body_of(o):
    """(type, bytes) of the document's first example of a body, if any."""
    for media, content in o.raw.get("requestBody", {}).get(
            "content", {}).items():
        e = content["example"]
        if media == "image/jpeg":
            return media, picture()
        return media, (json.dumps(e) if media.endswith("json")
                       else urllib.parse.urlencode(e)).encode()
    return None, None


@pytest.mark.parametrize("o", [o for o in operations
                               if o.path.startswith(V1)], ids=str)
def test_a_parameter_is_known_if_it_is_documented(tally, o):
    pool = {n: example(p) for each in operations
            for n, p in each.of("query").items()}
    path = address(o).split("?")[0]
    headers = own(tally) if is_personal(o) else None
    for name, value in {**pool, "colour": "red"}.items():
        answer = tally.request(
            o.method, path + "?" + urllib.parse.urlencode({name: value}),
            token_for(tally, o), b"" if o.raw.get("requestBody") else None,
            headers)
        unknown = b"urn:tally:problem:unknown-parameter" in answer[2]
        assert unknown == (name not in o.of("query")), (name, answer)
        assert not unknown or answer[0] == 400


def token_for(tally, o):
    return {"ingest": tally.ingest_token, "read": tally.read_token,
            "": None}.get(o.scope, tally.admin_token)


# ---- every answer that is documented

class World:
    """What the answers are made of."""

    def __init__(self, tally):
        self.wants = {}  # headers of every request
        # The unknown tokens here are too many for one address.
        self.patient = OtherApi(tally, auth_failures_max=1000000)
        self.tally = tally = self.patient.tally
        self.without_db = OtherApi(tally, db_user="nobody_at_all")
        self.strict = OtherApi(tally, auth_failures_max=1, body_timeout_s=1,
                               upload_max="64k", upload_dir="/proc/nowhere")
        self.camera, self.empty = camera(tally), camera(tally)
        self.site = code("site")
        camera(tally, site=self.site)
        self.row = row(self.camera, hours_ago(2), people=900)
        # Thirty rows of another day make a reference; one is far above it.
        rows = [row(self.camera, hours_ago(72) + minutes(5 * i), people=i % 2)
                for i in range(30)]
        for each in (rows, [self.row]):
            assert tally.json("POST", V1 + "/counts", tally.ingest_token,
                              each)[0] == 200
            assert tally.json("POST", V1 + "/jobs/roll_up",
                              tally.admin_token)[0] == 200
        self.outlier = self.tally.json(
            "GET", f"{V1}/outliers?level=all&camera={self.camera}",
            tally.read_token)[1]["items"][0]["id"]

        self.upload = self.tally.json(
            "POST", V1 + "/uploads", tally.ingest_token,
            f"camera,start_at,end_at,people\n{self.camera},x,x,1\n",
            {"Content-Type": "text/csv"})[1]["id"]

    def stop(self):
        for api in (self.patient, self.without_db, self.strict):
            assert api.stop() == 0

    def address(self, o, query=None, **path):
        """As the document's examples say, but of something that is there."""
        there = {"outliers": lambda: self.outlier,
                 "cameras": lambda: self.camera,
                 "sites": lambda: self.made("sites"),
                 "uploads": lambda: self.upload,
                 "tokens": lambda: self.made("tokens", scopes=["read"]),
                 "users": lambda: user(self.tally)}
        for name in {"id", "code", "name"} & set(o.of("path")) - set(path):
            path[name] = there.get(o.path.split("/")[3],
                                   lambda: self.upload)()
        return address(o, query, **path)

    def made(self, what, **members):
        """The id of a new one."""
        status, reply = self.tally.json(
            "POST", f"{V1}/{what}", self.tally.admin_token,
            {"name": code(what), **members})
        assert status == 201
        return reply["id"]

    def draw(self, o, *names):
        """Puts each of these lines, or zones."""
        kind = o.id.removeprefix("put").lower()
        for name in names:
            self.ask(o, address(o, code=self.camera, **{kind: name}))

    def drawn_away(self, o, kind):
        put = next(p for p in operations if p.id == "put" + kind.capitalize())
        name = {kind: code()}
        c = camera(self.tally)
        for each in (put, o):
            self.ask(each, address(each, code=c, **name))

    def ask(self, o, path=None, body=None, kind=None, of=None, token=None,
            **headers):
        """Asks as the document's examples do, unless told otherwise."""
        if body is None:
            kind, body = body_of(o)
        headers = {**self.wants,
                   **{k.replace("_", "-"): v for k, v in headers.items()}}
        if kind:
            headers["Content-Type"] = kind
        if is_personal(o) and not token:
            headers = {**own(self.tally), **headers}
        return (of or self.tally).request(
            o.method, path or self.address(o),
            token or token_for(self.tally, o),
            body, headers)


def too_large(w, o):
    """Rows of numbers, or more than any body of a few members takes."""
    rows = o.id == "postCounts"
    w.ask(o, body=b"[" + b"0," * (5000 if rows else 40000) + b"0]",
          kind="application/json")


def late(w, o):
    """The body does not come; the answer is read as it is on the wire."""
    host, port = w.strict.tally.address
    with socket.create_connection((host, port), timeout=120) as s:
        s.sendall((f"{o.method} {address(o)} HTTP/1.1\r\nHost: a\r\n"
                   + (f"Authorization: Bearer {token_for(w.tally, o)}\r\n"
                      if o.scope else "")
                   + "".join(f"{k}: {v}\r\n" for k, v in (
                       own(w.tally) if is_personal(o) else w.wants).items())
                   + f"Content-Type: {body_of(o)[0]}; boundary=b\r\n"
                   "Content-Length: 9\r\n\r\n").encode())
        got = b""
        while piece := s.recv(65536):
            got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {k.lower(): v for k, v in (ln.split(": ") for ln in lines[1:])}
    contract.saw(o.method, address(o), int(lines[0].split()[1]), headers, body)


def wrong_scope(w, o):
    w.ask(o, token=(w.tally.read_token if o.scope != "read"
                    else w.tally.ingest_token),
          **({} if o.scope else {"Origin": "http://evil.example"}))


def nothing_there(w, o):
    nobody = code("nobody")
    if o.of("path").keys() & {"id", "code", "name"}:
        w.ask(o, address(o, id=999999999, code=nobody, name=nobody))
    else:
        w.ask(o, address(o, {"camera": nobody}))


def known_already(w, o):
    """What says the time, or when a token was used, may change meanwhile."""
    seen = [w.ask(o)]
    while seen[-1][0] != 304 and len(seen) < 20:
        seen.append(w.ask(o, If_None_Match=seen[-1][1]["etag"]))


def unavailable(w, o):
    # A page asks the database only where somebody says who they are.
    w.ask(o, of=w.without_db.tally, Cookie="tally_session=" + "A" * 43,
          token=None if o.scope else NOBODY * (o.id != "logOut"))


# How to get a status from any route that documents it.
GENERAL = {
    200: lambda w, o: w.ask(o),
    201: lambda w, o: w.ask(o),
    304: known_already,
    400: lambda w, o: w.ask(o, address(o) + "?%"),
    401: lambda w, o: w.ask(o, token=NOBODY),
    403: wrong_scope,
    404: nothing_there,
    406: lambda w, o: w.ask(o, Accept="image/png"),
    408: late,
    412: lambda w, o: w.ask(o, If_Match='"a tag"'),
    413: too_large,
    415: lambda w, o: w.ask(o, body=b"<a/>", kind="text/xml"),
    422: lambda w, o: w.ask(o, body=b'{"colour":1}', kind="application/json"),
    429: lambda w, o: w.ask(o, of=w.strict.tally, token=NOBODY),
    503: unavailable,
}


def special(*pairs):
    """{(operation, status): how}"""
    return {(o, s): how for o, s, how in pairs}


def counts(w, o, *bodies, **headers):
    for body in bodies:
        w.ask(o, body=json.dumps(body), kind="application/json", **headers)


def log_in(w, o, of=None, **form):
    w.ask(o, body=urllib.parse.urlencode(form).encode(), of=of,
          kind="application/x-www-form-urlencoded")


def oneself(w, o, body):
    """Nobody takes rights away from the session that is in use."""
    boss = person(w.tally, "admin")
    boss.ask(o.method, address(o, name=boss.told["name"]), body)


def ends_nowhere(w, o):
    who = person(w.tally)
    w.ask(o, of=w.without_db.tally, body=b"csrf=" + who.csrf.encode(),
          kind="application/x-www-form-urlencoded", **who.read)


def changed_password(w, o):
    who = {"user": code("u"), "password": "correct horse"}
    w.tally.json("POST", V1 + "/users", w.tally.admin_token, who)
    got = w.tally.request("POST", "/login", None, urllib.parse.urlencode(who))
    Person(w.tally, cookie_of(got)).ask(
        "PUT", address(o), {"current": who["password"],
                            "password": "another one"})


def in_flight(w, o):
    """The same key while the first request's body is on its way."""
    key = code("key")
    with socket.create_connection(w.tally.address, timeout=120) as s:
        s.sendall((f"POST {V1}/counts HTTP/1.1\r\nHost: a\r\nContent-Length: 2"
                   f"\r\nAuthorization: Bearer {w.tally.ingest_token}\r\n"
                   f"Idempotency-Key: {key}\r\n\r\n[").encode())
        wait_for(lambda: w.ask(o, body=b"[]", kind="application/json",
                               Idempotency_Key=key)[0] == 409)


def rotated_twice(w, o):
    for path in [w.address(o)] * 2:
        w.ask(o, path)


def nailed(w, o):
    """The database does not let it go to another zone."""
    w.tally.sql("CREATE OR REPLACE TRIGGER openapi_test BEFORE UPDATE ON "
                "camera FOR EACH ROW PRECEDES camera_bu IF NOT NEW.tz <=> "
                "OLD.tz THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = "
                "'the clock is nailed to the wall'; END IF")
    try:
        counts(w, o, {"tz": "Asia/Seoul"})
    finally:
        w.tally.sql("DROP TRIGGER openapi_test")


FORM = "multipart/form-data; boundary=b"


def form(w, o, file=None, of=None, match="*", **fields):
    """What a browser sends; by the page, the token goes in the form."""
    if o.scope == "":
        fields = {"token": w.tally.ingest_token, **fields}
    body = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'
        for k, v in fields.items())
    if file is not None:
        body += ('--b\r\nContent-Disposition: form-data; name="file"; '
                 f'filename="a.csv"\r\n\r\n{file}\r\n')
    # Without Authorization, which the page takes, too.
    (of or w.tally).request(
        o.method, address(o), w.tally.ingest_token if o.scope else None,
        body + "--b--\r\n", {"Content-Type": FORM, "If-Match": match})


def for_rejected(w, o, id=None, **form):
    w.ask(o, address(o, id=id or w.upload),
          body=urllib.parse.urlencode(form).encode(),
          kind="application/x-www-form-urlencoded")


ROWS = "camera,start_at,end_at,people\n"


def uploads(o):
    return [(o, status, how) for status, how in (
        (201, lambda w, o: form(w, o, ROWS)),
        (200, lambda w, o: form(w, o, ROWS)),
        (412, lambda w, o: form(w, o, ROWS, match='"a tag"')),
        (413, lambda w, o: form(w, o, "x" * 70000, w.strict.tally)),
        (415, lambda w, o: form(w, o, "<html>")),
        (422, lambda w, o: (form(w, o), form(w, o, ROWS + "a,b\n",
                                             partial="false"))),
        (507, lambda w, o: form(w, o, ROWS, w.strict.tally)))]


def files(w, o):
    for name in ("login.html", "app.css", "app.js", "icon.svg",
                 "openapi.json"):
        w.ask(o, address(o, file=name))


def watch(w, o):
    """Pictures are sent until one has come; the live view has no end."""
    path = w.address(o, {"wait": 30})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        if o.id == "takeSnapshot":
            waiting = pool.submit(w.ask, o, path)
        else:
            waiting = pool.submit(
                raw, w.tally, f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorizati"
                f"on: Bearer {w.tally.read_token}\r\n\r\n".encode(), 60,
                b"\r\n\r\n")
        while not waiting.done():
            w.tally.request("POST", f"{V1}/ingest/frames?camera={w.camera}",
                            w.tally.ingest_token, picture(),
                            {"Content-Type": "image/jpeg"})
    if o.id == "watchCamera":
        lines = waiting.result().decode("latin-1").split("\r\n\r\n")[0].split(
            "\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        contract.saw(o.method, path, int(lines[0].split()[1]), headers, b"")


def ask_a_line(w, o):
    """It has no picture of its own."""
    put = next(p for p in operations if p.id == "putLine")
    line = code()
    w.ask(put, address(put, code=w.camera, line=line))
    w.ask(o, address(o, code=f"{w.camera}%2F{line}%2Fin"))


SPECIAL = special(
    ("postCounts", 200, lambda w, o: counts(w, o, w.row)),
    ("postCounts", 409, lambda w, o: (counts(w, o, w.row | {"people": 1}),
                                         in_flight(w, o))),
    ("postCounts", 422, lambda w, o: counts(w, o, [w.row, {}], 7)),
    ("deleteCounts", 200, lambda w, o: w.ask(o, address(
        o, {"camera": w.empty}))),
    ("deleteCounts", 422, lambda w, o: kept_from(w, o)),
    ("listStats", 200, lambda w, o: [
        w.ask(o, address(o, query, period=p)) for p in ("hour", "profile")
        for query in ({"camera": w.camera}, {"site": w.site},
                      {"camera": w.camera, "format": "csv"})]),
    ("listOutliers", 200, lambda w, o: [
        w.ask(o, address(o, {"level": "all", "format": f}))
        for f in ("json", "csv")]),
    ("createCamera", 201, lambda w, o: counts(w, o, {"camera": code()})),
    ("createCamera", 409, lambda w, o: counts(w, o, {"camera": w.camera})),
    ("changeCamera", 409, nailed),
    ("createSite", 201, lambda w, o: counts(w, o, {"name": code("site")})),
    ("createSite", 409, lambda w, o: counts(w, o, {"name": w.site})),
    ("changeSite", 409, lambda w, o: counts(w, o, {"name": w.site})),
    ("putLine", 201, lambda w, o: w.draw(o, code())),
    ("putLine", 200, lambda w, o: w.draw(o, "door", "door")),
    ("putLine", 404, lambda w, o: w.ask(o, address(o, code=code()))),
    ("putLine", 409, lambda w, o: w.draw(o, *[f"l{i}" for i in range(17)])),
    ("deleteLine", 204, lambda w, o: w.drawn_away(o, "line")),
    ("deleteLine", 404, lambda w, o: w.ask(o, address(o, code=code()))),
    ("putZone", 201, lambda w, o: w.draw(o, code())),
    ("putZone", 200, lambda w, o: w.draw(o, "hall", "hall")),
    ("putZone", 404, lambda w, o: w.ask(o, address(o, code=code()))),
    ("putZone", 409, lambda w, o: w.draw(o, *[f"z{i}" for i in range(17)])),
    ("deleteZone", 204, lambda w, o: w.drawn_away(o, "zone")),
    ("deleteZone", 404, lambda w, o: w.ask(o, address(o, code=code()))),
    ("getShapes", 200, lambda w, o: w.ask(o, address(o, code=w.camera))),
    ("getShapes", 404, lambda w, o: w.ask(o, address(o, code=code()))),
    ("createToken", 201, lambda w, o: counts(
        w, o, {"name": code("t"), "scopes": ["read"]})),
    ("createToken", 409, lambda w, o: counts(
        w, o, *[{"name": w.camera, "scopes": ["read"]}] * 2)),
    ("reportIngest", 204, lambda w, o: counts(w, o, ingest_report([]))),
    ("reportIngest", 409, lambda w, o: too_many_ingests(w, o)),
    ("reportIngest", 413, lambda w, o: w.ask(
        o, body=b" " * 300000, kind="application/json")),
    ("revokeToken", 204, lambda w, o: w.ask(o)),
    ("createUser", 201, lambda w, o: counts(
        w, o, {"user": code("u"), "password": "long enough"})),
    ("createUser", 409, lambda w, o: counts(
        w, o, {"user": w.tally.user, "password": "long enough"})),
    ("changeUser", 409, lambda w, o: oneself(w, o, {"disabled": True})),
    ("removeUser", 204, lambda w, o: w.ask(o)),
    ("removeUser", 409, lambda w, o: oneself(w, o, None)),
    ("endSession", 204, lambda w, o: w.ask(o)),
    ("endSessions", 204, lambda w, o: w.ask(o)),
    ("changePassword", 204, changed_password),
    ("changePassword", 429, lambda w, o: w.ask(
        o, of=w.strict.tally, body=b'{"current":"a","password":"long enough"}',
        kind="application/json")),
    ("rotateToken", 409, rotated_twice),
    *uploads("postUpload"), *uploads("sendUpload"),
    ("sendForRejected", 200, lambda w, o: for_rejected(
        w, o, token=w.tally.read_token)),
    ("sendForRejected", 404, lambda w, o: for_rejected(
        w, o, 999999999, token=w.tally.read_token)),
    ("sendForRejected", 413, lambda w, o: w.ask(
        o, body=b"a=" + b"x" * 70000,
        kind="application/x-www-form-urlencoded")),
    ("getMetrics", 403, lambda w, o: w.ask(o, token=w.tally.ingest_token)),
    ("postFrame", 413, lambda w, o: w.ask(o, body=picture(size=1 << 20),
                                          kind="image/jpeg")),
    ("postFrame", 422, lambda w, o: w.ask(o, body=b"GIF89a",
                                          kind="image/jpeg")),
    ("watchCamera", 200, watch), ("takeSnapshot", 200, watch),
    ("watchCamera", 409, ask_a_line), ("takeSnapshot", 409, ask_a_line),
    ("getFile", 200, files),
    ("getFile", 404, lambda w, o: w.ask(o, address(o, file="none.js"))),
    ("logIn", 303, lambda w, o: log_in(w, o, user="a", password="b")),
    ("logIn", 429, lambda w, o: log_in(w, o, w.strict.tally, user="a",
                                       password="b")),
    ("logOut", 303, lambda w, o: w.ask(o)),
    ("logOut", 503, ends_nowhere),
)


def too_many_ingests(w, o):
    w.tally.sql("INSERT INTO ingest SELECT NULL, 'openapi', seq, "
                "UTC_TIMESTAMP(), 1, '1', 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 0, "
                "0, NULL FROM seq_1_to_256")
    try:
        counts(w, o, ingest_report([], code("pc")))
    finally:
        w.tally.sql("DELETE FROM ingest WHERE reporter = 'openapi'")


def kept_from(w, o):
    """Rows of the last century are kept by nobody who lets go of any."""
    w.tally.sql("UPDATE retention SET kept_from = '2000-01-02' "
                "WHERE level = 'raw'")
    try:
        w.ask(o, address(o, {"camera": w.empty, "from": "1999-01-01"}))
    finally:
        w.tally.sql("UPDATE retention SET kept_from = DEFAULT "
                    "WHERE level = 'raw'")


@pytest.fixture(scope="module")
def world(tally):
    w = World(tally)
    yield w
    w.stop()


@pytest.mark.last
@pytest.mark.parametrize("o", operations, ids=str)
def test_every_documented_answer_is_given(world, o):
    for status, media in sorted(o.answers()):
        kind = (o.method, o.path, status, media)
        how = SPECIAL.get((o.id, status)) or GENERAL.get(status)
        world.wants = {"Accept": media} if media == "text/html" else {}
        if kind not in contract.produced and how:
            how(world, o)
        if kind not in contract.produced and media == "text/csv":
            world.ask(o, address(o, {"format": "csv"}))
        assert kind in contract.produced, (
            f"{o}: {status} {media} is documented, and nothing gives it; say "
            "how in SPECIAL of tests/e2e/test_openapi.py")


@pytest.mark.parametrize("status, head", [
    (400, "GET / HTTP/1.1\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1,2\r\n"),
    (414, f"GET /{'a' * 9000} HTTP/1.1\r\nHost: a\r\n"),
    (417, "GET / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n"),
    (431, "GET / HTTP/1.1\r\nHost: a\r\n" + "a: b\r\n" * 100),
    (501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n"),
    (505, "GET / HTTP/2.0\r\nHost: a\r\n")])
def test_what_is_no_http_that_is_served_is_a_problem_too(tally, status, head):
    got = raw(tally, head.encode() + b"\r\n")
    lines, _, body = got.decode().partition("\r\n\r\n")
    assert lines.startswith(f"HTTP/1.1 {status} ")
    assert "Content-Type: application/problem+json\r\n" in lines
    why = contract.fault_of({"$ref": "#/components/schemas/Problem"},
                            json.loads(body))
    assert not why and json.loads(body)["status"] == status
    assert json.loads(body)["type"] == "urn:tally:problem:bad-request"


# ---- the document itself

def test_it_is_given_to_anybody_and_once(tally):
    status, headers, body = tally.request("GET", DOCUMENT)
    assert status == 200 and json.loads(body) == contract.DOC
    assert headers["content-type"] == "application/json"
    assert tally.request("GET", DOCUMENT, headers={
        "If-None-Match": f'"other", {headers["etag"]}'})[0] == 304


def test_it_is_smaller_for_who_takes_gzip(tally):
    plain = tally.request("GET", DOCUMENT)
    packed = tally.request("GET", DOCUMENT,
                           headers={"Accept-Encoding": "gzip"})
    assert packed[1]["content-encoding"] == "gzip"
    assert gzip.decompress(packed[2]) == plain[2]
    assert len(packed[2]) * 4 < len(plain[2])
    for headers in (plain[1], packed[1]):
        assert headers["vary"] == "Accept-Encoding"
    # They are two to a cache: the tag of one is not that of the other.
    assert tally.request("GET", DOCUMENT, headers={
        "If-None-Match": packed[1]["etag"]})[0] == 200
    assert tally.request("GET", DOCUMENT, headers={
        "Accept-Encoding": "gzip",
        "If-None-Match": packed[1]["etag"]})[0] == 304


def test_spectral_finds_nothing(tmp_path):
    spectral = WEB / "node_modules" / ".bin" / "spectral"
    if not shutil.which("node") or not spectral.exists():
        pytest.skip("needs nodejs and `npm ci` in tests/web")
    # It takes tabs for a fault of YAML.
    (tmp_path / "openapi.json").write_text(json.dumps(contract.DOC))
    done = subprocess.run(
        [spectral, "lint", "--ruleset", WEB / "spectral.yaml",
         "--fail-severity", "warn", tmp_path / "openapi.json"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=300)
    assert done.returncode == 0, done.stdout


def test_its_examples_are_as_its_schemas_say():
    def look(node, where):
        if isinstance(node, list):
            for i, n in enumerate(node):
                look(n, f"{where}/{i}")
        elif isinstance(node, dict):
            if "example" in node and "schema" in node:
                why = contract.fault_of(node["schema"], node["example"])
                assert not why, (where, why)
            for k, n in node.items():
                look(n, f"{where}/{k}")
    look(contract.DOC, "#")


def test_it_has_the_kinds_of_errors_of_a_row():
    """Those of docs/http-api.md, which test_api_docs.py holds to the code."""
    whole = (ROOT / "docs" / "http-api.md").read_text()
    text = whole[whole.index("Types of these errors:"):].split("\n\n")[0]
    # A detection record's own.
    text += re.search(r"besides: (`[^.]*)\.", whole)[1]
    error = contract.DOC["components"]["schemas"]["RowError"]
    assert set(error["properties"]["type"]["enum"]) == set(
        re.findall(r"`([a-z_]+)`", text))


def test_it_has_the_kinds_of_problems_of_the_table():
    """Those of docs/http-api.md, status by status."""
    table = (ROOT / "docs" / "http-api.md").read_text()
    table = table[table.index("| status |"):].split("\n\n")[0]
    written = set(re.findall(r"`([a-z-]+)`", table)) - {"type"}
    has = set()
    for response in contract.DOC["components"]["responses"].values():
        for media, content in response.get("content", {}).items():
            if media == "text/html":
                continue  # told to a person
            has |= set(content["schema"]["allOf"][1]["properties"]["type"][
                "enum"])
    assert has | {"urn:tally:problem:" + s for s in (
        "method-not-allowed", "internal")} == {
            "urn:tally:problem:" + s for s in written}
