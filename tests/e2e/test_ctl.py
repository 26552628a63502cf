# SPDX-License-Identifier: MIT
"""The command `tally`, on a schema of its own."""
import datetime as dt
import hashlib
import json
import os
import pathlib
import pty
import pwd
import re
import shutil
import signal
import socket
import subprocess
import termios
import threading
import time
import zoneinfo

import pymysql
import pytest

from running import BUILD, ROOT

UTC = dt.timezone.utc
NAME = "tally_ctl"
ZONES = ("Asia/Seoul", "Asia/Kathmandu", "Australia/Lord_Howe",
         "America/New_York", "America/St_Johns", "America/Sao_Paulo",
         "Africa/Casablanca", "Europe/Dublin", "Pacific/Apia",
         "Antarctica/Troll", "Pacific/Kiritimati", "Etc/GMT+12")


def command(*arguments, stdin="", **kwargs):
    return subprocess.run([ROOT / BUILD / "tally", *arguments], input=stdin,
                          capture_output=True, text=True, timeout=120,
                          cwd=ROOT, **kwargs)


class Ctl:
    def __init__(self, tally):
        self.tally = tally
        self.options = ("--set", f"database.socket={tally.db_socket}",
                        "--set", f"database.user={tally.db_user}",
                        "--set", f"database.name={NAME}")

    def __call__(self, *arguments, stdin="", check=True):
        done = command(*self.options, *arguments, stdin=stdin)
        if check:
            assert done.returncode == 0, done.stderr
        return done

    def sql(self, query, *arguments):
        with pymysql.connect(
                unix_socket=self.tally.db_socket, user=self.tally.db_user,
                database=NAME, autocommit=True, charset="utf8mb4",
                init_command="SET time_zone = '+00:00'") as c:
            cursor = c.cursor()
            cursor.execute(query, arguments or None)
            return list(cursor.fetchall())


@pytest.fixture(scope="module")
def ctl(tally):
    c = Ctl(tally)
    tally.sql(f"DROP DATABASE IF EXISTS {NAME}")
    c("migrate")
    # What rolls up is not under test here.
    c.sql("ALTER EVENT tally_minute DISABLE")
    yield c
    tally.sql(f"DROP DATABASE {NAME}")


def one_line(text):
    return text.count("\n") == 1 and text.endswith("\n")


def test_migrating_again_changes_nothing(ctl):
    before = ctl.sql("SELECT * FROM schema_migration")
    said = ctl("migrate").stdout
    assert "(0 new)" in said and one_line(said)
    assert ctl.sql("SELECT * FROM schema_migration") == before
    assert len(before) == len(list((ROOT / "sql/migrations").glob("*.sql")))
    assert ctl.sql("SELECT name, tz FROM site WHERE is_default") == \
        [("Default site", "UTC")]
    ctl.sql("ALTER EVENT tally_minute DISABLE")


def test_a_migration_that_was_edited_is_an_error(ctl, tmp_path):
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    first = min((tmp_path / "sql/migrations").glob("*.sql"))
    first.write_text(first.read_text() + "-- a word more\n")
    done = ctl("--set", f"database.sql_dir={tmp_path}/sql", "migrate",
               check=False)
    assert done.returncode == 1 and one_line(done.stderr)
    assert first.name in done.stderr and "edited" in done.stderr


def test_a_schema_newer_than_the_program_is_left_alone(ctl):
    ctl.sql("INSERT INTO schema_migration VALUES (9999, '9999_x.sql', '', "
            "UTC_TIMESTAMP())")
    done = ctl("migrate", check=False)
    ctl.sql("DELETE FROM schema_migration WHERE version = 9999")
    assert done.returncode == 1 and one_line(done.stderr)
    assert "9999_x.sql" in done.stderr


def test_a_statement_that_fails_is_named_by_file_and_line(ctl, tmp_path):
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    bad = tmp_path / "sql/migrations/9000_bad.sql"
    bad.write_text("-- one\nDO 0;\n\nCREATE TABEL x (a INT);\n")
    done = ctl("--set", f"database.sql_dir={tmp_path}/sql", "migrate",
               check=False)
    assert done.returncode == 1 and one_line(done.stderr)
    assert "9000_bad.sql:4: 1064" in done.stderr
    assert not ctl.sql("SELECT 1 FROM schema_migration WHERE version = 9000")


@pytest.mark.parametrize("arguments,word", [
    ((), "command"),
    (("frobnicate",), "frobnicate"),
    (("token",), "token"),
    (("token", "frobnicate"), "frobnicate"),
    (("token", "create"), "--scope"),
    (("token", "create", "--scope"), "--scope"),
    (("token", "create", "--scope", "read,write"), "write"),
    (("token", "create", "--scope", ""), "--scope"),
    (("token", "create", "--scope", "read", "--scope", "read"), "--scope"),
    (("token", "create", "--scope=read", "--expires", "soon"), "--expires"),
    (("token", "create", "--scope=read", "--expires", "0d"), "--expires"),
    (("token", "create", "--scope=read", "--expires",
      "2001-01-01T00:00:00Z"), "--expires"),
    (("token", "create", "--scope=read", "--expires", "2099-01-01"),
     "--expires"),
    (("token", "create", "--scope=read", "--name", "a\nb"), "--name"),
    (("token", "create", "--scope=read", "extra"), "extra"),
    (("token", "list", "--colour"), "--colour"),
    (("user", "add"), "argument"),
    (("user", "add", "a b"), "user"),
    (("user", "add", "a", "--role", "root"), "root"),
    (("user", "role", "a", "none"), "none"),
    (("user", "role", "a", "viewer", "--camera=c", "--all-cameras"),
     "--all-cameras"),
    (("user", "create", "a"), "user create"),
    (("camera", "add"), "argument"),
    (("migrate", "now"), "now"),
    (("config",), "--defaults"),
    (("--frobnicate",), "--frobnicate"),
    (("--set", "database.colour=red", "migrate"), "database.colour"),
])
def test_a_wrong_command_line_is_one_line_and_status_2(ctl, arguments, word):
    done = ctl(*arguments, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert one_line(done.stderr) and word in done.stderr


def test_a_token_is_printed_once_alone_and_kept_as_a_hash(ctl):
    said = ctl("token", "create", "--scope", "ingest,read", "--name",
               "one").stdout
    assert re.fullmatch(r"tly_[A-Za-z0-9_-]{43}\n", said)
    token = said.strip()
    assert ctl.sql("SELECT hash, scopes, expires_at FROM token "
                   "WHERE name = 'one'") == \
        [(hashlib.sha256(token.encode()).digest(), "ingest,read", None)]
    listed = ctl("token", "list").stdout
    assert "\tone\tingest,read\tall\tvalid\tnever\tnever" in listed
    assert token not in listed
    assert ctl("token", "create", "--scope", "read").stdout != said


def test_a_token_ends_when_it_should(ctl):
    ctl("token", "create", "--scope=read", "--name=short", "--expires=90d")
    ctl("token", "create", "--scope=read", "--name=fixed",
        "--expires=2099-01-01T09:00:00+09:00")
    (days,), = ctl.sql("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), "
                       "expires_at) / 86400 FROM token WHERE name = 'short'")
    assert 89.99 < days <= 90
    assert ctl.sql("SELECT expires_at FROM token WHERE name = 'fixed'") == \
        [(dt.datetime(2099, 1, 1),)]
    ctl("token", "revoke", "short")
    (token_id,), = ctl.sql("SELECT token_id FROM token WHERE name = 'fixed'")
    ctl("token", "revoke", str(token_id))
    assert ctl("token", "list").stdout.count("\trevoked\t") == 2
    for again in ("short", str(token_id), "99999", "nobody"):
        done = ctl("token", "revoke", again, check=False)
        assert done.returncode == 1 and one_line(done.stderr)


def tokens_named(ctl, name):
    """(id, held, state, seconds left) of each, the oldest first."""
    return ctl.sql(
        "SELECT token_id, holds_name, IF(revoked_at IS NULL, 'valid', "
        "'revoked'), TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), expires_at) "
        "FROM token WHERE name = %s ORDER BY token_id", name)


def test_a_valid_token_has_its_name_alone(ctl):
    ctl("token", "create", "--scope=read", "--name=twin")
    done = ctl("token", "create", "--scope=admin", "--name=twin", check=False)
    assert done.returncode == 1 and one_line(done.stderr)
    assert "twin" in done.stderr and done.stdout == ""
    ctl("token", "revoke", "twin")
    ctl("token", "create", "--scope=read", "--name=twin")
    ctl.sql("UPDATE token SET expires_at = UTC_TIMESTAMP() WHERE name = 'twin'"
            " AND holds_name = 1")
    ctl("token", "create", "--scope=read", "--name=twin")
    assert [h for _, h, *_ in tokens_named(ctl, "twin")] == [None, None, 1]
    # A name that nobody chose gives way.
    for _ in range(2):
        ctl("token", "create", "--scope=review,admin")
    (last,), = ctl.sql("SELECT MAX(token_id) FROM token")
    assert ctl.sql("SELECT name FROM token ORDER BY token_id DESC LIMIT 2") \
        == [(f"review,admin-{last}",), ("review,admin",)]


def test_rotating_gives_another_secret_and_ends_the_old_one(ctl):
    ctl("camera", "add", "turned")
    first = ctl("token", "create", "--scope=read,ingest", "--name=turn",
                "--expires=90d", "--camera=turned").stdout
    second = ctl("token", "rotate", "turn").stdout
    third = ctl("token", "rotate", "turn", "--overlap", "1h").stdout
    assert len({first, second, third}) == 3
    assert re.fullmatch(r"tly_[A-Za-z0-9_-]{43}\n", third)
    one, two, three = tokens_named(ctl, "turn")
    assert one[1:3] == (None, "revoked")
    assert two[1:3] == (None, "valid") and 3590 <= two[3] <= 3600
    assert three[1:3] == (1, "valid") and three[3] > 89 * 86400
    assert ctl.sql(
        "SELECT COUNT(DISTINCT scopes), COUNT(DISTINCT camera_id), COUNT(*) "
        "FROM token JOIN token_camera USING (token_id) WHERE name = 'turn'") \
        == [(1, 1, 3)]
    # What ended, or is about to, is not rotated.
    for arguments, word in (((str(one[0]),), "revoked"),
                            ((str(two[0]),), "rotated already"),
                            (("nobody",), "nobody"), (("99999",), "99999"),
                            (("turn", "--overlap=31d"), "--overlap"),
                            (("turn", "--overlap=soon"), "--overlap")):
        done = ctl("token", "rotate", *arguments, check=False)
        assert done.returncode in (1, 2) and one_line(done.stderr)
        assert word in done.stderr and done.stdout == ""
    # Its name means all of them.
    ctl("token", "revoke", "turn")
    assert {t[2] for t in tokens_named(ctl, "turn")} == {"revoked"}


def test_who_changed_what_is_listed(ctl, tmp_path):
    ctl.sql("DELETE FROM audit")
    ctl("camera", "add", "noted", "--tz", "Asia/Seoul")
    secret = ctl("token", "create", "--scope=read", "--name=noted",
                 "--camera=noted").stdout.strip()
    other = ctl("token", "rotate", "noted", "--overlap=2h").stdout.strip()
    ctl("token", "revoke", "noted")
    password = ctl("user", "add", "noted").stdout.strip()
    ctl("user", "passwd", "noted", stdin="another one\n")
    ctl("setting", "set", "audit_days", "400")
    rows = tmp_path / "rows.csv"
    rows.write_text("camera,start_at,end_at,people\n"
                    "noted,2026-03-01T00:00:00Z,2026-03-01T00:01:00Z,1\n")
    ctl("import", rows)
    # What was refused has changed nothing.
    for arguments in (("camera", "add", "noted"), ("user", "add", "noted"),
                      ("user", "passwd", "nobody"), ("import", rows),
                      ("setting", "set", "audit_days", "soon"),
                      ("token", "create", "--scope=read", "--camera=none")):
        ctl(*arguments, stdin="another one\n", check=False)
    said = ctl("audit").stdout
    lines = [ln.split("\t") for ln in said.splitlines()]
    assert lines[0] == ["at", "who", "address", "action", "subject", "detail"]
    assert [ln[3] for ln in lines[:0:-1]] == [
        "camera.create", "token.create", "token.rotate", "token.revoke",
        "token.revoke", "user.create", "user.password", "setting.set",
        "counts.import"]
    assert [ln[4] for ln in lines[1:]] == ["", "audit_days"] + ["noted"] * 7
    assert json.loads(lines[1][5]) == {"file": str(rows), "inserted": 1,
                                       "replaced": 0}
    me = pwd.getpwuid(os.getuid()).pw_name
    assert {(ln[1], ln[2]) for ln in lines[1:]} == {("command " + me, "")}
    assert json.loads(lines[-2][5])["cameras"] == ["noted"]
    assert json.loads(lines[-3][5])["overlap_s"] == 7200
    for s in (secret, other, password, "another one"):
        assert s not in said
        assert not ctl.sql("SELECT 1 FROM audit WHERE LOCATE(%s, detail)", s)
    assert len(ctl("audit", "--limit", "2").stdout.splitlines()) == 3


def test_old_entries_of_the_audit_list_go(ctl):
    ctl.sql("DELETE FROM audit")
    ctl.sql("INSERT INTO audit (at, actor_kind, actor, action) VALUES "
            "(UTC_TIMESTAMP() - INTERVAL 366 DAY, 'command', 'x', 'old'), "
            "(UTC_TIMESTAMP() - INTERVAL 364 DAY, 'command', 'x', 'new')")
    ctl.sql("UPDATE setting SET value = 'off' WHERE name = 'audit_days'")
    ctl.sql("CALL run_daily()")
    assert len(ctl.sql("SELECT 1 FROM audit")) == 2
    ctl.sql("UPDATE setting SET value = '365' WHERE name = 'audit_days'")
    ctl.sql("CALL run_daily()")
    assert ctl.sql("SELECT action FROM audit") == [("new",)]


def test_tokens_of_one_name_from_before_get_their_id_behind_it(ctl):
    """What 0013 does to tokens that were made before it."""
    name = "tally_ctl_names"
    ctl.tally.sql(f"DROP DATABASE IF EXISTS {name}")
    ctl.tally.sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")

    def run(file):
        text = (ROOT / "sql/migrations" / file).read_text()
        for s in re.sub(r"--.*", "", text).split(";"):
            if re.search(r"\btoken\b|\baudit\b", s):
                sql(s)

    with pymysql.connect(unix_socket=ctl.tally.db_socket, database=name,
                         user=ctl.tally.db_user, autocommit=True) as c:
        def sql(query):
            with c.cursor() as cursor:
                cursor.execute(query)
                return list(cursor.fetchall())
        sql("SET foreign_key_checks = 0")
        run("0002_access.sql")
        sql("INSERT INTO token (name, hash, scopes, revoked_at, expires_at) "
            "VALUES ('a', 'h1', 'read', '2020-01-01', NULL), "
            "('a', 'h2', 'read', NULL, '2020-01-01'), "
            "('a', 'h3', 'read', NULL, NULL), ('a', 'h4', 'read', NULL, NULL),"
            "('a-5', 'h5', 'read', NULL, NULL), ('b', 'h6', 'read', NULL, "
            "NULL), ('a-8', 'h7', 'read', NULL, NULL), ('a', 'h8', 'read', "
            "NULL, '2099-01-01')")
        for _ in range(2):  # cut off and begun again
            run("0013_audit.sql")
            assert sql("SELECT name, holds_name FROM token "
                       "ORDER BY token_id") == [
                ("a", None), ("a", None), ("a", 1), ("a-4", 1), ("a-5", 1),
                ("b", 1), ("a-8", 1), ("a-8", None)]
    ctl.tally.sql(f"DROP DATABASE {name}")


def test_a_token_is_bound_to_cameras(ctl):
    ctl("camera", "add", "bound-1")
    ctl("camera", "add", "bound-2")
    ctl("token", "create", "--scope=ingest", "--name=bound",
        "--camera=bound-1", "--camera", "bound-2")
    assert ctl.sql("SELECT c.code FROM token t JOIN token_camera "
                   "USING (token_id) JOIN camera c USING (camera_id) "
                   "WHERE t.name = 'bound' ORDER BY 1") == \
        [("bound-1",), ("bound-2",)]
    done = ctl("token", "create", "--scope=ingest", "--name=unbound",
               "--camera=bound-1", "--camera=nowhere", check=False)
    assert done.returncode == 1 and "nowhere" in done.stderr
    assert done.stdout == ""
    assert not ctl.sql("SELECT 1 FROM token WHERE name = 'unbound'")


def test_a_user_gets_a_password_by_file_by_input_or_made(ctl, tmp_path):
    made = ctl("user", "add", "made").stdout
    assert re.fullmatch(r"[A-Za-z0-9_-]{20}\n", made)
    assert ctl("user", "add", "typed", stdin="from input\n").stdout == ""
    secret = tmp_path / "secret"
    secret.write_text("from a file\n")
    ctl("user", "add", "filed", "--password-file", secret)
    hashes = dict(ctl.sql("SELECT name, password_hash FROM user"))
    assert {"made", "typed", "filed"} <= set(hashes)
    for h in hashes.values():
        assert h.startswith("$argon2id$v=19$m=65536,t=2,p=1$")
    for arguments, stdin in ((("made",), "long enough\n"),
                             (("short",), "1234567\n"),
                             (("none", "--password-file", "/nowhere"), "")):
        done = ctl("user", "add", *arguments, stdin=stdin, check=False)
        assert done.returncode == 1 and one_line(done.stderr)
    assert ctl.sql("SELECT COUNT(*) FROM user") == [(len(hashes),)]


def test_another_password_ends_the_sessions(ctl):
    ctl("user", "add", "eve", stdin="first password\n")
    ctl.sql("INSERT INTO session (hash, user_id, expires_at) SELECT "
            "REPEAT('x', 32), user_id, '2099-01-01' FROM user "
            "WHERE name = 'eve'")
    (before,), = ctl.sql("SELECT password_hash FROM user WHERE name = 'eve'")
    ctl("user", "passwd", "eve", stdin="second password\n")
    (after,), = ctl.sql("SELECT password_hash FROM user WHERE name = 'eve'")
    assert before != after
    assert not ctl.sql("SELECT 1 FROM session")
    assert ctl("user", "passwd", "nobody", stdin="long enough\n",
               check=False).returncode == 1


def test_a_log_in_has_a_role_and_may_be_bound_disabled_and_removed(ctl):
    def said(name):
        lines = [ln.split("\t") for ln in
                 ctl("user", "list").stdout.splitlines()]
        assert lines[0] == ["name", "role", "cameras", "state", "created",
                            "last log-in"]
        return next((ln[1:4] for ln in lines if ln[0] == name), None)

    def session():
        ctl.sql("INSERT INTO session (hash, user_id, expires_at) SELECT "
                "REPEAT('r', 32), user_id, '2099-01-01' FROM user "
                "WHERE name = 'role'")
    for c in ("role-a", "role-b"):
        ctl("camera", "add", c)
    ctl("user", "add", "role", "--camera=role-b", "--camera=role-a",
        "--camera=role-a", stdin="long enough\n")
    assert said("role") == ["viewer", "role-a,role-b", "active"]
    ctl("user", "role", "role", "reviewer")
    assert said("role") == ["reviewer", "role-a,role-b", "active"]
    ctl("user", "role", "role", "admin", "--all-cameras")
    assert said("role") == ["admin", "all", "active"]
    session()
    ctl("user", "disable", "role")
    assert said("role")[2] == "disabled"
    assert not ctl.sql("SELECT 1 FROM session WHERE hash = REPEAT('r', 32)")
    ctl("user", "enable", "role")
    # What is refused changes nothing.
    done = ctl("user", "role", "role", "viewer", "--camera=nowhere",
               check=False)
    assert done.returncode == 1 and one_line(done.stderr)
    assert "nowhere" in done.stderr
    assert said("role") == ["admin", "all", "active"]
    # Without its only camera it would be good for all of them.
    ctl("user", "role", "role", "admin", "--camera=role-a")
    (camera_id,), = ctl.sql("SELECT camera_id FROM camera WHERE code = "
                            "'role-a'")
    ctl.sql(f"CALL remove_camera({camera_id}, 1000)")
    assert said("role") == ["admin", "all", "disabled"]
    session()
    ctl("user", "remove", "role")
    assert said("role") is None
    assert not ctl.sql("SELECT 1 FROM session WHERE hash = REPEAT('r', 32)")
    for command in ("disable", "enable", "remove"):
        done = ctl("user", command, "role", check=False)
        assert done.returncode == 1 and one_line(done.stderr)
        assert "role" in done.stderr


def test_a_terminal_shows_no_password(ctl):
    def typed(name, *lines):
        """(exit status, what the terminal shows)"""
        pid, fd = pty.fork()
        if not pid:
            os.chdir(ROOT)
            os.execv(ROOT / BUILD / "tally", [
                "tally", *ctl.options, "user", "add", name])
        shown, left = b"", list(lines)
        try:
            while piece := os.read(fd, 4096):
                shown += piece
                if left and shown.rstrip(b" ").endswith(b":"):
                    # Only once nothing of it is shown any more.
                    while termios.tcgetattr(fd)[3] & termios.ECHO:
                        time.sleep(0.01)
                    os.write(fd, left.pop(0))
        except OSError:  # the other end is closed
            pass
        finally:
            os.close(fd)
        status = os.waitpid(pid, 0)[1]
        return status, shown.decode()
    status, shown = typed("tty", b"not to be seen\n", b"not to be seen\n")
    assert status == 0 and "again" in shown and "seen" not in shown
    assert ctl.sql("SELECT 1 FROM user WHERE name = 'tty'")
    status, shown = typed("tty-2", b"not to be seen\n", b"not to be sen\n")
    assert status and "differ" in shown and "be se" not in shown
    status, shown = typed("tty-3", b"\x03")
    assert os.WTERMSIG(status) == signal.SIGINT
    assert not ctl.sql("SELECT 1 FROM user WHERE name IN ('tty-2', 'tty-3')")


def test_a_camera_is_added_once_to_a_site_in_a_zone(ctl):
    ctl("camera", "add", "gate-1", "--name", "Haupttor – 정문", "--site",
        "Werk 1", "--tz", "Asia/Seoul")
    ctl("camera", "add", "gate-2", "--site=Werk 1")
    listed = ctl("camera", "list").stdout
    assert "gate-1\tHaupttor – 정문\tWerk 1\tAsia/Seoul\t\n" in listed
    assert "gate-2\tgate-2\tWerk 1\tUTC\t\n" in listed
    for arguments, word in ((("gate-1",), "exists"),
                            (("gate 3",), "camera"),
                            (("gate-3", "--tz=Mars/Phobos"), "tz"),
                            (("gate-3", "--name=a\x1bb"), "name"),
                            (("gate-3", "--site="), "site")):
        done = ctl("camera", "add", *arguments, check=False)
        assert done.returncode == 1
        assert one_line(done.stderr) and word in done.stderr


def local(zone, at):
    return (dt.datetime(1970, 1, 1, tzinfo=UTC)
            + dt.timedelta(seconds=at)).astimezone(zone)


@pytest.mark.parametrize("name", ZONES)
def test_the_calendar_is_that_of_the_zone(ctl, name):
    ctl("camera", "add", "in/" + re.sub("[+]", "p", name), "--tz", name)
    zone = zoneinfo.ZoneInfo(name)
    (zone_id,), = ctl.sql("SELECT time_zone_id FROM time_zone "
                          "WHERE name = %s", name)
    offsets = ctl.sql(
        "SELECT UNIX_TIMESTAMP(day_utc), offset_s, UNIX_TIMESTAMP(change_at),"
        " offset2_s FROM calendar_offset WHERE time_zone_id = %s "
        "ORDER BY day_utc", zone_id)
    for (day, offset, change, offset2), (after, *_) in zip(offsets,
                                                           offsets[1:]):
        assert after == day + 86400
        assert local(zone, day).utcoffset().total_seconds() == offset
        last = local(zone, after - 1).utcoffset().total_seconds()
        if change is None:
            assert last == offset
        else:
            assert local(zone, int(change) - 1).utcoffset() \
                .total_seconds() == offset
            assert local(zone, int(change)).utcoffset() \
                .total_seconds() == offset2 == last
    days = ctl.sql(
        "SELECT local_date, UNIX_TIMESTAMP(start_utc), "
        "UNIX_TIMESTAMP(end_utc), week_start, month_start, year_start, "
        "weekday FROM calendar_day WHERE time_zone_id = %s "
        "ORDER BY local_date", zone_id)
    for i, (date, start, end, week, month, year, weekday) in enumerate(days):
        assert local(zone, start).date() == date
        assert local(zone, start - 1).date() < date
        assert i == 0 or days[i - 1][2] == start
        assert weekday == date.isoweekday()
        assert week == date - dt.timedelta(days=weekday - 1)
        assert (month, year) == (date.replace(day=1),
                                 date.replace(month=1, day=1))
    now = dt.datetime.now(UTC)
    assert days[0][0] <= dt.date(1999, 12, 31)
    assert offsets[0][0] <= 946684800 - 86400
    assert days[-1][0] == dt.date(now.year + 3, 12, 31)
    # A day that was left out has no row.
    skipped = {"Pacific/Apia": [dt.date(2011, 12, 30)]}.get(name, [])
    span = (days[-1][0] - days[0][0]).days + 1
    assert len(days) == span - len(skipped)
    assert not set(skipped) & {d[0] for d in days}


@pytest.mark.parametrize("account", ["tally_api", "tally_worker"])
def test_the_programs_accounts_have_the_least_rights(ctl, account):
    with pymysql.connect(unix_socket=ctl.tally.db_socket, user=account,
                         database=NAME) as c:
        # The API issues tokens, for an admin; it cannot rewrite the list.
        more = {"tally_api": ("UPDATE token SET scopes = 'admin'",
                              "UPDATE token SET hash = REPEAT('y', 32)",
                              "UPDATE user SET name = 'x'",
                              "UPDATE session SET user_id = 1"),
                "tally_worker": (
                    "INSERT INTO token (name, hash, scopes) VALUES "
                    "('x', REPEAT('y', 32), 'admin')",
                    "INSERT INTO user (name, password_hash) VALUES "
                    "('x', 'y')", "UPDATE user SET role = 'admin'",
                    "INSERT INTO audit (actor_kind, actor, action) VALUES "
                    "('command', 'x', 'x')")}[account]
        for forbidden in (*more, "DROP TABLE count_record",
                          "DELETE FROM token", "DELETE FROM audit",
                          "UPDATE audit SET actor = 'x'",
                          "CREATE TABLE x (a INT)", "TRUNCATE count_record",
                          "SET GLOBAL event_scheduler = OFF",
                          "SELECT * FROM mysql.global_priv",
                          "CREATE USER x@localhost"):
            with pytest.raises(pymysql.MySQLError) as e:
                c.cursor().execute(forbidden)
            assert e.value.args[0] in (1044, 1142, 1143, 1227), e.value


def test_no_one_else_reaches_the_accounts_without_password(ctl):
    folder = pathlib.Path(os.path.realpath(ctl.tally.db_socket)).parent
    private = [p for p in (folder, *folder.parents)
               if p.stat().st_mode & 0o077 == 0]
    assert private
    assert ctl.sql("SELECT @@skip_networking") == [(1,)]


def test_the_defaults_are_the_committed_file(tmp_path):
    said = command("config", "--defaults").stdout
    assert said == (ROOT / "config/tally.ini").read_text()
    ini = tmp_path / "tally.ini"
    ini.write_text(said)
    assert command("--config", ini, "--check").stdout == "ok\n"


def test_the_doctor_finds_a_disabled_event(ctl):
    ctl.sql("ALTER EVENT tally_minute DISABLE")
    done = ctl("doctor", check=False)
    assert done.returncode == 1
    wrong = [ln for ln in done.stdout.splitlines() if ln.startswith("WRONG")]
    assert len(wrong) == 1 and "tally_minute" in wrong[0]
    ctl.sql("ALTER EVENT tally_minute ENABLE")
    done = ctl("doctor", check=False)
    ctl.sql("ALTER EVENT tally_minute DISABLE")
    assert done.returncode == 0, done.stdout


def packet(number, payload):
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


def greet(listener):
    """As another vendor's server does; says yes to everything."""
    flags = 0xf7ff | 0x000f << 16 | 0x80000
    try:
        c, _ = listener.accept()
        with c:
            c.sendall(packet(0, b"\x0a8.0.36\0" + b"\1\0\0\0" + b"a" * 8
                             + b"\0" + (flags & 0xffff).to_bytes(2, "little")
                             + b"\xff\2\0" + (flags >> 16).to_bytes(2, "little")
                             + b"\x15" + b"\0" * 10 + b"b" * 12 + b"\0"
                             + b"mysql_native_password\0"))
            while got := c.recv(65536):
                c.sendall(packet(got[3] + 1, b"\0\0\0\2\0\0\0"))
    except OSError:
        pass  # the client has seen enough


def test_a_server_that_is_not_mariadb_is_refused_with_one_line():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=greet, args=(listener,), daemon=True).start()
        done = command("--set", "database.host=127.0.0.1", "--set",
                       f"database.port={listener.getsockname()[1]}",
                       "token", "list")
    assert done.returncode == 3
    assert one_line(done.stderr) and "not MariaDB but 8.0.36" in done.stderr


def test_a_server_that_is_away_is_one_line_and_status_3():
    done = command("--set", "database.socket=/nowhere/socket", "token", "list")
    assert done.returncode == 3 and one_line(done.stderr)
    assert "/nowhere/socket" in done.stderr


def test_help_for_a_command_names_its_arguments_and_needs_no_database():
    def told(*words):
        done = command("--set", "database.socket=/nowhere", *words, "--help")
        assert (done.returncode, done.stderr) == (0, ""), words
        return re.findall(r"^  tally ((?: ?\b[a-z-]+)+)", done.stdout, re.M)

    assert told("token", "rotate") == ["token rotate"]
    assert told("import", "x.csv", "--strict") == ["import"]
    assert told("backup", "key") == ["backup key"]
    assert told("token") == ["token create", "token list", "token rotate",
                             "token revoke"]
    done = command("--set", "database.socket=/nowhere", "tokens", "--help")
    assert done.returncode == 2 and "unknown command tokens" in done.stderr
