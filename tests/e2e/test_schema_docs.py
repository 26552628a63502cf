# SPDX-License-Identifier: MIT
"""
docs/schema.md held against a live schema: what is in the one is in the other.

A paragraph that begins with **`name`**, or "View **`name`**", is about that
table; the names in backticks after that are its columns, M_x stands for
people_x, vehicle_x and face_x, and a word in *italics* for the columns in the
paragraph that begins with it.  Other tables, settings and procedures may be
named too.  Settings and procedures are in tables of their own.
"""
import pathlib
import re

import pytest

from ownbase import Own
from sqlbase import METRICS

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "schema.md"
TITLE = re.compile(r"(Views? )?\*\*`\w+`\*\*")
WORD = re.compile(r"`(\w+)`")


class Live:
    """The names in a schema as `tally migrate` makes it."""

    def __init__(self, own):
        self.tables = {}
        for table, column in own.sql(
                "SELECT table_name, column_name "
                "FROM information_schema.columns "
                "WHERE table_schema = DATABASE() "
                "ORDER BY table_name, ordinal_position"):
            self.tables.setdefault(table, []).append(column)
        self.views = {v for v, in own.sql(
            "SELECT table_name FROM information_schema.views "
            "WHERE table_schema = DATABASE()")}
        self.settings = dict(own.sql("SELECT name, value FROM setting"))
        self.events = {e for e, in own.sql(
            "SELECT event_name FROM information_schema.events "
            "WHERE event_schema = DATABASE()")}
        self.procedures = {p for p, in own.sql(
            "SELECT routine_name FROM information_schema.routines "
            "WHERE routine_schema = DATABASE() "
            "AND routine_type = 'PROCEDURE'")}
        grants = "".join(f.read_text() for f in (ROOT / "sql" / "grants")
                         .glob("*.sql"))
        self.granted = set(re.findall(r"EXECUTE ON PROCEDURE (\w+)", grants))

    def others(self):
        return (set(self.tables) | set(self.settings) | self.events
                | self.procedures)


def paragraphs(text):
    """(line number, text) of each."""
    at = 1
    for part in re.split(r"(\n\s*\n)", text):
        if part.strip():
            yield at, part
        at += part.count("\n")


def expand(word):
    return [m + word[1:] for m in METRICS] if word.startswith("M_") else [word]


def column_names(text, groups):
    """The names that a paragraph gives, in their order."""
    names = []
    for word, group in re.findall(r"`(\w+)`|(?<!\*)\*(\w+)\*(?!\*)", text):
        names += groups.get(group, []) if group else expand(word)
    return names


def compare(text, live):
    """What is wrong, a line each."""
    wrong, seen, groups = [], {}, {}
    for line, p in paragraphs(text):
        group = re.match(r"\*(\w+)\*:", p)
        if group:
            groups[group[1]] = column_names(p[group.end():], {})
    for line, p in paragraphs(text):
        if not TITLE.match(p):
            continue
        end = p.rindex("`**") + 3
        said = column_names(p[end:], groups)
        for table in WORD.findall(p[:end]):
            if table not in live.tables:
                wrong.append(f"docs/schema.md:{line}: there is no table or "
                             f"view `{table}`")
                continue
            if p.startswith("View") != (table in live.views):
                wrong.append(f"docs/schema.md:{line}: `{table}`: a paragraph "
                             "about a view begins with View, others do not")
            seen[table] = line
            columns = live.tables[table]
            wrong += [f"docs/schema.md:{line}: say what the column `{c}` of "
                      f"`{table}` is" for c in columns if c not in said]
            wrong += [f"docs/schema.md:{line}: `{c}` is no column of "
                      f"`{table}`" for c in dict.fromkeys(said)
                      if c not in columns and c not in live.others()]
    for table in sorted(set(live.tables) - set(seen)):
        wrong.append(
            "docs/schema.md: no paragraph begins with "
            f"{'View ' if table in live.views else ''}**`{table}`**; its "
            f"columns: {', '.join(live.tables[table])}")
    return wrong + compare_settings(text, live) + compare_calls(text, live)


def compare_settings(text, live):
    said = {}
    part = re.search(r"^\| setting \|.*?(?=\n\n)", text, re.M | re.S)
    for row in part[0].splitlines()[2:]:
        names, value = row.split("|")[1:3]
        said.update(dict.fromkeys(WORD.findall(names), value.strip()))
    return [f"docs/schema.md: the table of settings lacks `{s}`, {v}"
            for s, v in live.settings.items() if s not in said] + [
        f"docs/schema.md: there is no setting `{s}`"
        for s in said if s not in live.settings] + [
        f"docs/schema.md: the setting `{s}` is {live.settings[s]} at first, "
        f"not {v}" for s, v in said.items()
        if live.settings.get(s, v) != v]


def compare_calls(text, live):
    part = text[text.index("## Procedures to call"):]
    said = set(re.findall(r"^\| `(\w+)\(", part, re.M))
    events = set(re.findall(r"^Event `(\w+)`", text, re.M))
    return [f"docs/schema.md: the table of procedures lacks `{p}`, which "
            "sql/grants lets programs call"
            for p in sorted(live.granted - said)] + [
        f"docs/schema.md: there is no procedure `{p}`"
        for p in sorted(said - live.procedures)] + [
        f"docs/schema.md: no paragraph begins with Event `{e}`"
        for e in sorted(live.events - events)] + [
        f"docs/schema.md: there is no event `{e}`"
        for e in sorted(events - live.events)]


@pytest.fixture(scope="module")
def live(tally):
    own = Own(tally, "tally_schema_docs")
    yield Live(own)
    own.close()


def test_docs_and_schema_say_the_same(live):
    wrong = compare(DOCS.read_text(), live)
    assert not wrong, "\n" + "\n".join(wrong)


def test_what_is_left_out_or_made_up_is_noticed(live):
    text = DOCS.read_text()
    for old, new, said in (
            ("`retired_at`", "retired_at",
             "say what the column `retired_at` of `camera` is"),
            ("`M_min`", "`M_mni`", "column `vehicle_min` of `stats_week`"),
            ("`M_min`", "`M_mni`", "`face_mni` is no column of `stats_day`"),
            ("**`job_state`**", "job_state",
             "no paragraph begins with **`job_state`**; its columns: job, "),
            ("View **`outlier`**", "**`outlier`**", "begins with View"),
            ("**`user`**", "**`users`**", "no table or view `users`"),
            ("| `alert_z` | 4 |", "| `alert_y` | 4 |", "lacks `alert_z`, 4"),
            ("| `alert_z` | 4 |", "| `alert_y` | 4 |", "no setting `alert_y`"),
            ("| `alert_z` | 4 |", "| `alert_z` | 5 |", "is 4 at first, not 5"),
            ("| `roll_up_now(", "| `roll_up_later(", "lacks `roll_up_now`"),
            ("| `roll_up_now(", "| `roll_up_later(",
             "no procedure `roll_up_later`"),
            ("Event `tally_minute`", "Event `tally_hour`",
             "no paragraph begins with Event `tally_minute`")):
        assert old in text
        wrong = compare(text.replace(old, new), live)
        assert any(said in w for w in wrong), (new, wrong)
