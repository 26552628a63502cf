# SPDX-License-Identifier: MIT
"""
Fixtures: a running Tally of one's own (tests/running.py says what it can).

tally         one for the whole session, without ingest; leave it running
fresh_tally   a factory, for tests that kill things: fresh_tally("--no-ingest")
"""
import signal

import pytest

from running import Tally, finish


def pytest_configure(config):
    # A CI that gives up sends SIGTERM: let the fixtures clean up.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def pytest_make_parametrize_id(val, argname):
    # A body is no name, and one with a time in it is another in each process.
    if isinstance(val, bytes) or isinstance(val, str) and len(val) > 60:
        return argname
    return None


@pytest.fixture(scope="session")
def tally():
    t = Tally("--no-ingest")
    yield t
    finish(t)


@pytest.fixture
def fresh_tally():
    made = []

    def make(*options, **kwargs):
        made.append(Tally(*options, **kwargs))
        return made[-1]

    yield make
    for t in made:
        finish(t)
