# SPDX-License-Identifier: MIT
"""
Fixture db: a schema of one's own, one per test module.  Every answer over HTTP
is held to the API's document; tests marked `last` come behind all others.
"""
import os
import re

import pytest

import apibase
import contract
import running
import sqlbase


def pytest_configure(config):
    config.addinivalue_line("markers", "last: behind all other tests")
    running.watchers.append(contract.saw)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture(scope="module", autouse=True)
def one_hour():
    apibase.begin()


@pytest.fixture(autouse=True)
def as_documented():
    """No test gets an answer that the API's document does not know."""
    before = len(contract.faults)
    yield
    assert not contract.faults[before:], "\n".join(contract.faults[before:])


@pytest.fixture(scope="module")
def schema(request):
    """Made once a module; every test's `db` begins with empty tables."""
    name = "tally_" + re.sub(r"\W", "_", request.module.__name__)
    socket, user = os.environ.get("TALLY_DB_SOCKET"), "root"
    if not socket:
        tally = request.getfixturevalue("tally")
        socket, user = tally.db_socket, tally.db_user
    db = sqlbase.Db(socket, user, name)
    yield db
    db.drop()


@pytest.fixture
def db(schema):
    empty(schema)
    return schema


def empty(db):
    """As after set-up, calendars apart: they take their time to fill."""
    keep = ("time_zone", "time_zone_offset", "calendar_day",
            "calendar_offset", "setting",
            "job_state", "reference_version", "stats_version", "retention")
    db.run("SET foreign_key_checks = 0")
    for (t,) in db.run("SELECT table_name FROM information_schema.tables "
                       "WHERE table_schema = DATABASE() "
                       "AND table_type = 'BASE TABLE'"):
        if t not in keep:
            db.run(f"TRUNCATE TABLE `{t}`")
    db.run("SET foreign_key_checks = 1")
    db.run("UPDATE retention SET kept_from = DEFAULT")
    db.run("UPDATE job_state SET run_at = NULL, event_at = NULL, ok_at = NULL,"
           " error_at = NULL, error = NULL, daily_on = NULL")
