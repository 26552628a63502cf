# SPDX-License-Identifier: MIT
"""docs/http-api.md and api/routes.c name the same routes, bounds and errors."""
import pathlib
import re

from routetable import routes
from running import ROOT

DOC = (ROOT / "docs" / "http-api.md").read_text()
API = ROOT / "api"


def source(*names):
    return "\n".join((API / n).read_text() for n in names)


def documented():
    """(method, path) -> scope, of the table of routes."""
    table = DOC[:DOC.index("## Who asks")]
    return {route: row[1].strip()
            for row in (ln.strip("|").split("|") for ln in table.splitlines()
                        if ln.startswith("| `"))
            for route in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) ([^`]+)`",
                                    row[0])}


def test_every_route_is_documented_with_its_scope_and_no_other():
    assert documented() == {
        (r.method, r.path): "a session" if r.session else
        "any" if r.scope == "ingest or read or review or admin" else
        (r.scope or "–") + (", unbound" if r.unbound else "")
        for r in routes()}


def test_every_documented_route_is_there(tally):
    for method, path in documented():
        path = path.replace("{period}", "day").replace("{file}", "app.js")
        path = path.replace("{code}", "default")
        got = tally.request(method, path)
        assert got[0] not in (404, 405), (method, path, got)


def test_every_kind_of_problem_is_documented():
    """Those that the source can send, in quotes behind a status."""
    text = "\n".join(p.read_text() for p in pathlib.Path(API).glob("*.c"))
    slugs = set(re.findall(
        r'(?:req_problem|req_problem_open)\(\s*r,\s*\d{3},\s*"([a-z-]+)"',
        text))
    slugs |= set(re.findall(r'\d{3}, "([a-z-]+)"', source("status.c")))
    slugs |= set(re.findall(r'whole_refused\([^;]*?"([a-z-]+)"', text))
    slugs |= set(re.findall(r'\? "([a-z-]+)"\s*: "([a-z-]+)"', source(
        "counts.c"))[0])
    assert len(slugs) > 15
    missing = {s for s in slugs if f"`{s}`" not in DOC}
    assert not missing


def test_no_kind_of_problem_is_documented_that_nobody_sends():
    table = DOC[DOC.index("| status |"):].split("\n\n")[0]
    text = "\n".join(p.read_text() for p in pathlib.Path(API).glob("*.c"))
    for slug in set(re.findall(r"`([a-z-]+)`", table)) - {"type"}:
        assert f'"{slug}"' in text, slug


def test_every_kind_of_error_of_a_row_is_documented():
    text = source("judge.c", "writer.c", "counts.c") + "\n".join(
        p.read_text() for p in (ROOT / "analytics").glob("count*.c"))
    kinds = set(re.findall(
        r'count_(?:refuse|fault)\(\s*[^,]+,\s*[^,]+,\s*[^,]+,\s*"([a-z_]+)"',
        text))
    assert {"overlap", "bad_interval", "unreadable", "missing"} < kinds
    missing = {k for k in kinds if f"`{k}`" not in DOC}
    assert not missing
