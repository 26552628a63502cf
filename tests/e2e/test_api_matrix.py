# SPDX-License-Identifier: MIT
"""
Who gets what: every route of api/routes.c, asked by every kind of caller for
every kind of camera.

A caller who is not known gets 401 and one without the scope 403, whatever is
asked for.  A token that is bound to camera A gets A and its lines; of any
other camera it learns nothing, not even whether there is one: the answer is
that for a camera nobody registered.  A session does what its role may, and
nothing that its page did not ask for.
"""
import hashlib
import json
import re
import typing
import urllib.parse

import pytest

import people
from apibase import (OtherApi, code, hours_ago, ingest_report, minutes, record,
                     row, wait_for, z)
from jpeg import picture
from routetable import routes

SCOPES = ("ingest", "read", "review", "admin")
ROLES = {"viewer": {"read"}, "reviewer": {"read", "review"},
         "admin": {"read", "review", "admin"}}
V1 = "/api/v1"


def quote(text):
    return urllib.parse.quote(text, safe="")


class Ask(typing.NamedTuple):
    """One way to ask a route for something of a camera."""
    # (world, camera) -> path, or path and body, or these and its type; camera
    # is None where a route concerns none, or all of them.
    how: typing.Callable
    # What it answers to whoever may ask.
    ok: int
    # What it answers a token that is bound to other cameras: 404 to read, 403
    # to write; None: it does not ask for a camera, but lists (ok, without a
    # trace of others).
    other: typing.Optional[int] = None
    # By what a list names a camera.
    shows: typing.Callable = lambda w, c: c


def both(path):
    """A list: of one camera, and of all that one may see."""
    between = "&" if "?" in path else "?"
    return [Ask(lambda w, c: f"{path}{between}camera={c}", 200, 404),
            Ask(lambda w, c: path, 200),
            Ask(lambda w, c: f"{path}{between}camera=*", 200)]


def stats(path):
    """Likewise, and of a site, which is there for who may see all of it."""
    return both(path) + [
        Ask(lambda w, c: f"{path}?site={w.site_of(c)}", 200, 404)]


LINE = {"points": [[0.1, 0.5], [0.9, 0.5]]}
ZONE = {"points": [[0, 0], [1, 0], [0.5, 1]]}


def of(c):
    """A camera's own path."""
    return V1 + "/cameras/" + urllib.parse.quote(c, safe="")


# ---- what to extend when there is a new route: how to ask it, and what it says

ASKS = {
    "POST /api/v1/counts": [
        Ask(lambda w, c: (V1 + "/counts", row(c, hours_ago(1), people=500)),
            200, 403),
        Ask(lambda w, c: (V1 + "/counts?partial=true&on_conflict=replace",
                          [row(c, hours_ago(1), people=500)]), 200, 403),
        Ask(lambda w, c: (V1 + "/counts", json.dumps(
            row(c, hours_ago(1), people=500)), "application/x-ndjson"),
            200, 403),
        Ask(lambda w, c: (V1 + "/counts?camera=" + c,
                          "start_date,end_date,people,vehicle\n"
                          f"{z(hours_ago(3))},{z(hours_ago(2))},1,1\n",
                          "text/csv"), 200, 403)],
    "DELETE /api/v1/counts": [
        Ask(lambda w, c: f"{V1}/counts?camera={c}&from=2001-01-01"
            "&to=2001-01-02", 200, 404)],
    "GET /api/v1/counts": both(V1 + "/counts"),
    "GET /api/v1/stats/{period}": [
        a for p in ("hour", "year", "profile") for a in stats(V1 + "/stats/" + p)],
    "GET /api/v1/stats/weekday/{period}": stats(V1 + "/stats/weekday/month"),
    "GET /api/v1/outliers": both(V1 + "/outliers?level=all"),
    "GET /api/v1/outliers/{id}": [
        Ask(lambda w, c: f"{V1}/outliers/{w.outlier_of(c)}", 200, 404)],
    "PATCH /api/v1/outliers/{id}": [
        Ask(lambda w, c: (f"{V1}/outliers/{w.outlier_of(c)}",
                          {"status": "confirmed"}), 200, 403)],
    "POST /api/v1/records": [
        Ask(lambda w, c: (V1 + "/records", record(c)), 200, 403),
        Ask(lambda w, c: (V1 + "/records?partial=true",
                          json.dumps(record(c)), "application/x-ndjson"),
            200, 403)],
    "GET /api/v1/records": both(V1 + "/records"),
    "POST /api/v1/uploads": [
        Ask(lambda w, c: (f"{V1}/uploads?partial=false&camera={c}",
                          "start_at,end_at,people\n"
                          f"{z(hours_ago(5))},{z(hours_ago(4))},1\n",
                          "text/csv"), 201, 422)],
    "GET /api/v1/uploads": [Ask(lambda w, c: V1 + "/uploads", 200)],
    "GET /api/v1/uploads/{id}": [
        Ask(lambda w, c: f"{V1}/uploads/{w.upload}", 200)],
    "GET /api/v1/uploads/{id}/rejected.csv": [
        Ask(lambda w, c: f"{V1}/uploads/{w.upload}/rejected.csv", 200)],
    "GET /api/v1/cameras": [
        Ask(lambda w, c: V1 + "/cameras", 200),
        Ask(lambda w, c: V1 + "/cameras?limit=1", 200)],
    "POST /api/v1/cameras": [
        Ask(lambda w, c: (V1 + "/cameras", {"camera": f"{c}/{code()}"}),
            201, 403),
        Ask(lambda w, c: (V1 + "/cameras", {"camera": c}), 409, 403)],
    "GET /api/v1/cameras/{code}": [
        Ask(lambda w, c: f"{V1}/cameras/{quote(c)}", 200, 404)],
    "PATCH /api/v1/cameras/{code}": [
        Ask(lambda w, c: (f"{V1}/cameras/{quote(c)}", {"name": "a name"}),
            200, 403),
        Ask(lambda w, c: (f"{V1}/cameras/{quote(c)}", {"retired": False}),
            200, 403)],
    "GET /api/v1/stream": [
        # What it tells whom has tests of its own (test_stream.py).
        Ask(lambda w, c: V1 + "/stream", 200, shows=lambda w, c: "retry:")],
    "GET /api/v1/sites": [
        Ask(lambda w, c: V1 + "/sites", 200, shows=lambda w, c: w.site_of(c))],
    "POST /api/v1/sites": [
        Ask(lambda w, c: (V1 + "/sites", {"name": code("site")}), 201)],
    "PATCH /api/v1/sites/{id}": [
        Ask(lambda w, c: (f"{V1}/sites/{w.spare_site()}", {"tz": "UTC"}),
            200)],
    "GET /api/v1/cameras/{code}/shapes": [
        Ask(lambda w, c: f"{of(c)}/shapes", 200, 404)],
    "PUT /api/v1/cameras/{code}/lines/{line}": [
        Ask(lambda w, c: (f"{of(c)}/lines/{code()}", LINE), 201, 403)],
    "DELETE /api/v1/cameras/{code}/lines/{line}": [
        Ask(lambda w, c: f"{of(c)}/lines/{w.drawn(c, 'line')}", 204, 404)],
    "PUT /api/v1/cameras/{code}/zones/{zone}": [
        Ask(lambda w, c: (f"{of(c)}/zones/{code()}", ZONE), 201, 403)],
    "DELETE /api/v1/cameras/{code}/zones/{zone}": [
        Ask(lambda w, c: f"{of(c)}/zones/{w.drawn(c, 'zone')}", 204, 404)],
    "GET /api/v1/ingest/config": [
        Ask(lambda w, c: V1 + "/ingest/config", 200)],
    "POST /api/v1/ingest/status": [
        Ask(lambda w, c: (V1 + "/ingest/status", ingest_report([c])),
            204, 403)],
    # Nobody watches, so it is not kept; and no ingest runs, so none comes.
    "POST /api/v1/ingest/frames": [
        Ask(lambda w, c: (f"{V1}/ingest/frames?camera={c}", picture(),
                          "image/jpeg"), 200, 403)],
    "GET /api/v1/cameras/{code}/live.mjpeg": [
        Ask(lambda w, c: f"{of(c)}/live.mjpeg?wait=0", 503, 404)],
    "GET /api/v1/cameras/{code}/snapshot.jpg": [
        Ask(lambda w, c: f"{of(c)}/snapshot.jpg?wait=0", 503, 404)],
    "GET /api/v1/tokens": [Ask(lambda w, c: V1 + "/tokens", 200)],
    "POST /api/v1/tokens": [
        Ask(lambda w, c: (V1 + "/tokens", {"name": code("t"),
                                           "scopes": ["read"]}), 201)],
    "POST /api/v1/tokens/{id}/rotate": [
        Ask(lambda w, c: (f"{V1}/tokens/{w.spare()}/rotate", {}), 201)],
    "DELETE /api/v1/tokens/{id}": [
        Ask(lambda w, c: f"{V1}/tokens/{w.spare()}", 204)],
    "GET /api/v1/users": [Ask(lambda w, c: V1 + "/users", 200)],
    "POST /api/v1/users": [
        Ask(lambda w, c: (V1 + "/users", {"user": code("u"), "password":
                                          "long enough"}), 201)],
    "PATCH /api/v1/users/{name}": [
        Ask(lambda w, c: (f"{V1}/users/{people.user(w.tally)}",
                          {"role": "reviewer"}), 200)],
    "DELETE /api/v1/users/{name}": [
        Ask(lambda w, c: f"{V1}/users/{people.user(w.tally)}", 204)],
    "GET /api/v1/session": [Ask(lambda w, c: V1 + "/session", 200)],
    "DELETE /api/v1/session": [Ask(lambda w, c: V1 + "/session", 204)],
    "DELETE /api/v1/sessions": [Ask(lambda w, c: V1 + "/sessions", 204)],
    "PUT /api/v1/session/password": [
        Ask(lambda w, c: (V1 + "/session/password",
                          {"current": "wrong", "password": "long enough"}),
            422)],
    "GET /api/v1/audit": [Ask(lambda w, c: V1 + "/audit", 200)],
    "POST /api/v1/jobs/roll_up": [
        Ask(lambda w, c: (V1 + "/jobs/roll_up", b""), 200)],
    "GET /api/v1/openapi.json": [Ask(lambda w, c: V1 + "/openapi.json", 200)],
    "GET /healthz": [Ask(lambda w, c: "/healthz", 200)],
    "GET /readyz": [Ask(lambda w, c: "/readyz", 200)],
    "GET /metrics": [Ask(lambda w, c: "/metrics", 200)],
    "GET /": [Ask(lambda w, c: "/", 200)],
    "GET /explore": [Ask(lambda w, c: "/explore", 200)],
    "GET /outliers": [Ask(lambda w, c: "/outliers", 200)],
    "GET /cameras": [Ask(lambda w, c: "/cameras", 200)],
    "GET /access": [Ask(lambda w, c: "/access", 200)],
    "GET /docs": [Ask(lambda w, c: "/docs", 200)],
    "GET /upload": [Ask(lambda w, c: "/upload", 200)],
    # Whoever asks is asked for by the form; here is none.
    "POST /upload": [Ask(lambda w, c: ("/upload", b"", "text/csv"), 415)],
    "POST /upload/{id}/rejected.csv": [
        Ask(lambda w, c: (f"/upload/{w.upload}/rejected.csv", b""), 401)],
    "GET /static/{file}": [Ask(lambda w, c: "/static/app.js", 200)],
    "POST /login": [Ask(lambda w, c: ("/login", b"user=a&password=b"), 303)],
    "POST /logout": [Ask(lambda w, c: ("/logout", b""), 303)],
}

# What belongs to the token that made it: test_api_upload.py.
OWN = {"GET /api/v1/uploads", "GET /api/v1/uploads/{id}",
       "GET /api/v1/uploads/{id}/rejected.csv"}

# What tells of the caller alone.
SELF = {"GET /api/v1/session"}

# ---- end of what to extend

ROUTES = routes()


def test_every_route_is_in_the_matrix_and_no_other():
    served = {str(r) for r in ROUTES}
    missing, gone = served - set(ASKS), set(ASKS) - served
    assert not missing, (
        f"tests/e2e/test_api_matrix.py: ASKS lacks {sorted(missing)}: say how "
        "each is asked for something of a camera, what it answers, and what "
        "it answers a token that is bound to another camera")
    assert not gone, f"ASKS names what api/routes.c does not: {sorted(gone)}"


class World:
    """Camera a with a line, camera b, each with rows, statistics and an
    outlier, each on a site of its own; and a caller of every kind."""

    def __init__(self, tally):
        self.tally, self.secrets = tally, 0
        self.sites = {}
        self.a = code()
        # What begins like a is not a's for that.
        self.line, self.b = self.a + "/door/in", self.a + "b"
        self.nobody = self.a + "z"
        for c, site in ((self.a, code("site")), (self.b, code("site"))):
            self.add(c, site)
        self.add(self.line, self.sites[self.a])
        self.sites[self.nobody] = code("no-site")
        self.fill()
        self.scope = {s: self.token(s) for s in SCOPES}
        every = ",".join(SCOPES)
        self.full = self.token(every)
        self.expired = self.token(every, expires_at="2020-01-01")
        self.revoked = self.token(every, revoked_at="2020-01-01")
        self.of_a = self.token(every, self.a)
        self.of_line = self.token(every, self.line)
        self.names = {role: people.user(tally, role) for role in ROLES}
        status, reply = tally.json(
            "POST", V1 + "/uploads", self.full,
            f"camera,start_at,end_at,people\n{self.b},x,x,1\n",
            {"Content-Type": "text/csv"})
        assert status == 201, reply
        self.upload = reply["id"]

    def add(self, c, site):
        self.sites[c] = site
        assert self.tally.json("POST", V1 + "/cameras", self.tally.admin_token,
                               {"camera": c, "site": site})[0] == 201

    def fill(self):
        """Thirty rows of another day make a reference, one is above it."""
        t = self.tally
        for at, n, people in ((hours_ago(72), 30, None), (hours_ago(1), 1, 500)):
            rows = [row(c, at + minutes(5 * i),
                        people=i % 2 if people is None else people)
                    for c in (self.a, self.line, self.b) for i in range(n)]
            assert t.json("POST", V1 + "/counts", t.ingest_token, rows)[0] \
                == 200
            assert t.json("POST", V1 + "/jobs/roll_up", t.admin_token)[0] \
                == 200

    def site_of(self, c):
        return self.sites[c]

    def outlier_of(self, c):
        """Its id; one that nothing has where the camera has none."""
        found = self.tally.sql(
            "SELECT outlier_id FROM outlier_backup JOIN camera USING "
            "(camera_id) WHERE code = %s AND state <> 'withdrawn'", c)
        return found[0][0] if found else 4294967295

    def token(self, scopes, c=None, expires_at=None, revoked_at=None):
        """A secret; the row is that of `tally token create`."""
        self.secrets += 1
        secret = f"tly_{code('matrix')}-{self.secrets}"
        self.tally.sql(
            "INSERT INTO token (name, hash, scopes, expires_at, revoked_at) "
            "VALUES (%s, %s, %s, %s, %s)", secret,
            hashlib.sha256(secret.encode()).digest(), scopes, expires_at,
            revoked_at)
        if c:
            self.tally.sql(
                "INSERT INTO token_camera SELECT token_id, camera_id FROM "
                "token t, camera WHERE t.name = %s AND code = %s", secret, c)
        return secret

    def person(self, role):
        """Another session each time, of somebody with that role."""
        return people.person(self.tally, name=self.names[role])

    def spare(self):
        """The id of a token that may go."""
        secret = self.token("read")
        return self.tally.sql("SELECT token_id FROM token WHERE name = %s",
                              secret)[0][0]

    def spare_site(self):
        """The id of a site without cameras."""
        name = code("site")
        self.tally.sql("INSERT INTO site (name, tz) VALUES (%s, 'UTC')", name)
        return self.tally.sql("SELECT site_id FROM site WHERE name = %s",
                              name)[0][0]

    def drawn(self, c, kind):
        """The name of a line or a zone that may go; those that nobody took
        away before go now, for a camera has no more than 16."""
        name = code(kind)
        self.tally.sql("DELETE s FROM shape s JOIN camera USING (camera_id) "
                       "WHERE code = %s AND s.kind = %s", c, kind)
        self.tally.sql(
            "INSERT INTO shape (camera_id, name, kind, definition) SELECT "
            "camera_id, %s, %s, %s FROM camera WHERE code = %s", name, kind,
            json.dumps({kind: name, **(ZONE if kind == "zone" else {
                **LINE, "min_angle": 10, "in": "in", "out": "out"})}), c)
        return name

    def ask(self, route, ask, c=None, token=None, headers=None, method=None):
        """(status, headers, body)"""
        path, *body = how if isinstance(how := ask.how(self, c),
                                        tuple) else (how,)
        kind = {"Content-Type": body[1]} if body[1:] else {}

        def answer():
            return self.tally.request(
                method or route.method, path, token,
                body[0] if body else None,
                {"X-Request-Id": "matrix", **kind, **(headers or {})})
        if path not in ("/healthz", "/readyz"):
            return answer()
        # Where a busy database does not answer in time, they say so.
        return wait_for(lambda: (got := answer())[0] != 503 and got)


@pytest.fixture(scope="module")
def world(tally):
    # The wrong tokens here are too many for one address.
    api = OtherApi(tally, auth_failures_max=1000000,
                   login_failures_max=1000000)
    yield World(api.tally)
    assert api.stop() == 0


def status(want, got, *what):
    assert got[0] == want, (want, *what, got)
    if want >= 400:
        assert got[1]["content-type"] in (
            "application/problem+json", "text/html; charset=utf-8"), what
    return got


def each_ask(r):
    return ASKS.get(str(r), ())


@pytest.mark.parametrize("r", ROUTES, ids=str)
def test_who_is_not_known_is_401(world, r):
    for ask in each_ask(r):
        for headers in ({}, {"Cookie": "tally_session=" + "A" * 43}):
            want = 401 if r.scope else ask.ok
            if r.path == "/logout" and headers:
                want = 403  # ended or not: who sends a cookie shows its page
            status(want, world.ask(r, ask, world.a, headers=headers), headers)
        for token in ("tly_" + "A" * 43, world.expired, world.revoked):
            want = 401 if r.scope or r.known else ask.ok
            bodies = {status(want, world.ask(r, ask, c, token), token)[2]
                      for c in (world.a, world.b, world.nobody)}
            assert want != 401 or len(bodies) == 1
        if r.scope and r.method == "GET":
            assert world.ask(r, ask, world.a, method="HEAD")[0] == 401


@pytest.mark.parametrize("r", ROUTES, ids=str)
def test_each_scope_opens_its_own_routes(world, r):
    for ask in each_ask(r):
        for scope, token in world.scope.items():
            may = not r.scope or (scope in r.scope.split(" or ")
                                  and not r.session)
            want = ask.ok if may else 403
            status(want, world.ask(r, ask, world.a, token), scope)


@pytest.mark.parametrize("r", ROUTES, ids=str)
def test_a_session_does_what_its_role_may(world, r):
    reads = r.method == "GET"
    for role, scopes in ROLES.items():
        own = world.person(role)
        for ask in each_ask(r):
            may = ask.ok if not r.scope or scopes & set(
                r.scope.split(" or ")) else 403
            # From another site, and without what only its page knows.
            foreign = [{**own.write, "Origin": "http://evil.example"},
                       {**own.write, "Sec-Fetch-Site": "cross-site"}]
            forged = [own.read, {**own.read, "X-CSRF-Token": "x" * 43}]
            for headers in foreign:
                status(may if reads else 403,
                       world.ask(r, ask, world.a, headers=headers), role)
            # Forms without a scope have it in a field, where they need it.
            free = reads or not r.scope and r.path != "/logout"
            for headers in forged:
                status(may if free else 403,
                       world.ask(r, ask, world.a, headers=headers), role)
            if r.path != "/logout":
                status(may, world.ask(r, ask, world.a, headers=own.write),
                       role)
            if r.session:
                own = world.person(role)


@pytest.mark.parametrize("role", ROLES)
def test_a_log_in_that_is_bound_gets_its_cameras_alone(world, role):
    """As a token that is bound does, by the same way: here the samples."""
    own = people.person(world.tally, role, world.a)
    seen = own.ask("GET", V1 + "/cameras")[1]["items"]
    assert {c["camera"] for c in seen} >= {world.a, world.line}
    assert world.b not in json.dumps(seen)
    assert own.told["cameras"] == [world.a]
    for c, want in ((world.a, 200), (world.line, 200), (world.b, 404),
                    (world.nobody, 404)):
        assert own.ask("GET", f"{V1}/counts?camera={c}")[0] == want
    write = own.ask("PATCH", f"{V1}/cameras/{world.b}", {"name": "x"})
    assert write[0] == 403
    assert own.ask("GET", V1 + "/users")[0] == 403


@pytest.mark.parametrize("r", [r for r in ROUTES if r.scope], ids=str)
def test_a_token_that_is_bound_gets_its_cameras_alone(world, r):
    w = world
    for ask in each_ask(r):
        if str(r) in SELF or r.session:
            status(403 if r.session else ask.ok, w.ask(r, ask, None, w.of_a))
            continue
        if str(r) in OWN:
            status(200 if ask.how(w, None) == V1 + "/uploads" else 404,
                   w.ask(r, ask, None, w.of_a))
            continue
        if r.unbound:
            bodies = [status(403, w.ask(r, ask, c, w.of_a))[2]
                      for c in (w.a, w.b, w.nobody)]
            assert len(set(bodies)) == 1
            continue
        # What others asked for may be kept; it must not be given away.
        full = {c: status(ask.ok, w.ask(r, ask, c, w.full))
                for c in (w.a, w.line, w.b)}
        if ask.other is None:
            lists(r, ask, w, full[w.b])
            continue
        for token, may, not_in in (
                (w.of_a, (w.a, w.line), (w.b,)),
                (w.of_line, (w.line,) * (w.site_of(w.a) not in str(
                    ask.how(w, w.a))), (w.a, w.b))):
            for c in may:
                status(ask.ok, w.ask(r, ask, c, token), c)
            for c in not_in:
                refused(r, ask, w, token, c, full[c])


def refused(r, ask, w, token, c, full):
    """The answer for c is that for a camera which is not there."""
    got = status(ask.other, w.ask(r, ask, c, token), c)
    nothing = status(ask.other, w.ask(r, ask, w.nobody, token))

    def without_names(text):
        # Each is kept as one of its own.
        text = re.sub(rb'"id":\d+|"at":"[^"]+"|uploads/\d+', b"", text)
        for known in (w.nobody, c):
            text = text.replace(w.site_of(known).encode(), b"SITE")
            text = text.replace(known.encode(), b"CAMERA")
        return text

    assert without_names(got[2]) == without_names(nothing[2])
    same = {"date", "content-length"}
    assert ({k: v for k, v in got[1].items() if k not in same}
            == {k: v for k, v in nothing[1].items() if k not in same})
    if "etag" in full[1]:
        status(ask.other, w.ask(r, ask, c, token, {
            "If-None-Match": full[1]["etag"]}))
    if r.method == "GET":
        assert w.ask(r, ask, c, token, method="HEAD")[0] == ask.other


def lists(r, ask, w, full):
    """Without a trace of others, though everybody's list is fresh in mind."""
    tag = {"If-None-Match": full[1]["etag"]} if "etag" in full[1] else {}
    if full[2] == w.ask(r, ask, None, w.of_a)[2]:
        tag = {}  # a page that holds nothing of others' is the same to both
    for token, own, others in ((w.of_a, w.a, (w.b,)),
                               (w.of_line, w.line, (w.b, w.a + '"'))):
        for headers in ({}, tag):
            got = status(ask.ok, w.ask(r, ask, None, token, headers))
            text = got[2] + str(got[1]).encode()
            assert ask.shows(w, own).encode() in text
            for c in others:
                assert c.encode() not in text, c
                assert w.site_of(w.b).encode() not in text
    # And the other way round.
    again = status(ask.ok, w.ask(r, ask, None, w.full))
    if "limit=1" not in ask.how(w, None):
        assert ask.shows(w, w.b).encode() in again[2]


def test_nobody_registered_the_camera_that_is_not_there(world):
    assert not world.tally.sql("SELECT 1 FROM camera WHERE code LIKE %s",
                               world.nobody + "%")
