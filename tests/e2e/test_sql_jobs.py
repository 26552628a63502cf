# SPDX-License-Identifier: MIT
"""The roll-up among writers, the scheduled run, and the partitions."""
import datetime as dt
import random
import threading
import time

import pymysql
import pytest

from sqlbase import LEVELS, SQL, check_levels, utc_now

QUARTER = dt.datetime(2026, 3, 3, 12)
MINUTE = dt.timedelta(minutes=1)
INSERT = ("INSERT INTO count_record (camera_id, start_at, end_at, people) "
          "VALUES (%s, %s, %s, %s)")


def put(c, camera, i, people=1):
    """Row i of the quarter, by connection c."""
    at = QUARTER + i * MINUTE
    c.cursor().execute(INSERT, (camera, at, at + MINUTE, people))


@pytest.fixture
def cam(db):
    return db.camera("c", "Asia/Seoul")


@pytest.fixture
def other(db):
    """Another connection, with transactions."""
    c = db.connect()
    c.autocommit(False)
    yield c
    c.close()


def people(db):
    return db.run("SELECT row_n, people_sum FROM stats_quarter "
                  "WHERE start_at = %s", QUARTER)


@pytest.mark.parametrize("level", ("REPEATABLE READ", "READ COMMITTED"))
def test_a_row_committed_after_a_roll_up_is_in_the_next(db, cam, other, level):
    other.cursor().execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
    put(other, cam, 0)
    db.run("CALL run_minute('worker')")
    assert people(db) == []
    other.commit()
    db.run("CALL run_minute('worker')")
    assert people(db) == [(1, 1)]


@pytest.mark.parametrize("level", ("REPEATABLE READ", "READ COMMITTED"))
def test_a_mark_met_by_an_open_transaction_is_left(db, cam, other, level):
    other.cursor().execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
    put(db.connection, cam, 0)
    put(other, cam, 1)
    db.run("CALL run_minute('worker')")  # it does not wait for the other
    assert db.one("SELECT COUNT(*) FROM dirty_quarter") == 1
    other.commit()
    db.run("CALL run_minute('worker')")
    assert people(db) == [(2, 2)]


def test_a_row_between_claim_and_recount_is_not_lost(db, cam, other):
    # The four steps: a row is claimed; a writer adds one to the same quarter
    # before the recount and commits after it; the next run must find it.
    put(db.connection, cam, 0)
    db.run("DO GET_LOCK(roll_up_lock(), 0)")
    db.run("CALL roll_up_claim(100, @n)")
    put(other, cam, 1)
    db.run("CALL make_work_tables()")
    db.run("CALL roll_up_claimed(100, @rows_n, @quarters, @buckets)")
    assert people(db) == [(1, 1)]
    other.commit()
    db.run("DO RELEASE_LOCK(roll_up_lock())")
    db.run("CALL run_minute('worker')")
    assert people(db) == [(2, 2)]
    check_levels(db, {cam: "Asia/Seoul"})


def test_what_a_dead_run_claimed_is_done_by_the_next_and_the_rest_too(db, cam):
    put(db.connection, cam, 0)
    db.run("CALL roll_up_claim(100, @n)")
    assert db.run("SELECT @n") == [(1,)]
    assert db.one("SELECT COUNT(*) FROM dirty_quarter") == 0
    assert db.one("SELECT dirty FROM health") == 1
    put(db.connection, cam, 1)
    put(db.connection, cam, 20)
    db.run("CALL run_minute('worker')")
    assert people(db) == [(2, 2)]
    assert db.one("SELECT dirty FROM health") == 0
    check_levels(db, {cam: "Asia/Seoul"})


class Held:
    """A run that has written every level and cannot commit yet."""

    def __init__(self, db):
        self.db = db
        self.holder, self.runner = db.connect(), db.connect()
        self.holder.begin()
        self.holder.cursor().execute("SELECT * FROM stats_version FOR UPDATE")
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        self.wait(self.runner)

    def run(self):
        try:
            self.runner.cursor().execute("CALL run_minute('worker')")
        except pymysql.MySQLError:
            pass  # it was killed

    def wait(self, connection):
        """Until the connection waits for a lock.  (This table is made anew
        only when nobody has asked for it for 0.1 s.)"""
        until = time.monotonic() + 120
        while not self.db.run(
                "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state "
                "= 'LOCK WAIT' AND trx_mysql_thread_id = %s",
                connection.thread_id()):
            if time.monotonic() > until:
                self.end()
                raise AssertionError("it does not wait for the run")
            time.sleep(0.15)

    def end(self, kill=False):
        if kill:
            self.db.run("KILL %s", self.runner.thread_id())
            self.thread.join()
        self.holder.close()
        self.thread.join()
        # The client hears of its end before the server has done with it.
        self.db.run("SELECT GET_LOCK(roll_up_lock(), 120), "
                    "RELEASE_LOCK(roll_up_lock())")


@pytest.mark.parametrize("kill", (False, True))
def test_a_row_committed_while_its_quarter_is_counted_is_in_the_next(
        db, cam, kill):
    # Counted first and unmarked afterwards, it would be lost.
    put(db.connection, cam, 0)
    held = Held(db)
    put(db.connection, cam, 1, 5)
    put(db.connection, cam, 2, 7)
    db.run("DELETE FROM count_record WHERE people = 7")
    held.end(kill)
    assert people(db) == ([] if kill else [(1, 1)])
    db.run("CALL run_minute('worker')")
    assert people(db) == [(2, 6)]
    check_levels(db, {cam: "Asia/Seoul"})


@pytest.mark.parametrize("level", ("REPEATABLE READ", "READ COMMITTED"))
@pytest.mark.parametrize("claimed", (False, True))
def test_a_camera_that_moves_in_the_middle_of_a_run_is_counted_anew(
        db, cam, other, level, claimed):
    db.zone("Asia/Kathmandu")
    for i in range(0, 3000, 100):
        put(db.connection, cam, i)
    held = None
    if claimed:
        db.run("CALL roll_up_claim(100, @n)")
    else:
        held = Held(db)
    c = other.cursor()
    c.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
    c.execute("SELECT COUNT(*) FROM stats_day")  # a snapshot from before
    move = threading.Thread(target=lambda: (c.execute(
        "UPDATE camera SET tz = 'Asia/Kathmandu'"), other.commit()))
    move.start()
    if held:
        held.wait(other)
        held.end()
    move.join()
    db.run("CALL run_minute('worker')")
    check_levels(db, {cam: "Asia/Kathmandu"})


def test_a_camera_that_goes_in_the_middle_of_a_run_leaves_nothing(
        db, cam, other):
    gone = db.camera("gone", "Asia/Seoul")
    put(db.connection, cam, 0)
    put(db.connection, gone, 0)
    held = Held(db)
    db.run("DELETE FROM count_record WHERE camera_id = %s", gone)
    leave = threading.Thread(target=lambda: (other.cursor().execute(
        "DELETE FROM camera WHERE code = 'gone'"), other.commit()))
    leave.start()
    held.wait(other)
    held.end()
    leave.join()
    db.run("CALL run_minute('worker')")
    assert db.one("SELECT dirty FROM health") == 0
    check_levels(db, {cam: "Asia/Seoul"})


def test_the_recount_does_not_hold_up_writers(db, cam, other):
    put(db.connection, cam, 0)
    # A transaction of the roll-up that has read and written, not committed.
    other.autocommit(True)
    c = other.cursor()
    c.execute("CALL roll_up_claim(100, @n)")
    c.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    c.execute("CALL make_work_tables()")
    c.execute("START TRANSACTION")
    c.execute("SELECT * FROM camera LOCK IN SHARE MODE")
    c.execute("CALL sum_quarters(%s, %s, %s" + ", NULL" * 7 + ")",
              (QUARTER, QUARTER + 15 * MINUTE, cam))
    put(db.connection, cam, 1)  # or it would wait until it is refused
    other.rollback()


def test_roll_up_now_waits_for_open_writers_and_says_when_it_cannot(
        db, cam, other):
    put(db.connection, cam, 0)
    put(other, cam, 1)
    began = time.monotonic()
    said = db.fails("CALL roll_up_now(1)")
    assert "not counted after 1 s" in said
    assert time.monotonic() - began > 0.9
    (run,) = db.dicts("SELECT * FROM job_run")
    assert (run["job"], run["runner"], run["state"]) == (
        "roll_up_now", "request", "failed")
    timer = threading.Timer(0.5, other.commit)
    timer.start()
    assert db.roll_up(120)[0] == 2
    timer.join()
    assert people(db) == [(2, 2)]


def test_roll_up_now_does_not_wait_for_rows_not_stored_yet(db, cam, other):
    put(other, cam, 0)
    # Who waits for them fails when its time is over.
    assert db.roll_up(10)[:2] == (0, 0)
    other.rollback()


def test_roll_up_now_waits_for_a_running_one(db, cam, other):
    c = other.cursor()
    c.execute("DO GET_LOCK(roll_up_lock(), 0)")
    assert "another roll-up is still running after 1 s" in \
        db.fails("CALL roll_up_now(1)")
    put(db.connection, cam, 0)
    timer = threading.Timer(0.5, lambda: c.execute(
        "DO RELEASE_LOCK(roll_up_lock())"))
    timer.start()
    assert db.roll_up(120)[0] == 1
    timer.join()


def test_a_run_in_another_schema_is_in_nobodys_way(db, cam, other):
    other.cursor().execute("DO GET_LOCK('elsewhere.roll_up', 0)")
    put(db.connection, cam, 0)
    db.run("CALL run_minute('worker')")
    assert people(db) == [(1, 1)]


def test_two_runs_at_once_exclude_each_other(db, cam, other):
    other.cursor().execute("DO GET_LOCK(roll_up_lock(), 0)")
    put(db.connection, cam, 0)
    db.run("CALL run_minute('event')")
    assert people(db) == [] and db.run("SELECT * FROM job_run") == []
    assert db.one("SELECT event_age_s FROM health") <= 60
    other.close = lambda: None
    pymysql.connections.Connection.close(other)
    for _ in range(1000):  # the lock goes with its connection
        if db.one("SELECT IS_FREE_LOCK(roll_up_lock())"):
            break
        time.sleep(0.1)
    db.run("CALL run_minute('event')")
    assert people(db) == [(1, 1)]


def test_an_idle_run_leaves_a_heartbeat_and_no_row(db):
    db.run("CALL run_minute('worker')")
    db.run("TRUNCATE job_run")
    before = db.one("SELECT ok_at FROM job_state WHERE job = 'minute'")
    time.sleep(0.01)
    db.run("CALL run_minute('worker')")
    assert db.run("SELECT * FROM job_run") == []
    (s,) = db.dicts("SELECT * FROM job_state WHERE job = 'minute'")
    assert s["ok_at"] > before and s["runner"] == "worker"
    assert s["event_at"] is None


def test_a_run_that_worked_says_what_it_did(db, cam):
    db.run("CALL run_minute('worker')")
    db.run("TRUNCATE job_run")
    for i in range(20):
        put(db.connection, cam, i)
    db.run("CALL run_minute('worker')")
    (run,) = db.dicts("SELECT * FROM job_run")
    assert (run["job"], run["runner"], run["state"], run["rows_n"],
            run["quarters"], run["buckets"]) == (
                "minute", "worker", "ok", 20, 2, 10)
    assert run["ended_at"] >= run["started_at"]


def test_a_run_that_fails_leaves_a_row_and_loses_nothing(db, cam):
    put(db.connection, cam, 0)
    db.run("RENAME TABLE stats_day TO hidden")
    try:
        said = db.fails("CALL run_minute('worker')")
        assert "stats_day" in said
        (run,) = db.dicts("SELECT * FROM job_run")
        assert (run["state"], run["error_no"]) == ("failed", 1146)
        assert "stats_day" in run["message"]
        assert "stats_day" in db.one("SELECT error FROM health")
        assert db.one("SELECT IS_FREE_LOCK(roll_up_lock())") == 1
        assert people(db) == []
    finally:
        db.run("RENAME TABLE hidden TO stats_day")
    db.run("CALL run_minute('worker')")
    check_levels(db, {cam: "Asia/Seoul"})
    assert db.one("SELECT error FROM health") is None


def test_a_broken_calendar_is_an_error_and_not_a_gap(db, cam):
    put(db.connection, cam, 0)
    day = db.dicts("SELECT * FROM calendar_day WHERE local_date = %s "
                   "AND time_zone_id = %s", QUARTER.date(),
                   db.zones["Asia/Seoul"])[0]
    db.run("DELETE FROM calendar_day WHERE local_date = %s "
           "AND time_zone_id = %s", QUARTER.date(), day["time_zone_id"])
    try:
        assert "no calendar day for camera" in db.fails(
            "CALL run_minute('worker')")
        assert people(db) == []
    finally:
        db.run("INSERT INTO calendar_day VALUES (%s,%s,%s,%s,%s,%s,%s,%s)",
               *day.values())
    db.run("CALL run_minute('worker')")
    assert people(db) == [(1, 1)]


def test_old_runs_and_sessions_are_cleared_by_a_days_first_run(db):
    old = utc_now() - dt.timedelta(days=91)
    db.run("INSERT INTO job_run (job, runner, started_at, ended_at, state) "
           "VALUES ('minute', 'event', %s, %s, 'ok')", old, old)
    db.run("INSERT INTO user (name, password_hash) VALUES ('u', 'x')")
    db.run("INSERT INTO session (hash, user_id, expires_at) "
           "SELECT REPEAT('x', 32), user_id, %s FROM user", old)
    db.run("CALL run_minute('worker')")
    assert db.one("SELECT COUNT(*) FROM job_run WHERE started_at <= %s",
                  old) == 0
    assert db.run("SELECT * FROM session") == []
    assert db.one("SELECT daily_on = UTC_DATE() FROM job_state "
                  "WHERE job = 'minute'") == 1


def test_the_event_runs_each_period_in_utc(db):
    db.run((SQL / "events" / "tally_minute.sql").read_text())
    try:
        (e,) = db.dicts(
            "SELECT time_zone, status, interval_value, interval_field, "
            "on_completion FROM information_schema.events "
            "WHERE event_schema = DATABASE()")
        assert e == {"time_zone": "+00:00", "status": "ENABLED",
                     "interval_value": "1", "interval_field": "MINUTE",
                     "on_completion": "PRESERVE"}
        (h,) = db.dicts("SELECT * FROM health")
        assert (h["scheduler"], h["event_state"]) == ("ON", "ENABLED")
        db.run("ALTER EVENT tally_minute ON SCHEDULE EVERY 1 SECOND")
        for _ in range(100):
            if db.one("SELECT ok_age_s FROM health") is not None:
                break
            time.sleep(0.1)
        (h,) = db.dicts("SELECT * FROM health")
        assert h["event_age_s"] <= 5 and h["runner"] == "event"
    finally:
        db.run("DROP EVENT tally_minute")
    assert db.one("SELECT event_state FROM health") == "missing"


def test_an_open_writer_puts_references_off_and_nothing_else(db, cam, other):
    for i in range(40):
        put(db.connection, cam, i)
    db.roll_up()
    was = db.run("SELECT * FROM reference_value")
    assert len(was) == 168
    put(other, cam, 50)
    put(db.connection, cam, 70)
    db.run("UPDATE reference_camera SET local_date = '2020-01-01'")
    db.run("CALL run_minute('worker')")
    assert db.one("SELECT local_date FROM reference_camera") == \
        dt.date(2020, 1, 1)
    assert db.run("SELECT * FROM reference_value") == was
    assert db.one("SELECT SUM(row_n) FROM stats_day") == 41
    assert "references" in db.fails("CALL roll_up_now(1)")
    other.commit()
    db.run("CALL run_minute('worker')")
    assert db.one("SELECT DISTINCT people_n FROM reference_value") == 42


# ---- partitions

def partitions(db):
    return [n for (n,) in db.run(
        "SELECT partition_name FROM information_schema.partitions "
        "WHERE table_schema = DATABASE() AND table_name = 'count_record' "
        "ORDER BY partition_ordinal_position")]


def months():
    """p2024_11 … of 24 months before to 3 months after this one."""
    now = utc_now().year * 12 + utc_now().month - 1
    return [f"p{m // 12}_{m % 12 + 1:02}" for m in range(now - 24, now + 4)]


def test_partitions_reach_from_two_years_back_to_three_months_ahead(db):
    assert partitions(db) == ["p_first"] + months() + ["pmax"]
    db.run("CALL make_partitions()")
    assert partitions(db) == ["p_first"] + months() + ["pmax"]
    y, m = divmod(utc_now().year * 12 + utc_now().month + 3, 12)
    assert db.one("SELECT partitions_to FROM health") == dt.date(y, m + 1, 1)


def test_partitions_missed_for_months_are_made_with_the_rows_in_pmax(db, cam):
    late = months()[-7:]
    db.run("ALTER TABLE count_record REORGANIZE PARTITION "
           + ", ".join(late) + ", pmax INTO "
           "(PARTITION pmax VALUES LESS THAN (MAXVALUE))")
    assert partitions(db) == ["p_first"] + months()[:-7] + ["pmax"]
    now = utc_now()
    days = [now - dt.timedelta(days=d) for d in (90, 60, 30, 0, -100, -300,
                                                 3000)]
    for at in days:
        db.run(INSERT, cam, at, at + MINUTE, 1)
    assert db.one("SELECT COUNT(*) FROM count_record PARTITION (pmax)") >= 5
    db.run("CALL run_minute('worker')")
    assert partitions(db) == ["p_first"] + months() + ["pmax"]
    assert db.one("SELECT COUNT(*) FROM count_record") == len(days)
    assert db.one("SELECT COUNT(*) FROM count_record PARTITION (p_first)") == 1
    assert db.one("SELECT COUNT(*) FROM count_record PARTITION (%s)"
                  % months()[24]) >= 1
    check_levels(db, {cam: "Asia/Seoul"})


def test_partitions_that_cannot_be_made_are_tried_again(db, cam, other):
    db.run("ALTER TABLE count_record REORGANIZE PARTITION "
           + months()[-1] + ", pmax INTO "
           "(PARTITION pmax VALUES LESS THAN (MAXVALUE))")
    put(other, cam, 0)
    db.run("UPDATE job_state SET daily_on = NULL")
    said = db.fails("CALL run_minute('worker')")
    assert "timeout" in said.lower()
    assert db.one("SELECT state FROM job_run ORDER BY job_run_id DESC LIMIT 1"
                  ) == "failed"
    other.commit()
    db.run("CALL run_minute('worker')")
    assert partitions(db) == ["p_first"] + months() + ["pmax"]
    assert people(db) == [(1, 1)]


# ---- all at once

ROUNDS = 5


class Crowd:
    """Threads at one schema until the time is over and each has come round
    some times; what went wrong."""

    def __init__(self, db, seconds):
        self.db, self.stop = db, time.monotonic() + seconds
        self.wrong, self.done, self.threads = [], {}, []

    def goes_on(self):
        now = time.monotonic()
        return now < self.stop or (min(self.done.values()) <= ROUNDS
                                   and now < self.stop + 120)

    def add(self, name, act, *arguments):
        """act(cursor, ...) over and over.  Deadlocks are a part of writers'
        life, and of nobody else's."""
        def run():
            c = self.db.connect()
            while self.goes_on():
                try:
                    act(c.cursor(), *arguments)
                    self.done[name] += 1
                except (pymysql.MySQLError, AssertionError) as e:
                    c.rollback()
                    if not (name.startswith("writer")
                            and e.args[0] in (1205, 1213)):
                        self.wrong.append((name, e))
            c.close()

        self.done[name] = 0
        self.threads.append(threading.Thread(target=run))

    def run(self):
        for t in self.threads:
            t.start()
        for t in self.threads:
            t.join()
        assert self.wrong == []


def write(c, rng, cams):
    """A transaction of a few statements, now and then slow, or undone."""
    c.execute("SET TRANSACTION ISOLATION LEVEL " + rng.choice(
        ("REPEATABLE READ", "READ COMMITTED")))
    c.execute("START TRANSACTION")
    for _ in range(rng.randint(1, 5)):
        cam = rng.choice(cams)
        at = QUARTER + dt.timedelta(seconds=rng.randrange(0, 6 * 3600, 20))
        until = at + rng.choice((1, 1, 40)) * MINUTE
        kind = rng.random()
        if kind < 0.7:
            c.execute(INSERT + " ON DUPLICATE KEY UPDATE people = "
                      "VALUES(people)", (cam, at, at + MINUTE,
                                         rng.randint(0, 99)))
        else:
            c.execute(("UPDATE count_record SET people = people + 1"
                       if kind < 0.85 else "DELETE FROM count_record")
                      + " WHERE camera_id = %s AND start_at BETWEEN %s AND %s",
                      (cam, at, until))
    if rng.random() < 0.1:
        time.sleep(rng.random() / 20)
    c.execute("ROLLBACK" if rng.random() < 0.1 else "COMMIT")


def roll_small_batches(c):
    c.execute("DO GET_LOCK(roll_up_lock(), 1)")
    try:
        c.execute("CALL roll_up(7, 1, @a, @b, @c, @d)")
    except pymysql.MySQLError as e:
        if "without its lock" not in str(e):
            raise
    finally:
        c.execute("DO RELEASE_LOCK(roll_up_lock())")


def count_one_more(c, cam, rows):
    """Its own row is in every level after roll_up_now, whoever else writes."""
    at = QUARTER + len(rows) * 7 * MINUTE
    rows.append(at)
    c.execute(INSERT, (cam, at, at + MINUTE, 1))
    c.execute("CALL roll_up_now(10)")
    while c.nextset():
        pass
    for level in LEVELS:
        c.execute(f"SELECT SUM(row_n), SUM(people_sum) FROM stats_{level} "
                  "WHERE camera_id = %s", cam)
        assert c.fetchall() == ((len(rows), len(rows)),), level


def test_many_writers_and_all_rollers_lose_nothing(db):
    zones = ("Asia/Seoul", "Asia/Kathmandu", "UTC")
    cams = [db.camera(f"c{i}", z) for i, z in enumerate(zones)]
    mine = db.camera("mine", "Australia/Lord_Howe")
    crowd, rows = Crowd(db, 6), []
    for i in range(5):
        crowd.add(f"writer {i}", write, random.Random(i), cams)
    crowd.add("event", lambda c: c.execute("CALL run_minute('event')"))
    crowd.add("worker", lambda c: c.execute("CALL run_minute('worker')"))
    crowd.add("batches", roll_small_batches)
    crowd.add("request", count_one_more, mine, rows)
    crowd.run()
    print(crowd.done)
    assert min(crowd.done.values()) > ROUNDS, crowd.done
    assert db.one("SELECT COUNT(*) FROM job_run WHERE state <> 'ok'") == 0
    db.roll_up()
    sizes = check_levels(db, {**dict(zip(cams, zones)),
                              mine: "Australia/Lord_Howe"})
    assert sizes["quarter"] > 50
