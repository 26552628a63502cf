# SPDX-License-Identifier: MIT
"""
backup: `tally backup` and `tally restore` beside mariadb-dump | zstd and its
way back, on the same rows in the same run.

The rows are a million (TALLY_BENCH_ROWS) of ten cameras, on a schema of their
own, and the hours that a roll-up made of a month of them.  MB is the size of
mariadb-dump's text, for both; the peak is the largest resident memory of a
process.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import pymysql

ROWS = int(os.environ.get("TALLY_BENCH_ROWS", "1000000"))
SOCKET, USER = os.environ["TALLY_DB_SOCKET"], os.environ["TALLY_DB_USER"]
TALLY = [os.path.join(os.environ["TALLY_BUILD"], "tally"), "--config",
         os.environ["TALLY_CONFIG"], "--set", "database.name=bench_backup"]
CLIENT = ["--no-defaults", f"--socket={SOCKET}", f"--user={USER}"]


def sql(*queries, database="bench_backup"):
    with pymysql.connect(unix_socket=SOCKET, user=USER, database=database,
                         autocommit=True) as c, c.cursor() as cursor:
        for q in queries:
            cursor.execute(q)
        return cursor.fetchall()


def fill():
    subprocess.run([*TALLY, "migrate"], check=True, stdout=subprocess.DEVNULL)
    sql("ALTER EVENT tally_minute DISABLE")
    for i in range(10):
        subprocess.run([*TALLY, "camera", "add", f"gate-{i}"], check=True,
                       stdout=subprocess.DEVNULL)
    sql("SET time_zone = '+00:00', @tally_bulk = 1",
        "SELECT MIN(camera_id) INTO @first FROM camera WHERE code <> "
        "'default'",
        "INSERT INTO count_record (camera_id, start_at, end_at, people, "
        "vehicle, face, people_new, vehicle_new, car, bus) SELECT @first + "
        "seq % 10, UTC_DATE() - INTERVAL 1 YEAR + INTERVAL seq DIV 10 MINUTE,"
        " UTC_DATE() - INTERVAL 1 YEAR + INTERVAL 1 + seq DIV 10 MINUTE, "
        "seq * 7 % 37, seq % 11, seq % 3, seq % 13, seq % 5, seq % 7, "
        f"seq % 2 FROM seq_0_to_{ROWS - 1}",
        "INSERT IGNORE INTO dirty_quarter (start_at, camera_id) SELECT "
        "DISTINCT start_at - INTERVAL (TO_SECONDS(start_at) MOD 900) SECOND, "
        "camera_id FROM count_record WHERE start_at < UTC_DATE() - INTERVAL "
        "11 MONTH",
        "CALL roll_up_now(600)")


def timed(command, shell=False):
    """(seconds, peak in MB of the largest of its processes)."""
    begun = time.monotonic()
    p = subprocess.Popen(["bash", "-o", "pipefail", "-c", command]
                         if shell else command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        sys.exit(f"failed: {command}")
    return time.monotonic() - begun, used.ru_maxrss / 1024


def quoted(words):
    return " ".join(f"'{w}'" for w in words)


def main():
    home = pathlib.Path(tempfile.mkdtemp(prefix="tally-bench-backup-"))
    try:
        fill()
        key = home / "key"
        subprocess.run([*TALLY, "backup", "key", str(key)], check=True,
                       stdout=subprocess.DEVNULL)
        plain, text = home / "plain.zst", home / "size"
        figures = {}
        figures["out, plain"] = timed(
            f"mariadb-dump {quoted(CLIENT)} --single-transaction --routines "
            f"--events --triggers bench_backup | tee >(wc -c > {text}) | "
            f"zstd -q -3 > {plain}", shell=True)
        while not text.read_text():
            time.sleep(0.05)
        figures["out, Tally"] = timed(
            [*TALLY, "--set", f"backup.public_key={key}.pub", "backup", "--to",
             str(home / "to")])
        (file,) = (home / "to").iterdir()
        sql("CREATE OR REPLACE DATABASE bench_plain")
        figures["in, plain"] = timed(
            f"zstd -q -dc {plain} | mariadb {quoted(CLIENT)} bench_plain",
            shell=True)
        figures["in, Tally"] = timed(
            [*TALLY, "restore", str(file), "--key", str(key), "--into",
             "bench_back"])
        (rows,), = sql("SELECT COUNT(*) FROM count_record",
                       database="bench_back")
        if rows != ROWS:
            sys.exit(f"{rows} rows came back, not {ROWS}")
        mb = int(text.read_text()) / 1e6
        print(f"{ROWS} rows of counts, {mb:.0f} MB as SQL; plain "
              f"{plain.stat().st_size / 1e6:.1f} MB, Tally (encrypted, read "
              f"back) {file.stat().st_size / 1e6:.1f} MB\n")
        print(f"{'':12}{'s':>8}{'rows/s':>10}{'MB/s':>8}{'peak MB':>9}"
              f"{'of plain':>10}")
        for name, (seconds, peak) in figures.items():
            ratio = figures[name.split(",")[0] + ", plain"][0] / seconds
            print(f"{name:12}{seconds:8.1f}{ROWS / seconds:10.0f}"
                  f"{mb / seconds:8.1f}{peak:9.0f}{ratio:10.2f}")
    finally:
        shutil.rmtree(home)
        sql("SET foreign_key_checks = 0", *(
            f"DROP DATABASE IF EXISTS bench_{d}"
            for d in ("backup", "plain", "back")), database=None)


if __name__ == "__main__":
    main()
