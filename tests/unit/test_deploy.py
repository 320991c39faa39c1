"""What is served to whom, and that the Dockerfile says what its checker carries out."""

from __future__ import annotations

import re
import select
import socket
import subprocess
import time
import tomllib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import pytest

from deploy.dockerfile import NotUnderstood, context, filled_in, read
from deploy.proxy import (
    CannotServe,
    configuration,
    connections,
    content_security_policy,
    framed_elsewhere,
    largest_upload,
    nginx,
    trusted,
    write_configuration,
)
from deploy.serve import answers, free_port, prepare
from tools.pin_requirements import PINNED, brought_along, wanted
from ui.app.late import late
from ui.chapters.pictures import PICTURES
from ui.components.modules import MODULES
from ui.components.tensors import TENSORS
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store

ROOT = Path(__file__).parents[2]
REPLICAS = ["127.0.0.1:1001", "127.0.0.1:1002", "127.0.0.1:1003"]


def rendered(**options) -> str:
    return configuration(Path("/run/x"), "127.0.0.1:80", REPLICAS, static=Path("/opt/static"), **options)


def test_every_seat_has_its_replica_first_and_all_others_behind_it():
    text = rendered()
    assert not re.search("@[A-Z]", text)
    for number, own in enumerate(REPLICAS, 1):
        block = re.search(rf"upstream seat_{number} {{(.*?)}}", text, re.DOTALL)[1]
        first, *others = re.findall(r"server (\S+) [^;]*?(backup weight=\d+)?;", block)
        assert first == (own, "")
        assert {name for name, _ in others} == set(REPLICAS) - {own}
        assert [role for _, role in others] == ["backup weight=1000", "backup weight=1"]
    assert f"client_max_body_size {largest_upload() + 1}m;" in text
    assert "SameSite=Lax" in text and "Partitioned" not in text
    assert rendered(frame_ancestors="https://school.example").count("Partitioned") == 2


def test_every_binary_file_of_a_space_is_in_git_lfs():
    stored = {line.split()[0] for line in (ROOT / "deploy" / "space.gitattributes").read_text().splitlines()[1:]}
    shipped = [
        folder for folder in ROOT.iterdir() if folder.is_dir() and folder.name[0] != "." and folder.name != "data"
    ]
    files = [path for folder in shipped for path in folder.rglob("*") if path.is_file()]
    binary = {
        f"*{path.suffix}"
        for path in files
        if not {"__pycache__", "node_modules", "dist"} & set(path.parts) and b"\0" in path.read_bytes()[:8_000]
    }
    assert binary == stored


def test_what_an_address_names_by_its_content_takes_no_seat_and_all_else_does():
    """nginx's own rule, by hand: the first expression that matches, else the default."""
    text = rendered()
    header = re.findall(r"add_header Set-Cookie (\S+) always;", text)
    table = re.search(rf"map \$uri {re.escape(header[0])} {{(.*?)}}", text, re.DOTALL)[1]
    rules = re.findall(r'^\s*(?:"~([^"]+)"|default) (\S+);', table, re.MULTILINE)

    def told(path: str) -> str:
        return next((said for rule, said in rules if rule and re.search(rule, path)), dict(rules)[""])

    assert len(header) == 1
    for path in (f"/{MODULES}/0123456789abcdef/dial/dial.js", f"/{TENSORS}/{'0' * 24}", f"/{PICTURES}/0123.webp"):
        assert told(path) == '""'
    for path in ("/", "/explorer", "/modules", "/media/x.png", "/_stcore/stream", f"/other/{MODULES}/x.js"):
        assert told(path) == "$new_seat"
    assert 'map "$answered_by $cookie_vae_seat" $new_seat {' in text


@pytest.mark.parametrize("name", ["", "localhost", "127.0.0.1:1; return 200", "127.0.0.1:1\n}", "a b:1"])
def test_no_name_can_say_more_than_a_place(name):
    with pytest.raises(CannotServe, match="host:port"):
        configuration(Path("/run/x"), "127.0.0.1:80", [name], static=Path("/opt/static"))
    with pytest.raises(CannotServe, match="folder"):
        configuration(Path("/run/x;y"), "127.0.0.1:80", REPLICAS, static=Path("/opt/static"))


def test_the_policy_knows_the_inline_scripts_by_their_hashes(tmp_path):
    page = tmp_path / "index.html"
    page.write_text("<script>alert(1)</script>")
    # SHA-256 of "alert(1)" in base64, computed by openssl.
    wanted = subprocess.run(
        "printf 'alert(1)' | openssl dgst -sha256 -binary | openssl base64", shell=True, capture_output=True, text=True
    ).stdout.strip()
    assert len(wanted) == 44 and f"'sha256-{wanted}'" in content_security_policy(index=page)
    scripts = re.search(r"script-src ([^;]*)", content_security_policy())[1]
    assert "unsafe" not in scripts and "data:" not in scripts and scripts.count("sha256-") == 3
    for ours in (late().script, late().map):
        assert f"'sha256-{b64encode(sha256(ours.encode()).digest()).decode()}'" in scripts
    assert content_security_policy("'self' https://school.example").endswith(
        "frame-ancestors 'self' https://school.example"
    )
    assert framed_elsewhere("'self' https://school.example") and not framed_elsewhere("'self'")
    for bad in ("", '*"; script-src *', "https://a; script-src *", "a\nb{"):
        with pytest.raises(CannotServe, match="frame"):
            content_security_policy(bad)


def test_the_one_folder_that_is_written_to_shows_the_shipped_runs(tmp_path):
    home = tmp_path / "home"
    (home / "runs").mkdir(parents=True)
    (home / "runs" / "gone.safetensors").symlink_to(tmp_path / "none")
    kept = home / "runs" / "own.safetensors"
    kept.write_bytes(b"a run that was trained here")
    for _ in range(2):
        environment = prepare(home, {"PATH": "x"})
    assert environment["VAE_STORE"] == str(home / "runs") and environment["PATH"] == "x"
    assert set(Store(home / "runs").keys()) == {*Store(SHIPPED).keys(), "own"}
    assert kept.read_bytes() == b"a run that was trained here"
    assert prepare(home, {"VAE_DATA": "/mnist"})["VAE_DATA"] == "/mnist"
    (tmp_path / "file").touch()
    with pytest.raises(CannotServe, match="VAE_HOME"):
        prepare(tmp_path / "file" / "home", {})


def test_a_dockerfile_is_read_as_docker_reads_it():
    steps = read('# first\nFROM base\nRUN one && \\\n    # why\n    two\n\nENV A=1 B="x y"\nCMD ["a", "b c"]\n')
    assert [step.name for step in steps] == ["FROM", "RUN", "ENV", "CMD"]
    assert steps[1].text == "one && two" and steps[2].pairs == {"A": "1", "B": "x y"} and steps[3].argv == ["a", "b c"]
    assert filled_in("${A}:$B:$C", {"A": "1", "B": "2"}) == "1:2:"
    for unknown in ("ADD x y", "COPY --from=a x y", "ENV A 1", "SHELL x"):
        with pytest.raises(NotUnderstood):
            read(unknown)
    files = ["app.py", "ui/a.py", "ui/__pycache__/a.pyc", "tests/t.py", "checkpoints/a.safetensors", "checkpoints/.x/a"]
    ignore = "# said\n*\n!app.py\n!ui/\n!checkpoints/*.safetensors\n**/__pycache__\n"
    assert context(files, ignore) == ["app.py", "ui/a.py", "checkpoints/a.safetensors"]


def test_the_image_holds_what_the_app_needs_and_nothing_else():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    listed = listed or [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]  # no repository
    taken = set(context(listed, (ROOT / ".dockerignore").read_text()))
    folders = ("ui/", "pages/", "vae_core/", "checkpoints/", "deploy/")
    outside = (".md", ".pyc", ".yaml", ".gitattributes")
    needed = {name for name in listed if name.startswith(folders) and not name.endswith(outside)}
    needed = {name for name in needed if not name.startswith("checkpoints/.")}
    assert needed - taken == set() and {"app.py", "requirements.txt", ".streamlit/config.toml"} <= taken
    assert not [name for name in taken if name.startswith(("tests/", "benchmarks/", ".ci", ".venv", "data/", "docs/"))]


def test_the_image_runs_as_a_user_and_with_the_versions_that_were_tested():
    steps = read((ROOT / "Dockerfile").read_text())
    last = {step.name: step for step in steps}
    order = [step.name for step in steps]
    assert last["USER"].text == "1000" and order.index("USER") < order.index("CMD")
    assert "/_stcore/health" in last["HEALTHCHECK"].text and last["EXPOSE"].text == "8501"
    assert last["ARG"].pairs == {"TORCH_INDEX": ""}
    requirements = (ROOT / "requirements.txt").read_text()
    named = re.findall(r"(?:torch|torchvision)==[\d.]+", " ".join(step.text for step in steps))
    assert len(named) == 2 and all(pin in requirements.splitlines() for pin in named)
    front = (ROOT / "README.md").read_text().split("---")[1]
    assert "sdk: docker" in front and "app_port: 8501" in front
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["client"]["showErrorDetails"] == "none" and settings["server"]["fileWatcherType"] == "none"
    assert settings["runner"]["postScriptGC"] is False
    assert settings["browser"]["gatherUsageStats"] is False


def test_pins_with_floating_transitive_ones():
    """What the app's own packages bring along is pinned, too, as it is installed and tested here."""
    pinned = dict(line.split("==") for line in PINNED.read_text().splitlines() if not line.startswith("#"))
    assert {re.sub(r"[-_.]+", "-", one.name).lower() for one in wanted()} <= pinned.keys()
    installed = brought_along(wanted())
    assert {name: version for name, version in installed.items() if name in pinned and version != pinned[name]} == {}
    of_graphics_cards = re.compile(r"nvidia-|cuda-|triton")
    assert [name for name in installed if name not in pinned and not of_graphics_cards.match(name)] == []
    assert "-c requirements-pinned.txt" in (ROOT / "requirements.txt").read_text().splitlines()


def test_only_proxies_that_are_named_say_where_a_visitor_comes_from():
    assert trusted("") == ["127.0.0.0/8", "::1/128"] or trusted("") == ["127.0.0.0/8", "::1"]
    assert trusted("10.0.0.0/8, 2001:db8::1 192.168.1.7")[-3:] == ["10.0.0.0/8", "2001:db8::1/128", "192.168.1.7/32"]
    text = rendered(trusted_proxies="10.1.2.3")
    assert re.findall(r"set_real_ip_from (\S+);", text)[-1] == "10.1.2.3/32"
    assert "proxy_add_x_forwarded_for" not in text and "http_x_forwarded_for" not in text
    for bad in ("0.0.0.0/0; return 200", "proxy.example", "10.0.0.1\n}"):
        with pytest.raises(CannotServe, match="addresses or networks"):
            rendered(trusted_proxies=bad)


def test_the_proxy_has_limits_for_each_address():
    text = rendered()
    for limit in ("limit_conn uploads", "limit_conn connections", "limit_req zone=sessions", "limit_req zone=sent"):
        assert limit in text
    assert f"worker_rlimit_nofile {connections()[1]};" in text


@pytest.fixture
def proxy(tmp_path) -> Iterator[int]:
    """nginx alone, before replicas that do not answer; its port."""
    try:
        program = nginx()
    except CannotServe:
        pytest.skip("no nginx on this machine")
    (tmp_path / "static").mkdir()
    port = free_port()
    file = write_configuration(tmp_path, configuration(tmp_path, f"127.0.0.1:{port}", REPLICAS, static=tmp_path))
    process = subprocess.Popen([program, "-p", str(tmp_path), "-c", str(file), "-e", str(tmp_path / "errors")])
    try:
        end = time.monotonic() + 30
        while not answers(port, "/proxy/health"):
            assert time.monotonic() < end and process.poll() is None, (tmp_path / "errors").read_text()
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()


def refused(port: int, count: int, source: str = "") -> int:
    """How many of so many uploads that begin and send nothing are refused."""
    path, headers = "/_stcore/upload_file/a/b", "Host: x\r\nContent-Length: 1000\r\n"
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(count)]
        for number, one in enumerate(sockets):
            told = f"X-Forwarded-For: {source.format(number)}\r\n" if source else ""
            one.sendall(f"PUT {path} HTTP/1.1\r\n{headers}{told}\r\n".encode())
        time.sleep(1.5)  # those that are let in wait for their content
        answered = select.select(sockets, [], [], 0)[0]
        statuses = {one.recv(64).split()[1] for one in answered}
        assert statuses <= {b"429"}
        return len(answered)


def test_limit_conn_of_uploads(proxy):
    assert refused(proxy, 90) == 30
    assert refused(proxy, 90, "10.0.{}.1") == 0  # others, behind a proxy that is trusted
    assert refused(proxy, 90, "2001:db8:0:1::{:x}") == 30  # one owner of addresses of IPv6
