# SPDX-License-Identifier: MIT
"""
The pages on which people decide: outliers, cameras, access and the upload
with its script, in a real browser against a running Tally.
"""
import datetime
import json
import subprocess
import uuid

import pytest

from browser import Browser
from pages import ask, drawing_point, log_in

UTC = datetime.timezone.utc
MINUTES = datetime.timedelta(minutes=5)
MARKUP = "<img src=x onerror=alert(1)>"
REFRESH_MS = 10000


@pytest.fixture(scope="module")
def chromium():
    b = Browser()
    yield b
    b.close()


@pytest.fixture
def admin(tally, chromium):
    log_in(chromium, tally, tally.user, tally.password)
    return chromium


def new_camera(tally, **more):
    code = f"adm-{uuid.uuid4().hex[:8]}"
    ask(tally, "POST", "/cameras", {"camera": code, "tz": "Asia/Seoul",
                                    **more})
    return code


@pytest.fixture(scope="module")
def odd(tally):
    """A camera with three outliers of today, and a name with markup."""
    code = new_camera(tally, name="<i>Odd</i> & one")
    now = datetime.datetime.now(UTC).replace(second=0, microsecond=0)

    def row(at, people):
        return {"camera": code, "start_at": at.isoformat(),
                "end_at": (at + MINUTES).isoformat(), "people": people}
    day = datetime.timedelta(days=1)
    ask(tally, "POST", "/counts", [
        row(now - n * day - k * MINUTES, 10 + k % 3)
        for n in range(2, 6) for k in range(40)], tally.ingest_token)
    ask(tally, "POST", "/jobs/roll_up")
    ask(tally, "POST", "/counts", [
        row(now - k * MINUTES, 90 + k) for k in (3, 2, 1)],
        tally.ingest_token)
    return code


def outliers(tally, code, state=None):
    words = f"&status={state}" if state else ""
    return ask(tally, "GET", f"/outliers?camera={code}&level=alert{words}")["items"]


def listed(browser):
    return browser.evaluate(
        "[...document.querySelectorAll('#list > li')].map((one) => "
        "[one.dataset.outlier, one.dataset.state, Number(one.querySelector("
        "'[data-field=value]').dataset.value)])")


def test_outliers_are_reviewed_by_keys(tally, odd, admin):
    want = outliers(tally, odd)
    admin.goto(tally.url + f"/outliers#camera={odd}")
    admin.until("document.querySelectorAll('#list > li').length === 3")
    assert listed(admin) == [[item["id"], "open", item["people"]]
                             for item in want]
    assert "<i>Odd</i> & one" in admin.text("#list h3")
    assert admin.axe() == []
    # All of them: what is decided leaves a list of open ones by itself.
    admin.goto(tally.url + f"/outliers#camera={odd}&state=")
    admin.until("document.querySelector('input[name=state][value=\"\"]')"
                ".checked && document.querySelectorAll('#list > li').length "
                "=== 3")
    admin.press("c")
    admin.until("document.querySelectorAll('#list > "
                "li[data-state=confirmed]').length === 1")
    admin.press("d")
    admin.until("document.querySelectorAll('#list > "
                "li[data-state=dismissed]').length === 1")
    admin.press("n")
    admin.until("document.querySelector('#noting').open")
    admin.fill("#note", "a parade <b>today</b>")
    admin.click("#noting button[value=keep]")
    admin.until("document.querySelector('#list .note')?.textContent === "
                "'a parade <b>today</b>'")
    found = {item["id"]: item for item in outliers(tally, odd)}
    first, second, third = (found[item["id"]] for item in want)
    assert (first["status"], first["reviewed_by"]) == ("confirmed", tally.user)
    assert second["status"] == "dismissed"
    assert third["status"] == "open"
    assert third["note"] == "a parade <b>today</b>"


def test_an_outlier_comes_up_by_itself(tally, odd, admin):
    admin.goto(tally.url + f"/outliers#camera={odd}&state=")
    admin.until("document.querySelectorAll('#list > li').length === 3")
    admin.evaluate("window.stays = true")
    at = datetime.datetime.now(UTC).replace(second=0, microsecond=0)
    ask(tally, "POST", "/counts", {
        "camera": odd, "start_at": at.isoformat(), "people": 300,
        "end_at": (at + MINUTES).isoformat()}, tally.ingest_token)
    admin.until("document.querySelectorAll('#list > li').length === 4")
    assert listed(admin)[0][2] == 300
    assert admin.evaluate("window.stays")


def test_what_a_decision_met_stays_until_the_next(tally, odd, admin):
    status = "document.querySelector('#status').textContent"
    *_, last = outliers(tally, odd)
    admin.clock()
    admin.goto(tally.url + f"/outliers#camera={odd}&state=")
    admin.until("document.querySelectorAll('#list > li').length >= 3")
    # The refresh has a word of its own, which it takes back later.
    admin.evaluate(
        "window.said = []; new MutationObserver(() => said.push("
        f"{status})).observe(document.querySelector('#status'), "
        "{ childList: true, characterData: true, subtree: true }); null")
    admin.offline(True)
    admin.forward(REFRESH_MS)
    admin.until("said.some((text) => text.includes('Trying again'))")
    admin.offline(False)
    admin.forward(REFRESH_MS)
    admin.until("said.includes('Tally answers again.')")
    admin.press("n")
    admin.until("document.querySelector('#noting').open")
    admin.evaluate("document.querySelector('#note').value = "
                   "'x'.repeat(1001)")
    admin.click("#noting button[value=keep]")
    admin.until(f"{status}.includes('over 1000 characters')")
    note = uuid.uuid4().hex
    ask(tally, "PATCH", f"/outliers/{last['id']}", {"note": note})
    admin.forward(REFRESH_MS)
    admin.until(f"document.querySelector('#list').textContent.includes("
                f"'{note}')")
    assert "over 1000 characters" in admin.text("#status.error")
    admin.press("c")
    admin.until(f"{status} === ''")


def test_who_only_reads_decides_nothing(tally, odd, admin):
    name = f"viewer-{uuid.uuid4().hex[:8]}"
    ask(tally, "POST", "/users", {"user": name, "password": "see it all",
                                  "role": "viewer"})
    log_in(admin, tally, name, "see it all")
    admin.goto(tally.url + f"/outliers#camera={odd}&state=")
    admin.until("document.querySelectorAll('#list > li').length >= 3")
    assert admin.evaluate("document.querySelectorAll('#list button').length"
                          ) == 0
    before = outliers(tally, odd)
    admin.press("c")
    assert outliers(tally, odd) == before
    admin.goto(tally.url + "/access")
    admin.until("document.querySelector('#mine').textContent !== ''")
    assert admin.evaluate("[...document.querySelectorAll('.admin')].every("
                          "(part) => part.hidden)")


def test_a_line_and_a_zone_are_drawn(tally, admin):
    code = new_camera(tally)
    admin.goto(tally.url + f"/cameras#camera={code}")
    admin.until("document.querySelector('#one').hidden === false && "
                "!document.querySelector('#drawers').hidden")
    admin.click("#draw-line")
    for x, y in ((0.1, 0.5), (0.9, 0.6)):
        admin.drag(*drawing_point(admin, x, y), *drawing_point(admin, x, y))
    admin.fill("#shape-name", "door")
    admin.fill("#shape-in", "coming")
    assert admin.axe() == []
    admin.click("#shape button[type=submit]")
    admin.until("document.querySelector('#shapes [data-shape=door]')")
    admin.click("#draw-zone")
    admin.fill("#shape-name", "hall")
    admin.fill("#shape-points", "20,40 80,40 80,90")
    admin.click("#shape button[type=submit]")
    admin.until("document.querySelector('#shapes [data-shape=hall]')")
    # The list above the picture grows by a row.
    row = f"tr[data-camera='{code}/hall'] th"
    admin.until(f"document.querySelector(\"{row}\") !== null")
    drawn = ask(tally, "GET", f"/cameras/{code}/shapes")
    [line], [zone] = drawn["lines"], drawn["zones"]
    assert line["in"] == "coming" and line["out"] == "out"
    assert sum(line["points"], []) == pytest.approx([0.1, 0.5, 0.9, 0.6],
                                                    abs=0.01)
    assert zone["points"] == [[0.2, 0.4], [0.8, 0.4], [0.8, 0.9]]
    # A point is moved by the mouse, and the line goes.
    admin.click("#shapes [data-shape=door]")
    admin.drag(*drawing_point(admin, *line["points"][1]),
               *drawing_point(admin, 0.9, 0.2))
    admin.click("#shape button[type=submit]")
    admin.until("document.querySelector('#shape').hidden")
    [line] = ask(tally, "GET", f"/cameras/{code}/shapes")["lines"]
    assert line["points"][1] == pytest.approx([0.9, 0.2], abs=0.01)
    admin.click("#shapes [data-shape=door]")
    admin.click("#shape-remove")
    admin.until("!document.querySelector('#shapes [data-shape=door]')")
    assert ask(tally, "GET", f"/cameras/{code}/shapes")["lines"] == []
    assert admin.text(row).startswith(code)


def test_cameras_keep_what_is_held(tally, admin):
    """Held by a key or the mouse while a camera comes and another changes."""
    near, held = sorted(new_camera(tally) for _ in range(2))

    def row(code):
        return f"document.querySelector(\"tr[data-camera='{code}']\")"
    admin.clock()
    admin.goto(tally.url + "/cameras")
    admin.until(row(held))
    admin.evaluate(f"window.was = [{row(near)}, "
                   f"{row(held)}.querySelector('button')]; was[1].focus()")
    # Its row comes before all of them.
    first = f"a-{uuid.uuid4().hex[:8]}"
    ask(tally, "POST", "/cameras", {"camera": first})
    ask(tally, "PATCH", f"/cameras/{held}", {"name": "Renamed"})
    admin.forward(REFRESH_MS)
    admin.until(f"{row(first)} && "
                f"{row(held)}.textContent.startsWith('Renamed')")
    assert admin.evaluate(f"was[0] === {row(near)} && "
                          "was[1] === document.activeElement")
    # What has to be made anew hands the focus on.
    admin.evaluate(f"{row(held)}.querySelector('a').focus()")
    ask(tally, "PATCH", f"/cameras/{held}", {"name": "Once more"})
    admin.forward(REFRESH_MS)
    admin.until(f"{row(held)}.textContent.startsWith('Once more')")
    assert admin.evaluate("document.activeElement.textContent") == "Once more"
    # The button knows the camera as it is now.
    admin.press("Tab")
    admin.press("Enter")
    admin.until("document.querySelector('#altering').open")
    assert admin.evaluate("document.querySelector('#alter-name').value"
                          ) == "Once more"


def test_a_camera_is_added_and_retired(tally, admin):
    code = f"adm-{uuid.uuid4().hex[:8]}"
    admin.goto(tally.url + "/cameras")
    admin.until("!document.querySelector('section.admin').hidden")
    admin.fill("#add-camera", code)
    admin.fill("#add-tz", "Mars/Olympus")
    admin.click("#add button")
    admin.until("document.querySelector('#status.error')?.textContent"
                ".includes('tz')")
    admin.fill("#add-tz", "Asia/Kathmandu")
    admin.click("#add button")
    row = f"tr[data-camera='{code}']"
    admin.until(f"document.querySelector(\"{row}\")")
    admin.click(f"{row} button")
    admin.fill("#alter-name", "Back & front")
    admin.check("#alter-retired")
    admin.click("#altering button[value=keep]")
    admin.until(f"document.querySelector(\"{row} [data-state=retired]\")")
    camera = ask(tally, "GET", f"/cameras/{code}")
    assert camera["name"] == "Back & front" and camera["state"] == "retired"
    assert camera["tz"] == "Asia/Kathmandu"


def test_a_token_is_made_used_and_revoked(tally, admin):
    name = f"team {uuid.uuid4().hex[:8]}"
    camera = new_camera(tally)
    admin.goto(tally.url + "/access")
    admin.until(f"document.querySelector('#issue-cameras option"
                f"[value=\"{camera}\"]')")
    admin.fill("#issue-name", name)
    admin.select("#issue-cameras", camera)
    admin.click("#issue button[type=submit]")
    admin.until("!document.querySelector('#issued').hidden")
    assert admin.axe() == []
    for part in ("curl", "python"):
        text = admin.text(f"#issued-{part}")
        command = ["bash", "-c", text + " -sf"] if part == "curl" else [
            "/usr/bin/python3", "-c", text]
        said = subprocess.run(command, stdout=subprocess.PIPE, check=True,
                              timeout=120).stdout.decode()
        reply = json.loads(said.replace("'", '"'))
        assert reply["received"] == 1 and reply["rejected"] == 0
    token = admin.text("#issued-token")
    admin.click("#hide")
    assert token not in admin.evaluate("document.documentElement.outerHTML")
    row = "#tokens tr[data-state=valid]"
    assert admin.text(f"{row} th") == name
    admin.click(f"{row} button:last-child")
    admin.until("document.querySelector('#asking').open")
    admin.click("#asking button[value=yes]")
    admin.until("[...document.querySelectorAll('#tokens tr[data-state="
                "revoked] th')].some((cell) => cell.textContent === "
                f"{json.dumps(name)})")
    assert tally.request("GET", "/api/v1/counts", token)[0] == 401


def test_a_person_is_added_and_logs_in(tally, admin):
    name = f"kim-{uuid.uuid4().hex[:6]}"
    admin.goto(tally.url + "/access")
    admin.until("!document.querySelector('section.admin').hidden")
    admin.fill("#add-user", name)
    admin.fill("#add-password", "walk the dog")
    admin.select("#add-role", "reviewer")
    admin.click("#add button")
    admin.until(f"document.querySelector('#users tr[data-user=\"{name}\"]')")
    log_in(admin, tally, name, "walk the dog")
    admin.goto(tally.url + "/access")
    admin.until("document.querySelector('#mine').textContent !== ''")
    assert admin.text("#mine") == f"{name}, reviewer"
    admin.fill("#password-current", "walk the dog")
    admin.fill("#password-new", "walk the cat")
    admin.click("#password button[type=submit]")
    admin.until("document.querySelector('#status').textContent.includes("
                "'changed')")
    log_in(admin, tally, name, "walk the cat")


def test_a_dropped_file_is_looked_at_and_sent(tally, admin, tmp_path):
    camera = f"drop-{uuid.uuid4().hex[:8]}"
    admin.goto(tally.url + "/upload")
    admin.until("document.querySelector('#check')")
    text = ("camera,start_at,end_at,people\r\n"
            f"{camera},2026-01-05T00:00:00Z,2026-01-05T00:05:00Z,7\r\n"
            f"{camera},2026-01-05T00:05:00Z,2026-01-05T00:10:00Z,many\r\n")
    admin.evaluate("""(() => {
        const data = new DataTransfer();
        data.items.add(new File([%s], 'dropped.csv'));
        document.querySelector('#file').closest('section').dispatchEvent(
            new DragEvent('drop', { dataTransfer: data, bubbles: true,
                cancelable: true }));
        })()""" % json.dumps(text))
    admin.until("document.querySelector('#check .fault')")
    assert "2 rows read" in admin.text("#check")
    assert "line 3: people many is no whole number" in admin.text("#check")
    admin.click("section[aria-labelledby=by-file] button")
    admin.until("document.querySelector('#report')")
    assert "Stored in part" in admin.text("#report h2")
    assert admin.url() == tally.url + "/upload"
    assert admin.axe() == []
    [row] = ask(tally, "GET", f"/counts?camera={camera}")["items"]
    assert row["people"] == 7


def test_names_with_markup_are_text(tally, odd, admin, tmp_path):
    camera = new_camera(tally, name=MARKUP, site=MARKUP)
    named = f"{MARKUP} {camera}"
    first, *_ = outliers(tally, odd)
    ask(tally, "PATCH", f"/outliers/{first['id']}", {"note": MARKUP})
    token = ask(tally, "POST", "/tokens", {"name": named, "scopes": ["read"]})
    file = tmp_path / f"{MARKUP}.csv"
    file.write_text("camera,start_at,end_at,people\r\n"
                    f"{camera},2026-01-05T00:00:00Z,2026-01-05T00:05:00Z,"
                    f"{MARKUP}\r\n")

    def text(where):
        admin.until(f"document.querySelector({json.dumps(where)})")
        assert admin.evaluate("document.querySelector('img[src=x]')") is None
        return admin.text(where)
    admin.goto(tally.url + f"/outliers#camera={odd}&state=")
    assert text("#list .note") == MARKUP
    admin.goto(tally.url + "/cameras")
    assert text(f"tr[data-camera='{camera}'] a") == MARKUP
    assert MARKUP in text(f"tr[data-camera='{camera}'] th p")
    admin.goto(tally.url + "/access")
    row = f"tr[data-token='{token['id']}']"
    assert text(f"{row} th") == named
    admin.click(f"{row} button:last-child")
    assert f"Revoke {named}?" in text("#asking[open] h2")
    admin.click("#asking button[value=yes]")
    assert text(f"{row}[data-state=revoked] th") == named
    admin.goto(tally.url + "/upload")
    admin.until("document.querySelector('#check')")
    admin.setFiles("#file", str(file))
    assert MARKUP in text("#check .fault")
    assert file.name in text("#check")
    admin.click("section[aria-labelledby=by-file] button")
    assert text("#report #file-name") == file.name
    assert MARKUP in text("#report tbody")
    assert admin.seen()["dialogs"] == admin.seen()["console"] == []
