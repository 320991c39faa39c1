"""nginx for the replicas: fills in the configuration's template, and compresses Streamlit's static files."""

from __future__ import annotations

import base64
import getpass
import gzip
import hashlib
import ipaddress
import os
import re
import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path

import streamlit

from ui.app.late import late

PROJECT = Path(__file__).resolve().parents[1]
TEMPLATE = Path(__file__).with_name("nginx.conf")
SHIPPED_STATIC = Path(streamlit.__file__).parent / "static"
COMPRESSED = {".js", ".css", ".json", ".svg", ".html", ".wasm", ".ttf"}
TEMPORARY = ("body", "proxy", "fastcgi", "uwsgi", "scgi")
MARGIN = 1  # megabyte, for the overhead of an upload
MUCH_BEFORE = 1_000  # weight of the first backup against the others
ONLY_OURS = "'self'"
LOOPBACK_PROXIES = ("127.0.0.0/8", "::1")  # who reaches nginx from there is on this machine already
CONNECTIONS = 8_192
DESCRIPTORS = 2 * CONNECTIONS + 1_024  # one for a connection and for a file of the cache beside it, and some for itself
FEWEST_CONNECTIONS = 256


class CannotServe(Exception):
    """The app cannot be served; the message is for whoever starts it."""


def content_security_policy(frame_ancestors: str = ONLY_OURS, index: Path | None = None) -> str:
    """What pages may load and run, as strict as Streamlit allows; tested in Chromium on every page.

    Scripts come from this server, from memory (components get theirs as text), or are inline and identified by their
    hashes: the one of Streamlit's own page, and ours in it with its import map. Inline styles are allowed, because
    Streamlit uses them.

    Args:
        frame_ancestors: sites that may show the app in a frame, as in the header: ``'self'``, ``'none'``, or origins
            such as ``https://school.example``, separated by blanks.
        index: Streamlit's page; default: the installed one.

    Raises:
        CannotServe: the sites are not valid origins.
    """
    if not frame_ancestors.strip() or re.search(r"[^\w\-.:/*' ]", frame_ancestors):
        raise CannotServe(
            f"{frame_ancestors[:60]!r} cannot say who may show the app in a frame; give 'self', 'none' (each with its "
            "quotes) or origins such as https://school.example, with blanks between them."
        )
    html = (index or SHIPPED_STATIC / "index.html").read_text(encoding="utf-8")
    inline = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    if waits := late():
        inline += [waits.script, waits.map]
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in inline]
    allowed = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", "blob:", *(f"'sha256-{value}'" for value in hashes)]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(frame_ancestors.split()),
    }
    return "; ".join(f"{name} {sources}" for name, sources in allowed.items())


def largest_upload() -> int:
    """The limit on one uploaded file in megabytes, from the app's settings."""
    with (PROJECT / ".streamlit" / "config.toml").open("rb") as file:
        return int(tomllib.load(file)["server"]["maxUploadSize"])


def framed_elsewhere(frame_ancestors: str) -> bool:
    """Whether another site may show the app in a frame, for which cookies need special attributes."""
    return not set(frame_ancestors.split()) <= {"'self'", "'none'"}


def trusted(proxies: str) -> list[str]:
    """The proxies whose ``X-Forwarded-For`` is believed: this machine's, and those named.

    Args:
        proxies: addresses or networks such as ``10.0.0.0/8``, with blanks or commas between them.

    Raises:
        CannotServe: one of them is no address.
    """
    named = proxies.replace(",", " ").split()
    try:
        return [*LOOPBACK_PROXIES, *(str(ipaddress.ip_network(name, strict=False)) for name in named)]
    except ValueError as error:
        raise CannotServe(f"The proxies to be trusted are addresses or networks such as 10.0.0.0/8; {error}.") from None


def connections() -> tuple[int, int]:
    """How many connections nginx may hold, and how many descriptors it asks for, within what the system allows it."""
    try:
        import resource
    except ImportError:  # not every system has limits
        return CONNECTIONS, DESCRIPTORS
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most == resource.RLIM_INFINITY or most >= DESCRIPTORS:
        return CONNECTIONS, DESCRIPTORS
    return max(FEWEST_CONNECTIONS, min(CONNECTIONS, (most - 64) // 2)), most


def configuration(
    folder: Path,
    listen: str,
    replicas: Sequence[str],
    *,
    static: Path,
    frame_ancestors: str = ONLY_OURS,
    trusted_proxies: str = "",
) -> str:
    """The text of an nginx.conf.

    Args:
        folder: an existing one, for nginx's own files.
        listen: address and port, as nginx writes them.
        replicas: host and port of each.
        static: the folder that holds ``static/``, see `pack_static`.
        frame_ancestors: see `content_security_policy`.
        trusted_proxies: see `trusted`.

    Raises:
        CannotServe: a name that nginx cannot use.
    """
    if not replicas or len(set(replicas)) != len(replicas):
        raise CannotServe("Give at least one replica, each with its own host:port.")
    for name in (listen, *replicas):
        if not re.fullmatch(r"[\w.\-\[\]:]+:\d{1,5}", name):
            raise CannotServe(f"{name[:60]!r} is not host:port.")
    for path in (folder, static):
        if re.search(r"[\s\"';{}$\\]", str(path)):
            raise CannotServe(f"nginx cannot use the folder {path}; choose one without blanks, quotes and the like.")
    embedded = framed_elsewhere(frame_ancestors)
    choices = [f"        {number} seat_{number};" for number in range(1, len(replicas) + 1)]
    addresses = [f'        "~(^|[ ,]){re.escape(name)}$" {number};' for number, name in enumerate(replicas, 1)]
    most_connections, descriptors = connections()
    values = {
        "CONNECTIONS": str(most_connections),
        "DESCRIPTORS": str(descriptors),
        "TRUSTED": "\n".join(f"    set_real_ip_from {name};" for name in trusted(trusted_proxies)),
        "USER": f"user {getpass.getuser()};" if os.geteuid() == 0 else "",  # else root's worker processes run as nobody
        "FOLDER": str(folder),
        "ANYWHERE": "\n".join(f"        server {name} max_fails=1 fail_timeout=2s;" for name in replicas),
        "SEATS": "\n".join(_upstream(number, replicas) for number in range(len(replicas))),
        "CHOICES": "\n".join(choices),
        "ADDRESSES": "\n".join(addresses),
        "COOKIE_FLAGS": "; SameSite=None; Secure; Partitioned" if embedded else "; SameSite=Lax",
        # The cookie that uploads need; Streamlit's own option sets SameSite=None.
        "EMBEDDED": '        proxy_cookie_path / "/; Partitioned";' if embedded else "",
        "LARGEST_UPLOAD": str(largest_upload() + MARGIN),
        "LISTEN": listen,
        "POLICY": content_security_policy(frame_ancestors),
        "STATIC": str(static),
    }
    text = TEMPLATE.read_text(encoding="utf-8").partition("\n\n")[2]  # without the comment on the template
    return re.sub("@([A-Z_]+)@", lambda found: values[found[1]], text)


def _upstream(number: int, replicas: Sequence[str]) -> str:
    """A group of the replica, with the others as its backup: the next one far more often, so that all tabs meet."""
    order = [*replicas[number:], *replicas[:number]]
    lines = [f"    upstream seat_{number + 1} {{", f"        zone seat_{number + 1} 64k;"]
    for place, name in enumerate(order):
        rank = "" if place == 0 else f" backup weight={MUCH_BEFORE if place == 1 else 1}"
        lines.append(f"        server {name} max_fails=1 fail_timeout=2s{rank};")
    return "\n".join([*lines, "    }"])


def write_configuration(folder: Path, text: str) -> Path:
    """Write the configuration to `folder` and create the folders that nginx writes to; returns the file."""
    for name in TEMPORARY:
        (folder / name).mkdir(parents=True, exist_ok=True)
    file = folder / "nginx.conf"
    file.write_text(text, encoding="utf-8")
    return file


def pack_static(target: Path, source: Path = SHIPPED_STATIC) -> Path:
    """Copy Streamlit's ``static/`` below `target`, with a compressed copy beside each compressible file.

    Does nothing if it was done for this version of Streamlit.
    """
    done = target / f"streamlit-{streamlit.__version__}"
    if done.exists():
        return target
    shutil.copytree(source / "static", target / "static", dirs_exist_ok=True, copy_function=shutil.copyfile)
    for file in (target / "static").rglob("*"):
        if file.suffix in COMPRESSED:
            packed = file.with_name(f"{file.name}.gz")
            packed.write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))
            os.utime(packed, (stamp := file.stat().st_mtime, stamp))
    done.touch()
    return target


def nginx() -> str:
    """The path of the program.

    Raises:
        CannotServe: it is not installed.
    """
    found = shutil.which("nginx") or next((path for path in ("/usr/sbin/nginx",) if os.access(path, os.X_OK)), None)
    if found is None:
        raise CannotServe("nginx is missing; install it (on Debian: apt-get install nginx), or use 'streamlit run'.")
    return found
