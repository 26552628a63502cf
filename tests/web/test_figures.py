# SPDX-License-Identifier: MIT
"""
Every figure that /outliers and /cameras show, compared with the API's; those
of the dashboard are compared in test_page.py, of /explore in test_explore.py.
"""
import datetime
import decimal
import pathlib
import sys
import time
import uuid
import zoneinfo

import pytest

from browser import Browser
from pages import ask, log_in

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from apibase import ingest_report, minutes, row  # noqa: E402

UTC = datetime.timezone.utc
DAY = datetime.timedelta(days=1)
# Where it is about noon: no test begins on one day and ends on another.
ZONE = f"Etc/GMT{datetime.datetime.now(UTC).hour - 12:+d}"
BASES = {"hour_of_week": "same weekday and hour", "year": "its year",
         "month": "its month", "week": "its week", "day": "its day"}
STATES = {"new": "no rows yet"}


@pytest.fixture(scope="module")
def browser(tally):
    b = Browser()
    log_in(b, tally)
    yield b
    b.close()


def new_camera(tally, **more):
    code = f"fig-{uuid.uuid4().hex[:8]}"
    ask(tally, "POST", "/cameras", {"camera": code, "tz": ZONE, **more})
    return code


def now():
    return datetime.datetime.now(UTC).replace(second=0, microsecond=0)


def same(shown, wanted):
    """What is shown is what is wanted, as soon as the page has asked."""
    end = time.monotonic() + 60
    while (got := shown()) != (want := wanted()):
        assert time.monotonic() < end, (got, want)
        time.sleep(0.2)
    return got


# ---- figures and times as a reader of English sees them

def whole(value):
    return f"{value:,}"


def real(value):
    tenth = decimal.Decimal(repr(value)).quantize(
        decimal.Decimal("0.1"), decimal.ROUND_HALF_UP)
    return f"{tenth:,}"


def local(text, tz):
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).astimezone(zoneinfo.ZoneInfo(tz))


def moment(text, tz):
    at = local(text, tz)
    month = at.strftime("%b").replace("Sep", "Sept")
    return f"{at:%a} {at.day} {month} {at:%H:%M}"


def span(seconds):
    """Of whole minutes."""
    hours, left = divmod(seconds // 60, 60)
    return " ".join([f"{hours} h"] * (hours > 0) +
                    [f"{left} min"] * (left > 0 or not hours))


# ---- outliers

@pytest.fixture(scope="module")
def odd(tally):
    """A camera that is out of the ordinary in one metric and in two, above
    its reference and far above; one is decided, another annotated."""
    code, at = new_camera(tally, name="Odd one"), now()
    ask(tally, "POST", "/counts", [
        row(code, at - n * DAY - minutes(5 * k), people=1000 + k % 3,
            vehicle=20 + k % 4)
        for n in range(7, 42, 7) for k in range(40)], tally.ingest_token)
    ask(tally, "POST", "/jobs/roll_up")
    ask(tally, "POST", "/counts", [
        row(code, at - minutes(20), people=1234, vehicle=20),
        row(code, at - minutes(15), people=12345, vehicle=91),
        row(code, at - minutes(10), people=1001, vehicle=77),
        row(code, at - minutes(5), people=1002, vehicle=22),
    ], tally.ingest_token)
    first, second, *_ = found(tally, code)
    ask(tally, "PATCH", f"/outliers/{first['id']}", {"status": "confirmed"})
    ask(tally, "PATCH", f"/outliers/{second['id']}",
        {"status": "dismissed", "note": "a fair"})
    return code


def found(tally, code, level="alert"):
    return ask(tally, "GET", f"/outliers?camera={code}&level={level}")["items"]


def outlier_wanted(item):
    decided = item["reviewed_at"] and (
        f"{item['reviewed_by']}, {moment(item['reviewed_at'], ZONE)}")
    return {
        "id": item["id"], "name": "Odd one", "state": item["status"],
        "when": f"{moment(item['start_at'], ZONE)} · {ZONE}",
        "figures": [
            f"{whole(of['value'])} "
            f"{'people' if metric == 'people' else 'vehicles'} · "
            f"reference {real(of['reference'])}, z {real(of['z'])} · "
            f"{BASES[of['basis']]}"
            for metric, of in item["metrics"].items()
            if metric in item["exceeded"]],
        "note": item["note"], "decided": decided or "",
    }


OUTLIERS = """[...document.querySelectorAll('#list > li')].map((one) => ({
    id: one.dataset.outlier, name: one.querySelector('h3').textContent,
    state: one.querySelector('.badge').textContent,
    when: one.querySelector('.titled + .quiet').textContent,
    figures: [...one.querySelectorAll('ul li')].map((li) => li.textContent),
    note: one.querySelector('.note')?.textContent ?? null,
    decided: one.querySelector('p.quiet:not(.titled + *)').textContent,
}))"""


@pytest.mark.parametrize("level", ["alert", "all"])
def test_outliers_are_those_of_the_api(tally, odd, browser, level):
    browser.goto("about:blank")
    browser.goto(tally.url + f"/outliers#camera={odd}&state=&level={level}")
    shown = same(lambda: browser.evaluate(OUTLIERS), lambda: [
        outlier_wanted(item) for item in found(tally, odd, level)])
    assert len(shown) >= 3
    assert {one["state"] for one in shown} >= {"confirmed", "dismissed"}
    assert max(len(one["figures"]) for one in shown) == 2
    assert any(one["decided"] for one in shown)


# ---- cameras

@pytest.fixture(scope="module")
def cameras(tally):
    """One with gaps and an ingest in trouble, one that is live, one that is
    new, a retired one and one whose last row was not judged."""
    gaps, live, new, retired, failed = (new_camera(tally) for _ in range(5))
    midnight = local(now().isoformat(), ZONE).replace(hour=0, minute=0)

    def rows(code, first, last):
        """Those of the hours from first up to last, of today."""
        return [row(code, midnight + minutes(60 * first + 5 * i))
                for i in range(12 * (last - first))]
    tally.sql("UPDATE camera SET created_at = '2020-01-01' "
              "WHERE code IN %s", (gaps, failed))
    ask(tally, "POST", "/counts", [
        *rows(gaps, 1, 2), *rows(gaps, 3, 4), *rows(gaps, 5, 6),
        *rows(gaps, 7, 8), *rows(gaps, 9, 10), *rows(failed, 0, 9),
        *rows(retired, 8, 9), row(live, now() - minutes(10), length=10)],
        tally.ingest_token)
    ask(tally, "PATCH", f"/cameras/{retired}", {"retired": True})
    ask(tally, "POST", "/jobs/roll_up")
    report = ingest_report([gaps], f"pc-{uuid.uuid4().hex[:8]}", waiting=1234)
    report["post"]["error"] = "Connection refused"
    tell(tally, report)
    tell(tally, {**ingest_report([live], f"pc-{uuid.uuid4().hex[:8]}"),
                 "stopped": True})
    tally.sql("INSERT INTO trigger_failure (camera_id, start_at, error_no, "
              "message) SELECT camera_id, '2024-01-01 10:00', 1146, 'a table "
              "is not there' FROM camera WHERE code = %s", failed)
    yield gaps, live, new, retired, failed
    tally.sql("DELETE FROM trigger_failure WHERE camera_id = (SELECT "
              "camera_id FROM camera WHERE code = %s)", failed)


def tell(tally, report):
    status, _, reply = tally.request("POST", "/api/v1/ingest/status",
                                     tally.ingest_token, report)
    assert status == 204, reply


def watched_wanted(today):
    if not today:
        return "–"
    share = decimal.Decimal(repr(100 * today["coverage"])).quantize(
        decimal.Decimal(1), decimal.ROUND_HALF_UP)
    gaps = ["–".join(f"{local(gap[end], ZONE):%H:%M}" for end in
                     ("from", "to")) for gap in today["gaps"]]
    more = " …" if len(gaps) > 4 else ""
    return f"{share} % of {span(today['elapsed_s'])}" + (
        f"gaps: {', '.join(gaps[:4])}{more}" if gaps else "")


def ingest_wanted(ingest):
    if not ingest:
        return ""
    return (f"{ingest['name']}: {ingest['state']}{ingest['engine']}, "
            f"{ingest['fps']} pictures/s, {ingest['dropped']} dropped, "
            f"{ingest['waiting']} rows waiting{ingest['error'] or ''}")


def strip_wanted(today):
    """[from, length] of the day's minutes: what has passed, then each gap."""
    if not today:
        return []

    def minute(text):
        at = local(text, ZONE)
        return 60 * at.hour + at.minute

    return [[0, today["elapsed_s"] // 60]] + [
        [minute(gap["from"]), minute(gap["to"]) - minute(gap["from"])]
        for gap in today["gaps"]]


def camera_wanted(camera):
    seen, error = camera["last_seen"], camera["last_error"]
    return [
        camera["camera"], f"{camera['site']} · {camera['tz']}",
        STATES.get(camera["state"], camera["state"]),
        moment(seen, ZONE) if seen else "never seen",
        watched_wanted(camera["today"]), strip_wanted(camera["today"]),
        ingest_wanted(camera["ingest"]), error["detail"] if error else ""]


def all_cameras(tally):
    items, path = [], "/cameras"
    while path:
        page = ask(tally, "GET", path)
        items += page["items"]
        path = (page["next"] or "").replace("/api/v1", "", 1)
    return items


# What is relative to the clock ("3 min ago") is not of the API.
CAMERAS = """[...document.querySelectorAll('#list tbody tr')].map((row) => {
    const [head, state, seen, watched, ingest] = row.cells;
    const faults = [...ingest.querySelectorAll('.fault')];
    const error = faults.find((p) => / ago: |^just now: /.test(p.textContent));
    return [row.dataset.camera, head.querySelector('p').textContent,
        state.textContent, seen.firstChild.textContent, watched.textContent,
        [...watched.querySelectorAll('rect')].map((rect) =>
            [rect.x.baseVal.value, rect.width.baseVal.value]),
        [...ingest.children].filter((p) => p !== error).map((p) =>
            p.textContent).join(''),
        error ? error.textContent.replace(/^.*?(ago|now): /, '') : ''];
})"""


def test_cameras_are_those_of_the_api(tally, cameras, browser):
    def of_api():
        return {item["camera"]: camera_wanted(item) for item in all_cameras(
            tally) if item["camera"] in cameras}

    def of_page():
        return {shown[0]: shown for shown in browser.evaluate(CAMERAS)
                if shown[0] in cameras}

    browser.goto(tally.url + "/cameras")
    shown = same(of_page, of_api)
    gaps, live, new, retired, failed = (shown[code] for code in cameras)
    assert [one[2] for one in (live, new, retired)] == [
        "live", "no rows yet", "retired"]
    assert "gaps: 00:00–01:00, 02:00–03:00, 04:00–05:00, " in gaps[4]
    assert "1234 rows waitingConnection refused" in gaps[6]
    assert ": stopped" in live[6] and "2024-01-01" in failed[7]
    assert browser.evaluate("[...document.querySelectorAll('#list tbody tr')]"
                            ".map((row) => row.dataset.camera)") == sorted(
        item["camera"] for item in all_cameras(tally))
