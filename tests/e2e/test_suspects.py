# SPDX-License-Identifier: MIT
"""
The API asks the outlier rule for all rows of a commit at once that may be
outliers.  What cannot be asked so is asked row by row.
"""
import pymysql
import pytest

from apibase import camera, hours_ago, minutes, post, row
from test_api_resources import V1


@pytest.fixture
def judged(tally):
    """A camera with references of 60 ± some people at every hour."""
    c, at = camera(tally), hours_ago(72)
    rows = [row(c, at + minutes(i), 1, people=60 + i % 3) for i in range(30)]
    assert post(tally, rows)[0] == 200
    assert tally.json("POST", V1 + "/jobs/roll_up", tally.admin_token)[0] \
        == 200
    return c


def outliers(tally, c):
    return [(people, state) for people, state in tally.sql(
        "SELECT people, state FROM outlier_backup JOIN camera USING "
        "(camera_id) WHERE code = %s ORDER BY start_at", c)]


def test_a_row_that_comes_again_is_an_outlier_again(tally, judged):
    rows = [row(judged, hours_ago(2) + minutes(i), 1, people=500 + i)
            for i in range(5)]
    assert post(tally, rows[2])[0] == 200
    tally.sql("DELETE r FROM count_record r JOIN camera USING (camera_id) "
              "WHERE code = %s AND people = 502", judged)
    assert outliers(tally, judged) == [(502, "withdrawn")]
    rows[2]["people"] = 600
    assert post(tally, rows)[0] == 200
    assert outliers(tally, judged) == [
        (p, "open") for p in (500, 501, 600, 503, 504)]


def test_a_deadlock_that_is_not_told_as_one_is_none_of_the_rules_failures(
        tally, judged):
    # 1467: the server has rolled the writer's transaction back.
    tally.sql("CREATE TRIGGER busy BEFORE INSERT ON outlier_backup FOR EACH ROW "
              "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1467")
    try:
        at = hours_ago(2)
        status, _ = post(tally, row(judged, at, 1, people=500))
        assert status in (500, 503)
        with pytest.raises(pymysql.MySQLError) as e:
            tally.sql(
                "INSERT INTO count_record (camera_id, start_at, end_at, people) "
                "SELECT camera_id, %s, %s, 500 FROM camera WHERE code = %s",
                at, at + minutes(1), judged)
        assert e.value.args[0] == 1467
    finally:
        tally.sql("DROP TRIGGER busy")
    assert not tally.sql("SELECT 1 FROM trigger_failure JOIN camera USING "
                         "(camera_id) WHERE code = %s", judged)
    assert outliers(tally, judged) == []
    assert post(tally, row(judged, at, 1, people=500))[1]["inserted"] == 1
    assert outliers(tally, judged) == [(500, "open")]


def test_a_zone_whose_offsets_are_not_known_has_its_rows_judged(tally, judged):
    zone = ("FROM time_zone_offset WHERE time_zone_id = (SELECT time_zone_id "
            "FROM camera WHERE code = %s)")
    known = tally.sql("SELECT * " + zone, judged)
    tally.sql("DELETE " + zone, judged)
    tally.sql("UPDATE reference_version SET version = version + 1")
    try:
        assert post(tally, row(judged, hours_ago(2), 1, people=500))[0] == 200
    finally:
        for each in known:
            tally.sql("INSERT INTO time_zone_offset VALUES (%s, %s)", *each)
        tally.sql("UPDATE reference_version SET version = version + 1")
    assert outliers(tally, judged) == [(500, "open")]


def test_a_local_time_before_there_are_any_is_refused(tally, judged):
    old = dict(row(judged, hours_ago(2), 1, people=500),
               start_at="1950-01-01T00:00:00", end_at="1950-01-01T00:01:00")
    status, reply = post(tally, old)
    assert status == 422, reply
    assert reply["errors"][0]["field"] == "start_at"


@pytest.mark.parametrize("table", ("outlier_backup", "reference_value"))
def test_a_rule_that_fails_never_loses_the_rows(tally, judged, table):
    at = hours_ago(2)
    rows = [row(judged, at + minutes(i), 1, people=n)
            for i, n in enumerate((500, 61, 501))]
    assert post(tally, row(judged, at - minutes(5), 1, people=499))[0] == 200
    tally.sql(f"RENAME TABLE {table} TO hidden")
    try:
        status, reply = post(tally, rows)
        failures = tally.sql(
            "SELECT f.start_at, error_no FROM trigger_failure f JOIN camera "
            "USING (camera_id) WHERE code = %s ORDER BY 1", judged)
    finally:
        tally.sql(f"RENAME TABLE hidden TO {table}")
        tally.sql("DELETE FROM trigger_failure")
    assert status == 200 and reply["inserted"] == 3
    naive = at.replace(tzinfo=None)
    assert [f[0] for f in failures] == [naive, naive + minutes(2)]
    assert {f[1] for f in failures} <= {1146, 1356}
    assert outliers(tally, judged) == [(499, "open")]
