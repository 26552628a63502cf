# SPDX-License-Identifier: MIT
"""
A database somewhere else: reached over TLS alone, and only where it proves who
it is; and the accounts that `tally db-user` makes on it for people who work in
SQL.
"""
import contextlib
import datetime
import json
import re
import shutil
import socket
import subprocess
import threading
import time

import pymysql
import pytest

from apibase import hours_ago, minutes, wait_for, z
from dbserver import IPV6, DbServer
from pki import Authority
from running import ROOT


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("db")
    s = DbServer(folder, Authority(folder, "authority"))
    try:
        printed = s.done("migrate").partition("\n\n")[2].partition("\n\n")[2]
        # As its administrator would: with passwords, and then run.
        for section in ("api", "worker"):
            printed = printed.replace("'...'", f'"{section}\'s"', 1)
        assert "REQUIRE SSL" in printed
        done = subprocess.run(
            ["mariadb", "--no-defaults", "-uroot", f"-S{folder / 'sock'}"],
            input=printed, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr
        yield s
        reports = "\n".join(p.read_text() for p in folder.glob("sanitizer*"))
        assert not reports
    finally:
        s.close()


def test_all_programs_reach_it_over_tls(server):
    token = server.done("token", "create", "--scope", "ingest,admin").strip()
    begin = hours_ago(30)
    api, tally = server.api()
    status, reply = tally.json("POST", "/api/v1/cameras", token,
                               {"camera": "gate-1", "tz": "Asia/Seoul"})
    assert status == 201, reply
    rows = [{"camera": "gate-1", "start_at": z(begin + minutes(5 * i)),
             "end_at": z(begin + minutes(5 * i + 5)), "people": i % 7,
             "vehicle": i % 3} for i in range(300)]
    assert tally.json("POST", "/api/v1/counts", token,
                      rows)[1]["inserted"] == 300
    assert tally.json("POST", "/api/v1/jobs/roll_up", token)[0] == 200
    assert tally.health()["checks"]["database"][
        "status"] == "ok"
    worker = server.program("tally-worker", "--set", "worker.period_s=1")
    server.root("SET GLOBAL event_scheduler = OFF")
    wait_for(lambda: server.root("SELECT 1 FROM tally.job_state WHERE "
                                 "runner = 'worker'"))
    server.root("SET GLOBAL event_scheduler = ON")
    for p in (api, worker):
        p.terminate()
        assert p.wait(120) == 0, p.said()


def programs_refuse(server, words, ca=None):
    """All three say why, in a line; none of them works on."""
    done = server.tally("audit", ca=ca)
    assert done.returncode == 3 and words in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    worker = server.program("tally-worker", ca=ca)
    api, tally = server.api(ca=ca)
    status, health = tally.json("GET", "/healthz")
    assert status == 503 and health["status"] == "down"
    wait_for(lambda: words in worker.said() and words in api.said())
    for p in (worker, api):
        p.kill()
        p.wait()


def test_a_server_that_does_not_prove_who_it_is_is_refused(server, tmp_path):
    stranger = Authority(tmp_path, "stranger").ca
    programs_refuse(server, "unable to get local issuer certificate "
                    f"(database.ca is {stranger})", ca=stranger)
    done = server.tally("audit", ca="/nowhere")
    assert done.returncode == 3
    assert "No such file" in done.stderr
    assert "(database.ca is /nowhere)" in done.stderr
    good = [f.read_bytes() for f in server.pair]
    try:
        for f, other in zip(server.pair, server.authority.sign(
                "elsewhere", "DNS:db.example,IP:127.0.0.2")):
            shutil.copyfile(other, f)
        server.root("FLUSH SSL")
        programs_refuse(server, "Validation of SSL server certificate failed")
    finally:
        for f, was in zip(server.pair, good):
            f.write_bytes(was)
        server.root("FLUSH SSL")
    assert server.tally("audit").returncode == 0


def test_what_is_not_mariadb_is_refused_in_a_line(server):
    """A server that speaks the protocol and calls itself something else."""
    hello = (b"\x0a8.0.36\0" + (7).to_bytes(4, "little") + b"12345678\0"
             + (0xffff & ~0x0800).to_bytes(2, "little") + b"\x2d\2\0"
             + (0x000f).to_bytes(2, "little") + bytes([21]) + bytes(10)
             + b"123456789012\0" + b"mysql_native_password\0")
    ok = b"\0\0\0\2\0\0\0"

    def serve(listener):
        with contextlib.suppress(OSError):
            while True:
                with listener.accept()[0] as s:
                    s.sendall(len(hello).to_bytes(3, "little") + b"\0" + hello)
                    for _ in range(8):
                        head = s.recv(4, socket.MSG_WAITALL)
                        if len(head) < 4:
                            break
                        s.recv(int.from_bytes(head[:3], "little"),
                               socket.MSG_WAITALL)
                        s.sendall(len(ok).to_bytes(3, "little")
                                  + bytes([(head[3] + 1) & 255]) + ok)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        done = server.tally("audit", **{
            "database.port": listener.getsockname()[1], "database.ca": ""})
        assert done.returncode == 3
        assert "the server is not MariaDB but 8.0.36" in done.stderr
        assert done.stderr.count("\n") == 1


# ---- tally db-user


def account(server, name, *options):
    return server.done("db-user", "create", name, *options).strip()


def connect(server, name, password, tls=True, host="127.0.0.1", **options):
    if tls:  # its certificate is for 127.0.0.1
        options["ssl"] = {"ca": str(server.authority.ca),
                          "check_hostname": host == "127.0.0.1"}
    return pymysql.connect(
        host=host, port=server.port, user=name, password=password,
        database="tally", autocommit=True, **options)


def run(connection, query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def denied(connection, query):
    with pytest.raises(pymysql.OperationalError) as e:
        run(connection, query)
    # No such right: to a command, a column, a schema, a routine, or at all.
    assert e.value.args[0] in (1044, 1142, 1143, 1227, 1370, 1410), e.value


SECRETS = ("token", "token_camera", "user", "session", "audit", "idempotency",
           "upload", "upload_rejected", "sql_user")


def test_an_account_for_reading_reads_and_no_more(server):
    password = account(server, "analyst", "--read", "--from", "127.0.0.0/8")
    with pytest.raises(pymysql.OperationalError):
        connect(server, "analyst", password, tls=False)
    with pytest.raises(pymysql.OperationalError):
        connect(server, "analyst", "wrong")
    with connect(server, "analyst", password) as c:
        assert run(c, "SHOW STATUS LIKE 'Ssl_cipher'")[0][1]
        assert run(c, "SELECT @@max_statement_time")[0][0] == 300
        listed = {t for t, in run(c, "SHOW TABLES")}
        assert {"count_record", "stats_day", "outlier", "day_stats", "test",
                "backup", "yearly_sun_stats"} <= listed
        assert not listed & set(SECRETS)
        for table in listed:
            run(c, f"SELECT * FROM `{table}` LIMIT 1")
            columns = {column for column, *_ in run(c, f"DESCRIBE `{table}`")}
            assert not columns & {"hash", "password_hash", "reply", "secret"}
            denied(c, f"DELETE FROM `{table}` WHERE 0")
        for table in SECRETS:
            denied(c, f"SELECT 1 FROM `{table}`")
        for query in ("INSERT INTO test (start_date, end_date, people, vehicle)"
                      " VALUES ('2026-01-01', '2026-01-01 00:01', 1, 1)",
                      "UPDATE count_record SET people = 0",
                      "TRUNCATE count_record", "DROP TABLE count_record",
                      "CREATE TABLE t (i INT)", "CALL run_minute('event')",
                      "SELECT * FROM mysql.user", "SET GLOBAL max_connections=1",
                      "SELECT LOAD_FILE('/etc/passwd') INTO OUTFILE '/tmp/x'",
                      "GRANT SELECT ON camera TO analyst@'%'"):
            denied(c, query)


def test_an_account_for_writing_writes_counts_and_no_more(server):
    password = account(server, "importer", "--write", "--from", "127.0.0.1")
    begin = hours_ago(50)
    when = [(begin + minutes(5 * i)).strftime("%Y-%m-%d %H:%M:%S")
            for i in range(4)]
    with connect(server, "importer", password) as c:
        (camera,), = run(c, "SELECT MIN(camera_id) FROM camera")
        run(c, "INSERT INTO count_record (camera_id, start_at, end_at, people)"
            f" VALUES ({camera}, '{when[0]}', '{when[1]}', 5)")
        run(c, "INSERT INTO test (start_date, end_date, people, vehicle) "
            f"VALUES ('{when[1]}', '{when[2]}', 3, 4)")
        mine = f"camera_id = {camera} AND start_at = '{when[0]}'"
        run(c, f"UPDATE count_record SET people = 6 WHERE {mine}")
        assert run(c, f"SELECT people FROM count_record WHERE {mine}") == [(6,)]
        assert run(c, "SELECT people, vehicle FROM test WHERE "
                   f"start_date = '{when[1]}'") == [(3, 4)]
        run(c, f"UPDATE test SET people = 9 WHERE start_date = '{when[1]}'")
        run(c, f"DELETE FROM test WHERE start_date = '{when[1]}'")
        run(c, f"DELETE FROM count_record WHERE {mine}")
        # What the triggers refuse is refused here, too.
        with pytest.raises(pymysql.Error):
            run(c, "INSERT INTO count_record (camera_id, start_at, end_at, "
                f"people) VALUES ({camera}, '{when[1]}', '{when[0]}', 1)")
        assert {t for t, in run(c, "SHOW TABLES")} == {
            "count_record", "test", "camera", "site"}
        for query in ("SELECT 1 FROM token", "SELECT 1 FROM stats_day",
                      "DELETE FROM camera", "TRUNCATE count_record",
                      "INSERT INTO dirty_quarter (camera_id, start_at) "
                      "VALUES (1, '2026-01-01')", "CALL roll_up_now(1)"):
            denied(c, query)


def test_accounts_are_listed_audited_and_removed(server):
    first = account(server, "both", "--read", "--write", "--from",
                    "127.0.0.0/9")
    assert account(server, "both", "--read", "--from", "192.0.2.0/24") != first
    again = server.tally("db-user", "create", "both", "--read", "--from",
                         "192.0.2.0/24")
    assert again.returncode == 1 and "remove it or take" in again.stderr
    server.root("CREATE USER theirs@'127.0.0.1'")
    theirs = server.tally("db-user", "create", "theirs", "--read", "--from",
                          "127.0.0.1")
    assert theirs.returncode == 1 and "remove it or take" in theirs.stderr
    listed = [line.split("\t")[:3]
              for line in server.done("db-user", "list").splitlines()
              if line.startswith(("both", "theirs"))]
    assert listed == [["both", "127.0.0.0/9", "read,write"],
                      ["both", "192.0.2.0/24", "read"]]
    with connect(server, "both", first) as c:
        run(c, "SELECT 1 FROM stats_day")
        run(c, "DELETE FROM count_record WHERE 0")
    server.done("migrate")
    server.done("db-user", "remove", "both", "--from", "192.0.2.0/24")
    with connect(server, "both", first) as c:
        run(c, "SELECT 1 FROM stats_day")
    server.done("db-user", "remove", "both")
    with pytest.raises(pymysql.OperationalError):
        connect(server, "both", first)
    for name in ("both", "theirs", "nobody"):
        gone = server.tally("db-user", "remove", name)
        assert gone.returncode == 1
        assert f"no account {name} was made by db-user" in gone.stderr
    assert server.root("SELECT 1 FROM mysql.user WHERE user = 'theirs'")
    noted = server.root("SELECT action, detail FROM tally.audit WHERE "
                        "subject = 'both' ORDER BY audit_id")
    assert [(a, json.loads(d)) for a, d in noted] == [
        ("db_user.create", {"from": "127.0.0.0/9", "rights": "read,write"}),
        ("db_user.create", {"from": "192.0.2.0/24", "rights": "read"}),
        ("db_user.remove", {"from": "192.0.2.0/24", "rights": "read"}),
        ("db_user.remove", {"from": "127.0.0.0/9", "rights": "read,write"})]


@pytest.mark.parametrize("options,words", [
    (("--from", "192.0.2.0/24"), "--read, --write or both"),
    (("--read",), "wants --from"),
    (("--read", "--from", "0.0.0.0/0"), "the whole internet"),
    (("--read", "--from", "192.0.2.9/24"), "the network is 192.0.2.0/24"),
    (("--read", "--from", "192.0.2.0/33"), "from 1 to 32"),
    (("--read", "--from", "192.0.2.0/"), "from 1 to 32"),
    (("--read", "--from", "192.0.2/24"), "is no address"),
    (("--read", "--from", "%"), "is no address"),
    (("--read", "--from", "db.example"), "is no address"),
    (("--read", "--from", "2001:db8::/64"), "no IPv6 networks"),
    (("--read", "--from", "::ffff:192.0.2.1"), "write it as one")],
    ids=range(11))
def test_wrong_networks_are_named(server, options, words):
    done = server.tally("db-user", "create", "wrong", *options)
    assert done.returncode == 2 and words in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1


def test_names_that_would_need_quotes_and_ipv6(server):
    for name in ("a'b", "a`b", "a b", "x" * 81, ""):
        done = server.tally("db-user", "create", name, "--read", "--from",
                            "192.0.2.1")
        assert done.returncode == 2 and "1 to 80 letters" in done.stderr
    account(server, "six", "--read", "--from", "2001:DB8:0:0::7/128")
    assert server.root("SELECT host FROM mysql.user WHERE user = 'six'") == [
        ("2001:db8::7",)]
    if not IPV6:
        return
    password = account(server, "here", "--read", "--from", "0:0::1")
    with connect(server, "here", password, host="::1") as c:
        assert run(c, "SELECT CURRENT_USER()") == [("here@::1",)]
    for options in ({}, {"host": "::1", "tls": False}):
        with pytest.raises(pymysql.OperationalError):
            connect(server, "here", password, **options)


# ---- config/grafana


GRAFANA = ROOT / "config" / "grafana"


def dashboard():
    with open(GRAFANA / "tally.json", encoding="utf-8") as f:
        return json.load(f)


def expanded(sql, since, until, variables):
    """As Grafana's documents of the MySQL data source say: macros, and
    variables as a list of quoted texts."""
    between = f"FROM_UNIXTIME({since}) AND FROM_UNIXTIME({until})"
    sql = re.sub(r"\$__timeFilter\(([^)]*)\)", rf"\1 BETWEEN {between}", sql)
    sql = sql.replace("$__timeFrom()", f"FROM_UNIXTIME({since})")
    sql = sql.replace("$__timeTo()", f"FROM_UNIXTIME({until})")
    for name, values in variables.items():
        sql = sql.replace("${%s:sqlstring}" % name, ",".join(
            "'" + v.replace("'", "''") + "'" for v in values))
    assert "$" not in sql, sql
    return sql


def test_every_query_of_the_dashboard_runs_for_who_may_only_read(server):
    api, tally = server.api()
    token = server.done("token", "create", "--scope", "ingest,admin",
                        "--name", "grafana").strip()
    # Of the default site, so that the views of 2021 have days; and another
    # with a quote in its name.
    for body in ({"camera": "gate-9", "tz": "Asia/Seoul"},
                 {"camera": "gate-10", "site": "Peter's"}):
        assert tally.json("POST", "/api/v1/cameras", token, body)[0] == 201
    begin, now = hours_ago(24 * 12), int(time.time())
    rows = [{"camera": "gate-9", "start_at": z(begin + minutes(15 * i)),
             "end_at": z(begin + minutes(15 * i + 15)), "vehicle": i % 5,
             "people": 10 + i % 3, "people_new": i % 3} for i in range(1100)]
    assert tally.json("POST", "/api/v1/counts", token,
                      rows)[1]["inserted"] == 1100
    assert tally.json("POST", "/api/v1/jobs/roll_up", token)[0] == 200
    high = {**rows[0], "people": 900, "start_at": z(begin + minutes(16600)),
            "end_at": z(begin + minutes(16615))}
    assert tally.json("POST", "/api/v1/counts", token, high)[0] == 200
    assert tally.json("POST", "/api/v1/jobs/roll_up", token)[0] == 200
    api.terminate()
    password = account(server, "grafana", "--read", "--from", "127.0.0.1")
    board, empty = dashboard(), []
    variables = {v["name"]: v for v in board["templating"]["list"]}
    with connect(server, "grafana", password, init_command="SET time_zone = "
                 "'+00:00'") as c:
        def ask(sql, chosen, form):
            with c.cursor() as cursor:
                cursor.execute(expanded(sql, now - 30 * 86400, now, chosen))
                names = [d[0] for d in cursor.description]
                found = list(cursor.fetchall())
            if form == "time_series":
                assert names[0] == "time" and len(names) > 1, sql
                assert all(isinstance(r[0], datetime.datetime) for r in found)
                assert names[1] != "metric" or names[2:] == ["value"], sql
                assert [r[0] for r in found] == sorted(r[0] for r in found)
            if not found:
                empty.append(sql)
            return names, found

        sites = [s for s, in ask(variables["site"]["query"], {}, "table")[1]]
        cameras = [s for s, in ask(variables["camera"]["query"],
                                   {"site": sites}, "table")[1]]
        assert {"gate-9", "gate-10"} <= set(cameras)
        chosen = {"site": sites, "camera": cameras}
        for note in board["annotations"]["list"]:
            names, _ = ask(note["target"]["rawSql"], chosen, "table")
            assert names == ["time", "text", "tags"]
        for p in board["panels"]:
            for t in p["targets"]:
                names, _ = ask(t["rawSql"], chosen, t["format"])
            for o in p["fieldConfig"]["overrides"]:
                assert o["matcher"] == {"id": "byName",
                                        "options": o["matcher"]["options"]}
                assert o["matcher"]["options"] in names, p["title"]
    # Nothing failed; all else has something to show.
    assert all("job_run" in sql for sql in empty), empty


def test_the_dashboard_is_one_that_grafana_loads():
    board = dashboard()
    source = (GRAFANA / "datasource.yaml").read_text()
    assert "uid: tally\n" in source and "type: mysql\n" in source
    assert "tlsSkipVerify: false" in source and "+00:00" in source
    own = {"type": "mysql", "uid": "tally"}
    panels = board["panels"]
    for thing in [*panels, *board["templating"]["list"],
                  *board["annotations"]["list"],
                  *(t for p in panels for t in p["targets"])]:
        assert thing["datasource"] == own
    assert len({p["id"] for p in panels}) == len(panels)
    taken = set()
    for p in panels:
        g = p["gridPos"]
        cells = {(x, y) for x in range(g["x"], g["x"] + g["w"])
                 for y in range(g["y"], g["y"] + g["h"])}
        assert max(x for x, _ in cells) < 24 and not cells & taken, p["title"]
        taken |= cells
        assert p["type"] in ("stat", "table", "timeseries")
        assert all(t["format"] in ("table", "time_series") and t["rawQuery"]
                   for t in p["targets"])


# ---- last: the server without its certificate


def test_a_server_without_tls_is_refused(server):
    server.stop()
    server.start(tls=False)
    server.root("ALTER USER owner@'%' REQUIRE NONE")
    programs_refuse(server, "SSL is required, but the server does not")
    done = server.tally("db-user", "create", "early", "--read", "--from",
                        "127.0.0.1", **{"database.ca": ""})
    assert done.returncode == 0
    assert "has no certificate" in done.stderr
