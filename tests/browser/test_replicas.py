"""The app by two processes behind nginx: visitors spread, one process dies, its visitors go on with the other."""

from __future__ import annotations

import gzip
import http.client
import os
import re
import shutil
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from benchmarks.serving import serve
from deploy.proxy import (
    CannotServe,
    configuration,
    content_security_policy,
    nginx,
    pack_static,
    write_configuration,
)
from deploy.serve import Group, Kept, answers, free_port, serving
from tests.app.helpers import ROOT, wait_until
from ui.chapters.beta.sweep import DATASET, dial_of, labels_of
from ui.chapters.pictures import FILE, picture_address
from ui.components.modules import FOR_GOOD, MODULES, digest
from ui.runs.resources import thumbnail_sheet
from vae_core.storage.manifest import shipped_run

from .conftest import watch
from .test_canvas import plane_of, state
from .test_chapters import choice
from .test_dial import wait

pytestmark = pytest.mark.browser

AE = shipped_run(model="ae", dataset="mnist", latent_dim=2).key
THUMB = 22  # pixels, the dial's
PROMISED = {
    "content-security-policy": content_security_policy(),
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
}


@pytest.fixture(scope="module")
def group() -> Iterator[Group]:
    try:
        nginx()
    except CannotServe:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must have nginx: apt-get install nginx")
        pytest.skip("no nginx on this machine")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLIT_", "VAE_"))}
    with serving(2, environment=inherited) as served:
        yield served


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and content of one answer."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request(
            "GET", f"/{path}", headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def sessions(replica: Kept) -> int:
    """How many visitors a replica has now, in its own words."""
    _, _, text = get(f"http://127.0.0.1:{replica.port}/_stcore/metrics?families=active_sessions")
    return int(re.findall(r"^active_sessions (\d+)", text.decode(), re.MULTILINE)[0])


def seat(page: Page) -> int:
    """The replica that a visitor's cookie names."""
    return next(int(cookie["value"]) for cookie in page.context.cookies() if cookie["name"] == "vae_seat")


def test_what_the_proxy_sends_and_what_it_keeps_to_itself(group):
    seats = []
    for _ in range(2):
        status, headers, page = get(f"{group.url}/train?run=x")
        assert status == 200 and headers.items() >= PROMISED.items()
        assert headers["cache-control"] == "no-cache"  # the page names files that change with the version
        seats.append(headers["set-cookie"])
    assert {text.partition(";")[0] for text in seats} == {"vae_seat=1", "vae_seat=2"}
    for number in "12":
        _, headers, _ = get(f"{group.url}/", Cookie=f"vae_seat={number}")
        assert "set-cookie" not in headers
    _, headers, _ = get(f"{group.url}/", Cookie="vae_seat=7; vae_seat=x")  # of a larger group, or made up
    assert headers["set-cookie"].startswith(("vae_seat=1", "vae_seat=2"))
    module = f"{group.url}/{MODULES}/{digest()}/dial/dial.js"  # the same everywhere: it gives nobody a seat
    status, headers, _ = get(module)
    assert status == 200 and headers["cache-control"] == FOR_GOOD and "set-cookie" not in headers
    assert "set-cookie" not in get(module, Cookie="vae_seat=7")[1]
    # Without cookies, whatever belongs to a session goes to one place.
    answers = [get(f"{group.url}/_stcore/health", User_Agent="a browser")[1] for _ in range(4)]
    assert len({re.findall(r"vae_seat=\d", headers["set-cookie"])[0] for headers in answers}) == 1

    script = re.findall(rb"static/js/index[^\"]*", page)[0].decode()
    status, headers, packed = get(f"{group.url}/{script}", Accept_Encoding="gzip")
    assert (status, headers["content-encoding"], headers["content-type"]) == (200, "gzip", "text/javascript")
    assert headers["cache-control"] == "public, immutable, max-age=31536000" and headers.items() >= PROMISED.items()
    assert gzip.decompress(packed) == get(f"{group.url}/{script}")[2]
    assert "cache-control" not in get(f"{group.url}/static/js/none.js")[1]
    for hidden in ("_stcore/metrics", "_stcore/agent/mcp", "static/../app.py", "static/%2e%2e/nginx.conf"):
        assert get(f"{group.url}/{hidden}")[0] in (400, 404)


def test_the_proxy_keeps_what_an_address_names_by_its_content(group, browser: Browser):
    context = browser.new_context()
    page = context.new_page()
    with page.expect_response("**/tensors/*") as first:
        page.goto(f"{group.url}/explorer?run={AE}")
    tensors = first.value.url
    assert first.value.status == 200
    context.close()
    module = f"{group.url}/{MODULES}/{digest()}/canvas/canvas.js"
    get(module)
    for address in (tensors, module):
        bodies = set()
        for cookie in ("vae_seat=1", "vae_seat=2", "vae_seat=7"):
            for coding in ("gzip", "identity"):
                get(address, Accept_Encoding=coding, Cookie=cookie)
                status, headers, body = get(address, Accept_Encoding=coding, Cookie=cookie)
                assert status == 200 and headers["x-cache"] == "HIT" and headers["cache-control"] == FOR_GOOD
                assert "set-cookie" not in headers
                bodies.add(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)
        assert len(bodies) == 1
    for _ in range(2):
        status, headers, _ = get(f"{group.url}/tensors/{'0' * 24}")
        assert status == 404 and headers.get("x-cache") != "HIT"


@pytest.mark.parametrize("there", [True, False])
def test_charts_come_late_or_at_once_where_what_delays_them_does_not_come(group, browser: Browser, there):
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page, errors = context.new_page(), []
    watch(page, errors)

    def answer(route: Route) -> None:
        if there:
            response = route.fetch()
            route.fulfill(response=response, body=f"window.cameLate = true;\n{response.text()}")
        else:
            route.abort()

    page.route(f"**/{MODULES}/*/late.js", answer)
    page.goto(f"{group.url}/beta")
    expect(page.locator(".js-plotly-plot").first).to_be_attached()
    assert page.evaluate("Boolean(window.cameLate)") is there
    expect(page.locator("head script[type=importmap]")).to_have_count(int(there))
    assert [text for text in errors if there or "ERR_FAILED" not in text] == []
    context.close()


def test_one_replica_dies_and_its_visitors_go_on_with_the_other(group, browser: Browser):
    visitors, errors = [], ([], [])
    for heard in errors:
        page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        watch(page, heard)
        visitors.append(page)
    pinner, reader = visitors
    pinner.goto(f"{group.url}/explorer?run={AE}&z=1,2;-3,0.5&view=1,1,5")
    pinned = state(plane_of(pinner))
    assert len(pinned["pins"]) == 2
    expect(pinner.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    reader.goto(f"{group.url}/regularity")
    plane_of(reader)
    died, other = group.replicas[seat(pinner) - 1], group.replicas[seat(reader) - 1]
    assert died is not other
    assert (sessions(died), sessions(other)) == (1, 1)  # over WebSockets through the proxy
    reader.evaluate("window.untouched = true")

    os.kill(died.process.pid, signal.SIGKILL)
    wait_until(lambda: sessions(other) == 2)
    expect(pinner.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    assert seat(pinner) == seat(reader)
    assert state(plane_of(pinner)) == pinned
    assert "z=1%2C2%3B-3%2C0.5" in pinner.url or "z=1,2;-3,0.5" in pinner.url
    plane_of(pinner).focus()
    pinner.keyboard.press("Backspace")  # and it still talks to Python: the link follows
    pinner.wait_for_url(lambda url: "-3" not in url)
    pinner.reload()
    assert len(state(plane_of(pinner))["pins"]) == 1

    choice(reader, "Latent dimensions, d", "32").click()  # who sat there noticed nothing
    reader.wait_for_url(re.compile(r"[?&]d=32"))
    assert reader.evaluate("window.untouched") is True and errors[1] == []
    assert not [text for text in errors[0] if "ontent Security" in text]

    wait_until(lambda: answers(died.port, died.health))  # started again; who left stays where they are
    assert died.process.poll() is None
    assert sessions(died) == 0
    for page in visitors:
        page.context.close()


def test_a_drag_goes_on_while_its_replica_dies_and_what_was_still_to_come_arrives(group, browser: Browser):
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page, held = context.new_page(), []
    labels = labels_of(2)
    whole, start = len(labels), labels.index("4")
    _, stops = dial_of(2, start, f"{DATASET}:validation")
    late = {stop.header["body"]["id"] for stop in stops[2:]}  # all but where it starts, and one neighbour

    def hold(route: Route) -> None:
        if held is None or route.request.url.rpartition("/")[2] not in late:
            route.continue_()
        else:
            held.append(route)

    page.route("**/tensors/*", hold)
    page.goto(f"{group.url}/beta?beta=4")
    root = page.locator(".beta-dial")
    expect(root.locator(".loading")).to_have_text(f"loading: 2 of {whole} stops")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    before, died = seat(page), group.replicas[seat(page) - 1]
    other = group.replicas[2 - before]
    wait_until(lambda: answers(other.port, other.health))  # it may have died in the test before
    root.scroll_into_view_if_needed()
    box = root.locator("input").bounding_box()
    y, step = box["y"] + box["height"] / 2, (box["width"] - THUMB) / (whole - 1)
    low, high = root.evaluate("root => root.betaDial.reach")
    grabbed, side = box["x"] + THUMB / 2 + start * step, 1 if high > start else -1
    page.mouse.move(grabbed, y)
    page.mouse.down()

    process = died.process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    seen = set()
    for share in (0.2, 0.4, 0.6, 0.8):
        page.mouse.move(grabbed + side * share * step, y)
        page.wait_for_timeout(60)
        seen.add(round(root.evaluate("root => root.betaDial.motion.position"), 3))
    assert len(seen) == 4 and low <= min(seen) and max(seen) <= high  # the points are between two stops

    waiting, held = held, None
    for route in waiting:
        route.continue_()
    wait(page, root, f"dial.reach?.[1] - dial.reach?.[0] === {whole - 1}")
    expect(root.locator(".loading")).to_have_text("")
    wait_until(lambda: sessions(other) == 1)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    assert seat(page) == 3 - before
    page.mouse.move(box["x"] + box["width"] - THUMB / 2, y)
    page.mouse.up()
    page.wait_for_url(re.compile(f"[?&]beta={labels[-1].replace(' ', '(%20|[+])')}"))
    context.close()


# ---- two versions --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_versions(group, tmp_path_factory) -> Iterator[tuple[str, str]]:
    """nginx in front of a replica of `group` (seat 1) and of one of another version (seat 2), which has a folder for
    temporary files of its own, as on another machine; and the address of the latter."""
    tree = tmp_path_factory.mktemp("version")
    for name in ("ui", "pages", "vae_core", ".streamlit"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "checkpoints").symlink_to(ROOT / "checkpoints")
    shutil.copy(ROOT / "app.py", tree)
    for changed in ("ui/components/dial/dial.js", "ui/components/canvas/canvas.js"):
        with (tree / changed).open("a") as file:
            file.write("\n// another version\n")
    with (tree / "ui/chapters/beta" / FILE).open("ab") as file:
        file.write(b"another")
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    older = group.replicas[0]
    wait_until(lambda: answers(older.port, older.health))  # it may have died in a test before
    with serve(tree / "app.py", environment={"TMPDIR": str(tmp_path_factory.mktemp("temporary"))}) as newer:
        seats = [f"127.0.0.1:{older.port}", newer.url.removeprefix("http://")]
        text = configuration(folder, f"127.0.0.1:{port}", seats, static=pack_static(folder))
        command = [nginx(), "-p", str(folder), "-c", str(write_configuration(folder, text)), "-e", "stderr"]
        proxy = Kept("nginx", command, os.environ, port, "/proxy/health")
        proxy.start()
        try:
            proxy.wait_until_healthy()
            yield f"http://127.0.0.1:{port}", newer.url
        finally:
            proxy.ask_to_stop()
            proxy.wait()


def test_a_page_of_one_version_gets_what_it_names_though_its_seat_has_another(two_versions, browser: Browser):
    both, newer = two_versions
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.add_cookies([{"name": "vae_seat", "value": "1", "url": both}])
    page, errors, answered = context.new_page(), [], []
    watch(page, errors)
    page.on("response", lambda answer: answered.append((answer.url, answer.status)))
    page.goto(f"{both}/glossary")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    context.add_cookies([{"name": "vae_seat", "value": "2", "url": both}])
    page.get_by_role("link", name="The β dial", exact=True).first.click()
    root = page.locator(".beta-dial")
    wait(page, root, f"dial.reach?.[1] - dial.reach?.[0] === {len(labels_of(2)) - 1}")
    modules = [url.removeprefix(both) for url, _ in answered if f"/{MODULES}/" in url and not url.endswith("/late.js")]
    tensors = [url.removeprefix(both) for url, _ in answered if "/tensors/" in url]
    assert any(url.endswith("/dial/dial.js") for url in modules) and len(tensors) > len(labels_of(2))
    assert {url.split("/")[2] for url in modules} == {digest()}
    thumbnails = thumbnail_sheet(DATASET).header["body"]
    # They are the first one's alone, but for the thumbnails: every server has those for Home before anybody asks.
    alone = {*modules, *tensors, f"/{picture_address('beta')}"} - {f"/tensors/{thumbnails['id']}"}
    assert {get(newer + url)[0] for url in alone} == {404}
    assert get(f"{both}/{picture_address('beta')}", Cookie="vae_seat=2")[0] == 200
    assert {status for url, status in answered if url.removeprefix(both) in (*modules, *tensors)} == {200}
    assert errors == []
    page.reload()  # now the other version's own page
    wait(page, root, f"dial.reach?.[1] - dial.reach?.[0] === {len(labels_of(2)) - 1}")
    latest = {url.split("/")[4] for url, _ in answered if f"/{MODULES}/" in url and not url.endswith("/late.js")}
    assert len(latest) == 2 and errors == []
    context.close()


def test_what_neither_version_has_is_not_found(two_versions):
    both, _ = two_versions
    for address in (f"{MODULES}/{'0' * 16}/dial/dial.js", f"tensors/{'0' * 24}", f"pictures/{'0' * 16}.webp"):
        for cookie in ("vae_seat=1", "vae_seat=2", ""):
            assert get(f"{both}/{address}", Cookie=cookie)[0] == 404
