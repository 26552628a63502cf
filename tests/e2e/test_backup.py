# SPDX-License-Identifier: MIT
"""tally backup and tally restore: into an empty server of one's own, and each
way a backup can go wrong."""
import datetime as dt
import os
import pathlib
import resource
import shutil
import signal
import subprocess

import pymysql
import pytest

import apibase
from apibase import wait_for
from ownbase import Own
from running import BUILD, ROOT
from sqlbase import SESSION

NAME = "tally_backup_test"
# Changed by what runs on either server.
MOVES = ("job_run", "job_state", "stats_version", "backup_state",
         "stream_inbox", "stream_log", "stream_camera", "stream_state")
NASTY = "tab\there, back\\slash, 'quote', line\nbreak, \\N, 문 🚪"


class Server:
    """A MariaDB as an administrator has it before Tally comes."""

    def __init__(self, home):
        self.socket = str(home / "s")
        self.home = home
        as_root = ["--user=root"] if os.getuid() == 0 else []
        my_cnf = f"--defaults-file={ROOT}/config/my.cnf"
        (home / "tmp").mkdir()
        subprocess.run(
            ["mariadb-install-db", my_cnf, "--datadir=./data", "--tmpdir=../tmp",
             "--skip-test-db", "--auth-root-authentication-method=normal",
             *as_root], cwd=home, check=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        with open(home / "log", "wb") as log:
            self.process = subprocess.Popen(
                [shutil.which("mariadbd") or "/usr/sbin/mariadbd", my_cnf,
                 f"--datadir={home}/data", f"--socket={self.socket}",
                 f"--pid-file={home}/pid", "--tmpdir=../tmp", *as_root],
                cwd=home / "data", stdout=log, stderr=log)
        wait_for(self.answers)

    def answers(self):
        assert self.process.poll() is None, (self.home / "log").read_text()
        try:
            pymysql.connect(unix_socket=self.socket, user="root").close()
        except pymysql.MySQLError:
            return False
        return True

    def sql(self, query, database=NAME):
        c = pymysql.connect(unix_socket=self.socket, user="root",
                            database=database, autocommit=True,
                            charset="utf8mb4", init_command=SESSION)
        with c, c.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def tally(self, *arguments):
        return subprocess.run(
            [ROOT / BUILD / "tally", "--set",
             f"database.socket={self.socket}", "--set", "database.user=root",
             "--set", f"database.name={NAME}", *arguments], cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=300)

    def close(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture(scope="module")
def own(tally):
    o = Own(tally, NAME)
    yield o
    o.close()


@pytest.fixture(scope="module")
def home(own, tmp_path_factory):
    """A folder with a key pair in it, which `own` uses."""
    home = tmp_path_factory.mktemp("backup")
    said = own.run_tally("backup", "key", str(home / "key")).stdout
    assert "loses every backup" in said
    assert (home / "key").stat().st_mode & 0o777 == 0o600
    own.options += ("--set", f"backup.public_key={home}/key.pub")
    return home


@pytest.fixture(scope="module")
def file(own, home):
    """A backup of rows that came over HTTP, and of bytes of all kinds."""
    own.api_tally = api = own.api(auto_register="yes")
    start = apibase.hours_ago(3 * 24)
    rows = [apibase.row("gate-1", start + apibase.minutes(5 * i), people=i % 9,
                        people_new=i % 3, vehicle=i % 5)
            for i in range(2 * 288)]
    assert apibase.post(api, rows)[0] == 200
    assert api.json("POST", "/api/v1/jobs/roll_up", api.admin_token)[0] == 200
    assert apibase.post(api, apibase.row(
        "gate-1", start + apibase.minutes(5 * len(rows)), people=900))[0] == 200
    assert api.json("POST", "/api/v1/jobs/roll_up", api.admin_token)[0] == 200
    own.connections[0].cursor().execute(
        "UPDATE camera SET name = %s WHERE code = 'gate-1'", (NASTY,))
    own.sql("INSERT INTO upload VALUES (7, UTC_TIMESTAMP(), 'user', 1, "
            "'somebody', '::1', %s, 'csv', 1, 2, 3, 4, 5, 6, 7, NULL, NULL, "
            "'[]')", NASTY)
    for piece in range(4):
        own.connections[0].cursor().execute(
            "INSERT INTO upload_rejected (upload_id, piece, csv) VALUES "
            "(7, %s, %s)", (piece, bytes(range(256)) + os.urandom(100000)))
    own.sql("INSERT INTO sql_user (name, host, network, rights) VALUES "
            "('reader', '%', '0.0.0.0/0', 'read')")
    own.sql("CREATE TABLE theirs (`a``b` INT AUTO_INCREMENT PRIMARY KEY, "
            "d DOUBLE, f FLOAT, t TIMESTAMP(6) NULL, e ENUM('x', '') NULL, "
            "g DOUBLE AS (d + 1) STORED)")
    own.sql("INSERT INTO theirs (`a``b`, d, f, t, e) VALUES (0, 0.1, 1e30/7, "
            "'2026-01-01 00:00:00.000001', ''), (-5, -1e-300/3, NULL, NULL, "
            "NULL)")
    own.sql("UPDATE theirs SET `a``b` = 0 WHERE `a``b` = 1")
    done = own.run_tally("backup", "--to", str(home / "to"))
    assert done.stdout.startswith(f"{home}/to/backup_{NAME}_20")
    path = pathlib.Path(done.stdout.splitlines()[0])
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size > 300000
    assert b"gate-1" not in path.read_bytes()
    assert str(path) in own.run_tally("backup", "list", "--in",
                                      str(home / "to")).stdout
    return path


def content(sql):
    """Table -> its definition, its rows, all but what moves by itself."""
    held = {}
    for (t,) in sql("SELECT table_name FROM information_schema.tables WHERE "
                    "table_schema = DATABASE() AND table_type = 'BASE TABLE'"):
        made = sql(f"SHOW CREATE TABLE `{t}`")[0][1]
        columns = [c for c, in sql(
            "SELECT column_name FROM information_schema.columns WHERE "
            f"table_schema = DATABASE() AND table_name = '{t}'")]
        names = ", ".join("`" + c.replace("`", "``") + "`" for c in columns)
        rows = sorted(map(repr, sql(f"SELECT {names} FROM `{t}`")))
        if t not in MOVES:
            held[t] = (made.split("AUTO_INCREMENT=")[0], rows)
    return held


def objects(sql):
    return sorted(sql(
        "SELECT 'trigger', trigger_name FROM information_schema.triggers "
        "WHERE trigger_schema = DATABASE() UNION ALL "
        "SELECT 'view', table_name FROM information_schema.views "
        "WHERE table_schema = DATABASE() UNION ALL "
        "SELECT routine_type, routine_name FROM information_schema.routines "
        "WHERE routine_schema = DATABASE() UNION ALL "
        "SELECT 'event', event_name FROM information_schema.events "
        "WHERE event_schema = DATABASE()"))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    # MariaDB's sockets have short paths, and its folder nobody else enters.
    home = tmp_path_factory.mktemp("db")
    home.chmod(0o700)
    s = Server(home)
    yield s
    s.close()


class There:
    """An API on the other server."""

    def __init__(self, own, server):
        self.process = None
        port_file = server.home / "port"
        with open(server.home / "api.log", "wb") as log:
            self.process = subprocess.Popen(
                [ROOT / BUILD / "tally-api", "--set",
                 f"database.socket={server.socket}", "--set",
                 f"database.name={NAME}", "--set", "api.port=0", "--set",
                 f"api.port_file={port_file}"], cwd=ROOT, stderr=log)
        wait_for(port_file.exists)
        self.tally = own.api_tally
        self.url = self.tally.url
        self.tally.url = "http://127.0.0.1:" + port_file.read_text().strip()

    def close(self):
        self.tally.url = self.url
        self.process.terminate()
        assert self.process.wait(timeout=120) == 0


def test_an_empty_server_becomes_the_same(own, home, file, server):
    assert server.sql("SHOW DATABASES LIKE 'tally%'", None) == []
    done = server.tally("restore", str(file), "--key", str(home / "key"))
    assert done.returncode == 0, done.stderr
    # A person's account is the new server's to make.
    assert "tally db-user remove reader" in done.stderr
    here, there = content(own.sql), content(server.sql)
    assert here.keys() == there.keys()
    for table in here:
        assert here[table] == there[table], table
    assert len(here["outlier_backup"][1]) == 1
    assert objects(own.sql) == objects(server.sql)
    assert server.sql("SELECT status FROM information_schema.events "
                      f"WHERE event_schema = '{NAME}'") == [("ENABLED",)]
    verified = server.tally("verify")
    assert verified.returncode == 0, verified.stdout

    # Tokens are good there, accounts have their rights, triggers fire once.
    api = There(own, server)
    try:
        at = apibase.hours_ago(2)
        n = server.sql("SELECT COUNT(*) FROM outlier_backup")[0][0]
        assert apibase.post(api.tally, apibase.row(
            "gate-1", at, people=5000))[1]["inserted"] == 1
        assert server.sql("SELECT COUNT(*) FROM outlier_backup") == [(n + 1,)]
        assert api.tally.json("POST", "/api/v1/jobs/roll_up",
                              api.tally.admin_token)[0] == 200
        before, = own.sql("SELECT SUM(people_sum) FROM stats_year")[0]
        assert server.sql("SELECT SUM(people_sum) FROM stats_year") == [
            (before + 5000,)]
        wait_for(lambda: server.sql(
            "SELECT 1 FROM health WHERE event_age_s < 120"))
    finally:
        api.close()

    # What is there is not written over, unless that is asked for.
    done = server.tally("restore", str(file), "--key", str(home / "key"))
    assert done.returncode == 1 and "is not empty" in done.stderr
    assert server.sql("SELECT COUNT(*) FROM outlier_backup") == [(n + 1,)]
    done = server.tally("restore", str(file), "--key", str(home / "key"),
                        "--replace")
    assert done.returncode == 0, done.stderr
    assert server.sql("SELECT COUNT(*) FROM outlier_backup") == [(n,)]


def test_what_is_not_whole_is_refused_before_anything_is_done(
        own, home, file, tmp_path):
    key = ("--key", str(home / "key"))
    whole, bad = file.read_bytes(), tmp_path / "bad"
    own.run_tally("backup", "key", str(tmp_path / "other"))
    chunk = 64 * 1024 + 17
    # Flipped: magic, key's id, sealed key, stream's head, chunks, the end.
    ways = {f"bit {at}": whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1:]
            for at in (0, 8, 30, 110, 128, 200000, len(whole) - 1)}
    # Cut: nothing left, in the head, between chunks, in one, the last byte.
    ways |= {f"cut {at}": whole[:at] for at in (
        0, 60, 128, 128 + chunk, 100000, len(whole) - 1)}
    ways |= {"longer": whole + b"x",
             "swapped": whole[:128] + whole[128 + chunk:128 + 2 * chunk]
             + whole[128:128 + chunk] + whole[128 + 2 * chunk:]}
    for how, data in ways.items():
        bad.write_bytes(data)
        done = own.run_tally("backup", "verify", str(bad), *key, check=False)
        assert done.returncode == 1, how
        assert done.stderr.count("\n") == 1 and (
            "is damaged" in done.stderr or "was not made for this key"
            in done.stderr or "no backup of Tally" in done.stderr), how
    for path, options in (
            (bad, key), (file, ("--key", str(tmp_path / "other"))),
            (file, ("--key", str(home / "key.pub"))),
            (tmp_path / "none", key)):
        done = own.run_tally("restore", str(path), *options, "--into",
                             NAME + "_2", check=False)
        assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert own.sql(f"SHOW DATABASES LIKE '{NAME}_2'") == []
    done = own.run_tally("restore", str(bad), *key, "--replace", check=False)
    assert done.returncode == 1
    assert own.sql("SELECT COUNT(*) FROM camera")[0][0] > 0
    (home / "key").chmod(0o640)
    done = own.run_tally("backup", "verify", str(file), *key, check=False)
    (home / "key").chmod(0o600)
    assert "chmod 600" in done.stderr and done.returncode == 1
    assert own.run_tally("restore", str(file), check=False).returncode == 2


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_full_disk_and_a_kill_leave_those_that_are_there(own, home, file):
    to = file.parent
    before = names(to)

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))

    command = [ROOT / BUILD / "tally", *own.options, "backup", "--to", str(to)]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True,
                          preexec_fn=limit, timeout=300, check=False)
    assert done.returncode == 1 and "File too large" in done.stderr
    assert done.stderr.count("\n") == 1
    assert names(to) == before

    # Killed in the middle: who holds this lock keeps it from ending.
    holder = own.connect()
    holder.cursor().execute("LOCK TABLES camera WRITE")
    killed = subprocess.Popen(command, cwd=ROOT)
    wait_for(lambda: len(names(to)) > len(before))
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True,
                          timeout=300, check=False)
    assert done.returncode == 1 and "another backup is at work" in done.stderr
    killed.kill()
    killed.wait()
    holder.cursor().execute("UNLOCK TABLES")
    (left,) = set(names(to)) - set(before)
    assert left.endswith(".part")
    listed = own.run_tally("backup", "list", "--in", str(to)).stdout
    assert listed.count("\n") == 1 + len(before)
    # The server ends the killed one's session, and with it its lock.
    wait_for(lambda: not own.run_tally(
        "backup", "--to", str(to), check=False).returncode)
    assert left not in names(to) and len(names(to)) == len(before) + 1


def test_the_worker_does_not_wait_for_a_backup_to_end(own, home, file,
                                                      tmp_path):
    own.sql("REPLACE INTO backup_state (only_row, wanted_at) VALUES "
            "(1, UTC_TIMESTAMP() - INTERVAL 30 HOUR)")
    holder = own.connect()
    holder.cursor().execute("LOCK TABLES upload WRITE")
    worker = own.worker(tmp_path / "log", "--set",
                        f"backup.dir={tmp_path}/to")
    wait_for(lambda: (tmp_path / "to").exists()
             and [p for p in names(tmp_path / "to") if p.endswith(".part")])
    worker.terminate()
    assert worker.wait(timeout=120) == 0
    assert "unfinished" in worker.said() or "in the middle" in worker.said()
    holder.cursor().execute("UNLOCK TABLES")
    own.sql("DELETE FROM backup_state")


def health(api):
    return api.health()["checks"]["backup"]


def test_the_worker_makes_one_a_day_and_health_tells_when_it_is_late(
        own, home, file, tmp_path):
    api, to = own.api_tally, tmp_path / "daily"
    to.mkdir()
    old = [to / f"backup_{NAME}_2020010{d}T000000Z.tally" for d in (1, 2, 3)]
    # Made while the clock was wrong: neither newer nor to be kept for it.
    ahead = [to / f"backup_{NAME}_2090010{d}T000000Z.tally" for d in (1, 2)]
    for path in old + ahead:
        path.write_bytes(b"")
    other = to / "backup_other_20200101T000000Z.tally"
    other.write_bytes(b"")
    # Its time of day does not come while this runs.
    at = dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=12)
    options = ("--set", f"backup.dir={to}", "--set", "backup.keep=2", "--set",
               f"backup.at={at:%H:%M}")
    # Not wanted, so never late.
    assert health(api)["status"] == "ok"
    assert health(api)["wanted_since"] is None
    # It missed one while it was not running.
    own.sql("INSERT INTO backup_state (only_row, wanted_at) VALUES "
            "(1, UTC_TIMESTAMP() - INTERVAL 30 HOUR)")
    assert health(api)["status"] == "degraded"
    assert health(api)["last_good"] is None
    # First to where it cannot.
    worker = own.worker(tmp_path / "log", *options, "--set",
                        f"backup.dir={other}")
    wait_for(lambda: health(api)["error"])
    assert str(other) in health(api)["detail"]
    assert own.sql("SELECT state FROM job_run WHERE job = 'backup'") == [
        ("failed",)]
    assert "error: backup: cannot" in worker.said()
    worker.terminate()
    assert worker.wait(timeout=120) == 0

    worker = own.worker(tmp_path / "log2", *options)
    wait_for(lambda: health(api)["last_good"])
    check = health(api)
    assert check["status"] == "ok" and check["error"] is None
    wait_for(lambda: "verified" in worker.said())
    worker.terminate()
    assert worker.wait(timeout=120) == 0
    there = [p for p in names(to) if not p.startswith("backup_other")]
    assert len(there) == 2 and there[0] == old[2].name and other.exists()
    assert (to / there[1]).stat().st_size == check["bytes"]
    assert own.sql("SELECT runner, message FROM job_run WHERE job = 'backup' "
                   "AND state = 'ok' ORDER BY job_run_id LIMIT 1") == [
        ("worker", there[1])]
    assert own.run_tally("backup", "verify", str(to / there[1]), "--key",
                         str(home / "key")).stdout.startswith("whole: ")

    own.sql("UPDATE backup_state SET taken_at = UTC_TIMESTAMP() - "
            "INTERVAL 25 HOUR")
    assert health(api)["status"] == "ok"
    own.sql("UPDATE backup_state SET taken_at = UTC_TIMESTAMP() - "
            "INTERVAL 27 HOUR")
    check = health(api)
    assert check["status"] == "degraded" and "26 hours" in check["detail"]
    assert check["age_s"] >= 27 * 3600
    # By cron, where no worker is; the key beside the backups is warned of.
    own.sql("UPDATE backup_state SET wanted_at = NULL")
    shutil.copy(home / "key", to / "key")
    shutil.copy(home / "key.pub", to / "key.pub")
    done = own.run_tally(*options, "--set", f"backup.public_key={to}/key.pub",
                         "backup")
    assert "warning: the secret key" in done.stderr
    check = health(api)
    assert check["status"] == "ok" and check["wanted_since"]
    # Whatever a job failed with, what is told of it is whole.
    own.sql("UPDATE job_state SET error = REPEAT(CHAR(1), 500), "
            "error_at = UTC_TIMESTAMP() + INTERVAL 1 HOUR")
    assert health(api)["error"] == "\1" * 500
    done = own.run_tally(*options, "--set", "backup.at=25:00", "backup",
                         check=False)
    assert done.returncode == 2 and "backup.at" in done.stderr
