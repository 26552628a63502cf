# SPDX-License-Identifier: MIT
"""
Cameras as tally-ingest meets them: one that dies and comes back, a log-in, a
playlist that wants more than it may, settings read anew while others count.
Rows are read from the report that each camera writes.
"""
import contextlib
import csv
import datetime
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import threading
import time

import pytest

from pki import Authority
from running import BUILD, ROOT, SHARED, free_port

CLIP = ROOT / "var/cache/vtest.avi"
FACES = SHARED / "data/videos/face-demographics-walking-preview.mp4"
USER, PASSWORD = "adm in", "s3cret @/%?"


def clip():
    """The real clip; dev fetches it for its own runs."""
    if CLIP.exists():
        return CLIP
    if FACES.exists():
        return FACES
    pytest.skip("no clip here")


def until(what, seconds=120):
    """Waits for a state."""
    end = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.05)
    return got


class Ingest:
    """A tally-ingest whose API is nowhere, so that its rows stay with it."""

    def __init__(self, home, text, general=""):
        self.home = pathlib.Path(home)
        self.ini = self.home / "tally.ini"
        self.general = general
        (self.home / "token").write_text("token")
        (self.home / "password").write_text(PASSWORD + "\n")
        self.set(text)
        self.log_path = self.home / "log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [ROOT / BUILD / "tally-ingest", "--config", self.ini],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.home)

    def set(self, text):
        self.ini.write_text(
            f"[ingest]\nurl = http://127.0.0.1:1\nengine = motion\n"
            f"interval_s = 1\ntoken_file = {self.home}/token\n"
            f"spool_dir = {self.home}/spool\n{self.general}\n{text}")

    def reload(self, text):
        told = self.log().count("settings read anew")
        self.set(text)
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.log().count("settings read anew") > told)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def rows(self, camera):
        path = self.home / f"{camera}.csv"
        if not path.exists():
            return []
        with open(path, newline="", encoding="utf-8") as f:
            return [r for r in csv.DictReader(f) if r["observed_s"]]

    def wait_for_rows(self, camera, n):
        return until(lambda: len(r := self.rows(camera)) >= n and r)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(120) == 0, self.log()
        finally:
            self.process.kill()
        assert "Sanitizer" not in self.log(), self.log()
        assert "runtime error" not in self.log(), self.log()


@pytest.fixture
def ingest(tmp_path):
    made = []

    def make(text, **kwargs):
        made.append(Ingest(tmp_path, text, **kwargs))
        return made[-1]

    yield make
    for i in made:
        i.process.kill()
        i.process.wait()


class Server:
    """A real RTSP server, at the port it had before."""

    def __init__(self, method):
        self.method, self.port = method, free_port()
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [ROOT / BUILD / "rtsp-server", str(self.port), self.method, USER,
             PASSWORD, clip()], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline(), "the RTSP server does not start"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def under_tls(server_, folder):
    """Lets a server, before its thread starts, speak TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*Authority(folder, "cameras").sign("camera"))
    server_.socket = context.wrap_socket(server_.socket, server_side=True)
    return server_


class Front(socketserver.BaseRequestHandler):
    """Passes on what comes to the port of another server, and its answers."""

    def handle(self):
        with socket.create_connection(("127.0.0.1", self.server.to)) as s:
            threading.Thread(target=pump, args=(s, self.request),
                             daemon=True).start()
            pump(self.request, s)


def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


@pytest.fixture
def server():
    if not CLIP.exists():
        pytest.skip("no clip here")
    subprocess.run(["make", "-s", *(["SANITIZE=1"] if BUILD == "build-san"
                                    else []), f"{BUILD}/rtsp-server"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    made = []

    def make(method):
        made.append(Server(method))
        return made[-1]

    yield make
    for s in made:
        s.kill()


def camera(code, source, *more):
    return "\n".join([f'[camera "{code}"]', f"source = {source}",
                      f"report = {code}.csv", *more, ""])


def starts(rows):
    return [r["start_at"] for r in rows]


def in_order(rows):
    """Each interval once, and rising."""
    assert starts(rows) == sorted(set(starts(rows)))


def seconds(at):
    return int(time.mktime(time.strptime(at, "%Y-%m-%dT%H:%M:%SZ")))


def no_secret(ingest):
    """Neither in what it wrote, nor where others can look."""
    seen = ingest.log()
    for part in ("cmdline", "environ"):
        seen += pathlib.Path("/proc", str(ingest.process.pid),
                             part).read_text(errors="replace")
    for secret in (PASSWORD, "s3cret", "adm%20in", USER):
        assert secret not in seen, secret


def once_per_cause(log, code):
    """Between two times that pictures came, no cause is told twice."""
    causes = []
    for line in log.splitlines():
        if f"camera {code}: pictures from" in line:
            assert " s and " in line and line.endswith(("tries", "try"))
            assert causes, "an end without a beginning"
            causes = []
        elif f"camera {code}: no pictures from" in line:
            causes.append(line.split("no pictures from", 1)[1])
            assert len(set(causes)) == len(causes), log


def test_a_camera_that_dies_is_a_gap_and_comes_back(ingest, server):
    digest, basic = server("digest"), server("basic")
    login = f"user = {USER}", "password_file = password", "retry_max_s = 1"
    i = ingest(camera("d", f"rtsp://127.0.0.1:{digest.port}/clip",
                      "stall_s = 2", *login) +
               camera("b", f"rtsp://127.0.0.1:{basic.port}/clip", *login) +
               camera("w", f"rtsp://wrong:s3cret@127.0.0.1:{basic.port}/clip",
                      "retry_max_s = 1"))
    i.wait_for_rows("d", 2)
    i.wait_for_rows("b", 2)
    no_secret(i)

    # One falls silent, one is gone; the third was never let in.
    digest.process.send_signal(signal.SIGSTOP)
    basic.kill()
    until(lambda: "no picture for 2 s" in i.log())
    until(lambda: i.log().count("camera b: no pictures") == 2)
    before = {c: i.rows(c) for c in "db"}
    time.sleep(4)
    assert len(i.rows("b")) - len(before["b"]) <= 1

    digest.process.send_signal(signal.SIGCONT)
    basic.start()
    for c in "db":
        until(lambda: f"camera {c}: pictures from" in i.log())
        i.wait_for_rows(c, len(before[c]) + 3)
        rows = i.rows(c)
        in_order(rows)
        at = [seconds(s) for s in starts(rows)]
        assert max(b - a for a, b in zip(at, at[1:])) >= 3, "no gap"
    log = i.log()
    for c in "dbw":
        once_per_cause(log, c)
    assert "Connection refused" in log
    # A wrong password is a cause of its own.
    assert log.count("name or password refused") == 1, log
    assert i.rows("w") == []
    no_secret(i)
    i.stop()


def test_settings_read_anew_leave_other_cameras_alone(ingest):
    same, speed = camera("same", clip()), "fps = 5"
    i = ingest(same + camera("changed", clip()) + camera("removed", clip()))
    for c in ("same", "changed", "removed"):
        i.wait_for_rows(c, 2)

    # What is wrong changes nothing.
    i.set(same + camera("changed", "ftp://nowhere/") + "fsp = 1\n")
    i.process.send_signal(signal.SIGHUP)
    until(lambda: "settings stay as they are" in i.log())
    assert f"{i.ini}:" in i.log()

    before = i.rows("removed")
    removed = (i.home / "removed.csv").read_text()
    i.reload(same + camera("changed", clip(), speed) + camera("new", clip()))
    last = (i.home / "removed.csv").read_text()
    assert last.startswith(removed)
    assert len(i.rows("removed")) > len(before), "its last interval is lost"
    for c in ("same", "changed", "new"):
        i.wait_for_rows(c, len(i.rows(c)) + 3)
    assert (i.home / "removed.csv").read_text() == last
    in_order(i.rows("changed"))
    log = i.log()
    assert log.count("camera same: ") == 1, "it was touched"
    assert "camera changed: stopped: its settings changed" in log
    assert "camera removed: stopped: it was taken out" in log
    i.stop()
    rows = i.rows("same")
    in_order(rows)
    at = [seconds(s) for s in starts(rows)]
    assert max(b - a for a, b in zip(at, at[1:])) < 5, "a hole in what went on"


def children(pid):
    """Processes that any thread of it has started."""
    found = []
    for task in pathlib.Path("/proc", str(pid), "task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the thread has ended
            found += map(int, (task / "children").read_text().split())
    return found


MODELS = pathlib.Path(os.environ.get("TALLY_MODELS") or SHARED / "models")


@pytest.mark.skipif(not (ROOT / BUILD / "tally-darknet").exists(),
                    reason="Darknet is not there; ./dev darknet builds it")
@pytest.mark.skipif(not MODELS.exists(), reason="no models here")
def test_a_darknet_that_hangs_is_ended_and_holds_up_no_other_camera(ingest):
    i = ingest(camera("hangs", clip(), "engine = darknet", "fps = 0.5",
                      "interval_s = 2", "face_cfg =", "detect_timeout_s = 9",
                      f"models_dir = {MODELS}") + camera("other", clip()),
               general="detectors = 2")
    i.wait_for_rows("hangs", 2)
    (child,) = children(i.process.pid)
    os.kill(child, signal.SIGSTOP)
    i.wait_for_rows("other", len(i.rows("other")) + 3)
    # It is ended, not waited for, and another one takes its place.
    until(lambda: child not in children(i.process.pid))
    until(lambda: "a picture is lost: tally-darknet was ended by signal 9"
          in i.log())
    until(lambda: "tally-darknet works again" in i.log())
    i.wait_for_rows("hangs", len(i.rows("hangs")) + 2)
    i.stop()
    assert not pathlib.Path("/proc", str(child)).exists()


def recorded_at(path, to, at):
    """A copy of an MP4 whose movie header says when it was recorded."""
    data = bytearray(path.read_bytes())
    head = data.index(b"mvhd")
    assert data[head + 4] == 0, "of 32 bits"
    since_1904 = (datetime.datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ")
                  - datetime.datetime(1904, 1, 1)) // datetime.timedelta(
                      seconds=1)
    data[head + 8:head + 12] = since_1904.to_bytes(4, "big")
    to.write_bytes(data)


@pytest.mark.skipif(not FACES.exists(), reason="needs ../shared/data/videos")
def test_a_file_is_counted_at_the_time_it_was_recorded(ingest, tmp_path):
    recorded_at(FACES, tmp_path / "told.mp4", "2026-03-04T05:06:07Z")
    files = ["speed = max", "start = recorded"]
    i = ingest(camera("told", tmp_path / "told.mp4", *files) +
               camera("not", clip(), *files) + camera("live", clip()))
    first = i.wait_for_rows("told", 2)[0]
    assert (first["start_at"], first["observed_s"]) == (
        "2026-03-04T05:06:07Z", "1")
    assert "camera not: start: the file does not say when it was recorded" \
        in i.log()
    i.wait_for_rows("live", 2)
    assert i.rows("not") == []
    i.process.send_signal(signal.SIGTERM)
    assert i.process.wait(120) == 2, "the one that does not run"


def test_the_interval_that_runs_at_the_end_is_kept_in_part(ingest):
    i = ingest(camera("a", clip(), "interval_s = 3600"))
    until(lambda: (s := status_of(i)) and s["cameras"][0]["pictures"] > 10)
    i.stop()
    rows = i.rows("a")
    assert 1 <= len(rows) <= 2, "an hour may have ended"
    assert 1 <= int(rows[-1]["observed_s"]) < 3600
    totals = json.loads([ln for ln in i.log().splitlines()
                         if ln.startswith("{")][-1])
    assert totals["waiting"] == len(rows) and totals["stored"] == 0


def status_of(i):
    done = subprocess.run(
        [ROOT / BUILD / "tally-ingest", "--status", "--config", i.ini],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def test_every_fault_is_told_with_its_place(tmp_path):
    ini = tmp_path / "t.ini"
    ini.write_text('[ingest]\ninterval_s = 7\nprot = 1\n[camera "a"]\n'
                   "source = ftp://u:s3cret@h/\nfps = 0.1\n"
                   '[camera "b"]\nstart = now\nspeed = max\n'
                   "source = rtsp://h/\npassword_file = /nowhere/pw\n"
                   "engine = yolo\nclasses = person=dogs\n"
                   "object_input = 320\n[ingest]\nurl = ftp://h\n"
                   "token_file = /nowhere/token\n")
    done = subprocess.run(
        [ROOT / BUILD / "tally-ingest", "-n", "--config", ini],
        capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert sorted(done.stderr.splitlines()) == sorted([
        f"{ini}:3: unknown setting ingest.prot",
        f"{ini}:5: camera a: source: is none of a path, rtsp://, rtsps://, "
        "http:// and https://",
        f"{ini}:2: camera a: interval_s: does not divide an hour",
        f"{ini}:6: camera a: fps: is neither 0 nor from 0.5",
        f"{ini}:11: camera b: password_file: No such file or directory",
        f"{ini}:8: camera b: start: is neither recorded nor an RFC 3339 time "
        "with an offset, in whole seconds",
        f"{ini}:2: camera b: interval_s: does not divide an hour",
        f"{ini}:12: camera b: engine: is none of auto, opencv, darknet, "
        "motion",
        f'{ini}:13: camera b: classes: "person=dogs": unknown metric',
        f"{ini}:14: camera b: object_input: is not WIDTHxHEIGHT, multiples "
        "of 32 up to 2048",
        f"{ini}:16: ingest.url: is not http://HOST or https://HOST"])
    done = subprocess.run(
        [ROOT / BUILD / "tally-ingest", "--source", "rtsp://u:s3cret@h/"],
        capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "s3cret" not in done.stderr
    ini = tmp_path / "cameras.ini"
    ini.write_text((ROOT / "config/cameras.ini").read_text()
                   .replace("/etc/tally/ingest.token", f"{tmp_path}/token"))
    for token, code, said in (
            ("", 2, f"{ini}:5: ingest.token_file: No such file or directory"),
            (" ", 2, f"{ini}:5: ingest.token_file: holds neither a token nor "
             "a JSON object with ingest_token"),
            ("tly_x", 0, "ok")):
        if token:
            (tmp_path / "token").write_text(token)
        sample = subprocess.run(
            [ROOT / BUILD / "tally-ingest", "-n", "--config", ini],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        assert (sample.returncode, sample.stdout) == (code, said + "\n")


def test_probe_tells_what_a_camera_offers(server, tmp_path):
    s = server("digest")
    tls = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Front)
    tls.to, tls.daemon_threads = s.port, True
    threading.Thread(target=under_tls(tls, tmp_path).serve_forever,
                     daemon=True).start()
    (tmp_path / "password").write_text(PASSWORD)
    ini = tmp_path / "t.ini"
    ini.write_text("[ingest]\nengine = motion\n" + camera(
        "gate", f"rtsp://127.0.0.1:{s.port}/clip", f"user = {USER}",
        f"password_file = {tmp_path}/password") + camera(
            "tls", f"rtsps://127.0.0.1:{tls.server_address[1]}/clip",
            f"user = {USER}", f"password_file = {tmp_path}/password"))

    def probe(what):
        png = tmp_path / "p.png"
        png.unlink(missing_ok=True)
        done = subprocess.run(
            [ROOT / BUILD / "tally-ingest", "--config", ini, "probe", what,
             png], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "s3cret" not in done.stdout + done.stderr
        head = png.read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        size = [int.from_bytes(head[i:i + 4], "big") for i in (16, 20)]
        assert size == [768, 576]
        return dict(line.split(None, 1) for line in done.stdout.splitlines())

    live, file, secure = probe("gate"), probe(CLIP), probe("tls")
    tls.shutdown()
    tls.server_close()
    assert (secure["codec"], secure["container"]) == ("mjpeg", "rtsp")
    assert live["source"] == f"rtsp://127.0.0.1:{s.port}/clip"
    assert (live["codec"], live["container"]) == ("mjpeg", "rtsp")
    assert 9 < float(live["times"].split("of the stream, ")[1].split()[0]) < 11
    assert file["codec"] == "msmpeg4v3"
    assert file["length"] == "795 pictures, 79.50 s"
    assert file["recorded"] == "not told"
    assert live["size"] == file["size"] == "768 x 576, looked at as 768 x 576"


class Web(http.server.BaseHTTPRequestHandler):
    """An MJPEG camera with a log-in, and a server that means harm."""

    def log_message(self, *_):
        pass

    @classmethod
    def serve(cls, home):
        server_ = http.server.ThreadingHTTPServer(("127.0.0.1", 0), cls)
        server_.home, server_.daemon_threads = home, True
        return server_

    def do_GET(self):
        if self.path == "/playlist":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(
                b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n" +
                f"file://{clip()}\n".encode())
            return
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", f"file://{clip()}")
            self.end_headers()
            return
        if not self.headers.get("Authorization", "").startswith("Basic "):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type",
                         "multipart/x-mixed-replace; boundary=edge")
        self.end_headers()
        image = (pathlib.Path(self.server.home) / "0.jpg").read_bytes()
        try:
            while True:
                self.wfile.write(
                    b"--edge\r\nContent-Type: image/jpeg\r\nContent-Length: " +
                    str(len(image)).encode() + b"\r\n\r\n" + image + b"\r\n")
                time.sleep(0.1)
        except OSError:
            pass


# The least JPEG that is one: 16 x 16, grey.
GREY = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb0043000806060706050807070709"
    "0908" "0a0c140d0c0b0b0c1912130f141d1a1f1e1d1a1c1c20242e2720222c231c1c28"
    "37292c30313434341f27393d38323c2e333432ffc0000b080010001001011100ffc4001f"
    "0000010501010101010100000000000000000102030405060708090a0bffc400b5100002"
    "010303020403050504040000017d01020300041105122131410613516107227114328191"
    "a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a43"
    "4445464748494a535455565758595a636465666768696a737475767778797a8384858687"
    "88898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7"
    "c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9faffda0008"
    "010100003f00fbdf8a2800ffd9")


def test_http_and_folders_within_what_is_allowed(ingest, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for n in range(4):
        (folder / f"{n}.jpg").write_bytes(GREY)
    (folder / "2.jpg").write_bytes(b"no image")
    (folder / "notes.txt").write_text("left out")
    os.mkfifo(folder / "3a.jpg")
    shutil.copy(folder / "0.jpg", tmp_path / "0.jpg")
    web, tls = Web.serve(tmp_path), under_tls(Web.serve(tmp_path), tmp_path)
    for server_ in (web, tls):
        threading.Thread(target=server_.serve_forever, daemon=True).start()
    at = f"127.0.0.1:{web.server_address[1]}"
    i = ingest(camera("tls", "https://viewer:s3cret@127.0.0.1:"
                      f"{tls.server_address[1]}/m") +
        camera("mjpeg", f"http://viewer:s3cret@{at}/m") +
               camera("list", f"http://{at}/playlist", "retry_max_s = 1") +
               camera("redirect", f"http://{at}/redirect", "retry_max_s = 1") +
               camera("open", f"http://{at}/m", "retry_max_s = 1") +
               camera("folder", folder, "speed = max", "fps = 1",
                      "start = 2026-01-01T00:00:00Z"))
    i.wait_for_rows("mjpeg", 2)
    i.wait_for_rows("tls", 2)
    assert [r["observed_s"] for r in i.wait_for_rows("folder", 3)][0] == "1"
    assert starts(i.rows("folder"))[0] == "2026-01-01T00:00:00Z"
    for c in ("list", "redirect", "open"):
        until(lambda: f"camera {c}: no pictures from" in i.log())
        assert i.rows(c) == []
    assert "name or password refused" in i.log()
    assert "s3cret" not in i.log()
    i.process.send_signal(signal.SIGTERM)
    # The damaged images of the folder are told at the end.
    assert i.process.wait(120) == 4
    assert "2 pictures lost or spoiled" in i.log()
    for server_ in (web, tls):
        server_.shutdown()
        server_.server_close()
