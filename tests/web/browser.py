# SPDX-License-Identifier: MIT
"""A headless Chromium, driven through driver.mjs."""
import json
import pathlib
import shutil
import subprocess
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent


class Browser:
    """browser.click("#pause") and so on: the actions of driver.mjs."""

    def __init__(self):
        chromium = shutil.which("chromium")
        node = shutil.which("node")
        if not chromium or not node:
            pytest.skip("needs Debian's chromium and nodejs")
        if not (HERE / "node_modules").is_dir():
            pytest.skip("needs `npm ci` in tests/web (./dev test runs it)")
        self.process = subprocess.Popen(
            [node, "driver.mjs", chromium], cwd=HERE, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __getattr__(self, action):
        def act(*words):
            self.process.stdin.write(json.dumps([action, *words]) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            assert line, "the browser has died"
            reply = json.loads(line)
            assert "error" not in reply, reply["error"]
            return reply["ok"]
        return act

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=120)
        self.process.stdout.close()

    def text(self, where):
        return self.evaluate(
            f"document.querySelector({json.dumps(where)})"
            "?.textContent ?? null")

    def until(self, script, seconds=120):
        """Waits until a script gives something true, and returns that."""
        end = time.monotonic() + seconds
        while True:
            try:
                found = self.evaluate(script)
            except AssertionError as e:
                # The page goes elsewhere in the middle of the question.
                if "context was destroyed" not in str(e):
                    raise
                found = None
            if found:
                return found
            assert time.monotonic() < end, f"not within {seconds} s: {script}"
            time.sleep(0.1)
