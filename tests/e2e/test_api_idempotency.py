# SPDX-License-Identifier: MIT
"""Idempotency-Key: the same request again has the same reply, whoever died."""
import hashlib
import json
import socket
import threading

import pytest

from apibase import (REPORT, OtherApi, camera, code, counted, figures,
                     head_of, hours_ago, minutes, post, problem, raw, row,
                     stored, wait_for, z)


def ask(tally, key, body, query="", kind="application/json", token=None):
    """(status, the reply's bytes)."""
    status, _, reply = tally.request(
        "POST", "/api/v1/counts" + query, token or tally.ingest_token,
        body if isinstance(body, str) else json.dumps(body),
        {"Idempotency-Key": key, "Content-Type": kind})
    return status, reply


def kind_of(answer, status):
    got, reply = answer[0], json.loads(answer[1])
    assert got == status, reply
    problem(reply, status)
    return reply["type"].rsplit(":", 1)[1]


def test_the_same_again_has_the_first_reply_and_does_nothing(tally):
    c, at, key = camera(tally), hours_ago(3), code("key")
    body = [row(c, at), row(c, at + minutes(5), people=-1)]
    first = ask(tally, key, body, "?partial=true")
    assert first[0] == 200
    assert counted(json.loads(first[1])) == {
        "received": 2, "inserted": 1, "rejected": 1}
    tally.sql("DELETE r FROM count_record r JOIN camera USING (camera_id) "
              "WHERE code = %s", c)
    # With and without quotes it is the same key.
    for again in (key, f'"{key}"'):
        assert ask(tally, again, body, "?partial=true") == first
    assert not stored(tally, c)
    for other in ((key, body[:1], "?partial=true"), (key, body, ""),
                  (key, body, "?partial=true", "text/csv")):
        assert kind_of(ask(tally, *other), 422) == "idempotency-key-reused"
    # A key is its token's alone.
    token = tally.run_tally("token", "create", "--scope",
                            "ingest").stdout.split()[0]
    answer = ask(tally, key, body[:1], token=token)
    assert counted(json.loads(answer[1])) == {"received": 1, "inserted": 1}


def test_an_empty_request_has_a_key_too(tally):
    key = code("key")
    assert ask(tally, key, [])[0] == 200
    assert kind_of(ask(tally, key, [[]]), 422) == "idempotency-key-reused"


def test_a_refusal_is_not_kept(tally):
    c, at, key = camera(tally), hours_ago(3), code("key")
    assert ask(tally, key, row(c, at, people=-1))[0] == 422
    post(tally, row(c, at))
    assert kind_of(ask(tally, key, row(c, at, people=2)), 409) == "conflict"
    assert ask(tally, key, "{")[0] == 400
    assert ask(tally, key, row(c, at))[0] == 200
    assert kind_of(ask(tally, key, "{"), 422) == "idempotency-key-reused"


def test_a_long_body_has_a_key_too(tally):
    c, at, key = camera(tally), hours_ago(300), code("key")
    text = "camera,start_at,end_at,people\n" + "".join(
        f"{c},{z(at + minutes(i))},{z(at + minutes(i + 1))},{i % 9}\n"
        for i in range(5003))
    bad = text + f"{c},,,\n"
    assert ask(tally, key, bad, "", "text/csv")[0] == 422
    first = ask(tally, key, text, "", "text/csv")
    assert counted(json.loads(first[1])) == {
        "received": 5003, "duplicate": 5000, "inserted": 3}
    assert ask(tally, key, text, "", "text/csv") == first
    assert kind_of(ask(tally, key, bad, "", "text/csv"),
                   422) == "idempotency-key-reused"


def test_the_key_of_a_request_on_its_way_is_taken(tally):
    c, key = camera(tally), code("key")
    body = json.dumps(row(c, hours_ago(3))).encode()
    with socket.create_connection(tally.address, timeout=120) as s:
        s.sendall(head_of(tally.ingest_token, len(body),
                          f"Idempotency-Key: {key}\r\n") + body[:9])

        def taken():
            answer = ask(tally, key, "[7]")
            return (answer if answer[0] == 409 else None)
        assert kind_of(wait_for(taken), 409) == "idempotency-key-in-flight"
        s.sendall(body[9:])
        assert s.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert counted(json.loads(ask(tally, key, body.decode())[1])) == {
        "received": 1, "inserted": 1}


def test_of_two_processes_one_stores_and_both_answer_the_same(tally):
    """The other one is played by a transaction that holds the key."""
    c, at, key = camera(tally), hours_ago(3), code("key")
    body = json.dumps(row(c, at))
    same = hashlib.sha256(
        b"/api/v1/counts\napplication/json\n" + body.encode()).digest()
    (token_id,), = tally.sql("SELECT token_id FROM token WHERE hash = %s",
                             hashlib.sha256(
                                 tally.ingest_token.encode()).digest())
    first = json.dumps({**dict.fromkeys(REPORT, 7), "errors": []})
    for fingerprint, status in ((same, 200), (bytes(32), 422)):
        key += "x"
        answers = []
        with tally.db() as db, db.cursor() as cursor:
            db.begin()
            cursor.execute(
                "INSERT INTO idempotency (token_id, idempotency_key, "
                "fingerprint, reply) VALUES (%s, %s, %s, %s)",
                (token_id, key, fingerprint, first))
            waits = threading.Thread(
                target=lambda: answers.append(ask(tally, key, body)))
            waits.start()
            # It waits with its rows written, until we commit.
            wait_for(lambda: int(tally.sql(
                "SHOW STATUS LIKE 'Innodb_row_lock_current_waits'")[0][1]))
            db.commit()
            waits.join()
        assert answers[0][0] == status, answers
        if status == 200:
            assert answers[0][1] == first.encode()
        assert not stored(tally, c)


def test_who_was_killed_behind_the_commit_answers_as_if_nothing_were(tally):
    c, at, key = camera(tally), hours_ago(3), code("key")
    body = row(c, at)
    other = OtherApi(tally)
    try:
        data = json.dumps(body).encode()
        with socket.create_connection(other.tally.address, timeout=120) as s:
            s.sendall(head_of(tally.ingest_token, len(data),
                              f"Idempotency-Key: {key}\r\n") + data)
            wait_for(lambda: figures(tally, c))
            other.kill()
        other.start()
        assert counted(json.loads(ask(other.tally, key, body)[1])) == {
            "received": 1, "inserted": 1}
    finally:
        assert other.stop() == 0


@pytest.mark.parametrize("key, status", [
    ("", 400), ('""', 400), ('"', 400), ("a b", 400), ("a,b", 400),
    ('"a"b"', 400), ('"a\\b"', 400), ('"a\\"', 400), ("ü", 400),
    ('"a";x=1', 400), ("x" * 256, 400), ("a\r\nIdempotency-Key: a", 400),
    ('"{} a\\"b\\\\"', 200), ("x" * 240 + "{}", 200)])
def test_a_key_is_a_string_of_visible_characters(tally, key, status):
    body = json.dumps(row(camera(tally), hours_ago(3))).encode()
    key = key.replace("{}", code("key"))
    got = raw(tally, head_of(
        tally.ingest_token, len(body),
        f"Idempotency-Key: {key}\r\nConnection: close\r\n") + body)
    assert got.startswith(b"HTTP/1.1 %d " % status), got
    refusals = got.partition(b"\r\n\r\n")[2] if status == 400 else b""
    assert not refusals or json.loads(refusals)["status"] == 400


def test_keys_are_let_go_after_their_days(tally):
    c, at, key = camera(tally), hours_ago(3), code("key")
    ask(tally, key, row(c, at))
    for days, left in ((29, 1), (31, 0)):
        tally.sql("UPDATE idempotency SET at = UTC_TIMESTAMP() - INTERVAL %s "
                  "DAY WHERE idempotency_key = %s", days, key)
        tally.sql("CALL run_daily()")
        assert len(tally.sql("SELECT 1 FROM idempotency "
                             "WHERE idempotency_key = %s", key)) == left
    # As if it had never been: the row is known by its own key.
    assert counted(json.loads(ask(tally, key, row(c, at))[1])) == {
        "received": 1, "duplicate": 1}
