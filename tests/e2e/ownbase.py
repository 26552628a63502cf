# SPDX-License-Identifier: MIT
"""
A schema of one's own as `tally migrate` makes it, on the server of `tally`,
and programs that work on it.
"""
import subprocess

import pymysql

from apibase import OtherApi
from running import BUILD, ROOT
from sqlbase import SESSION


class Own:
    """The schema with its event disabled."""

    def __init__(self, tally, name):
        self.tally, self.name = tally, name
        self.processes, self.connections = [], []
        self.options = ("--set", f"database.socket={tally.db_socket}",
                        "--set", f"database.user={tally.db_user}",
                        "--set", f"database.name={name}")
        tally.sql(f"DROP DATABASE IF EXISTS {name}")
        self.run_tally("migrate")
        self.connect()
        self.sql("ALTER EVENT tally_minute DISABLE")

    def run_tally(self, *arguments, check=True):
        """The administrator's command on this schema; what it printed."""
        done = subprocess.run(
            [ROOT / BUILD / "tally", *self.options, *arguments], cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=300)
        assert not check or done.returncode == 0, done.stderr
        return done

    def connect(self, **options):
        c = pymysql.connect(
            unix_socket=self.tally.db_socket, user=self.tally.db_user,
            database=self.name, charset="utf8mb4", **{
                "autocommit": True, "init_command": SESSION, **options})
        self.connections.append(c)
        return c

    def sql(self, query, *arguments):
        """The rows of one statement."""
        with self.connections[0].cursor() as cursor:
            cursor.execute(query, arguments or None)
            return list(cursor.fetchall())

    def dicts(self, query, *arguments):
        with self.connections[0].cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(query, arguments or None)
            return list(cursor.fetchall())

    def one(self, query, *arguments):
        """The only column of the only row."""
        (row,) = self.sql(query, *arguments)
        return row[0]

    def zones(self):
        """camera_id -> name of its zone, for check_levels."""
        return dict(self.sql("SELECT camera_id, z.name FROM camera "
                             "JOIN time_zone z USING (time_zone_id)"))

    def worker(self, log, *options):
        """A worker with a period of 1 s; `said()` is what it logged."""
        with open(log, "w", encoding="utf-8") as f:
            p = subprocess.Popen(
                [ROOT / BUILD / "tally-worker", *self.options, "--set",
                 "worker.period_s=1", *options], stderr=f, cwd=ROOT)
        p.said = log.read_text
        self.processes.append(p)
        return p

    def api(self, **settings):
        """A Tally with an API process and tokens of this schema."""
        api = OtherApi(self.tally, self.name, **settings)
        self.processes.append(api.process)
        t = api.tally
        t.db_name = self.name
        for scope in ("admin", "read", "ingest"):
            token = self.run_tally("token", "create", "--scope", scope)
            setattr(t, scope + "_token", token.stdout.strip())
        return t

    def close(self):
        for p in self.processes:
            p.kill()
            p.wait()
        for c in self.connections:
            c.close()
        self.tally.sql(f"DROP DATABASE {self.name}")
