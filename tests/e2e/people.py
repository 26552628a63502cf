# SPDX-License-Identifier: MIT
"""
people: log-ins and their sessions, as a browser has them.
"""
import hashlib
import json
import secrets
import urllib.parse

from apibase import code

SESSION = "/api/v1/session"
COOKIE = "tally_session"


def form(tally, path, values, headers=None):
    return tally.request("POST", path, None, urllib.parse.urlencode(values), {
        "Content-Type": "application/x-www-form-urlencoded",
        **(headers or {})})


def log_in(tally, headers=None, **changed):
    return form(tally, "/login", {"user": tally.user,
                                  "password": tally.password, **changed},
                headers)


def cookie_of(got):
    """Of several cookies the last, which is the session's."""
    return got[1]["set-cookie"].split(";")[0]


class Person:
    """What the page of a session sends: headers to read and to write."""

    def __init__(self, tally, cookie):
        self.tally, self.cookie = tally, cookie
        self.read = {"Cookie": cookie}
        status, self.told = tally.json("GET", SESSION, headers=self.read)
        assert status == 200, self.told
        self.csrf = self.told["csrf"]
        self.write = {**self.read, "X-CSRF-Token": self.csrf,
                      "Origin": tally.url, "Sec-Fetch-Site": "same-origin"}

    def ask(self, method, path, body=None, **headers):
        """(status, the reply's JSON or None)"""
        own = self.read if method == "GET" else self.write
        status, _, reply = self.tally.request(
            method, path, None, body,
            {**own, **{k.replace("_", "-"): v for k, v in headers.items()}})
        return status, json.loads(reply) if reply else None


def admin(tally):
    """The first log-in, by its form."""
    return Person(tally, cookie_of(log_in(tally)))


def user(tally, role="viewer", *cameras):
    """The name of a log-in whose password nobody knows."""
    name = code("user")
    tally.sql("INSERT INTO user (name, password_hash, role) VALUES "
              "(%s, 'none', %s)", name, role)
    for c in cameras:
        tally.sql("INSERT INTO user_camera SELECT user_id, camera_id FROM "
                  "user u, camera WHERE u.name = %s AND code = %s", name, c)
    return name


def person(tally, role="viewer", *cameras, name=None):
    """Somebody who logged in, without the form."""
    name = name or user(tally, role, *cameras)
    secret = "tly_" + secrets.token_urlsafe(32)
    tally.sql("INSERT INTO session (hash, user_id, expires_at) SELECT %s, "
              "user_id, UTC_TIMESTAMP() + INTERVAL 1 HOUR FROM user WHERE "
              "name = %s", hashlib.sha256(secret.encode()).digest(), name)
    return Person(tally, f"{COOKIE}={secret}")
