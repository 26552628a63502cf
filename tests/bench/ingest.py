# SPDX-License-Identifier: MIT
"""
bench ingest: one tally-ingest with 16 cameras, clips that play at their own
pace, each looked at once a second with the network for people and vehicles.

No picture may be dropped once all of them run, and memory must not grow: less
than 16 MiB, and in the second half of the time less than 4.  Before that, what
the way around decoding and detection adds in CPU, as the bench detect has it.

$TALLY_BENCH_S: seconds to look at it (60; an hour is 3600).
"""
import json
import os
import pathlib
import subprocess
import sys
import time

CAMERAS, GROWTH_MIB, LATE_GROWTH_MIB = 16, 16, 4
SECONDS = float(os.environ.get("TALLY_BENCH_S") or 60)
ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = pathlib.Path(os.environ["TALLY_STATE"]).parent
PROGRAM = str(ROOT / os.environ.get("TALLY_BUILD", "build") / "tally-ingest")


def configuration():
    path = HOME / "ingest.ini"
    clip = os.path.abspath(os.environ["TALLY_CLIP"])
    lines = ["[ingest]", f"url = {os.environ['TALLY_URL']}",
             f"token_file = {os.environ['TALLY_TOKEN_FILE']}",
             f"models_dir = {os.path.abspath(os.environ['TALLY_MODELS'])}",
             f"spool_dir = {HOME / 'ingest-spool'}", "engine = opencv",
             "face_cfg =", "interval_s = 10", "fps = 1"]
    for i in range(CAMERAS):
        lines += [f'[camera "bench-{i}"]', f"source = {clip}"]
    path.write_text("\n".join(lines) + "\n")
    return path


def status(ini):
    """None until it says something."""
    done = subprocess.run([PROGRAM, "--status", "--config", ini],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout) if done.returncode == 0 else None


def used(pid):
    """(CPU seconds, resident MiB)"""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().split(") ")[1]
    fields = fields.split()
    hertz, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    return ((int(fields[11]) + int(fields[12])) / hertz,
            int(fields[21]) * page / 1048576)


def wait_for_all(ingest, ini):
    """Until each camera has had a few pictures."""
    while ingest.poll() is None:
        now = status(ini)
        if now and len(now["cameras"]) == CAMERAS and all(
                c["pictures"] >= 3 for c in now["cameras"]):
            return now
        time.sleep(0.5)
    raise RuntimeError("tally-ingest ended")


def look(ingest, ini):
    before = wait_for_all(ingest, ini)
    cpu, memory = used(ingest.pid)
    begin = time.monotonic()
    time.sleep(SECONDS / 2)
    half = used(ingest.pid)[1]
    time.sleep(SECONDS / 2)
    after = status(ini)
    took = time.monotonic() - begin
    cpu_end, memory_end = used(ingest.pid)

    def of(name):
        return (sum(c[name] for c in after["cameras"])
                - sum(c[name] for c in before["cameras"]))

    return {"rate": of("pictures") / took, "dropped": of("dropped"),
            "cpu": (cpu_end - cpu) / took, "memory": memory_end,
            "growth": memory_end - memory,
            "late": memory_end - half, "waiting":
            after["spool"]["waiting"], "ms": max(
                c["detect_ms"] for c in after["cameras"])}


def cost():
    """Prints what is added to decoding and detection; true: too much."""
    done = subprocess.run([ROOT / "build/bench/detect"], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE)
    for line in done.stdout.splitlines():
        print(f"ingest  one camera: {line}", flush=True)
    return done.returncode


def main():
    if not os.environ.get("TALLY_CLIP"):
        sys.exit("there is no clip")
    costly = cost()
    ini = configuration()
    ingest = subprocess.Popen([PROGRAM, "--config", ini],
                              stdout=subprocess.DEVNULL)
    try:
        r = look(ingest, ini)
    finally:
        ingest.terminate()
        ended = ingest.wait()
    for name, value, note in (
            ("pictures a second", r["rate"], f"{CAMERAS} asked for"),
            ("dropped", r["dropped"], "none"),
            ("processors used", r["cpu"], f"of {os.cpu_count()}"),
            ("slowest of the last detections, ms", r["ms"], ""),
            ("memory, MiB", r["memory"], ""),
            (f"growth in {SECONDS:.0f} s, MiB", r["growth"],
             f"under {GROWTH_MIB}"),
            ("in the second half, MiB", r["late"],
             f"under {LATE_GROWTH_MIB}"),
            ("rows in the spool", r["waiting"], "")):
        print(f"ingest  {name:<36} {value:9.1f}   {note}")
    return 1 if (costly or ended or r["dropped"]
                 or r["growth"] >= GROWTH_MIB or r["late"] >= LATE_GROWTH_MIB
                 or r["rate"] < CAMERAS * 0.95) else 0


if __name__ == "__main__":
    sys.exit(main())
