# SPDX-License-Identifier: MIT
"""
A server that was down when a day, a month or a year began, and one whose clock
goes back: a private mariadbd in Seoul's time zone, under libfaketime, twenty
times as fast as life.
"""
import datetime as dt
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import pymysql
import pytest

from apibase import wait_for
from ownbase import Own
from running import ROOT
from sqlbase import check_levels, local, next_month

SPEED = 20
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
ZONES = ("Asia/Seoul", "America/New_York", "Pacific/Auckland", "UTC")


class Server:
    """What Own asks of a Tally, and a clock."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="tally-fake-")
        os.mkdir(self.home + "/tmp")
        self.db_socket = self.home + "/socket"
        self.db_user = pwd.getpwuid(os.getuid()).pw_name
        self.clock_file = self.home + "/clock"
        self.log = open(self.home + "/log", "a+", encoding="utf-8")
        self.process, self.offset_s, self.speed = None, 0, SPEED
        self.run("mariadb-install-db", "--skip-test-db",
                 "--auth-root-authentication-method=socket",
                 "--auth-root-socket-user=" + self.db_user).wait(timeout=120)

    def run(self, program, *options, **environment):
        if os.getuid() == 0:
            options += ("--user=root",)
        return subprocess.Popen(
            [program, f"--defaults-file={ROOT}/config/my.cnf",
             "--datadir=./mysql", "--tmpdir=../tmp", *options], cwd=self.home,
            stdout=self.log, stderr=self.log,
            env={**os.environ, **environment})

    def start(self, at, speed=SPEED):
        """It is `at` (UTC) now, for the server."""
        self.offset_s = at.replace(tzinfo=dt.timezone.utc).timestamp() \
            - time.time()
        self.speed = speed
        self.set_clock()
        (lib,) = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        self.process = self.run(
            "mariadbd", "--socket=" + self.db_socket, "--pid-file=./pid",
            "--default-time-zone=SYSTEM", TZ="Asia/Seoul", LD_PRELOAD=lib,
            FAKETIME_TIMESTAMP_FILE=self.clock_file,
            FAKETIME_CACHE_DURATION="1")
        wait_for(self.answers)

    def set_clock(self, seconds=0):
        """The clock jumps, within a second."""
        self.offset_s += seconds
        with open(self.clock_file + ".new", "w", encoding="ascii") as f:
            f.write(f"{self.offset_s:+.0f} x{self.speed}\n")
        os.rename(self.clock_file + ".new", self.clock_file)

    def answers(self):
        assert self.process.poll() is None, self.log.seek(0) or self.log.read()
        try:
            return self.sql("SELECT 1")
        except pymysql.MySQLError:
            return None

    def end(self, sig=signal.SIGTERM):
        if self.process:
            self.process.send_signal(sig)
            self.process.wait(timeout=120)

    def remove(self):
        self.end(signal.SIGKILL)
        self.log.close()
        shutil.rmtree(self.home)

    def sql(self, query):
        with pymysql.connect(unix_socket=self.db_socket, user=self.db_user,
                             autocommit=True) as c, c.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()


class Story(Own):
    """Cameras whose rows are written as the server's time goes by."""

    def __init__(self, server):
        super().__init__(server, "tally")
        self.server = server
        for z in ZONES:
            self.run_tally("camera", "add", z, "--tz", z)
        self.cameras = self.zones()
        self.sql("ALTER EVENT tally_minute ENABLE")

    def now(self):
        return self.one("SELECT UTC_TIMESTAMP()")

    def write(self, n, step):
        """n rows of each camera until now; those that are there stay."""
        at = self.now().replace(second=0)
        before = self.one("SELECT COUNT(*) FROM count_record")
        with self.connections[0].cursor() as k:
            k.executemany(
                "INSERT IGNORE INTO count_record (camera_id, start_at, "
                "end_at, people) VALUES (%s, %s, %s, %s)",
                [(c, at - i * step, at - i * step + MINUTE, 10 + i % 3)
                 for c in self.cameras for i in range(1, n + 1)])
        assert self.one("SELECT COUNT(*) FROM count_record") > before + n

    def restart(self, at, sig=signal.SIGTERM, speed=SPEED):
        """Down, and up again shortly before the event is due."""
        due = self.one("SELECT SECOND(starts) FROM information_schema.events "
                       "WHERE event_name = 'tally_minute'")
        self.server.end(sig)
        self.server.start(at.replace(second=due) - dt.timedelta(seconds=12),
                          speed)
        self.connections[:] = []
        self.connect()

    def wait_for_event(self):
        """Until the event has begun a run after now, and ended it."""
        (was,) = self.sql("SELECT event_at, ok_at, UTC_TIMESTAMP() "
                          "FROM job_state WHERE job = 'minute'")
        # (Where the clock went back, what was may lie ahead.)
        wait_for(lambda: self.sql(
            "SELECT 1 FROM job_state WHERE job = 'minute' AND NOT event_at "
            "<=> %s AND NOT ok_at <=> %s AND event_at >= %s "
            "AND ok_at > event_at", *was))

    def caught_up(self):
        """All is done, and was done by the event."""
        assert self.sql("SELECT DISTINCT runner, state FROM job_run") == [
            ("event", "ok")]
        assert self.sql("SELECT dirty, error FROM health") == [(0, None)]
        check_levels(self, self.cameras)
        now = self.now()
        assert self.one("SELECT daily_on FROM job_state "
                        "WHERE job = 'minute'") == now.date()
        for c, z in self.cameras.items():
            today = local(z, now).date()
            assert self.sql(
                "SELECT r.local_date, v.people_n FROM reference_camera r "
                "LEFT JOIN reference_value v ON v.camera_id = r.camera_id "
                "AND v.slot = 0 WHERE r.camera_id = %s", c) == [
                    (today, self.rows_before(c, z, today))]
        ahead = now.date().replace(day=1)
        for _ in range(4):
            ahead = next_month(ahead)
        assert self.one("SELECT partitions_to FROM health") == ahead
        assert self.one("SELECT COUNT(*) FROM information_schema.partitions "
                        "WHERE table_name = 'count_record' AND "
                        "partition_description = %s", f"'{ahead}'") == 1

    def rows_before(self, camera, zone, today):
        """Of the widest basis with 30 rows.  These rows: the year's."""
        dates = [local(zone, at).date() for at, in self.sql(
            "SELECT start_at FROM count_record WHERE camera_id = %s", camera)]
        dates = [d for d in dates if d < today]
        year = max(dates).year
        return sum(d.year == year for d in dates)


@pytest.fixture
def server():
    s = Server()
    yield s
    s.remove()


@pytest.fixture
def story(server):
    server.start(dt.datetime(2025, 11, 29, 10, 59))
    s = Story(server)
    yield s
    s.close()


def test_what_came_due_while_the_server_was_down_is_done_by_the_next_run(
        server, story):
    s = story
    assert server.sql("SELECT TIMESTAMPDIFF(HOUR, UTC_TIMESTAMP(), NOW())"
                      ) == ((9,),)
    s.write(40, MINUTE)
    # Down over midnight, cut off, at the end of a month, over new year.
    for at, sig in ((dt.datetime(2025, 11, 30, 17, 20), signal.SIGKILL),
                    (dt.datetime(2025, 12, 1, 12, 5), signal.SIGTERM),
                    (dt.datetime(2026, 1, 3, 14, 0), signal.SIGTERM)):
        s.write(20, 7 * MINUTE)
        s.restart(at, sig)
        s.wait_for_event()
        s.caught_up()
    # Nothing is done twice: the event ran again and had nothing to do.
    runs, references = (s.one("SELECT COUNT(*) FROM job_run"),
                        s.sql("SELECT * FROM reference_camera"))
    s.wait_for_event()
    assert s.one("SELECT COUNT(*) FROM job_run") == runs
    assert s.sql("SELECT * FROM reference_camera") == references
    s.caught_up()


def test_a_clock_that_goes_back_loses_nothing(server, story, tmp_path):
    s = story
    s.write(80, 60 * MINUTE)
    s.wait_for_event()
    # While it was down, over a UTC midnight: the event does not mind.
    s.restart(dt.datetime(2025, 11, 30, 0, 2))
    s.wait_for_event()
    s.write(20, MINUTE)
    s.restart(s.now() - 31 * MINUTE)
    s.write(20, MINUTE)
    s.wait_for_event()
    s.caught_up()
    # While it runs: the event rests until its time has come again, and the
    # worker does the work.
    s.restart(s.now() + MINUTE, speed=1)
    s.sql("ALTER EVENT tally_minute ON SCHEDULE EVERY 1 SECOND")
    worker = s.worker(tmp_path / "log")
    s.wait_for_event()
    server.set_clock(-31 * 60)
    wait_for(lambda: "doing the minute's work from here" in worker.said())
    s.write(20, 3 * MINUTE)
    wait_for(lambda: s.one("SELECT dirty = 0 FROM health"))
    assert s.one("SELECT runner FROM health") == "worker"
    check_levels(s, s.cameras)
    # (A wait of the scheduler that the jump makes shorter goes on under
    # libfaketime; the change of its schedule wakes it.)
    server.set_clock(31 * 60)
    s.sql("ALTER EVENT tally_minute ON SCHEDULE EVERY 1 SECOND")
    wait_for(lambda: "they run again" in worker.said())
    s.write(20, 2 * MINUTE)
    wait_for(lambda: s.one("SELECT dirty = 0 FROM health"))
    assert s.sql("SELECT DISTINCT state FROM job_run") == [("ok",)]
    check_levels(s, s.cameras)
    worker.terminate()
    assert worker.wait(timeout=120) == 0, worker.said()
