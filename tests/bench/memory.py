# SPDX-License-Identifier: MIT
"""
bench memory: resident memory of each program at rest and under load.

Rest: everything runs and the clip is being counted, nobody asks for anything.
Load: the same while 64 connections post rows.  The promise is that the API,
the worker and ingest with its models stay within 250 MiB together.
"""
import os
import pathlib
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = pathlib.Path(os.environ["TALLY_STATE"])
PROGRAMS = ("api", "worker", "ingest", "mariadb")
BOUND_MIB = 250


def rss_mib(program):
    pid = (STATE / "run" / f"{program}.pid").read_text().strip()
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    raise RuntimeError(f"{program} has no memory")


def most(seconds, until=None):
    """The most of each program, looked at ten times a second."""
    peak = dict.fromkeys(PROGRAMS, 0.0)
    end = time.monotonic() + seconds
    while time.monotonic() < end and not (until and until()):
        for p in PROGRAMS:
            peak[p] = max(peak[p], rss_mib(p))
        time.sleep(0.1)
    return peak


def main():
    clip = os.environ.get("TALLY_CLIP")
    subprocess.run([ROOT / "dev", "up", "--state", STATE,
                    *(["--source", clip] if clip else [])],
                   stdout=subprocess.DEVNULL, check=True)
    time.sleep(3)
    rest = most(12)
    status = []
    load = threading.Thread(target=lambda: status.append(subprocess.run(
        [ROOT / "build" / "bench" / "post", os.environ["TALLY_URL"],
         os.environ["TALLY_TOKEN_FILE"], os.environ["TALLY_CONFIG"], "3"],
        stdout=subprocess.DEVNULL, check=False).returncode))
    load.start()
    peak = most(120, lambda: not load.is_alive())
    load.join()
    print("memory  MiB           at rest   under load")
    for p in PROGRAMS:
        print(f"memory  {p:<12} {rest[p]:9.1f} {peak[p]:12.1f}")
    ours = [sum(x[p] for p in PROGRAMS[:3]) for x in (rest, peak)]
    print(f"memory  {'without DB':<12} {ours[0]:9.1f} {ours[1]:12.1f}"
          f"   (at most {BOUND_MIB})")
    return 1 if status != [0] or max(ours) > BOUND_MIB else 0


if __name__ == "__main__":
    sys.exit(main())
