# SPDX-License-Identifier: MIT
"""Each text of the pages is in each catalogue: none is found missing only on
the day on which a page has something to say."""
import html
import pathlib
import re

import pytest

WWW = pathlib.Path(__file__).resolve().parents[2] / "api" / "www"
TEXT = r"'((?:[^'\\\n]|\\.)*)'"
# They speak English alone.
ENGLISH = ("docs.js", "call.js")


def first_argument(code, at):
    """The code from there to the comma or bracket that ends an argument."""
    depth, end = 0, at
    for m in re.compile(TEXT + r"|[(\[{]|[)\]}]|,").finditer(code, at):
        sign, end = m[0], m.start()
        if depth == 0 and sign in (",", ")"):
            break
        depth += (sign in "([{") - (sign in ")]}")
    return code[at:end]


def said():
    """Text -> the file that says it."""
    found = {}
    for file in sorted(WWW.glob("*.js")):
        if file.name in ENGLISH or file.name.startswith("words"):
            continue
        code = re.sub(r"'\s*\+\s*'", "", file.read_text())
        for m in re.finditer(r"\bt\(", code):
            words = re.sub(r"===\s*" + TEXT, "", first_argument(code, m.end()))
            found.update((text, file.name) for text in re.findall(TEXT, words))
        # Tables from which t() is given its text.
        found.update((m[1], file.name) for m in re.finditer(
            r"\b(?:title|unit|words): " + TEXT, code))
    for file in sorted(WWW.glob("*.html")):
        page = file.read_text()
        texts = re.findall(r"<\w+[^<>]*\sdata-t(?=[\s>])[^<>]*>([^<>]*)<",
                           page)
        texts += re.findall(r'aria-label="([^"]*)"\s+data-t-label', page)
        found.update((" ".join(html.unescape(t).split()), file.name)
                     for t in texts)
    return {t.replace("\\'", "'"): f for t, f in found.items()
            if re.search("[A-Za-z]", t)}


@pytest.mark.parametrize("language", ["ko", "zh"])
def test_every_text_is_translated(language):
    catalogue = re.findall(rf"^\t(?:{TEXT}|(\w+)):",
                           (WWW / f"words.{language}.js").read_text(), re.M)
    known = [(quoted or plain).replace("\\'", "'")
             for quoted, plain in catalogue]
    assert len(known) == len(set(known)), "a text is there twice"
    texts = said()
    assert len(texts) > 200
    assert {t: f for t, f in texts.items() if t not in known} == {}
