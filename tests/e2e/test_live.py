# SPDX-License-Identifier: MIT
"""
The live view: who watches, what is sent for him, and who is let down.

Pictures come from the test itself, but for the last test, in which an ingest
counts in a real clip.
"""
import concurrent.futures
import json
import os
import signal
import socket
import subprocess

import pytest

from apibase import OtherApi, camera, code, raw, wait_for
from jpeg import picture
from people import admin, form, person
from running import BUILD, ROOT, SHARED

V1 = "/api/v1"
CLIP = SHARED / "data/videos/one-by-one-person-detection.mp4"


class Viewer:
    """A client of live.mjpeg, whose pictures are read one by one."""

    def __init__(self, tally, c, token=None, headers=(), room=None, wait=30):
        self.socket = socket.socket()
        if room:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.socket.settimeout(60)
        self.socket.connect(tally.address)
        lines = [f"GET {V1}/cameras/{c}/live.mjpeg?wait={wait} HTTP/1.1",
                 "Host: a", *headers]
        if not headers:
            lines.append(f"Authorization: Bearer {token or tally.read_token}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.head = None

    def read_head(self):
        """The status; the headers stay in self.head."""
        status = int(self.file.readline().split()[1])
        self.head = {}
        while line := self.file.readline().strip():
            name, value = line.decode().split(": ", 1)
            self.head[name.lower()] = value
        return status

    def picture(self):
        """The next one; None at the end."""
        if self.head is None:
            assert self.read_head() == 200
            kind, boundary = self.head["content-type"].split("; boundary=")
            assert kind == "multipart/x-mixed-replace"
            self.boundary = b"--" + boundary.encode() + b"\r\n"
            assert self.file.readline() == self.boundary
        if not (line := self.file.readline()):
            return None
        assert line == b"Content-Type: image/jpeg\r\n"
        n = int(self.file.readline().split(b": ")[1])
        assert self.file.readline() == b"\r\n"
        jpeg = self.file.read(n)
        assert len(jpeg) == n and self.file.read(2) == b"\r\n"
        # A browser shows a picture when it has seen where it ends.
        assert self.file.readline() == self.boundary
        return jpeg

    def rest(self):
        """How many pictures come before the end."""
        try:
            return sum(1 for _ in iter(self.picture, None))
        except (AssertionError, OSError, ValueError):
            return 0  # cut off in the middle of one

    def close(self):
        self.file.close()
        self.socket.close()


def send(tally, c, jpeg, token=None, kind="image/jpeg"):
    """(status, reply) of POST /ingest/frames."""
    return tally.json("POST", f"{V1}/ingest/frames?camera={c}",
                      token or tally.ingest_token, jpeg,
                      {"Content-Type": kind})


def watched(tally, c):
    status, reply = tally.json("GET", f"{V1}/ingest/config?camera={c}",
                               tally.ingest_token)
    assert status == 200
    return reply["watched"] == [c]


def counts(tally):
    return tally.health()["checks"]["server"]


def feed(tally, cameras, until, name="fed"):
    """Sends a picture over and over until that is true."""
    while not until():
        for c in cameras:
            assert send(tally, c, picture(name))[0] == 200


@pytest.fixture
def viewers():
    made = []

    def make(*args, **kwargs):
        made.append(Viewer(*args, **kwargs))
        return made[-1]

    yield make
    for v in made:
        v.close()


@pytest.fixture(scope="module")
def narrow(tally):
    """Another process of the same API, with small bounds."""
    api = OtherApi(tally, live_camera_max=2, live_viewers_max=3,
                   live_frame_max="64k")
    yield api.tally
    assert api.stop() == 0


def test_pictures_go_from_one_process_to_viewers_of_another(
        tally, narrow, viewers):
    c = camera(tally)
    before = counts(tally)
    assert send(tally, c, picture()) == (200, {"camera": c, "watched": False})
    # Nobody watches: that it changes is heard of at once.
    _, headers, body = tally.request(
        "GET", f"{V1}/ingest/config?camera={c}", tally.ingest_token)
    assert json.loads(body)["watched"] == []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(
            tally.request, "GET", f"{V1}/ingest/config?camera={c}&wait=60",
            tally.ingest_token, None, {"If-None-Match": headers["etag"]})
        v = viewers(narrow, c)
        assert json.loads(waiting.result()[2])["watched"] == [c]
    got = []
    for n in range(3):
        assert send(tally, c, picture(n)) == (200, {"camera": c,
                                                    "watched": True})
        got.append(v.picture())
    assert got == [picture(n) for n in range(3)]
    assert v.head["cache-control"] == "no-store"
    assert counts(narrow)["live_viewers"] == 1
    v.close()
    wait_for(lambda: not watched(tally, c))
    assert send(tally, c, picture())[1]["watched"] is False
    after = counts(tally)
    assert after["live_frames"] - before["live_frames"] == 5
    assert after["live_unwanted_frames"] - before["live_unwanted_frames"] == 2
    # Of what was watched nothing is left lying.
    name = c.encode().hex()
    folder = os.path.join(tally.state, "run", "live")
    wait_for(lambda: not [f for f in os.listdir(folder)
                          if f.startswith(name)])


def test_a_snapshot_is_the_newest_picture_or_the_next(tally):
    c = camera(tally)
    path = f"{V1}/cameras/{c}/snapshot.jpg"
    status, headers, body = tally.request("GET", path + "?wait=0",
                                          tally.read_token)
    assert status == 503 and "retry-after" in headers
    assert json.loads(body)["type"] == "urn:tally:problem:no-picture"
    # Whoever would not wait does not make ingest send one either.
    assert send(tally, c, picture("early"))[1]["watched"] is False

    def snapshot(name):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            waiting = pool.submit(tally.request, "GET", path + "?wait=30",
                                  tally.read_token)
            feed(tally, [c], waiting.done, name)
        status, headers, body = waiting.result()
        assert status == 200 and headers["content-type"] == "image/jpeg"
        return body

    assert snapshot("first") == picture("first")
    wait_for(lambda: snapshot("second") == picture("second"))


def test_who_is_slow_misses_pictures_and_gets_the_newest(tally, viewers):
    c = camera(tally)
    slow, fast = viewers(tally, c, room=4096), viewers(tally, c)
    wait_for(lambda: watched(tally, c))
    before, big = counts(tally), 900000
    for n in range(30):
        assert send(tally, c, picture(n, size=big))[1]["watched"] is True
        assert fast.picture() == picture(n, size=big)
    missed = counts(tally)["live_dropped_frames"] - before[
        "live_dropped_frames"]
    assert missed > 20
    got = [slow.picture()]
    while got[-1] != picture(29, size=big):
        got.append(slow.picture())
    assert got[0] == picture(0, size=big) and len(got) == 30 - missed


def test_there_is_room_for_so_many_viewers(tally, narrow, viewers):
    a, b = camera(tally), camera(tally)
    before = counts(narrow)["refused_live_viewers"]
    for c in (a, a, b):
        viewers(narrow, c)
        wait_for(lambda: watched(tally, c))
    wait_for(lambda: counts(narrow)["live_viewers"] == 3)
    for c in (a, b):
        v = viewers(narrow, c)
        assert v.read_head() == 503 and v.head["retry-after"] == "5"
        assert b"too many watch already" in v.file.read(
            int(v.head["content-length"]))
    assert counts(narrow)["refused_live_viewers"] == before + 2


def test_one_camera_has_room_for_fewer(tally, narrow, viewers):
    c = camera(tally)
    wait_for(lambda: counts(narrow)["live_viewers"] == 0)
    for n in (1, 2):
        viewers(narrow, c)
        wait_for(lambda: counts(narrow)["live_viewers"] == n)
    v = viewers(narrow, c)
    assert v.read_head() == 503
    assert b"watch this camera" in v.file.read(
        int(v.head["content-length"]))


def test_a_view_ends_with_the_right_to_it(tally, viewers):
    def token(name):
        status, reply = tally.json(
            "POST", V1 + "/tokens", tally.admin_token,
            {"name": code(name), "scopes": ["read"]})
        assert status == 201
        return reply

    own, expiring, c, gone = (token("own"), token("expiring"), camera(tally),
                              camera(tally))
    boss, bound = admin(tally), person(tally, "viewer", c)
    ends = {
        "revoked": viewers(tally, c, own["token"]),
        "expired": viewers(tally, c, expiring["token"]),
        "logged out": viewers(tally, c, headers=[
            f"Cookie: {boss.cookie}"]),
        "bound elsewhere": viewers(tally, c, headers=[
            f"Cookie: {bound.cookie}"]),
        "retired": viewers(tally, gone)}
    stays = viewers(tally, c)
    for each in (c, gone):
        wait_for(lambda: watched(tally, each))
        assert send(tally, each, picture())[0] == 200
    for v in (*ends.values(), stays):
        assert v.picture()
    assert tally.request("DELETE", f"{V1}/tokens/{own['id']}",
                         tally.admin_token)[0] == 204
    tally.sql("UPDATE token SET expires_at = '2020-01-01' WHERE token_id = %s",
              expiring["id"])
    assert form(tally, "/logout", {"csrf": boss.csrf},
                boss.read)[0] == 303
    assert tally.json("PATCH", f"{V1}/users/{bound.told['name']}",
                      tally.admin_token, {"cameras": [gone]})[0] == 200
    assert tally.json("PATCH", f"{V1}/cameras/{gone}", tally.admin_token,
                      {"retired": True})[0] == 200
    with concurrent.futures.ThreadPoolExecutor() as pool:
        kept = pool.submit(stays.rest)
        # Pictures come all the while, so that is not what ends them.
        for v in ends.values():
            feed(tally, [c, gone], pool.submit(v.rest).done)
        assert not kept.done()
        stays.socket.shutdown(socket.SHUT_RDWR)
    assert tally.request("GET", f"{V1}/cameras/{gone}/snapshot.jpg",
                         tally.read_token)[0] == 409


def test_what_is_no_picture_is_refused(tally, narrow):
    c, good = camera(tally), picture()
    before = counts(narrow)["refused_live_frames"]
    bad = (b"", b"\xff\xd8", good[:-1], good + b"\0", b"GIF89a" + good,
           b"\xff\xd8\xff\xd9", good.replace(b"\xff\xc0", b"\xff\xc3"),
           good[:4] + b"\xff\xff" + good[6:], good.replace(
               b"\xff\xc0\0\x0b\x08\0\x08", b"\xff\xc0\0\x0b\x08\0\0"))
    for jpeg in bad:
        status, reply = send(narrow, c, jpeg)
        assert (status, reply["field"]) == (422, "the picture"), jpeg
    large = picture(size=130000)
    assert send(narrow, c, large)[0] == 413
    assert raw(narrow, (
        f"POST {V1}/ingest/frames?camera={c} HTTP/1.1\r\nHost: a\r\n"
        f"Authorization: Bearer {narrow.ingest_token}\r\n"
        "Content-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n"
        f"{len(large):x}\r\n").encode() + large + b"\r\n0\r\n\r\n"
    ).startswith(b"HTTP/1.1 413 ")
    assert counts(narrow)["refused_live_frames"] == before + len(bad) + 2
    assert send(narrow, c, good, kind="image/png")[0] == 415
    assert narrow.request("POST", V1 + "/ingest/frames",
                          narrow.ingest_token, good)[0] == 400


def test_a_line_has_no_picture_of_its_own(tally):
    c = camera(tally)
    assert tally.json("PUT", f"{V1}/cameras/{c}/lines/door", tally.admin_token,
                      {"points": [[0, 0], [1, 1]]})[0] == 201
    status, reply = tally.json(
        "GET", f"{V1}/cameras/{c}%2Fdoor%2Fin/live.mjpeg", tally.read_token)
    assert status == 409 and "line" in reply["detail"]
    for wait in ("31", "x", "-1", ""):
        assert tally.request("GET", f"{V1}/cameras/{c}/live.mjpeg?wait={wait}",
                             tally.read_token)[0] == 400


def rows(tally, c):
    return tally.sql("SELECT COUNT(*) FROM count_record JOIN camera USING "
                     "(camera_id) WHERE code = %s", c)[0][0]


def goes_on(tally, c):
    """Whether pictures come while some rows do."""
    sent, n = counts(tally)["live_frames"], rows(tally, c)
    wait_for(lambda: rows(tally, c) > n + 3)
    return counts(tally)["live_frames"] > sent


def decoded(folder, jpegs):
    """What a decoder says of them."""
    folder.mkdir()
    for i, jpeg in enumerate(jpegs):
        (folder / f"{i}.jpg").write_bytes(jpeg)
    done = subprocess.run(
        [ROOT / BUILD / "tally-ingest", "--engine", "motion", "probe", folder,
         folder / "last.png"], stdout=subprocess.PIPE, text=True, timeout=300,
        check=True)
    return dict(line.split(None, 1) for line in done.stdout.splitlines())


@pytest.mark.skipif(not CLIP.exists(), reason="needs ../shared/data/videos")
def test_ingest_sends_pictures_while_somebody_watches(
        tally, viewers, tmp_path):
    c = camera(tally)
    assert tally.json("PUT", f"{V1}/cameras/{c}/zones/hall", tally.admin_token,
                      {"points": [[0, 0], [1, 0], [1, 1]]})[0] == 201
    before = counts(tally)["live_frames"]
    token = tmp_path / "token"
    token.write_text(tally.ingest_token)
    log = tmp_path / "ingest.log"
    ingest = subprocess.Popen(
        [ROOT / BUILD / "tally-ingest", "--url", tally.url, "--token-file",
         token, "--spool-dir", tmp_path / "spool", "--source", CLIP,
         "--camera", c, "--interval", "1", "--engine", "motion"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=open(log, "w"))
    try:
        wait_for(lambda: rows(tally, c) >= 2)
        assert counts(tally)["live_frames"] == before
        v = viewers(tally, c)
        seen = [v.picture() for _ in range(3)]
        assert len(set(seen)) == 3
        v.close()
        facts = decoded(tmp_path / "seen", seen)
        assert facts["size"].startswith("768 x 432")
        assert facts["length"].startswith("3 pictures")
        # Nobody watches any more; what was on its way is over.
        wait_for(lambda: not watched(tally, c))
        wait_for(lambda: not goes_on(tally, c))
        # One picture alone is asked for and comes, without a viewer.
        status, _, jpeg = tally.request(
            "GET", f"{V1}/cameras/{c}/snapshot.jpg?wait=30", tally.read_token)
        assert status == 200
        assert decoded(tmp_path / "one", [jpeg])["size"].startswith("768 x")
        ingest.send_signal(signal.SIGTERM)
        assert ingest.wait(120) == 0, log.read_text()
        assert "live view" not in log.read_text()
    finally:
        if ingest.poll() is None:
            ingest.kill()
            ingest.wait()
