# SPDX-License-Identifier: MIT
"""
The programs of docs/clients.md, taken out of it and run: what they send is
stored once and what they read is right, though a connection breaks, an answer
is lost, or the server dies in the middle.
"""
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading

import pytest

from apibase import (OtherApi, camera, code, figures, hours_ago, minutes, row,
                     wait_for, z)
from running import ROOT

ROWS = 12000
PROGRAMS = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$",
                           (ROOT / "docs" / "clients.md").read_text(),
                           re.S | re.M))
LIVE = ("live.sh", "live.py")
BACKLOG = ("backlog.sh", "backlog.py")


class Line:
    """A way to the API that breaks as `breaks` says, a connection each: at
    "answer", which is lost, or behind so many bytes and a call of a function.
    """

    def __init__(self, address):
        self.address, self.breaks, self.connections = address, [], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                self.connections += 1
                how = self.breaks.pop(0) if self.breaks else None
                threading.Thread(target=self.serve, args=(client, how),
                                 daemon=True).start()

    def serve(self, client, how):
        with client, contextlib.suppress(OSError), \
                socket.create_connection(self.address()) as server:
            back = threading.Thread(target=self.answer, daemon=True,
                                    args=(server, client, how == "answer"))
            back.start()
            n = 0
            while piece := client.recv(65536):
                server.sendall(piece)
                n += len(piece)
                if isinstance(how, tuple) and n >= how[0]:
                    how[1]()
                    return
            back.join()

    @staticmethod
    def answer(server, client, lost):
        with contextlib.suppress(OSError):
            while (piece := server.recv(65536)) and not lost:
                client.sendall(piece)
        for s in (client, server):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def line(tally):
    made = Line(lambda: tally.address)
    yield made
    made.listener.close()


@pytest.fixture
def run(tally, line, tmp_path):
    """run(program, arguments …): what it printed and said."""
    for name, text in PROGRAMS.items():
        (tmp_path / name).write_text(text)

    def start(program, *arguments, token=None, given=None, fails=False):
        (tmp_path / "tally.header").write_text(
            f"Authorization: Bearer {token or tally.ingest_token}\n")
        by = "sh" if program.endswith(".sh") else sys.executable
        done = subprocess.run(
            [by, program, *map(str, arguments)], cwd=tmp_path, input=given,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=300, env={**os.environ, "TALLY_URL": line.url})
        assert bool(done.returncode) == fails, done
        return done.stdout, done.stderr

    return start


def send(run, program, item, **more):
    """A row of the live programs; the API's answer."""
    text = json.dumps(item)
    out, _ = (run(program, text, **more) if program.endswith(".sh")
              else run(program, given=text + "\n"))
    return json.loads(out)


def file_of(c, n, path):
    start = hours_ago(24 * 30)
    with open(path, "w", encoding="utf-8") as f:
        if path.suffix == ".csv":
            f.write("camera,start_at,end_at,people\n")
        for i in range(n):
            begin, end = start + minutes(i), start + minutes(i + 1)
            f.write(f"{c},{z(begin)},{z(end)},{i % 7}\n"
                    if path.suffix == ".csv" else json.dumps(
                        row(c, begin, 1, people=i % 7)) + "\n")
    return path


def test_every_program_of_the_page_is_run_here():
    assert set(PROGRAMS) == {*LIVE, *BACKLOG, "days.sh", "rows.sh", "days.py",
                             "tally.py"}


@pytest.mark.parametrize("program", LIVE)
def test_a_live_row_whose_answer_is_lost_is_stored_once(
        tally, line, run, program):
    c = camera(tally)
    item = row(c, hours_ago(2), people=12)
    line.breaks = ["answer"]
    # The second answer is the first one, by its key.
    assert send(run, program, item)["inserted"] == 1
    assert line.connections == 2
    assert figures(tally, c) == [12]
    refused = send(run, program, {**item, "people": -1},
                   **({"fails": True} if program.endswith(".sh") else {}))
    assert refused["type"] == "urn:tally:problem:rows-refused"
    # What is wrong is not sent again.
    assert line.connections == 3


@pytest.mark.parametrize("program, suffix", [
    ("backlog.sh", ".csv"), ("backlog.py", ".ndjson")])
def test_a_backlog_is_whole_though_the_server_dies_in_the_middle(
        tally, line, run, tmp_path, program, suffix):
    api = OtherApi(tally)
    try:
        line.address = lambda: api.tally.address
        c = camera(tally)
        path = file_of(c, ROWS, tmp_path / ("counts" + suffix))

        def die():
            wait_for(lambda: len(figures(tally, c)) >= 5000)
            api.kill()
            api.start()

        line.breaks = [(path.stat().st_size * 3 // 4, die)]
        report = json.loads(run(program, path)[0])
        assert report["received"] == ROWS and report["duplicate"] >= 5000
        assert report["inserted"] + report["duplicate"] == ROWS
        assert figures(tally, c) == [i % 7 for i in range(ROWS)]
    finally:
        assert api.stop() == 0


@pytest.mark.parametrize("program", BACKLOG)
def test_a_bad_line_of_a_backlog_is_told(tally, run, tmp_path, program):
    path = file_of(camera(tally), 3, tmp_path / "counts.csv")
    path.write_text(path.read_text().replace(",2\n", ",two\n"))
    said = run(program, path, fails=True)
    assert json.loads(said[0])["errors"][0]["line"] == 4
    assert program.endswith(".sh") or f"{path}:4: people: " in said[1]


def days(tally, n):
    """A camera with a row on each of n days; its zone is UTC."""
    c = camera(tally, tz="UTC")
    rows = [row(c, hours_ago(24 * i + 24), people=i, people_new=1)
            for i in range(n)]
    assert tally.json("POST", "/api/v1/counts", tally.ingest_token,
                      rows)[0] == 200
    assert tally.json("POST", "/api/v1/jobs/roll_up",
                      tally.admin_token)[0] == 200
    return c, rows


def test_days_are_read_page_by_page_and_once(tally, line, run):
    c, rows = days(tally, 5)
    line.breaks = [None, "answer"]

    def read():
        return run("days.py", c, "2000-01-01", "2100-01-01", 2,
                   token=tally.read_token)

    out, said = read()
    assert [ln.split()[1:] for ln in out.splitlines()] == [
        [str(r["people"]), "1"] for r in reversed(rows)]
    assert said.count(": 200") == 3 and "; again in " in said

    def is_kept():
        again, said = read()
        assert again == out
        return (said.count(": 304"), said.count(": 200")) == (3, 0)

    # Whatever is rolled up in between makes all of them new.
    wait_for(is_kept)


def test_curl_keeps_the_days_and_reads_all_rows(tally, line, run, tmp_path):
    c, rows = days(tally, 5)
    line.breaks = ["answer"]
    assert run("days.sh", c, token=tally.read_token)[0].split() == ["200"]
    kept = (tmp_path / "days.csv").read_text()
    assert kept.count("\n") == 6 and c in kept
    wait_for(lambda: run("days.sh", c, token=tally.read_token)[0].split()
             == ["304"])
    assert (tmp_path / "days.csv").read_text() == kept
    assert "unknown-camera" in run("days.sh", code(), token=tally.read_token,
                                   fails=True)[0]
    lines = run("rows.sh", c, 2, token=tally.read_token)[0].splitlines()
    assert lines[0].startswith("camera,start_at,")
    assert [ln.split(",")[1] for ln in lines[1:]] == [
        r["start_at"] for r in rows]
