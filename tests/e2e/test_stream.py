# SPDX-License-Identifier: MIT
"""
GET /api/v1/stream: each event once, whoever wrote the row, whichever process is
asked and however often the client comes again; and when it ends.
"""
import http.client
import json
import random
import socket
import threading
import urllib.parse

import pytest

from apibase import (OtherApi, camera, code, hours_ago, minutes, post, problem,
                     row, wait_for, z)
from people import person

V1 = "/api/v1"
WAIT = 60
BEATS = 5  # of silence are too many


class Events:
    """A client; each event is (kind, id, data), in the order they came."""

    def __init__(self, tally, token=None, last=None, headers=None, **query):
        self.c = http.client.HTTPConnection(*tally.address, timeout=WAIT)
        headers = dict(headers or {"Authorization":
                                   f"Bearer {token or tally.read_token}"})
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        words = urllib.parse.urlencode(query, doseq=True)
        self.c.request("GET", V1 + "/stream" + ("?" + words if words else ""),
                       headers=headers)
        self.reply = self.c.getresponse()
        assert self.reply.status == 200, self.reply.read()
        self.last, self.ids = last, []

    def next(self):
        """The next event; None at the end."""
        kind = data = None
        beats = 0
        for line in iter(self.reply.readline, b""):
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if line.startswith(b":"):
                beats += 1
                assert beats < BEATS, "nothing comes any more"
            elif name == "id":
                self.last = int(value)
            elif name == "event":
                kind = value
            elif name == "data":
                data = json.loads(value)
            elif not name and kind:
                self.ids.append(self.last)
                return kind, self.last, data
        return None

    def greeting(self):
        """The id that comes first, without an event."""
        line = b""
        while not line.startswith(b"id: "):
            line = self.reply.readline()
        self.reply.readline()
        self.last = int(line[4:])
        return self

    def until(self, wanted):
        """Events up to the one that is wanted."""
        got = []
        while not got or not wanted(*got[-1]):
            event = self.next()
            assert event, f"it ended after {got}"
            got.append(event)
        return got

    def close(self):
        self.c.close()


def of(c, kind="count"):
    return lambda k, _, data: k == kind and data["camera"] == c


def counter(tally, name):
    return tally.health()["checks"]["server"][name]


@pytest.fixture(scope="module")
def two(tally):
    """The API, and another process on the same database."""
    other = OtherApi(tally, streams_max=3, reply_timeout_s=3)
    yield tally, other.tally, other
    other.kill()


def judged(tally):
    """A camera with a reference, above which 900 is far and 3 is not."""
    c = camera(tally)
    rows = [row(c, hours_ago(72) + minutes(5 * i), people=i % 2)
            for i in range(30)]
    assert post(tally, rows)[0] == 200
    assert tally.json("POST", V1 + "/jobs/roll_up", tally.admin_token)[0] == 200
    return c


def test_rows_outliers_and_cameras_are_told_as_the_lists_say_them(two):
    tally, other, _ = two
    c = judged(tally)
    everything = Events(other, level="all", camera=[c, code()]).greeting()
    alerts = Events(tally, camera=c).greeting()
    mild, wild = (row(c, hours_ago(2) + minutes(5 * i), people=n)
                  for i, n in enumerate((2, 900)))
    for each in (mild, wild):
        assert post(tally, each)[0] == 200
    listed = {i["start_at"]: i for i in tally.json(
        "GET", f"{V1}/counts?camera={c}&limit=2", tally.read_token)[1]["items"]}
    judgements = {i["start_at"]: i for i in tally.json(
        "GET", f"{V1}/outliers?camera={c}&level=all",
        tally.read_token)[1]["items"]}
    assert set(judgements) == {mild["start_at"], wild["start_at"]}

    def is_last(kind, _, data):
        return kind == "outlier" and data["start_at"] == wild["start_at"]

    def told(events, kind):
        return {d["start_at"]: d for k, _, d in events if k == kind}

    for client, outliers in ((everything, judgements), (alerts, {
            wild["start_at"]: judgements[wild["start_at"]]})):
        events = client.until(is_last)
        assert told(events, "count") == listed
        assert told(events, "outlier") == outliers
        assert {d["camera"] for _, _, d in events} == {c}
        assert client.ids == sorted(set(client.ids))
    status, reply = tally.json("PATCH", f"{V1}/cameras/{c}", tally.admin_token,
                               {"retired": True})
    assert (status, reply["state"]) == (200, "retired")
    states = [d["state"] for k, _, d in everything.until(
        lambda k, _, d: k == "camera" and d["state"] == "retired")
        if k == "camera"]
    assert states[-1] == "retired"
    # What a camera's state is, is said in two places: they agree.
    tally.sql("CALL stream_number()")
    wait_for(lambda: not tally.sql(
        "SELECT 1 FROM stream_state WHERE looked_at < UTC_TIMESTAMP()"
        " - INTERVAL 1 MINUTE"), WAIT)
    known = dict(tally.sql("SELECT code, state FROM stream_camera"
                           " JOIN camera USING (camera_id)"))
    assert known[c] == "retired"
    for client in (everything, alerts):
        client.close()


def test_a_corrected_row_comes_again_and_a_duplicate_does_not(two):
    tally, _, _ = two
    c = camera(tally)
    client = Events(tally, camera=c).greeting()
    first, second = row(c, hours_ago(3)), row(c, hours_ago(2))
    for body, query in ((first, ""), (first, ""), ({**first, "people": 7},
                        "?on_conflict=replace"), (second, "")):
        assert post(tally, body, query)[0] == 200
    got = [(d["start_at"], d["people"]) for k, _, d in client.until(
        lambda k, _, d: k == "count" and d["start_at"] == second["start_at"])
        if k == "count"]
    assert set(got) <= {(first["start_at"], 1), (first["start_at"], 7),
                        (second["start_at"], 1)}
    assert got.count((first["start_at"], 7)) >= 1 and len(got) == 3
    client.close()


def test_a_bound_token_hears_of_its_cameras_alone(two):
    tally, _, _ = two
    a, b = camera(tally), camera(tally)
    line = a + "/door/in"
    status, token = tally.json("POST", V1 + "/tokens", tally.admin_token, {
        "name": code("token"), "scopes": ["read"], "cameras": [a]})
    assert status == 201
    assert tally.json("POST", V1 + "/cameras", tally.admin_token,
                      {"camera": line})[0] == 201
    client = Events(tally, token["token"]).greeting()
    for each in (b, line, a):
        assert post(tally, row(each, hours_ago(2)))[0] == 200
    events = client.until(of(a))
    assert {d["camera"] for _, _, d in events} == {a, line}
    # Revoked, it is cut, cleanly, and does not come in again.
    assert tally.request("DELETE", f"{V1}/tokens/{token['id']}",
                         tally.admin_token)[0] == 204
    while client.next():
        pass
    assert client.reply.isclosed()
    client.close()
    wait_for(lambda: tally.request("GET", V1 + "/stream", token["token"])[0]
             == 401, WAIT)


def test_who_is_bound_anew_hears_of_the_new_cameras(two):
    """The stream ends, cleanly; the browser comes again by itself."""
    tally, _, _ = two
    a, b = camera(tally), camera(tally)
    somebody = person(tally, "viewer", a)
    client = Events(tally, headers=somebody.read).greeting()
    for bound in ([b], None):
        status, reply = tally.json(
            "PATCH", f"{V1}/users/{somebody.told['name']}", tally.admin_token,
            {"cameras": bound})
        assert status == 200, reply
        while client.next():
            pass
        assert client.reply.isclosed()
        client.close()
        last = client.last
        # The old rights are believed for two seconds.
        wait_for(lambda: tally.json(
            "GET", V1 + "/session",
            headers=somebody.read)[1]["cameras"] == bound, WAIT)
        client = Events(tally, headers=somebody.read, last=last)
        for each in (a, b):
            assert post(tally, row(each, hours_ago(2 + (not bound))))[0] == 200
        events = client.until(of(b))
        assert {d["camera"] for _, _, d in events} & {a, b} == (
            {b} if bound else {a, b})
    client.close()


def test_what_commits_late_is_not_lost(two):
    """The order in which rows were written is not that of their commits."""
    tally, _, _ = two
    a, b = camera(tally), camera(tally)
    late = tally.db()
    cursor = late.cursor()
    cursor.execute("START TRANSACTION")
    insert = ("INSERT INTO count_record (camera_id, start_at, end_at, people) "
              "SELECT camera_id, '2026-01-05', '2026-01-05 00:05:00', 1 "
              "FROM camera WHERE code = %s")
    cursor.execute(insert, (a,))
    client = Events(tally, camera=[a, b]).greeting()
    assert post(tally, row(b, hours_ago(2)))[0] == 200
    before = client.until(of(b))
    assert not [d for _, _, d in before if d["camera"] == a and "people" in d]
    late.commit()
    seq = client.until(of(a))[-1][1]
    assert seq > before[-1][1]
    client.close()
    # One that heard of b alone hears of a when it comes again.
    again = Events(tally, last=before[-1][1], camera=a)
    assert again.until(of(a))[-1][1] == seq
    again.close()
    late.close()


def test_each_row_comes_once_however_often_the_client_comes_again(two):
    """Writers of every kind, on two processes and at the prompt, with late
    commits and rollbacks; a client that breaks off anywhere."""
    tally, other, _ = two
    cameras = [camera(tally) for _ in range(4)]
    ids = dict(tally.sql("SELECT code, camera_id FROM camera"))
    first = Events(tally).greeting()
    first.close()
    written, faults = set(), []
    chance = random.Random(7)

    def keep(c, starts):
        written.update((c, z(s)) for s in starts)

    def by_http(api, c, seed):
        dice = random.Random(seed)
        for i in range(12):
            starts = [hours_ago(400) + minutes(5 * (40 * i + k))
                      for k in range(dice.choice((1, 1, 30)))]
            status, reply = post(api, [row(c, s) for s in starts])
            assert status == 200, reply
            keep(c, starts)

    def at_the_prompt(c, seed):
        dice = random.Random(seed)
        db = tally.db()
        cursor = db.cursor()
        for i in range(12):
            starts = [hours_ago(800) + minutes(5 * (10 * i + k))
                      for k in range(3)]
            cursor.execute("START TRANSACTION")
            for s in starts:
                cursor.execute(
                    "INSERT INTO count_record (camera_id, start_at, end_at,"
                    " people) VALUES (%s, %s, %s, 2)",
                    (ids[c], s.replace(tzinfo=None),
                     s.replace(tzinfo=None) + minutes(5)))
                cursor.execute("DO SLEEP(%s)", (dice.random() / 40,))
            if dice.random() < 0.25:
                db.rollback()
            else:
                db.commit()
                keep(c, starts)
        db.close()

    def run(what, *args):
        try:
            what(*args)
        except BaseException as e:  # pylint: disable=broad-except
            faults.append(e)

    end = []

    def at_last(threads):
        for t in threads:
            t.join()
        c, at = camera(tally), hours_ago(1)
        assert post(tally, row(c, at))[0] == 200
        end.append((c, z(at)))

    threads = [threading.Thread(target=run, args=a) for a in (
        (by_http, tally, cameras[0], 1), (by_http, other, cameras[1], 2),
        (at_the_prompt, cameras[2], 3), (at_the_prompt, cameras[3], 4))]
    for t in threads:
        t.start()
    closing = threading.Thread(target=run, args=(at_last, threads))
    closing.start()
    heard, last = [], first.last
    while not end or end[0] not in heard:
        assert not faults, faults
        client = Events(chance.choice((tally, other)), last=last)
        for _ in range(chance.randrange(1, 80)):
            kind, _, data = client.next()
            if kind == "count":
                heard.append((data["camera"], data["start_at"]))
            assert kind != "reset"
            if end and end[0] in heard:
                break
        last = client.last
        client.close()
    closing.join()
    mine = [h for h in heard if h[0] in cameras]
    assert len(mine) == len(set(mine))
    assert set(mine) == written


def test_who_was_away_for_too_long_is_told_to_begin_anew(two):
    tally, other, _ = two
    c = camera(tally)
    tally.sql("UPDATE stream_state SET lost_seq = last_seq")
    (lost,), = tally.sql("SELECT lost_seq FROM stream_state")
    for last in (lost - 1, lost + 10**9):
        client = Events(other, last_event_id=last, camera=c)
        kind, seq, _ = client.next()
        assert kind == "reset" and seq >= lost
        assert post(tally, row(c, hours_ago(5 + (last < lost))))[0] == 200
        assert client.until(of(c))
        client.close()
    for header in ("x", "-1", "9" * 30):
        status, _, body = tally.request("GET", V1 + "/stream", tally.read_token,
                                        headers={"Last-Event-ID": header})
        assert status == 400, body


def test_a_batch_of_many_is_read_from_the_log(two):
    """More than the ring holds, told to one that comes later, all in order."""
    tally, other, _ = two
    c = camera(tally)
    client = Events(tally, camera=c).greeting()
    start = hours_ago(2000)
    lines = "".join(f"{c},{z(start + minutes(i))},{z(start + minutes(i + 1))},1\n"
                    for i in range(9000))
    status, reply = post(tally, "camera,start_at,end_at,people\n" + lines,
                         kind="text/csv")
    assert (status, reply["inserted"]) == (200, 9000)
    last = client.last
    for each in (client, None):
        each = each or Events(other, last=last, camera=c)
        starts = [d["start_at"] for k, _, d in each.until(
            lambda k, _, d: k == "count"
            and d["start_at"] == z(start + minutes(8999))) if k == "count"]
        assert starts == [z(start + minutes(i)) for i in range(9000)]
        each.close()


def test_bounds_slow_readers_and_the_stop(two):
    tally, other, process = two
    wait_for(lambda: counter(other, "streams") == 0, WAIT)
    idle = camera(tally)
    clients = [Events(other, camera=idle).greeting() for _ in range(3)]
    status, headers, body = other.request("GET", V1 + "/stream",
                                          other.read_token)
    assert status == 503 and int(headers["retry-after"]) > 0
    problem(json.loads(body), 503)
    assert counter(other, "refused_streams") == 1
    clients.pop().close()
    wait_for(lambda: counter(other, "streams") == 2, WAIT)
    # One that reads nothing, with a small window; another one does read.
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(other.address)
    slow.sendall(f"GET {V1}/stream?last_event_id=0 HTTP/1.1\r\nHost: a\r\n"
                 f"Authorization: Bearer {other.read_token}\r\n\r\n".encode())
    wait_for(lambda: counter(other, "streams") == 3, WAIT)
    c = camera(tally)
    start = hours_ago(3000)
    rows = [row(c, start + minutes(i), 1) for i in range(3000)]
    assert post(tally, rows)[0] == 200
    wait_for(lambda: counter(other, "cut_streams") == 1, WAIT)
    slow.close()
    assert post(tally, row(idle, hours_ago(2)))[0] == 200
    for client in clients:
        assert client.until(of(idle))
    # A session's end ends its streams, a stop those that are left.
    form = urllib.parse.urlencode({"user": tally.user,
                                   "password": tally.password})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    _, headers, _ = other.request("POST", "/login", body=form, headers=kind)
    cookie = {"Cookie": headers["set-cookie"].split(";")[0]}
    person = Events(other, headers=cookie).greeting()
    tally.sql("DELETE s FROM session s JOIN user u USING (user_id) "
              "WHERE u.name = %s", tally.user)
    while person.next():
        pass
    assert person.reply.isclosed()
    assert process.stop() == 0
    for client in clients:
        while client.next():
            pass
        # With its last chunk, not by a break of the connection.
        assert client.reply.isclosed()
