# SPDX-License-Identifier: MIT
"""
contract: holds the answers that tests get to api/www/openapi.json.

Tally.request tells `saw` of each.  What is not as documented fails the test that
got it, by the fixture as_documented: no test has to care.
"""
import copy
import datetime
import gzip
import json
import re

import jsonschema

from running import ROOT

# What any request may meet, whatever the route: the document says so once.
ANYWHERE = (405, 414, 417, 431, 501, 505)
METHODS = ("get", "post", "put", "patch", "delete")
EACH = 30   # bodies that are validated of each kind of answer …
ITEMS = 25  # … and items of a list: more would take more time than they tell

DOC = json.loads((ROOT / "api" / "www" / "openapi.json").read_text())

produced = set()  # (method, path, status, media type)
faults = []
times = {}


def at(document, pointer):
    for part in pointer.split("/")[1:]:
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


def real(thing):
    """What a $ref stands for."""
    while "$ref" in thing:
        thing = at(DOC, thing["$ref"])
    return thing


class Operation:
    def __init__(self, method, path, raw):
        self.method, self.path, self.raw = method.upper(), path, raw
        self.id = raw["operationId"]
        self.scope = " or ".join(s["bearer"][0] for s in raw["security"]
                                 if "bearer" in s)
        self.parameters = [real(p) for p in raw.get("parameters", ())]
        self.responses = {int(s): real(r)
                          for s, r in raw["responses"].items()}
        self.fits = re.compile(re.sub(r"\{\w+\}", "[^/]+", path)).fullmatch

    def __str__(self):
        return f"{self.method} {self.path}"

    def of(self, where):
        return {p["name"]: p for p in self.parameters if p["in"] == where}

    def answers(self):
        """Each (status, media type) that is documented; "" is no body."""
        return {(status, media) for status, r in self.responses.items()
                for media in r.get("content", {"": None})}


operations = [Operation(m, path, item[m]) for path, item in DOC["paths"].items()
              for m in METHODS if m in item]


def operation(method, path):
    return next((o for o in operations
                 if o.method == method and o.fits(path)), None)


# ---- schemas

def stricter(node):
    """A copy in which an object has no members but those that are named."""
    if isinstance(node, list):
        return [stricter(n) for n in node]
    if not isinstance(node, dict):
        return node
    node = {k: stricter(v) for k, v in node.items()}
    if isinstance(node.get("properties"), dict) and "object" in (
            node.get("type") or ()):
        node.setdefault("additionalProperties", False)
    return node


STRICT = {**DOC, "components": {
    **DOC["components"], "schemas": stricter(DOC["components"]["schemas"])}}
formats = jsonschema.FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def is_time(value):
    return not isinstance(value, str) or bool(
        datetime.datetime.fromisoformat(value).tzinfo)


def validator(schema):
    return jsonschema.Draft202012Validator(
        stricter(schema), format_checker=formats,
        resolver=jsonschema.RefResolver("", STRICT))


def fault_of(schema, body):
    """What is wrong with a body, or None."""
    if isinstance(body, dict) and isinstance(body.get("items"), list):
        body = {**copy.copy(body), "items": body["items"][:ITEMS]}
    error = jsonschema.exceptions.best_match(
        validator(schema).iter_errors(body))
    return error and f"{error.json_path}: {error.message:.300}"


# ---- what comes in

def saw(method, path, status, headers, body):
    """An answer."""
    o = operation(method, path.split("?")[0])
    if o is None or status in ANYWHERE:
        return
    media = headers.get("content-type", "").split(";")[0]
    kind = (o.method, o.path, status, media)
    produced.add(kind)
    times[kind] = times.get(kind, 0) + 1
    if times[kind] > EACH:
        return
    why = wrong(o, status, media, headers, body)
    if why:
        faults.append(f"{method} {path:.200}: {status} {media}: {why}")


def wrong(o, status, media, headers, body):
    response = o.responses.get(status)
    if response is None:
        return f"is not documented: {body[:200]!r}"
    content = response.get("content", {})
    if media not in content if content else body:
        return "such a body is not documented"
    for name, header in response.get("headers", {}).items():
        if real(header).get("required") and name.lower() not in headers:
            return f"{name} is missing"
    if not media.endswith("json"):
        return None
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return fault_of(content[media]["schema"], json.loads(body))
