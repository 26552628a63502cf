# SPDX-License-Identifier: MIT
"""
dbserver: a MariaDB on 127.0.0.1 with a certificate, as an administrator has it
somewhere else, and Tally's programs against it.
"""
import os
import signal
import socket
import subprocess

import pymysql

from apibase import wait_for
from running import BUILD, ROOT, Tally, free_port


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


IPV6 = has_ipv6()
OWNER, SECRET = "owner", "the owner's secret"
ENV = {"ASAN_OPTIONS": "log_path=sanitizer",
       "UBSAN_OPTIONS": "print_stacktrace=1:log_path=sanitizer"}


class DbServer:
    """authority: of tests/e2e/pki.py; names: whom the certificate is for."""

    def __init__(self, folder, authority, names="IP:127.0.0.1"):
        self.folder, self.authority = folder, authority
        self.pair = authority.sign("mariadb", names)
        self.process, self.programs = None, []
        self.log_path = folder / "mariadb.log"
        # Temporary tables of its own: a server that starts removes those it
        # finds.
        (folder / "tmp").mkdir()
        self.user = [f"--tmpdir={folder / 'tmp'}"] + (
            ["--user=root"] if os.getuid() == 0 else [])
        with open(folder / "install.log", "wb") as log:
            subprocess.run(
                ["mariadb-install-db",
                 f"--defaults-file={ROOT / 'config' / 'my.cnf'}",
                 "--datadir=./mysql", "--skip-test-db",
                 "--auth-root-authentication-method=normal", *self.user],
                cwd=folder, check=True, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        self.start()
        self.root(f"CREATE USER {OWNER}@'%' IDENTIFIED BY \"{SECRET}\" "
                  "REQUIRE SSL")
        # What docs/operations.md asks for.
        self.root(f"GRANT ALL ON tally.* TO {OWNER}@'%' WITH GRANT OPTION")
        self.root(f"GRANT CREATE USER, RELOAD, PROCESS ON *.* TO {OWNER}@'%'")

    def start(self, tls=True):
        self.port = free_port()
        certificate = [f"--ssl-cert={self.pair[0]}",
                       f"--ssl-key={self.pair[1]}"] if tls else []
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["mariadbd", f"--defaults-file={ROOT / 'config' / 'my.cnf'}",
                 "--skip-networking=0",
                 "--bind-address=127.0.0.1" + (",::1" if IPV6 else ""),
                 f"--port={self.port}", f"--datadir={self.folder / 'mysql'}",
                 f"--socket={self.folder / 'sock'}", "--innodb-buffer-pool-size=64M",
                 f"--pid-file={self.folder / 'pid'}", *certificate,
                 *self.user], cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        wait_for(self.answers)

    def answers(self):
        assert self.process.poll() is None, self.log_path.read_text()
        try:
            self.root("DO 0")
        except pymysql.OperationalError:
            return False
        return True

    def root(self, query, *arguments):
        with pymysql.connect(unix_socket=str(self.folder / "sock"),
                             user="root", autocommit=True) as c, \
                c.cursor() as cursor:
            cursor.execute(query, arguments or None)
            return list(cursor.fetchall())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)

    def close(self):
        for p in self.programs:
            p.kill()
            p.wait()
        self.process.kill()
        self.process.wait()

    # ---- Tally's programs

    def options(self, ca=None, **settings):
        password = self.folder / "owner.password"
        password.write_text(SECRET + "\n")
        settings = {"database.host": "127.0.0.1", "database.port": self.port,
                    "database.user": OWNER, "database.name": "tally",
                    "database.password_file": password,
                    "database.ca": ca or self.authority.ca, **settings}
        return [o for k, v in settings.items() for o in ("--set", f"{k}={v}")]

    def tally(self, *arguments, ca=None, **settings):
        return subprocess.run(
            [ROOT / BUILD / "tally", *self.options(ca, **settings),
             *arguments], cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=300)

    def done(self, *arguments):
        """What it printed."""
        run = self.tally(*arguments)
        assert run.returncode == 0, run.stderr
        return run.stdout

    def program(self, name, *options, ca=None):
        """A program with an account of its own; `said()` is what it logged."""
        section = name.removeprefix("tally-")
        password = self.folder / f"{section}.password"
        password.write_text(section + "'s")
        log = self.folder / f"{name}-{len(self.programs)}.log"
        with open(log, "w", encoding="utf-8") as f:
            p = subprocess.Popen(
                [ROOT / BUILD / name, *self.options(ca), "--set",
                 f"{section}.db_password_file={password}", *options],
                cwd=ROOT, stdin=subprocess.DEVNULL, stderr=f,
                env={**os.environ, **ENV})
        p.said = log.read_text
        self.programs.append(p)
        return p

    def api(self, ca=None):
        """(process, a Tally that speaks to it)."""
        port_file = self.folder / f"port-{len(self.programs)}"
        p = self.program("tally-api", "--set", "api.port=0", "--set",
                         f"api.port_file={port_file}", ca=ca)
        wait_for(lambda: port_file.exists() or p.poll() is not None)
        t = Tally.__new__(Tally)
        t.url = "http://127.0.0.1:" + port_file.read_text().strip()
        return p, t
