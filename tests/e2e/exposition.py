# SPDX-License-Identifier: MIT
"""
exposition: a strict reader of Prometheus's text format 0.0.4.

It takes nothing on trust: each family has HELP, TYPE and then all its samples;
no sample is there twice; counters are called so and are not negative; the
buckets of a histogram ascend and never fall, +Inf is its count.
"""
import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|[+-]?Inf|NaN")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
TYPES = ("counter", "gauge", "histogram")


class Family:
    def __init__(self, name, help_):
        self.name, self.help, self.type = name, help_, None
        self.samples = {}  # (name, ((label, value), ...)) -> number


def unescape(text):
    return re.sub(r'\\(["\\n])',
                  lambda m: "\n" if m[1] == "n" else m[1], text)


def labels_of(text):
    labels, at = {}, 0
    while at < len(text):
        m = LABEL.match(text, at)
        assert m, f"no labels: {text!r}"
        assert m[1] not in labels and not m[1].startswith("__"), text
        labels[m[1]] = unescape(m[2])
        at = m.end()
        assert bool(m[3]) == (at < len(text)), f"a comma too many: {text!r}"
    return tuple(sorted(labels.items()))


def parse(body):
    """{family: Family}; AssertionError with the line that is wrong."""
    text = body.decode("utf-8")
    assert text.endswith("\n") and "\r" not in text
    families, now = {}, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, _, help_ = line[7:].partition(" ")
            assert NAME.fullmatch(name) and name not in families, line
            assert help_ and not re.search(r"\\[^\\n]", help_), line
            now = families[name] = Family(name, help_)
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert now and name == now.name and now.type is None, line
            assert kind in TYPES and not now.samples, line
            now.type = kind
        else:
            sample(now, line)
    for f in families.values():
        assert f.type, f"{f.name} has no TYPE"
        hold(f)
    return families


def sample(family, line):
    m = SAMPLE.fullmatch(line)
    assert m and family and family.type, f"no sample: {line!r}"
    name, labels, number = m[1], labels_of(m[2] or ""), m[3]
    ends = (("_bucket", "_sum", "_count") if family.type == "histogram"
            else ("",))
    assert name in [family.name + e for e in ends], line
    assert NUMBER.fullmatch(number), line
    assert (name, labels) not in family.samples, f"twice: {line}"
    family.samples[name, labels] = float(
        number.replace("Inf", "inf").replace("NaN", "nan"))


def hold(f):
    if f.type == "counter":
        assert f.name.endswith("_total"), f.name
        assert all(v >= 0 for v in f.samples.values()), f.name
    if f.type != "histogram":
        return
    series = {}
    for (name, labels), v in f.samples.items():
        le = dict(labels).get("le")
        rest = tuple(p for p in labels if p[0] != "le")
        assert (le is not None) == name.endswith("_bucket"), (name, labels)
        part = series.setdefault(rest, {"buckets": []})
        if le is None:
            part[name.rsplit("_", 1)[1]] = v
        else:
            part["buckets"].append((float(le.replace("Inf", "inf")), v))
    for labels, part in series.items():
        bounds = [b for b, _ in part["buckets"]]
        counts = [c for _, c in part["buckets"]]
        assert bounds == sorted(set(bounds)) and bounds[-1] == math.inf, labels
        assert counts == sorted(counts), labels
        assert counts[-1] == part["count"] and part["sum"] >= 0, labels
