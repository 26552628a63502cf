# SPDX-License-Identifier: MIT
"""The table of routes in api/routes.c, read from its text."""
import re
import typing

from running import ROOT


class Route(typing.NamedTuple):
    method: str
    path: str     # "/api/v1/stats/{period}"
    scope: str    # "" where anybody may ask; "review or admin"
    unbound: bool  # not for a token that is bound to cameras
    known: bool   # who has a session matters all the same
    session: bool  # for a session alone

    def __str__(self):
        return f"{self.method} {self.path}"


def routes():
    text = (ROOT / "api" / "routes.c").read_text()
    table = text[text.index("const struct route routes[]"):]
    table = table[:table.index("};")]
    found = re.findall(
        r'\{HTTP_(\w+),\s*(V1 )?"([^"]*)",\s*([^,]+),\s*(true|false),', table)
    assert len(found) == table.count("{HTTP_") > 10
    made = []
    for method, v1, path, scope, known in found:
        words = re.findall(r"SCOPE_(\w+)", scope)
        unbound = "UNBOUND" in words
        scopes = ["ingest", "read", "review", "admin"] if "ANY" in words else [
            w.lower() for w in words
            if w not in ("UNBOUND", "OR_LISTED", "SESSION")]
        one = " or ".join(scopes)
        assert one or scope == "0", (method, path, scope)
        made.append(Route(method, "/api/v1" * bool(v1) + path, one,
                          unbound, known == "true", "SESSION" in words))
    return made
