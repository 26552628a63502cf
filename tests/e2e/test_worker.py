# SPDX-License-Identifier: MIT
"""tally-worker against a MariaDB whose events come and go."""
import datetime as dt
import re
import signal
import subprocess
import time

import pytest

from ownbase import Own
from running import BUILD, ROOT
from sqlbase import check_levels


def wait_for(what, fact, seconds=120):
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.1)


@pytest.fixture
def schema(tally):
    s = Own(tally, "tally_worker_test")
    yield s
    s.close()


def end(worker):
    worker.terminate()
    assert worker.wait(timeout=120) == 0
    assert "ERROR: " not in worker.said()


def in_charge(worker):
    """What it said last of who does the work."""
    return "warn: events:" in [
        line for line in worker.said().splitlines() if " events:" in line][-1]


def test_it_does_the_events_work_while_they_do_not_run(schema, tmp_path):
    schema.run_tally("camera", "add", "gate-1")
    schema.sql("INSERT INTO count_record (camera_id, start_at, end_at, people)"
               " SELECT camera_id, '2026-01-05 10:00:00', "
               "'2026-01-05 10:05:00', 7 FROM camera WHERE code = 'gate-1'")
    worker = schema.worker(tmp_path / "log")
    wait_for("the day's figures", lambda: schema.sql(
        "SELECT people_sum FROM stats_day") == [(7,)])
    assert schema.sql("SELECT runner FROM job_state WHERE job = 'minute'") \
        == [("worker",)]
    # (The event ran once, when it was made.)
    wait_for("the run's end", lambda: schema.sql(
        "SELECT runner, state FROM job_run ORDER BY job_run_id DESC LIMIT 1")
        == [("worker", "ok")])
    # It keeps running, a period apart, and says so once.
    (first,), = schema.sql("SELECT run_at FROM job_state WHERE job = 'minute'")
    wait_for("three more periods", lambda: schema.sql(
        "SELECT run_at FROM job_state WHERE job = 'minute'")[0][0]
        > first + dt.timedelta(seconds=3))
    assert worker.said().count("tally_minute is DISABLED") == 1
    assert worker.said().count("warn: events:") == 1
    # The event comes back: the worker leaves the work to it.
    schema.sql("ALTER EVENT tally_minute ON SCHEDULE EVERY 1 SECOND ENABLE")
    # (An event that a busy server delays goes and comes once more.)
    wait_for("the event's return", lambda: not in_charge(worker))
    assert "they run again" in worker.said()
    wait_for("a run by the event", lambda: schema.sql(
        "SELECT runner FROM job_state WHERE job = 'minute'") == [("event",)])
    # And away again, without a word: after three periods.
    schema.sql("ALTER EVENT tally_minute ON SCHEDULE EVERY 1 DAY "
               "STARTS CURRENT_TIMESTAMP + INTERVAL 1 DAY")
    wait_for("the second take-over",
             lambda: in_charge(worker)
             and "tally_minute ran " in worker.said())
    end(worker)


def health(api, check):
    """(status, detail) of one check of /healthz."""
    checks = api.health()["checks"]
    return checks[check]["status"], checks[check].get("detail")


def put(schema, minute):
    schema.sql("INSERT INTO count_record (camera_id, start_at, end_at, people)"
               " SELECT camera_id, '2026-01-05 10:00:00' + INTERVAL %s MINUTE,"
               " '2026-01-05 10:01:00' + INTERVAL %s MINUTE, 1 FROM camera "
               "WHERE code = 'gate-1'", minute, minute)


def put_and_wait(schema, minute):
    put(schema, minute)
    wait_for("the row to be counted", lambda: schema.sql(
        "SELECT SUM(row_n) FROM stats_year") == [(
            schema.one("SELECT COUNT(*) FROM count_record"),)])


def test_each_way_an_event_can_fail_shows_and_is_made_up_for(
        schema, tmp_path):
    each_second = "tally_minute ON SCHEDULE EVERY 1 SECOND"
    schema.run_tally("camera", "add", "gate-1")
    schema.sql(f"ALTER EVENT {each_second} ENABLE")
    # Six seconds of patience with an event that should run each second.
    api, worker = schema.api(), schema.worker(
        tmp_path / "log", "--set", "worker.period_s=2")
    wait_for("the event", lambda: health(api, "events")[0] == "ok")
    put_and_wait(schema, 0)
    assert health(api, "rollup") == ("ok", None)

    # A table that it needs is gone: told once, however often it fails.
    schema.sql("RENAME TABLE stats_week TO hidden")
    put(schema, 1)
    wait_for("the take-over", lambda: "tally_minute fails" in worker.said())
    wait_for("a run of the worker that failed", lambda: schema.sql(
        "SELECT 1 FROM job_run WHERE runner = 'worker' AND error_no = 1146"))
    wait_for("many runs that failed", lambda: schema.one(
        "SELECT COUNT(*) FROM job_run WHERE runner = 'event' "
        "AND state = 'failed' AND error_no = 1146 "
        "AND message LIKE '%%stats_week%%'") > 5)
    assert worker.said().count("the minute's work failed: ") == 1
    assert worker.said().count("Q_RUN_MINUTE: 1146") == 1
    status, detail = health(api, "rollup")
    assert status == "degraded" and "stats_week" in detail
    schema.sql("RENAME TABLE hidden TO stats_week")
    put_and_wait(schema, 2)
    wait_for("it to be told", lambda: "they run again" in worker.said())
    assert worker.said().count("the minute's work is done again") == 1
    assert health(api, "rollup") == ("ok", None)

    # It is gone itself.
    schema.sql("DROP EVENT tally_minute")
    wait_for("the take-over", lambda: "is missing" in worker.said())
    assert health(api, "events") == (
        "degraded", "the event tally_minute is missing or disabled")
    put_and_wait(schema, 3)
    assert schema.one("SELECT runner FROM health") == "worker"

    # Its definer is.
    schema.sql("CREATE OR REPLACE USER tally_ghost")
    schema.sql(f"GRANT ALL ON {schema.name}.* TO tally_ghost")
    schema.sql(f"CREATE DEFINER = tally_ghost EVENT {each_second} "
               "DO CALL run_minute('event')")
    wait_for("the event", lambda: worker.said().count("they run again") >= 2)
    schema.sql("DROP USER tally_ghost")
    wait_for("the take-over",
             lambda: re.search(r"tally_minute ran \d+ s ago", worker.said()))
    put_and_wait(schema, 4)
    assert schema.one("SELECT runner FROM health") == "worker"
    schema.sql("UPDATE job_state SET event_at = event_at - INTERVAL 3 MINUTE")
    assert health(api, "events") == (
        "degraded", "no event has run for three minutes")
    schema.sql("UPDATE job_state SET event_at = event_at + INTERVAL 34 MINUTE")
    assert "clock was put back" in health(api, "events")[1]
    check_levels(schema, schema.zones())
    end(worker)


def test_the_calendar_reaches_years_ahead(schema, tmp_path):
    schema.sql("DELETE FROM calendar_day WHERE local_date > "
               "UTC_DATE() + INTERVAL 100 DAY")
    schema.sql("DELETE FROM calendar_offset WHERE day_utc > "
               "UTC_DATE() + INTERVAL 100 DAY")
    # A law that came later than the rows: the future is written anew.
    schema.sql("UPDATE calendar_day SET end_utc = end_utc + INTERVAL 1 HOUR "
               "WHERE local_date = UTC_DATE() + INTERVAL 50 DAY")
    worker = schema.worker(tmp_path / "log")
    last = dt.date(dt.datetime.now(dt.timezone.utc).year + 3, 12, 31)
    wait_for("the calendar", lambda: schema.sql(
        "SELECT MAX(local_date) FROM calendar_day") == [(last,)])
    assert schema.sql(
        "SELECT COUNT(*) FROM calendar_day a JOIN calendar_day b ON "
        "b.time_zone_id = a.time_zone_id AND b.local_date = a.local_date "
        "+ INTERVAL 1 DAY WHERE a.end_utc <> b.start_utc") == [(0,)]
    end(worker)


def test_a_database_that_is_away_is_waited_for(schema, tmp_path):
    worker = schema.worker(tmp_path / "log", "--set",
                          "database.socket=/nowhere/socket")
    wait_for("a word of it", lambda: "/nowhere/socket" in worker.said())
    time.sleep(4)
    assert worker.poll() is None
    assert worker.said().count("/nowhere/socket") == 1
    end(worker)


def test_it_ends_at_once_in_the_middle_of_a_run(schema, tmp_path):
    # Whoever holds this lock makes the worker's run wait inside the server.
    schema.connect().cursor().execute("LOCK TABLES job_state WRITE")
    worker = schema.worker(tmp_path / "log")
    wait_for("a run that waits", lambda: schema.sql(
        "SELECT 1 FROM information_schema.processlist WHERE db = DATABASE() "
        "AND state = 'Waiting for table metadata lock'"))
    end(worker)


def test_a_wrong_command_line_is_one_line_and_status_2():
    for arguments in (("--frobnicate",), ("extra",),
                      ("--set", "worker.period_s=0")):
        done = subprocess.run([ROOT / BUILD / "tally-worker", *arguments],
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1


def test_the_scheduler_off_and_the_server_killed(fresh_tally, tmp_path):
    """A worker as `dev up` starts it, by its own account, but quicker."""
    t = fresh_tally("--no-ingest")
    t.sql("SET GLOBAL event_scheduler = OFF")
    with open(tmp_path / "log", "w", encoding="utf-8") as f:
        worker = subprocess.Popen(
            [ROOT / BUILD / "tally-worker", "--config",
             t.state + "/run/tally.ini", "--set", "worker.period_s=1"],
            stderr=f, cwd=ROOT)
    worker.said = (tmp_path / "log").read_text
    try:
        wait_for("the take-over",
                 lambda: "the scheduler is OFF" in worker.said())
        wait_for("a run", lambda: t.sql(
            "SELECT runner FROM job_state WHERE job = 'minute'")
            == [("worker",)])
        assert health(t, "events") == ("degraded",
                                       "the event scheduler is off")
        t.kill("mariadb", signal.SIGKILL)
        wait_for("the loss", lambda: "database:" in worker.said())
        t.up()
        wait_for("the return", lambda: "connected again" in worker.said())
        assert "error:" not in worker.said()
        end(worker)
    finally:
        worker.kill()
        worker.wait()
