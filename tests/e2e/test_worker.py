# SPDX-License-Identifier: MIT
"""tally-worker against a MariaDB whose events come and go."""
import datetime as dt
import signal
import subprocess
import time

import pytest

from ownbase import Own
from running import BUILD, ROOT


def wait_for(what, fact, seconds=30):
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
    began = time.monotonic()
    worker.terminate()
    assert worker.wait(timeout=10) == 0
    assert time.monotonic() - began < 3
    assert "ERROR: " not in worker.said()


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
    assert schema.sql("SELECT runner, state FROM job_run "
                      "ORDER BY job_run_id DESC LIMIT 1") \
        == [("worker", "ok")]
    # It keeps running, a period apart, and says so once.
    (first,), = schema.sql("SELECT run_at FROM job_state WHERE job = 'minute'")
    wait_for("three more periods", lambda: schema.sql(
        "SELECT run_at FROM job_state WHERE job = 'minute'")[0][0]
        > first + dt.timedelta(seconds=3))
    assert worker.said().count("tally_minute is DISABLED") == 1
    assert worker.said().count("warn: events:") == 1
    # The event comes back: the worker leaves the work to it.
    schema.sql("ALTER EVENT tally_minute ON SCHEDULE EVERY 1 SECOND ENABLE")
    wait_for("the event's return", lambda: "they run again" in worker.said())
    wait_for("a run by the event", lambda: schema.sql(
        "SELECT runner FROM job_state WHERE job = 'minute'") == [("event",)])
    assert worker.said().count("info: events:") == 1
    # And away again, without a word: after three periods.
    schema.sql("ALTER EVENT tally_minute ON SCHEDULE EVERY 1 DAY "
               "STARTS CURRENT_TIMESTAMP + INTERVAL 1 DAY")
    wait_for("the second take-over",
             lambda: worker.said().count("warn: events:") == 2)
    assert "tally_minute ran " in worker.said()
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
    time.sleep(5)
    assert worker.poll() is None
    assert worker.said().count("/nowhere/socket") == 1
    end(worker)


def test_it_ends_at_once_in_the_middle_of_a_run(schema, tmp_path):
    # Whoever holds this lock makes the worker's run wait inside the server.
    schema.connect().cursor().execute("LOCK TABLES job_state WRITE")
    worker = schema.worker(tmp_path / "log")
    time.sleep(2)
    end(worker)


def test_a_wrong_command_line_is_one_line_and_status_2():
    for arguments in (("--frobnicate",), ("extra",),
                      ("--set", "worker.period_s=0")):
        done = subprocess.run([ROOT / BUILD / "tally-worker", *arguments],
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1


def test_the_scheduler_off_and_the_server_killed(fresh_tally):
    """The worker that `dev up` started, by its own account."""
    t = fresh_tally("--no-ingest")
    t.sql("SET GLOBAL event_scheduler = OFF")
    wait_for("the take-over", lambda: "the scheduler is OFF"
             in t.log("worker"), 40)
    assert t.sql("SELECT runner FROM job_state WHERE job = 'minute'") \
        == [("worker",)]
    t.kill("mariadb", signal.SIGKILL)
    wait_for("the loss", lambda: "database:" in t.log("worker"), 40)
    t.up()
    wait_for("the return", lambda: "connected again" in t.log("worker"), 60)
    assert "error:" not in t.log("worker")
