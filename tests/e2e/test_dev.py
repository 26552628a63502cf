# SPDX-License-Identifier: MIT
"""The commands: ./dev up, run, down, and what they promise to scripts."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from apibase import wait_for
from running import PROGRAMS, ROOT, SHARED, alive, dev, free_port

KEYS = ["url", "admin_token", "read_token", "ingest_token", "db_socket",
        "db_name", "db_user", "state", "user", "password"]
CLIP = SHARED / "data" / "videos" / "car-detection.mp4"


@pytest.fixture
def clip():
    if not CLIP.exists():
        pytest.skip(f"no clip: {CLIP} is not there")
    return str(CLIP)


@pytest.fixture
def port():
    return free_port()


def pids(t, programs=PROGRAMS):
    return {p: t.pid(p) for p in programs}


def arguments(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def programs_of(state):
    """The processes that belong to a state, by their arguments."""
    found = []
    for d in pathlib.Path("/proc").iterdir():
        if d.name.isdigit() and alive(int(d.name)):
            try:
                args = arguments(d.name)
            except OSError:
                continue
            if any(os.fsencode(state) in a for a in args) and \
                    args[0].rpartition(b"/")[2] in (
                        b"mariadbd", b"tally-api", b"tally-worker",
                        b"tally-ingest"):
                found.append(int(d.name))
    return sorted(found)


# ---- up

def test_up_prints_one_line_with_what_scripts_need(fresh_tally):
    t = fresh_tally("--no-ingest")
    done = dev("up", "--no-ingest", "--state", t.state)
    assert done.stdout.count("\n") == 1 and done.stdout.endswith("}\n")
    line = json.loads(done.stdout)
    assert list(line) == KEYS
    assert all(isinstance(v, str) and v for v in line.values())
    assert line["state"] == os.path.realpath(t.state)
    assert line["url"].startswith("http://127.0.0.1:")
    assert line["url"].count("/") == 2
    assert len({line[k] for k in KEYS if k.endswith("_token")}) == 3
    assert t.health()
    # The camera for rows that name none shows with its first one.
    assert t.json("GET", "/api/v1/cameras", t.read_token)[1]["items"] == []
    t.sql("INSERT INTO test (start_date, end_date, people) VALUES "
          "('2026-01-01', '2026-01-01 00:05', 1)")
    (camera,) = t.json("GET", "/api/v1/cameras", t.read_token)[1]["items"]
    assert camera["camera"] == "default"


def test_the_tokens_have_their_scopes(tally):
    new = {"camera": "scopes-1"}
    for token in (None, tally.read_token, tally.ingest_token):
        status = tally.request("POST", "/api/v1/cameras", token, new)[0]
        assert status == (403 if token else 401)
    assert tally.request("POST", "/api/v1/cameras", tally.admin_token,
                         new)[0] == 201
    assert tally.request("GET", "/api/v1/cameras", tally.read_token)[0] == 200


def test_the_owner_has_all_rights_without_a_password(tally):
    tally.sql("CREATE TABLE dev_rights (n INT)")
    try:
        tally.sql("CREATE TRIGGER dev_rights_bi BEFORE INSERT ON dev_rights "
                  "FOR EACH ROW SET NEW.n = NEW.n + 1")
        tally.sql("CREATE EVENT dev_rights_e ON SCHEDULE EVERY 1 DAY DO DO 0")
        tally.sql("DROP EVENT dev_rights_e")
        tally.sql("INSERT INTO dev_rights VALUES (1)")
        assert tally.sql("SELECT n FROM dev_rights") == [(2,)]
    finally:
        tally.sql("DROP TABLE dev_rights")


def test_the_programs_use_accounts_of_their_own(tally):
    tally.request("GET", "/api/v1/cameras", tally.read_token)
    users = {u for u, in tally.sql(
        "SELECT user FROM information_schema.processlist "
        "WHERE id <> CONNECTION_ID()")}
    assert "tally_api" in users
    assert tally.db_user not in users


def test_two_states_run_side_by_side(fresh_tally):
    a, b = fresh_tally("--no-ingest"), fresh_tally("--no-ingest")
    assert a.url != b.url and a.db_socket != b.db_socket
    assert a.admin_token != b.admin_token
    for t, other in (a, b), (b, a):
        assert t.request("GET", "/api/v1/cameras", t.read_token)[0] == 200
        assert t.request("GET", "/api/v1/cameras", other.read_token)[0] == 401
    a.down()
    assert b.health()
    assert not programs_of(a.state)


def test_up_starts_only_what_is_dead(fresh_tally, clip):
    t = fresh_tally("--source", clip)
    first = json.dumps({k: getattr(t, k) for k in KEYS})
    for victim in PROGRAMS:
        before = pids(t)
        t.kill(victim)
        for p in PROGRAMS:
            assert alive(before[p]) == (p != victim), \
                "a program that dies leaves the others running"
        assert json.dumps(t.up()) == first
        after = pids(t)
        assert {p for p in PROGRAMS if before[p] != after[p]} == {victim}
        assert t.health()
    assert programs_of(t.state) == sorted(pids(t).values())


def test_two_ups_at_once_start_one_of_each(fresh_tally):
    t = fresh_tally("--no-ingest")
    t.down()
    lines = []
    ups = [threading.Thread(target=lambda: lines.append(
        dev("up", "--no-ingest", "--state", t.state).stdout))
        for _ in range(3)]
    for u in ups:
        u.start()
    for u in ups:
        u.join()
    assert len(lines) == 3 and len(set(lines)) == 1
    assert len(programs_of(t.state)) == 3


def test_up_without_ingest_gets_it_by_a_second_up(fresh_tally, clip):
    t = fresh_tally("--no-ingest")
    assert not os.path.exists(os.path.join(t.state, "run", "ingest.pid"))
    t.up("--source", clip)
    assert alive(t.pid("ingest"))
    again = dev("up", "--state", t.state, "--source", ROOT / "dev",
                check=False)
    assert again.returncode == 1 and "source" in again.stderr


def test_a_missing_source_is_named(tmp_path):
    done = dev("up", "--state", tmp_path / "s", "--source",
               tmp_path / "none.avi", check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert str(tmp_path / "none.avi") in done.stderr
    assert not (tmp_path / "s" / "run" / "api.pid").exists()


def test_a_source_that_is_no_video_is_named(fresh_tally, tmp_path):
    t = fresh_tally("--no-ingest")
    text = tmp_path / "text.avi"
    text.write_text("This is no video.\n")
    done = dev("up", "--state", t.state, "--source", text, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert str(text) in done.stderr
    assert t.health()


# ---- the port

def test_a_state_keeps_its_port(fresh_tally, port):
    t = fresh_tally("--no-ingest", "--port", str(port))
    t.down()
    assert t.up("--no-ingest")["url"] == f"http://127.0.0.1:{port}"


def test_a_busy_port_is_an_error_only_where_it_was_named(
        fresh_tally, port):
    t = fresh_tally("--no-ingest", "--port", str(port))
    assert t.url == f"http://127.0.0.1:{port}"
    t.up("--no-ingest", "--port", str(port))
    t.down()
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", port))
        s.listen()
        done = dev("up", "--no-ingest", "--state", t.state, "--port",
                   port, check=False)
        assert done.returncode not in (0, 2) and done.stdout == ""
        assert f"{port}" in done.stderr and "busy" in done.stderr
        t.options = ("--no-ingest",)
        assert t.up()["url"] != f"http://127.0.0.1:{port}"
        assert t.health()


def test_ingest_follows_an_api_that_had_to_move(fresh_tally, clip):
    t = fresh_tally("--source", clip)
    before = pids(t)
    t.kill("api")
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(t.address)
        s.listen()
        t.up()
    assert [p for p in PROGRAMS if t.pid(p) != before[p]] == ["ingest", "api"]
    end = time.monotonic() + 120
    while not t.sql("SELECT * FROM count_record"):
        assert time.monotonic() < end, t.log("ingest")
        time.sleep(0.2)


def test_a_running_api_is_not_moved_to_another_port(fresh_tally, port):
    t = fresh_tally("--no-ingest")
    done = dev("up", "--no-ingest", "--state", t.state, "--port", port,
               check=False)
    assert done.returncode == 1 and str(port) in done.stderr
    assert t.health()


# ---- processes and files

def test_the_pid_files_name_the_programs(fresh_tally, clip):
    t = fresh_tally("--source", clip)
    for program, pid in pids(t).items():
        name = "mariadbd" if program == "mariadb" else "tally-" + program
        exe = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        assert exe == name
        assert os.path.getsize(os.path.join(t.state, "log",
                                            program + ".log")) > 0


def test_background_programs_hold_no_descriptors_of_their_caller(
        fresh_tally, clip):
    t = fresh_tally("--no-ingest")
    t.down()
    ours, theirs = os.pipe()
    high = os.dup2(theirs, 47, inheritable=True)
    os.close(theirs)
    p = subprocess.Popen(
        [ROOT / "dev", "up", "--state", t.state, "--source", clip],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, pass_fds=[high])
    os.close(high)
    out, _ = p.communicate(timeout=120)  # waits for the end of both pipes
    assert p.returncode == 0 and json.loads(out)["state"] == t.state
    assert os.read(ours, 1) == b"", "descriptor 47 was closed by all"
    os.close(ours)
    for pid in pids(t).values():
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
        assert os.getsid(pid) == pid


def test_a_pid_file_from_before_a_reboot_is_not_believed(fresh_tally):
    t = fresh_tally("--no-ingest")
    t.down()
    stranger = subprocess.Popen(["sleep", "1000"])
    try:
        run = pathlib.Path(t.state, "run")
        for program in PROGRAMS:
            (run / f"{program}.pid").write_text(f"{stranger.pid}\n")
        t.up()
        assert stranger.pid not in pids(t, PROGRAMS[1:]).values()
        (run / "worker.pid").rename(run / "worker.kept")
        (run / "worker.pid").write_text(f"{stranger.pid}\n")
        dev("down", "--state", t.state)
        assert stranger.poll() is None, "down killed a process not its own"
        left = programs_of(t.state)
        assert left == [int((run / "worker.kept").read_text())]
        os.kill(left[0], signal.SIGTERM)
    finally:
        stranger.kill()
        stranger.wait()


def test_a_long_path_of_the_state_works(fresh_tally, tmp_path):
    state = tmp_path / ("long-" * 30) / "state"
    t = fresh_tally("--no-ingest", state=state)
    assert len(t.db_socket.encode()) <= 107
    assert t.sql("SELECT 1") == [(1,)]
    folder = os.path.dirname(t.db_socket)
    assert os.stat(folder).st_mode & 0o777 == 0o700
    socket_before = t.db_socket
    assert t.up()["db_socket"] == socket_before
    t.down()
    assert not os.path.exists(folder)
    t.up()
    assert t.sql("SELECT 1") == [(1,)]


def test_a_path_with_blanks_and_quotes_works(fresh_tally, tmp_path):
    t = fresh_tally("--no-ingest", state=tmp_path / 'a "b" \\ c\' $d é')
    assert t.state == str(tmp_path / 'a "b" \\ c\' $d é')
    assert t.health()
    assert t.sql("SELECT 1") == [(1,)]


def test_secrets_are_in_one_file_only(fresh_tally, clip):
    t = fresh_tally("--source", clip)
    access = os.path.join(t.state, "run", "access.json")
    assert os.stat(access).st_mode & 0o777 == 0o600
    with open(access, encoding="utf-8") as f:
        kept = json.load(f)
    secrets = [kept[k] for k in ("admin_token", "read_token", "ingest_token",
                                 "password")]
    assert secrets == [t.admin_token, t.read_token, t.ingest_token,
                       t.password]
    t.request("GET", "/api/v1/cameras", t.read_token)
    t.request("GET", "/api/v1/cameras", t.read_token + "x")
    t.down()
    for path in pathlib.Path(t.state).rglob("*"):
        if path.is_file() and str(path) != access:
            data = path.read_bytes()
            for secret in secrets:
                assert secret.encode() not in data, path


# ---- down

def test_down_is_idempotent_and_keeps_the_data(fresh_tally, tmp_path):
    t = fresh_tally("--no-ingest")
    t.sql("CREATE TABLE dev_kept (n INT)")
    tokens = t.admin_token, t.read_token, t.ingest_token
    for _ in range(2):
        done = dev("down", "--state", t.state)
        assert done.stdout == ""
        assert not programs_of(t.state)
    # Where somebody made a key there are backups from then on.
    t.run_tally("backup", "key", os.path.join(t.state, "backup.key"))
    os.unlink(os.path.join(t.state, "backup.key"))
    assert t.up() and (t.admin_token, t.read_token, t.ingest_token) == tokens
    wait_for(lambda: t.health()["checks"]["backup"][
        "wanted_since"])
    assert t.run_tally("backup", "--now").stdout.startswith(
        os.path.join(t.state, "backup", "backup_tally_"))
    assert t.sql("SHOW TABLES LIKE 'dev_kept'") == [("dev_kept",)]
    assert dev("down", "--state", tmp_path / "never").returncode == 0
    assert not (tmp_path / "never").exists()


def test_down_ends_what_does_not_listen(fresh_tally):
    t = fresh_tally("--no-ingest")
    os.kill(t.pid("api"), signal.SIGSTOP)
    dev("down", "--state", t.state, timeout=120)
    assert not programs_of(t.state)


# ---- run

@pytest.fixture
def run_tally(tmp_path):
    """Starts ./dev run and waits for what it prints to the operator."""
    started = []

    def start(*options):
        state = str(tmp_path / "run")
        p = subprocess.Popen(
            [ROOT / "dev", "run", "--state", state, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True)
        started.append((p, state))
        said = ""
        while "Ctrl-C" not in said:
            line = p.stdout.readline()
            assert line, p.stderr.read()
            said += line
        return p, state, said

    yield start
    for p, state in started:
        p.kill()
        p.communicate()
        dev("down", "--state", state, check=False)
        shutil.rmtree(state, ignore_errors=True)


@pytest.mark.parametrize("victim", PROGRAMS)
def test_run_stops_all_when_a_program_dies(run_tally, clip, victim):
    p, state, _ = run_tally("--source", clip)
    assert len(programs_of(state)) == 4
    pid = int(pathlib.Path(state, "run", victim + ".pid").read_text())
    os.kill(pid, signal.SIGKILL)
    _, err = p.communicate(timeout=120)
    assert p.returncode not in (0, -9)
    assert f"{victim} ended" in err
    assert not programs_of(state)


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_run_ends_cleanly_when_told_to(run_tally, sig):
    p, state, said = run_tally("--no-ingest")
    with open(os.path.join(state, "run", "access.json"),
              encoding="utf-8") as f:
        access = json.load(f)
    assert "http://127.0.0.1:" in said
    assert access["user"] in said and access["password"] in said
    os.killpg(p.pid, sig)
    p.communicate(timeout=120)
    assert p.returncode == 0
    assert not programs_of(state)


def test_run_told_to_end_while_mariadb_starts_does_not_hang(tmp_path):
    state = tmp_path / "state"
    dev("up", "--state", state, "--no-ingest")
    dev("down", "--state", state)
    with subprocess.Popen(
            ["./dev", "run", "--state", state, "--no-ingest"], cwd=ROOT,
            text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True) as p:
        while "starting MariaDB" not in (line := p.stderr.readline()):
            assert line
        time.sleep(0.1)
        os.killpg(p.pid, signal.SIGINT)
        p.communicate(timeout=120)
    assert p.returncode == 0
    assert not programs_of(str(state))


# ---- wrong use

@pytest.mark.parametrize("command, named", [
    (["up", "--frobnicate"], "--frobnicate"),
    (["up", "left-over"], "left-over"),
    (["up", "--port"], "--port"),
    (["up", "--port", "http"], "http"),
    (["up", "--port", "65536"], "65536"),
    (["up", "--port", "0"], "0"),
    (["up", "--state="], "--state"),
    (["down", "--port", "80"], "down"),
    (["run", "--interval", "5"], "--interval"),
    (["test", "--fast"], "--fast"),
    (["bench", "no-such-bench"], "no-such-bench"),
    (["fuzz", "no-such-fuzzer"], "no-such-fuzzer"),
    (["models"], "models"),
    (["upp"], "upp"),
])
def test_wrong_use_is_named_and_exits_2(command, named):
    done = dev(*command, check=False, timeout=120)
    assert done.returncode == 2
    assert done.stdout == "" and named in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_is_no_error():
    done = dev("help")
    for command in ("run", "up", "down", "test", "bench", "fuzz", "models"):
        assert f"\n  {command} " in done.stdout
    assert dev(check=False).returncode == 2


# ---- packages and models

def test_without_root_the_line_of_apt_is_printed(tmp_path):
    """An empty package database, a user who may not become root."""
    (tmp_path / "status").touch()
    command = ["setpriv", "--no-new-privs", str(ROOT / "dev"), "up",
               "--state", str(tmp_path / "s")]
    if os.geteuid() == 0:
        command[1:1] = ["--reuid=65534", "--regid=65534", "--clear-groups"]
        for folder in (ROOT, *ROOT.parents):
            if not folder.stat().st_mode & 0o001:
                pytest.skip(f"{folder} is closed to other users")
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, timeout=120,
        env={**os.environ, "DPKG_ADMINDIR": str(tmp_path)})
    assert done.returncode == 3 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    line = done.stderr.split()
    for package in ("apt-get", "--no-install-recommends", "make", "gcc",
                    "mariadb-server-core", "libevent-dev"):
        assert package in line


def test_models_are_checked_before_they_are_taken(tmp_path):
    done = dev("models", tmp_path, check=False)
    assert done.returncode == 1
    assert "yolo-fastest-1.1/yolo-fastest-1.1.cfg" in done.stderr
    (tmp_path / "yolo-fastest-1.1.cfg").write_text("[net]\n")
    done = dev("models", tmp_path, check=False)
    assert done.returncode == 1 and "sha256" in done.stderr
    assert dev("models", tmp_path / "none", check=False).returncode == 1


def test_the_first_folder_that_holds_all_models_is_taken(
        fresh_tally, clip, tmp_path):
    models = SHARED / "models"
    if not models.exists():
        pytest.skip(f"no models: {models} is not there")
    for file in models.glob("*/*"):  # without its modes
        (tmp_path / "mine" / file.parent.name).mkdir(
            parents=True, exist_ok=True)
        shutil.copyfile(file, tmp_path / "mine" / file.parent.name / file.name)
    t = fresh_tally("--source", clip, TALLY_MODELS=str(tmp_path / "mine"))
    ini = pathlib.Path(t.state, "run", "tally.ini").read_text()
    assert f"models_dir = {tmp_path / 'mine'}\n" in ini
    t.down()
    shutil.rmtree(tmp_path / "mine")
    t.env["TALLY_MODELS"] = str(tmp_path / "mine")
    t.up()
    ini = pathlib.Path(t.state, "run", "tally.ini").read_text()
    assert str(tmp_path / "mine") not in ini
