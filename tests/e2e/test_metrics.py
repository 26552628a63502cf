# SPDX-License-Identifier: MIT
"""GET /metrics and GET /readyz."""
import http.client
import json
import re
import socket

import pytest

import exposition
from apibase import (OtherApi, camera, code, hours_ago, ingest_report, minutes,
                     post, record, row, wait_for)
from routetable import routes
from running import ROOT

TYPE = "text/plain; version=0.0.4; charset=utf-8"
COUNTS = {"route": "/api/v1/counts", "method": "POST"}
NO_ROUTE = {"route": "none", "method": "none"}


class Scraped:
    """One answer of GET /metrics."""

    def __init__(self, tally, token=None):
        status, headers, body = tally.request(
            "GET", "/metrics", token or tally.read_token)
        assert (status, headers["content-type"]) == (200, TYPE)
        self.text = body.decode()
        self.families = exposition.parse(body)

    def sum(self, name, **labels):
        """Of all samples of that name with these labels, and others."""
        family = re.sub("_(bucket|sum|count)$", "", name)
        family = self.families.get(name) or self.families[family]
        return sum(v for (n, having), v in family.samples.items()
                   if n == name and set(labels.items()) <= set(having))

    def labels(self, name, label):
        return {dict(having).get(label) for f in self.families.values()
                for (n, having) in f.samples if n == name}


@pytest.fixture(scope="module")
def own(tally):
    """A process whose counters nobody else moves."""
    api = OtherApi(tally, uploads_max=1, auth_failures_max=1000,
                   body_max="4M", bodies_max="8M")
    yield api.tally
    assert api.stop() == 0


def whole(own):
    """One with what the database says."""
    return wait_for(lambda: (s := Scraped(own)).sum("tally_database_up") and s)


def moved(own, what, name, **labels):
    """By how much a figure moved while something was done."""
    before = Scraped(own).sum(name, **labels)
    what()
    return Scraped(own).sum(name, **labels) - before


def test_what_it_says_is_what_prometheus_reads(own):
    c = camera(own)
    assert post(own, row(c, hours_ago(1)))[0] == 200
    own.request("GET", "/nowhere/" + code())
    own.request("GET", f"/api/v1/cameras/{c}", own.read_token)
    s = whole(own)
    # Every family that has a bound of its own shows it beside.
    for name in ("tally_connections", "tally_pool_connections",
                 "tally_uploads"):
        assert s.sum(name + "_max", process="0") > 0
    assert s.labels("tally_queue_waiting", "queue") == s.labels(
        "tally_queue_max", "queue")
    assert s.sum("process_resident_memory_bytes") > 1 << 20
    assert 3 < s.sum("process_open_fds") < s.sum("process_max_fds")
    assert s.labels("tally_job_last_run_timestamp_seconds", "job") >= {
        "minute"}
    assert s.sum("tally_roll_up_lag_seconds") >= 0


def test_no_label_grows_with_what_is_asked_for(own):
    for path in ("/nowhere/" + code(), "/api/v1/cameras/" + code(),
                 "/static/" + code(), "/api/v1/stats/" + code()):
        own.request("GET", path, own.read_token)
    own.request("BREW", "/")
    s = Scraped(own)
    known = {r.path for r in routes()} | {"none"}
    assert s.labels("tally_http_requests_total", "route") <= known
    assert s.labels("tally_http_requests_total", "method") <= {
        "GET", "POST", "PUT", "PATCH", "DELETE", "none"}
    for secret in (own.read_token, own.admin_token, own.ingest_token):
        assert secret not in s.text and secret[4:] not in s.text


def test_requests_and_rows_are_counted(own):
    c = camera(own)
    rows = [row(c, hours_ago(3) + minutes(5 * i)) for i in range(7)]
    before = Scraped(own)
    assert post(own, rows)[0] == 200
    assert post(own, [{}])[0] == 422
    assert post(own, "[", token=own.ingest_token)[0] == 400
    after = Scraped(own)

    def by(name, **labels):
        return after.sum(name, **labels) - before.sum(name, **labels)

    count = "tally_http_requests_total"
    assert by(count, **COUNTS) == 3
    for status in ("200", "422", "400"):
        assert by(count, **COUNTS, status=status) == 1
    assert by(count, route="/metrics", method="GET") == 1
    assert by("tally_http_request_seconds_count", **COUNTS) == 3
    assert by("tally_http_request_seconds_sum", **COUNTS) > 0
    assert by("tally_rows_written_total") == 7
    assert by("tally_commit_rows_count") == 1
    assert by("tally_commit_rows_sum") == 7
    assert by("tally_commit_rows_bucket", le="4") == 0
    assert by("tally_commit_rows_bucket", le="8") == 1
    assert by("tally_commit_seconds_count") == 1
    assert by("tally_commit_seconds_sum") > 0


def test_what_is_turned_away_is_counted(own):
    refused = "tally_refused_total"

    def framing():
        c = http.client.HTTPConnection(*own.address, timeout=120)
        c.putrequest("GET", "/", skip_host=True)
        c.endheaders()
        assert c.getresponse().status == 400
        c.close()

    assert moved(own, framing, refused, bound="framing") == 1
    assert moved(own, framing, "tally_http_requests_total", **NO_ROUTE,
                 status="400") == 1
    assert moved(own, lambda: own.request("GET", "/api/v1/cameras", "tly_x"),
                 "tally_auth_failures_total") == 1

    def upload():
        """A second one while the first is on its way."""
        first = http.client.HTTPConnection(*own.address, timeout=120)
        first.putrequest("POST", "/api/v1/uploads")
        for header in (("Content-Type", "text/csv"), ("Content-Length", 9),
                       ("Expect", "100-continue"),
                       ("Authorization", "Bearer " + own.ingest_token)):
            first.putheader(*header)
        first.endheaders()
        # It has its place once it may go on.
        assert first.sock.recv(100).startswith(b"HTTP/1.1 100 ")
        assert own.json("POST", "/api/v1/uploads", own.ingest_token, "a\n",
                        {"Content-Type": "text/csv"})[0] == 503
        first.close()

    health = own.health()["checks"]["server"]
    assert moved(own, upload, refused, bound="uploads") == 1
    now = own.health()["checks"]["server"]
    assert now["refused_uploads"] - health["refused_uploads"] == 1
    assert now["requests"] > health["requests"]


def test_bodies_that_are_turned_away_are_counted(own):
    refused = "tally_refused_total"

    def begin(length):
        """Of a body of so many bytes its first one."""
        s = socket.create_connection(own.address, timeout=120)
        s.sendall((f"POST /api/v1/records HTTP/1.1\r\nHost: a\r\n"
                   f"Authorization: Bearer {own.ingest_token}\r\n"
                   f"Content-Length: {length}\r\n\r\n[").encode())
        return s

    def too_large():
        with begin(5 << 20) as s:
            assert s.recv(12) == b"HTTP/1.1 413"

    def too_many():
        with begin(4 << 20):
            wait_for(lambda: Scraped(own).sum("tally_body_bytes") >= 4 << 20)
            with begin(4 << 20) as s:
                assert s.recv(12) == b"HTTP/1.1 503"

    assert moved(own, too_large, refused, bound="bodies") == 1
    assert moved(own, too_many, refused, bound="bodies") == 1


def test_detection_records_are_counted(own):
    c = camera(own)

    def send():
        for _ in range(2):  # the second time it is a duplicate
            assert own.json("POST", "/api/v1/records", own.ingest_token,
                            record(c))[0] == 200

    assert moved(own, send, "tally_records_written_total") == 1


def test_it_wants_a_token_unless_the_setting_lists_the_client(tally, own):
    assert own.request("GET", "/metrics")[0] == 401
    assert own.request("GET", "/metrics", own.ingest_token)[0] == 403
    assert own.request("GET", "/metrics", own.admin_token)[0] == 200
    listed = OtherApi(tally, metrics_from="192.0.2.0/24 127.0.0.0/8")
    assert listed.tally.request("GET", "/metrics")[0] == 200
    assert listed.tally.request("GET", "/api/v1/cameras")[0] == 401
    assert listed.stop() == 0


def test_it_shows_the_spool_of_each_ingest_as_that_says(own):
    c, name = camera(own), code("pc")
    status, _, _ = own.request(
        "POST", "/api/v1/ingest/status", own.ingest_token,
        ingest_report([c], name, waiting=3, bytes=500, refused=1, lost=2,
                      expired=3, full=True))
    assert status == 204
    s = whole(own)
    by = {"ingest": name}
    assert s.sum("tally_ingest_running", **by) == 1
    assert s.sum("tally_ingest_spool_rows", **by) == 3
    assert s.sum("tally_ingest_spool_bytes", **by) == 500
    assert s.sum("tally_ingest_spool_full", **by) == 1
    assert s.sum("tally_ingest_rows_refused_total", **by) == 1
    assert s.sum("tally_ingest_rows_given_up_total", **by) == 5
    assert s.sum("tally_camera_pictures_total", camera=c) == 50


def test_without_the_database_it_tells_the_rest(tally):
    gone = OtherApi(tally, db_user="nobody_at_all", metrics_from="127.0.0.1")
    status, _, body = gone.tally.request("GET", "/metrics")
    families = exposition.parse(body)
    assert status == 200
    assert families["tally_database_up"].samples["tally_database_up", ()] == 0
    assert "tally_roll_up_lag_seconds" not in families
    assert "process_open_fds" in families
    # And is not ready, though it is alive.
    status, headers, body = gone.tally.request("GET", "/readyz")
    assert status == 503 and "retry-after" in headers
    assert json.loads(body)["type"].endswith(":database-unavailable")
    assert gone.stop() == 0


def test_ready_is_who_has_the_schema_it_wants(tally):
    wanted = [int(p.name[:4]) for p in ROOT.glob("sql/migrations/*.sql")]
    api = OtherApi(tally)
    wait_for(lambda: api.tally.json("GET", "/readyz")
             == (200, {"status": "ready"}))
    # The last one undone, as far as anybody can see.
    tally.sql("UPDATE schema_migration SET version = version + 9000 "
              "WHERE version = %s", max(wanted))
    try:
        wait_for(lambda: api.tally.json("GET", "/readyz")[1].get(
            "type", "").endswith(":schema-outdated"))
        assert api.tally.health()
    finally:
        tally.sql("UPDATE schema_migration SET version = version - 9000 "
                  "WHERE version > 9000")
    wait_for(lambda: api.tally.json("GET", "/readyz")[0] == 200)
    assert api.stop() == 0
