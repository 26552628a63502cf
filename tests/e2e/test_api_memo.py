# SPDX-License-Identifier: MIT
"""Statistics that are remembered: never older than their request."""
import datetime
import gzip
import json
import socket
import threading

import pytest

from apibase import (OtherApi, camera, code, hours_ago, minutes, post, row,
                     wait_for, z)

GZIP = {"Accept-Encoding": "gzip"}


def get(api, path, token=None, **headers):
    """(status, headers, body) of a GET of /stats/…"""
    return api.request("GET", "/api/v1/stats/" + path,
                       token or api.read_token, headers={
                           k.replace("_", "-"): v for k, v in headers.items()})


def items(api, path):
    status, _, body = get(api, path)
    assert status == 200, body
    return json.loads(body)["items"]


def counters(api):
    reply = api.health()["checks"]["server"]
    return {k.removeprefix("cache_"): v for k, v in reply.items()}


def roll_up(tally):
    tally.sql("CALL roll_up_now(30)")


@pytest.fixture(scope="module")
def busy(tally):
    """A camera with two hundred hours, and one of another with one."""
    c = camera(tally, tz="Asia/Kathmandu")
    at = hours_ago(400)
    post(tally, row(camera(tally), at))
    assert post(tally, [row(c, at + minutes(60 * i), length=60, people=i % 9,
                            vehicle=i % 7, face=1)
                        for i in range(200)])[0] == 200
    roll_up(tally)
    return c


def test_the_same_again_is_remembered(tally, busy):
    path = f"hour?camera={busy}&limit=150"
    before = counters(tally)
    first = get(tally, path)
    again = [get(tally, path) for _ in range(3)]
    after = counters(tally)
    assert after["misses"] - before["misses"] == 1
    assert after["hits"] - before["hits"] == 3
    assert after["entries"] >= 1 and after["bytes"] > len(first[2])
    for got in again:
        assert got[0] == 200 and got[2] == first[2]
        assert got[1]["etag"] == first[1]["etag"]
    assert first[1]["cache-control"] == "private, no-cache"
    assert first[1]["vary"] == "Accept, Accept-Encoding"
    # A HEAD has all but the body.
    status, headers, body = tally.request(
        "HEAD", "/api/v1/stats/" + path, tally.read_token)
    assert (status, body) == (200, b"")
    own = {"date": "", "x-request-id": ""}
    assert {**headers, **own} == {**first[1], **own}


def test_a_tag_that_is_known_is_answered_with_304(tally, busy):
    path = f"day?camera={busy}"
    _, headers, body = get(tally, path)
    tag = headers["etag"]
    assert tag[0] == tag[-1] == '"' and len(tag) > 20
    for known in (tag, "W/" + tag, f'"x", {tag}', f'{tag},"y"', "*"):
        status, got, nothing = get(tally, path, If_None_Match=known)
        assert (status, nothing) == (304, b""), known
        assert got["etag"] == tag and got["vary"] == headers["vary"]
        assert "content-type" not in got and "content-length" not in got
    for other in ('"x"', tag[:-2] + '"', tag.strip('"'), ""):
        assert get(tally, path, If_None_Match=other)[0] == 200, other
    # Each representation, target and way to see has a tag of its own.
    token = tally.run_tally("token", "create", "--scope", "read", "--camera",
                            busy).stdout.strip()
    tags = {tag}
    for got in (get(tally, path, Accept="text/csv"),
                get(tally, path, **{"Accept_Encoding": "gzip"}),
                get(tally, path + "&limit=10000"), get(tally, path, token),
                get(tally, "day?limit=1&camera=*", token)):
        assert got[0] == 200
        tags.add(got[1]["etag"])
    assert len(tags) == 6
    # A remembered reply of one token is no other's.
    everything = items(tally, "day?limit=9000")
    mine = json.loads(get(tally, "day?limit=9000", token)[2])["items"]
    assert {i["camera"] for i in mine} == {busy}
    assert len(mine) < len(everything)
    # "*" is any reply that is there.
    assert get(tally, "day?camera=nobody", If_None_Match="*")[0] == 404


def test_compressed_for_who_wants_it(tally, busy):
    path = f"hour?camera={busy}"
    plain = get(tally, path)
    assert "content-encoding" not in plain[1]
    for accept in ("gzip", "br, gzip;q=0.5", "*", "GZIP, identity;q=0.2",
                   "gzip;q=0.4, identity;q=0.4"):
        status, headers, body = get(tally, path, Accept_Encoding=accept)
        assert status == 200 and headers["content-encoding"] == "gzip"
        assert headers["content-type"] == "application/json"
        assert len(body) == int(headers["content-length"])
        assert len(body) < len(plain[2]) / 4
        assert gzip.decompress(body) == plain[2]
    for accept in ("", "identity", "gzip;q=0", "br", "identity, gzip;q=0.9",
                   "*;q=0"):
        got = get(tally, path, Accept_Encoding=accept)
        assert "content-encoding" not in got[1] and got[2] == plain[2], accept
    csv = get(tally, path, Accept_Encoding="gzip", Accept="text/csv")
    assert gzip.decompress(csv[2]) == get(tally, path, Accept="text/csv")[2]
    # Not worth it.
    got = get(tally, f"hour?camera={busy}&limit=1", Accept_Encoding="gzip")
    assert "content-encoding" not in got[1]


def test_no_answer_is_older_than_its_request(tally):
    """Who reads after a commit sees it, however the rows came."""
    c, other = camera(tally), camera(tally)
    at = hours_ago(30)
    paths = (f"day?camera={c}", f"profile?camera={c}&from=2020-01-01",
             f"year?camera={other}&camera={c}", f"weekday/month?camera={c}")
    for n in range(1, 9):
        if n % 2:
            assert post(tally, row(c, at + minutes(n), length=1,
                                   people=1))[0] == 200
        else:
            tally.sql("INSERT INTO count_record (camera_id, start_at, end_at,"
                      " people) SELECT camera_id, %s, %s, 1 FROM camera "
                      "WHERE code = %s", z(at + minutes(n))[:-1],
                      z(at + minutes(n + 1))[:-1], c)
        roll_up(tally)
        for path in paths * 2:
            for headers in ({}, {"Accept_Encoding": "gzip"}):
                body = get(tally, path, **headers)[2]
                if body[:2] == b"\x1f\x8b":
                    body = gzip.decompress(body)
                assert sum(i["n"] for i in json.loads(body)["items"]) == n
    tally.sql("DELETE r FROM count_record r JOIN camera USING (camera_id) "
              "WHERE code = %s", c)
    roll_up(tally)
    assert [items(tally, p) for p in paths] == [[]] * 4


def test_readers_at_work_never_see_the_past(tally):
    """Readers without a pause, a writer between them."""
    c = camera(tally)
    at = hours_ago(20)
    committed, stop, seen = [0], threading.Event(), []

    def read(path):
        while not stop.is_set():
            least = committed[0]
            n = sum(i["n"] for i in items(tally, path))
            seen.append(n)
            if not least <= n:
                seen.append(f"{n} after {least} were there")

    readers = [threading.Thread(target=read, args=(p,)) for p in
               [f"hour?camera={c}", f"hour?camera={c}", f"month?camera={c}"]]
    for r in readers:
        r.start()
    for n in range(12):
        post(tally, row(c, at + minutes(n), length=1))
        roll_up(tally)
        committed[0] = n + 1
        # One of these was begun behind that.
        before = len(seen)
        wait_for(lambda: len(seen) > before + 3)
    stop.set()
    for r in readers:
        r.join()
    assert not [s for s in seen if isinstance(s, str)]
    assert len(set(seen)) > 2


def test_no_reply_mixes_two_versions(tally):
    """Two statements of one request, a transaction between them."""
    codes = sorted(camera(tally) for _ in range(2))
    path = f"hour?camera={codes[0]}&camera={codes[1]}"
    post(tally, [row(c, hours_ago(40)) for c in codes])
    roll_up(tally)
    stop = threading.Event()

    def write():
        with tally.db() as db, db.cursor() as cursor:
            n = 0
            while not stop.wait(0.01):
                n += 1
                cursor.execute("BEGIN")
                cursor.execute(
                    "UPDATE stats_hour JOIN camera USING (camera_id) SET "
                    "people_max = %s WHERE code IN (%s, %s)", (n, *codes))
                cursor.execute(
                    "UPDATE stats_version SET version = version + 1")
                cursor.execute("COMMIT")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        # Without a tag: they moved faster than a reply could be built.
        seen = [[i["people"]["max"] for i in json.loads(body)["items"]]
                for _, headers, body in (get(tally, path)
                                         for _ in range(150))
                if "etag" in headers]
    finally:
        stop.set()
        writer.join()
    assert all(a == b for a, b in seen), seen
    assert len({a for a, _ in seen}) > 2


def test_what_changes_while_a_reply_is_built_is_in_it(tally):
    """The reply waits for a table; meanwhile the site gets a camera more."""
    codes, name = sorted(camera(tally) for _ in range(2)), code("Site")
    post(tally, [row(c, hours_ago(40)) for c in codes])
    roll_up(tally)
    tally.sql("INSERT INTO site (name, tz) VALUES (%s, 'UTC')", name)
    move = ("UPDATE camera SET site_id = (SELECT site_id FROM site WHERE "
            "name = %s) WHERE code = %s")
    tally.sql(move, name, codes[0])
    got, path = [], f"day?site={name}"
    reader = threading.Thread(target=lambda: got.append(get(tally, path)))
    with tally.db() as db, db.cursor() as cursor:
        cursor.execute("LOCK TABLES setting WRITE")
        reader.start()
        wait_for(lambda: tally.sql(
            "SELECT 1 FROM information_schema.processlist WHERE state = "
            "'Waiting for table metadata lock'"))
        tally.sql(move, name, codes[1])
        cursor.execute("UNLOCK TABLES")
    reader.join()
    (status, headers, body), = got
    assert status == 200 and json.loads(body)["items"][0]["n"] == 2
    assert get(tally, path)[1]["etag"] == headers["etag"]


def test_everything_a_reader_sees_moves_the_version(tally):
    c = camera(tally, tz="Asia/Seoul")
    post(tally, [row(c, hours_ago(70) + minutes(5 * i), people=i % 5)
                 for i in range(40)])
    roll_up(tally)
    path = f"day?camera={c}"
    before = items(tally, path)
    (site,) = tally.sql("SELECT s.name FROM site s JOIN camera USING "
                        "(site_id) WHERE code = %s", c)[0]

    def set_k(k):
        tally.sql("UPDATE setting SET value = %s WHERE name = 'outlier_k'", k)

    try:
        set_k("3")
        for old, new in zip(before, items(tally, path)):
            p = new["people"]
            assert p["reference"] == p["mean"] + 3 * p["std"]
            assert p["reference"] != old["people"]["reference"]
    finally:
        set_k("1.5")
    assert items(tally, path) == before
    camera(tally, tz="America/New_York")  # so that its calendar is there
    tally.sql("UPDATE camera SET tz = 'America/New_York' WHERE code = %s", c)
    assert items(tally, path) == []
    roll_up(tally)
    after = items(tally, path)
    assert {i["tz"] for i in after} == {"America/New_York"}
    assert sum(i["n"] for i in after) == 40
    # A camera more, a camera less, a site's name.
    assert get(tally, "day?camera=" + (new := code()))[0] == 404
    tally.json("POST", "/api/v1/cameras", tally.admin_token, {"camera": new})
    assert items(tally, "day?camera=" + new) == []
    tally.sql("DELETE FROM camera WHERE code = %s", new)
    assert get(tally, "day?camera=" + new)[0] == 404
    name = code("Site")
    assert get(tally, "year?site=" + name)[0] == 404
    tally.sql("INSERT INTO site (name, tz) VALUES (%s, 'Asia/Seoul')", name)
    assert items(tally, "year?site=" + name) == []
    tally.sql("UPDATE camera SET site_id = (SELECT site_id FROM site WHERE "
              "name = %s) WHERE code = %s", name, c)
    assert items(tally, "year?site=" + name)[0]["n"] == 40
    tally.sql("UPDATE camera SET site_id = (SELECT site_id FROM site WHERE "
              "name = %s) WHERE code = %s", site, c)
    assert items(tally, "year?site=" + name) == []
    tally.sql("DELETE FROM site WHERE name = %s", name)
    assert get(tally, "year?site=" + name)[0] == 404


def test_a_version_that_goes_back_is_another_database(tally, busy):
    path = f"week?camera={busy}"
    before = get(tally, path)
    (version,) = tally.sql("SELECT version FROM stats_version")[0]
    tally.sql("UPDATE stats_version SET version = version - 1")
    tally.sql("UPDATE stats_week JOIN camera USING (camera_id) SET "
              "people_max = 77 WHERE code = %s", busy)
    try:
        got = json.loads(get(tally, path)[2])["items"]
        assert {i["people"]["max"] for i in got} == {77}
    finally:
        tally.sql("UPDATE stats_week JOIN camera USING (camera_id) SET "
                  "people_max = 8 WHERE code = %s", busy)
        tally.sql("UPDATE stats_version SET version = %s", version + 9)
    assert get(tally, path)[2] == before[2]


@pytest.mark.parametrize("hours", [200, 10], ids=["weeks", "a_day"])
def test_what_is_known_of_a_camera_is_of_the_version(tally, busy, hours):
    """k, found once for many targets; of a day the number comes with it."""
    token = tally.run_tally("token", "create", "--scope", "read", "--camera",
                            camera(tally)).stdout.strip()
    limit = iter(range(2, 99))

    def ask():
        """A target that nobody asked for."""
        return (f"hour?camera={busy}&from={z(hours_ago(400))}&to="
                f"{z(hours_ago(400 - hours))}&limit={next(limit)}")

    def set_k(k):
        tally.sql("UPDATE setting SET value = %s WHERE name = 'outlier_k'", k)

    def k_of(got):
        people = [i["people"] for i in got]
        return next(k for k in (1.5, 2, 3) if all(
            p["reference"] == p["mean"] + k * p["std"] for p in people))

    def moved(by):
        tally.sql("UPDATE stats_version SET version = version + %s", by)

    # Hours of one row each have no deviation.
    tally.sql("UPDATE stats_hour JOIN camera USING (camera_id) SET "
              "people_sq = people_sq + 4 WHERE code = %s", busy)
    moved(1)
    try:
        assert k_of(items(tally, ask())) == 1.5
        assert get(tally, ask(), token)[0] == 404
        # Known, then moved before the rows are there.
        got = []
        reader = threading.Thread(
            target=lambda: got.append(items(tally, ask())))
        with tally.db() as db, db.cursor() as cursor:
            cursor.execute("LOCK TABLES stats_hour WRITE")
            reader.start()
            wait_for(lambda: tally.sql(
                "SELECT 1 FROM information_schema.processlist WHERE state = "
                "'Waiting for table metadata lock'"))
            set_k("3")
            cursor.execute("UNLOCK TABLES")
        reader.join()
        assert k_of(got[0]) == 3
        assert k_of(items(tally, ask())) == 3
        # The same number again, of another database.
        set_k("2")
        moved(-2)
        assert items(tally, f"day?camera={busy}&limit={next(limit)}")
        moved(1)
        assert k_of(items(tally, ask())) == 2
    finally:
        set_k("1.5")
        moved(9)
        tally.sql("UPDATE stats_hour JOIN camera USING (camera_id) SET "
                  "people_sq = people_sq - 4 WHERE code = %s", busy)
        moved(1)


def test_those_who_come_together_share_the_work(tally, busy):
    path = f"hour?camera={busy}&from=2020-02-02"
    want, start = items(tally, f"hour?camera={busy}"), threading.Barrier(12)
    got = []

    def read():
        start.wait()
        got.append(items(tally, path))

    with tally.db() as db, db.cursor() as cursor:
        # No roll-up of its own makes another version meanwhile.
        cursor.execute("SELECT GET_LOCK(roll_up_lock(), 120)")
        for _ in range(3):
            before = counters(tally)
            readers = [threading.Thread(target=read) for _ in range(12)]
            for r in readers:
                r.start()
            for r in readers:
                r.join()
            after = counters(tally)
            assert after["misses"] - before["misses"] == 1
            assert after["hits"] - before["hits"] == 11
            cursor.execute("UPDATE stats_version SET version = version + 1")
    assert all(g == want for g in got) and len(got) == 36


def test_days_of_cameras_are_asked_for_together(tally):
    """Two statements wait for a table; who comes then shares the next one."""
    def hours(c, start, end, more=""):
        return f"hour?camera={c}&from={z(start)}&to={z(end)}{more}"

    start = hours_ago(24 * 40)
    codes = [camera(tally, tz=tz) for tz in ("UTC", "Asia/Kathmandu",
             "Europe/Berlin", "America/St_Johns")]
    nothing = camera(tally)
    for n, c in enumerate(codes):
        assert post(tally, [row(c, start + minutes(30 * i), people=i % 7 + n)
                            for i in range(300)])[0] == 200
    roll_up(tally)
    listed = items(tally, "hour?" + "&".join("camera=" + c for c in codes)
                   + f"&from={z(start)}")
    asked = []
    for n, c in enumerate(codes):
        # A day, a part of one, what is more than one, two dates at an edge.
        for begins, ends in ((24, 48), (30, 34), (3, 50), (46, 49)):
            asked += [(c, start + minutes(60 * begins + 25 * n),
                       start + minutes(60 * ends))]
    paths = [hours(*a) for a in asked] + [
        hours(nothing, start, start + minutes(600)),
        hours(codes[0], start, start + minutes(600), "&limit=4")]
    got = {}

    def read(path):
        got[path] = get(tally, path)

    def waiting():
        return tally.sql("SELECT COUNT(*) FROM information_schema.processlist "
                         "WHERE state = 'Waiting for table metadata lock' AND "
                         "info LIKE '%%stats_hour%%'")[0][0]

    readers = [threading.Thread(target=read, args=(p,)) for p in paths]
    with tally.db() as db, db.cursor() as cursor:
        # No roll-up waits for it as well.
        cursor.execute("SELECT GET_LOCK(roll_up_lock(), 120)")
        cursor.execute("LOCK TABLES stats_hour WRITE")
        # One; six, for whom a second statement is worth it; all others.
        for n, some in enumerate((readers[:1], readers[1:7], readers[7:])):
            for r in some:
                r.start()
            wait_for(lambda n=n: waiting() == min(n + 1, 2))
        wait_for(lambda: counters(tally)["reads_waiting"] == len(paths) - 7)
        assert waiting() == 2
        cursor.execute("UNLOCK TABLES")
    for r in readers:
        r.join()
    for path, (c, begins, ends) in zip(paths, asked):
        want = [i for i in listed if i["camera"] == c and begins <= datetime.
                datetime.fromisoformat(i["start"]) < ends]
        assert got[path][0] == 200 and want, path
        assert json.loads(got[path][2])["items"] == want, path
        # Remembered with the version that came with it.
        assert get(tally, path, If_None_Match=got[path][1]["etag"])[0] == 304
    assert json.loads(got[paths[-2]][2])["items"] == []
    page = json.loads(got[paths[-1]][2])
    assert page["items"] == [i for i in listed
                             if i["camera"] == codes[0]][:4] and page["next"]


@pytest.mark.parametrize("most", ["0", "64k"])
def test_a_small_memory_and_none(tally, busy, most):
    other = OtherApi(tally, cache_max=most)
    try:
        api, paths = other.tally, [
            f"hour?camera={busy}&limit={n}" for n in range(3, 200, 7)]
        for path in paths + paths[::-1] + ["hour?camera=" + busy] * 2:
            status, headers, body = get(api, path)
            assert status == 200 and headers["etag"]
            assert get(api, path, If_None_Match=headers["etag"])[0] == 304
            assert json.loads(body)["items"] == items(tally, path)
            assert counters(api)["bytes"] <= 64 << 10
        (n,) = tally.sql("SELECT version FROM stats_version")[0]
        c = counters(api)
        if most == "0":
            assert c["entries"] == c["bytes"] == 0
            assert c["misses"] == len(paths) * 2 + 2, (c, n)
        else:
            assert 0 < c["entries"] < len(paths)
        assert bool(c["refused"]) == (most != "0")
    finally:
        assert other.stop() == 0


def test_a_reply_on_its_way_outlives_what_is_forgotten(tally, busy):
    """A client that does not read; meanwhile there is no room any more."""
    other = OtherApi(tally, cache_max="300k", reply_timeout_s=600)
    path, times = f"hour?camera={busy}", 40
    try:
        api = other.tally
        want = get(api, path)[2]
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(120)
            s.connect(api.address)
            s.sendall(times * (
                f"GET /api/v1/stats/{path} HTTP/1.1\r\nHost: a\r\n"
                f"Authorization: Bearer {api.read_token}\r\n\r\n").encode())
            wait_for(lambda: counters(api)["hits"] > 3)
            tally.sql("UPDATE stats_version SET version = version + 1")
            for limit in range(150, 200):
                assert get(api, f"{path}&limit={limit}")[0] == 200
                assert counters(api)["bytes"] <= 300 << 10
            assert 0 < counters(api)["hits"] < times  # it still waits
            got = s.recv(8192, socket.MSG_WAITALL)
            size = times * (got.index(b"\r\n\r\n") + 4 + len(want))
            while len(got) < size:
                assert (piece := s.recv(1 << 20)), "cut off"
                got += piece
        assert got.count(want) == got.count(b"HTTP/1.1 200 OK") == times
        wait_for(lambda: counters(api)["connections"] == 1)
    finally:
        assert other.stop() == 0
