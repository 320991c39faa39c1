"""Who a visitor is: a name that only the server gives, and an address that the visitor does not choose."""

from __future__ import annotations

import errno
import os
import stat
import threading
from types import SimpleNamespace

import pytest

from deploy import jobs
from tests.support.asgi import Answer
from ui.app.visitor_cookie import VisitorCookie
from ui.training import app_queue, visitor
from vae_core.errors import SpecError
from vae_core.spec import RunSpec
from vae_core.storage import stops
from vae_core.storage.store import Store

from .helpers import Bench, open_page, wait_until


@pytest.fixture(autouse=True)
def data_root(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "data"))
    visitor._secret.cache_clear()
    return tmp_path / "data"


def test_a_name_that_the_server_has_given_is_known_again_and_no_other(data_root):
    cookie = visitor.issue()
    name, _, signature = cookie.partition(".")
    assert visitor.read(cookie) == name and visitor.issue() != cookie
    visitor._secret.cache_clear()  # as after a restart, and in another replica
    assert visitor.read(cookie) == name
    other = visitor.issue()
    forged = ["", "x", name, f"{name}.", f"{other[:16]}.{signature}", cookie.upper(), f"{cookie}0", "2|00|00|1"]
    assert [visitor.read(one) for one in forged] == [""] * len(forged)
    (secret,) = data_root.iterdir()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    secret.unlink()
    visitor._secret.cache_clear()
    assert visitor.read(cookie) == ""


def test_where_nothing_can_be_written_a_name_holds_for_the_process(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "file"))
    cookie = visitor.issue()
    assert visitor.read(cookie) == cookie[:16]


def no_links(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_where_there_are_no_links_names_outlive_a_restart_all_the_same(data_root, monkeypatch):
    monkeypatch.setattr(visitor.os, "link", no_links)
    cookie = visitor.issue()
    visitor._secret.cache_clear()
    assert visitor.read(cookie) == cookie[:16]
    (secret,) = data_root.iterdir()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_where_nothing_can_be_written_any_more_names_given_before_are_known(data_root, monkeypatch):
    cookie = visitor.issue()
    real_open = os.open

    def read_only(path, flags, *rest, **named):
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, "Read-only file system")
        return real_open(path, flags, *rest, **named)

    monkeypatch.setattr(visitor.os, "open", read_only)
    monkeypatch.setattr(visitor.os, "link", no_links)
    visitor._secret.cache_clear()
    assert visitor.read(cookie) == cookie[:16]


def test_of_two_replicas_that_make_a_secret_the_first_wins(data_root, monkeypatch):
    first = visitor.issue()
    monkeypatch.setattr(visitor.Path, "exists", lambda path: False)  # as it was when the second looked
    for link in (os.link, no_links):
        monkeypatch.setattr(visitor.os, "link", link)
        visitor._secret.cache_clear()
        assert visitor.read(first) == first[:16]
    assert len(list(data_root.iterdir())) == 1


def test_without_the_cookie_a_visitor_is_one_session(monkeypatch):
    state: dict[str, str] = {}
    monkeypatch.setattr(visitor.st, "session_state", state)
    first = visitor.visitor()
    assert first == visitor.visitor() == state["visitor"]
    state.clear()
    assert visitor.visitor() != first


def test_with_the_cookie_it_is_its_name(monkeypatch):
    cookie = visitor.issue()
    context = SimpleNamespace(cookies={visitor.COOKIE: cookie}, ip_address="2001:db8:1:2:3:4:5:6")
    monkeypatch.setattr(visitor.st, "context", context)
    assert visitor.visitor() == cookie[:16]
    assert visitor.address() == "2001:db8:1:2::"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:0:1::7", "2001:db8:0:1::"),
        ("2001:db8:0:1:ffff::", "2001:db8:0:1::"),
        ("", ""),
        ("unix:", ""),
        ("1.2.3.4, 5.6.7.8", ""),
    ],
)
def test_of_an_address_counts_what_its_owner_does_not_choose(text, found):
    assert visitor.neighbourhood(text) == found


def asked(cookie: str = "", accept: str = "text/html,*/*", status: int = 200) -> list[str]:
    """The cookies that a page comes with."""
    import asyncio

    said = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        said.append(message)

    headers = [(b"accept", accept.encode()), (b"cookie", cookie.encode())]
    asyncio.run(VisitorCookie(app)({"type": "http", "headers": headers}, None, send))
    answer = Answer(said[0]["status"], dict(said[0]["headers"]), b"")
    return [value.decode() for name, value in answer.headers.items() if name == b"set-cookie"]


def test_a_browser_gets_its_name_with_the_first_page():
    (given,) = asked()
    cookie = given.partition(";")[0].partition("=")[2]
    assert visitor.read(cookie) and "HttpOnly" in given and "SameSite=Lax" in given
    assert asked(f"other=1; {visitor.COOKIE}={cookie}") == []
    assert len(asked(f"{visitor.COOKIE}={cookie}0")) == 1  # made up
    assert asked(accept="image/png") == [] and asked(status=404) == []


def test_in_a_frame_of_another_site_the_cookie_says_so(monkeypatch):
    monkeypatch.setattr("ui.app.visitor_cookie.st.get_option", lambda name: "none")
    assert "SameSite=None; Secure" in asked()[0]


# ---- what may be asked for ------------------------------------------------------------------------------------------


@pytest.fixture
def bench(empty_store):
    held = Bench()
    app_queue.training_queue().start = held
    yield held
    app_queue.training_queue().close()


def spec(**changes) -> RunSpec:
    return RunSpec(**{"dataset": "digits", "model": "vae", "hidden": (16,), "epochs": 2, **changes})


def test_a_run_that_would_take_hours_is_not_taken(bench, monkeypatch):
    monkeypatch.setattr(app_queue, "estimated_seconds", lambda spec: 60.0 * spec.epochs)
    assert app_queue.request([spec(epochs=30)]) == ""
    refusal = app_queue.request([spec(epochs=31)])
    assert refusal.startswith("That run would take about 31 minutes, and one run may have 30 minutes here")
    assert "python -m vae_core train" in refusal
    monkeypatch.setenv("VAE_LONGEST_RUN", "45")
    assert app_queue.request([spec(epochs=31)]) == ""
    for wrong in ("0", "-3", "1.5", "long", "²", "100000"):
        monkeypatch.setenv("VAE_LONGEST_RUN", wrong)
        with pytest.raises(SpecError, match="VAE_LONGEST_RUN"):
            app_queue.longest_run()


def test_train_on_a_link_lets_a_visitor_start_a_download(bench):
    assert "kmnist" not in app_queue.datasets.here()
    refusal = app_queue.request([spec(dataset="kmnist")])
    assert refusal.endswith("is not on this machine, and a page downloads nothing.")
    assert bench.came == [] and app_queue.training_queue().idle


def test_a_hosts_way_to_stop_a_job(bench, empty_store, monkeypatch, capsys):
    monkeypatch.setattr(app_queue, "LOOK_FOR_STOPS", 0.05)
    first, second, third = (spec(seed=seed) for seed in range(3))
    assert app_queue.request([first, second, third]) == ""
    wait_until(lambda: bench.came == [first])
    assert jobs.main(["--stop", second.key]) == 0
    queue = app_queue.training_queue()
    wait_until(lambda: queue.ticket(second.key) is None)
    assert queue.ticket(first.key) and queue.failures[second.key] == stops.SENTENCE
    assert jobs.main(["--stop", "all"]) == 0
    wait_until(lambda: queue.idle)
    assert bench.stopped == [first] and queue.failures[third.key] == stops.SENTENCE
    assert jobs.main(["--stop", "../../x"]) == 1 and "is not the key of a run" in capsys.readouterr().err


def test_the_hosts_word_is_obeyed_once(empty_store, monkeypatch):
    """While it lasted, it was obeyed every two seconds, also by what was asked for since."""
    monkeypatch.setattr(app_queue, "LOOK_FOR_STOPS", 0.01)
    looks, obeyed = [], []
    given = stops.given
    monkeypatch.setattr(stops, "given", lambda root: looks.append(root) or given(root))

    class Queue:
        closed = False

        def halt(self, why: str, key: str, before: float) -> None:
            obeyed.append(key)

    queue = Queue()
    host = threading.Thread(target=app_queue._obey_the_host, args=[queue])
    host.start()
    try:
        for number, key in enumerate(("", spec().key, ""), 1):
            stops.give(empty_store, key)
            wait_until(lambda number=number: len(obeyed) == number)
            seen = len(looks)
            wait_until(lambda seen=seen: len(looks) > seen + 3)
        assert obeyed == ["", spec().key, ""]
    finally:
        queue.closed = True
        host.join()


def test_a_stop_is_forgotten_after_a_while(tmp_path):
    stops.give(Store(tmp_path))
    (given,) = stops.given(tmp_path)
    assert given.key == ""
    os.utime(tmp_path / ".stops" / stops.ALL, (0, 0))
    assert stops.given(tmp_path) == [] and not list((tmp_path / ".stops").iterdir())


def test_the_host_sees_what_trains(empty_store, capsys):
    assert jobs.main([]) == 0 and capsys.readouterr().out == ""
    partial = empty_store.partial_path(spec().key)
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"")
    with empty_store.locked(spec().key):
        assert stops.in_training(empty_store) == [spec().key]
    assert stops.in_training(empty_store) == []


def test_the_page_says_why_a_run_was_refused(bench, monkeypatch):
    monkeypatch.setattr(app_queue, "estimated_seconds", lambda spec: 1e6)
    at = open_page("pages/train.py", dataset="digits")
    next(button for button in at.button if button.label == "Train").click().run()
    assert any(warning.value.startswith("That run would take about") for warning in at.warning)
    assert bench.came == []
