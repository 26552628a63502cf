# SPDX-License-Identifier: MIT
"""DELETE /api/v1/counts: rows go, with their marks, outliers and a witness."""
import datetime
import urllib.parse

import pytest

from apibase import (UTC, camera, hours_ago, minutes, post, post_csv, problem,
                     row, stored, z)


def erase(tally, cameras, begin, end, token=None):
    query = urllib.parse.urlencode(
        [("camera", c) for c in cameras] + [("from", begin), ("to", end)])
    return tally.json("DELETE", "/api/v1/counts?" + query,
                      token or tally.admin_token)


def audited(tally, c):
    return tally.sql("SELECT actor, JSON_VALUE(detail, '$.from'), "
                     "JSON_VALUE(detail, '$.to') FROM audit "
                     "WHERE action = 'counts.delete' AND subject = %s", c)


def day_sums(tally, c):
    assert tally.json("POST", "/api/v1/jobs/roll_up",
                      tally.admin_token)[0] == 200
    items = tally.json("GET", f"/api/v1/stats/day?camera={c}",
                       tally.read_token)[1]["items"]
    return [i["people"]["sum"] for i in items]


def test_rows_go_by_the_days_of_each_camera(tally):
    """A day in Seoul begins at 15:00 UTC."""
    seoul, utc = camera(tally, tz="Asia/Seoul"), camera(tally, tz="UTC")
    noon = datetime.datetime(2024, 5, 6, 12, tzinfo=UTC)
    hours = [noon + datetime.timedelta(hours=h) for h in range(-24, 25, 3)]
    for c in (seoul, utc):
        assert post(tally, [row(c, at, people=1) for at in hours])[0] == 200
        tally.sql("INSERT INTO outlier_backup (camera_id, start_at, end_at, "
                  "people, observed_s, exceeded, k, z) SELECT camera_id, "
                  "start_at, end_at, people, observed_s, 'people', 1.5, 4 "
                  "FROM count_record JOIN camera USING (camera_id) "
                  "WHERE code = %s", c)
    assert day_sums(tally, seoul) == [1, 8, 8] and sum(
        day_sums(tally, utc)) == 17
    assert erase(tally, [seoul, utc], "2024-05-06", "2024-05-07") == (
        200, {"deleted": 16})
    begin = {seoul: datetime.datetime(2024, 5, 5, 15, tzinfo=UTC),
             utc: datetime.datetime(2024, 5, 6, tzinfo=UTC)}
    for c, first in begin.items():
        gone = [at for at in hours
                if first <= at < first + datetime.timedelta(days=1)]
        assert [r[0].replace(tzinfo=UTC) for r in stored(tally, c)] == [
            at for at in hours if at not in gone]
        withdrawn = tally.sql(
            "SELECT start_at FROM outlier_backup JOIN camera USING "
            "(camera_id) WHERE code = %s AND state = 'withdrawn' "
            "ORDER BY start_at", c)
        assert [w[0].replace(tzinfo=UTC) for w in withdrawn] == gone
        last = first + datetime.timedelta(days=1)
        (who, *what), = audited(tally, c)
        assert what == [z(first), z(last)] and who
    assert day_sums(tally, seoul) == [1, 8]
    # Again: nothing is left to go, and nothing to tell.
    assert erase(tally, [seoul], z(begin[seoul]), "2024-05-07") == (
        200, {"deleted": 0})
    assert len(audited(tally, seoul)) == 1


def test_many_rows_go_in_chunks(tally):
    c, at = camera(tally), hours_ago(100)
    text = "camera,start_at,end_at,people\n" + "".join(
        f"{c},{z(at + minutes(i))},{z(at + minutes(i + 1))},1\n"
        for i in range(4001))
    assert post_csv(tally, text)[0] == 200
    assert erase(tally, [c], z(at + minutes(1)), "2999-01-01") == (
        200, {"deleted": 4000})
    assert len(stored(tally, c)) == 1 and len(audited(tally, c)) == 1


@pytest.mark.parametrize("query", [
    "", "camera={c}&from=2024-01-01", "camera={c}&to=2024-01-01",
    "from=2024-01-01&to=2024-01-02", "camera=*&from=2024-01-01&to=2024-01-02",
    "camera={c}&camera=*&from=2024-01-01&to=2024-01-02",
    "camera={c}&from=2024-01-02&to=2024-01-02",
    "camera={c}&from=2024-01-02&to=2024-01-01",
    "camera={c}&from=yesterday&to=2024-01-01",
    "camera={c}&from=2024-01-01&from=2024-01-01&to=2024-01-02",
    "camera={c}&from=2024-01-01&to=2024-01-02&limit=1",
    "site=x&camera={c}&from=2024-01-01&to=2024-01-02"])
def test_what_is_to_be_deleted_is_said_in_full(tally, query):
    c, at = camera(tally), datetime.datetime(2024, 1, 1, tzinfo=UTC)
    post(tally, row(c, at))
    status, reply = tally.json("DELETE", "/api/v1/counts?" + query.format(c=c),
                               tally.admin_token)
    assert status == 400, reply
    problem(reply, 400)
    assert len(stored(tally, c)) == 1


def test_an_unknown_camera_beside_another_deletes_nothing(tally):
    c, at = camera(tally), datetime.datetime(2024, 1, 1, tzinfo=UTC)
    post(tally, row(c, at))
    status, reply = erase(tally, [c, "no-such-camera"], "2024-01-01",
                          "2024-01-02")
    assert status == 404 and reply["type"].endswith(":unknown-camera")
    assert len(stored(tally, c)) == 1


def test_what_is_not_kept_is_not_deleted(tally):
    c = camera(tally, tz="Asia/Seoul")
    at = datetime.datetime(2000, 2, 1, tzinfo=UTC)
    post(tally, row(c, at))
    tally.sql("UPDATE retention SET kept_from = '2000-02-01' "
              "WHERE level = 'raw'")
    try:
        # The first of February begins in January there.
        status, reply = erase(tally, [c], "2000-02-01", "2000-03-01")
        assert status == 422 and reply["field"] == "from"
        assert "2000-02-01T00:00:00Z" in reply["detail"]
        assert len(stored(tally, c)) == 1
        assert erase(tally, [c], z(at), "2000-03-01") == (200, {"deleted": 1})
    finally:
        tally.sql("UPDATE retention SET kept_from = '1000-01-01' "
                  "WHERE level = 'raw'")
