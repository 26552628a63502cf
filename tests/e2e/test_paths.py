# SPDX-License-Identifier: MIT
"""
Two ways in, one outcome: rows that come through the API (whose committer marks
and judges its batch) and rows that anybody writes in SQL (whose trigger does)
leave the same outliers and the same statistics.
"""
import random
from datetime import datetime, timedelta, timezone

START = datetime(2026, 9, 1, tzinfo=timezone.utc)
OUTLIER = """start_at, end_at, people, vehicle, face, people_new, observed_s,
    k, z, people_reference, people_basis, people_n, people_mean, people_std,
    people_z, vehicle_reference, vehicle_basis, vehicle_z, face_reference,
    face_basis, face_z, state"""
STATS = """local_date, row_n, observed_s, people_n, people_sum, people_sq,
    people_min, people_max, people_new, vehicle_n, vehicle_sum, face_n,
    face_sum"""


def rows(days, seed, spikes):
    r = random.Random(seed)
    for i in range(days * 48):
        at = START + timedelta(minutes=30 * i)
        busy = 10 + at.hour
        people = r.randint(busy - 4, busy + 4)
        if spikes and r.random() < 0.1:
            people = r.choice((0, people * 4, people + 7))
        yield {"start_at": at.isoformat(),
               "end_at": (at + timedelta(minutes=30)).isoformat(),
               "people": people, "vehicle": r.choice((None, 3, 4, 5, 60)),
               "face": r.randint(0, 2), "people_new": people // 2,
               "observed_s": r.choice((1800, 1800, 1800, 600))}


def post(tally, batch):
    for i in range(0, len(batch), 1000):
        status, reply = tally.json("POST", "/api/v1/counts",
                                   tally.ingest_token, batch[i:i + 1000])
        assert status == 200, reply
        assert reply["inserted"] == len(batch[i:i + 1000])


def insert(tally, camera_id, batch):
    def utc(text):
        return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")

    with tally.db() as c, c.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO count_record (camera_id, start_at, end_at, people,"
            " vehicle, face, people_new, observed_s)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [(camera_id, utc(r["start_at"]), utc(r["end_at"]), r["people"],
              r["vehicle"], r["face"], r["people_new"], r["observed_s"])
             for r in batch])


def of(tally, columns, table, camera_id):
    return tally.sql(f"SELECT {columns} FROM {table} WHERE camera_id = %s "
                     f"ORDER BY 1", camera_id)


def test_rows_by_api_and_by_sql_leave_the_same_outliers(tally):
    ids = {}
    for code in ("by-api", "by-sql"):
        status, reply = tally.json(
            "POST", "/api/v1/cameras", tally.admin_token,
            {"camera": code, "tz": "Asia/Kathmandu"})
        assert status == 201, reply
        (ids[code],), = tally.sql(
            "SELECT camera_id FROM camera WHERE code = %s", code)

    # Five weeks of history make references; then a week with spikes.
    history = list(rows(35, 1, False))
    post(tally, [{"camera": "by-api", **r} for r in history])
    insert(tally, ids["by-sql"], history)
    # Nothing is an outlier before there is a reference.
    assert not of(tally, "start_at", "outlier", ids["by-api"])
    status, _ = tally.json("POST", "/api/v1/jobs/roll_up", tally.admin_token)
    assert status == 200
    week = [r for r in rows(42, 2, True)][35 * 48:]
    post(tally, [{"camera": "by-api", **r} for r in week])
    insert(tally, ids["by-sql"], week)

    for table in ("outlier_backup", "outlier_low"):
        api, sql = (of(tally, OUTLIER, table, ids[c]) for c in ids)
        assert api == sql, table
        assert len(api) > 5, table
    assert of(tally, "exceeded", "outlier_backup", ids["by-api"]) == \
        of(tally, "exceeded", "outlier_backup", ids["by-sql"])
    assert {r[10] for r in of(tally, OUTLIER, "outlier_backup",
                              ids["by-api"])} >= {"hour_of_week"}
    status, _ = tally.json("POST", "/api/v1/jobs/roll_up", tally.admin_token)
    assert status == 200
    assert of(tally, STATS, "stats_day", ids["by-api"]) == \
        of(tally, STATS, "stats_day", ids["by-sql"])
    assert not tally.sql("SELECT * FROM trigger_failure")
