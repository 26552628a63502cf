# SPDX-License-Identifier: MIT
"""
The API asks the outlier rule for all rows of a commit at once that may be
outliers.  What cannot be asked so is asked row by row.
"""
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
