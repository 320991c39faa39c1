"""Execute the Dockerfile without Docker, then check that the app answers::

    python -m deploy.check_dockerfile [--torch-index ADDRESS]

Needs root on a Debian with Python 3.11, which stands in for the base image: the steps change an overlay of this
machine's files, which is thrown away. Each RUN is executed as the Dockerfile's user. The app starts without privileges,
with no network but the loopback and with a read-only disk except for VAE_HOME; the check passes when the Dockerfile's
own HEALTHCHECK succeeds and pages are served. It takes as long as the installation, and 4 GB of temporary space.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deploy.dockerfile import Instruction, context, filled_in, read

PROJECT = Path(__file__).resolve().parents[1]
BUILD, START = "--build", "--start"  # this program again, in its own mount namespace; in its own network namespace
THIS = [sys.executable, "-m", "deploy.check_dockerfile"]
CARRIED = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
START_LIMIT = 90.0  # seconds
FIRST_OF_PEOPLE = 1_000  # lower user ids are the system's


def environment_of_the_build() -> dict[str, str]:
    """As in a base image: only what Docker and this machine's package installer need."""
    carried = {name: value for name, value in os.environ.items() if name.upper().startswith(CARRIED)}
    base = f"{sys.base_prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {**carried, "PATH": base, "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}


def mount(*arguments: str) -> None:
    """One mount, which ends with this process's namespace."""
    subprocess.run(["mount", *arguments], check=True)


def new_root(work: Path) -> Path:
    """An overlay of this machine's files, with the system folders that programs need."""
    for name in ("upper", "work", "root", "tmp"):
        (work / name).mkdir()
    (work / "tmp").chmod(0o1777)
    root = work / "root"
    mount("-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={work}/upper,workdir={work}/work", str(root))
    mount("--rbind", "/dev", str(root / "dev"))
    mount("--rbind", "/proc", str(root / "proc"))
    mount("--bind", str(work / "tmp"), str(root / "tmp"))
    # In an image all users may run Python; here perhaps only root.
    for folder in [Path(sys.base_prefix), *Path(sys.base_prefix).parents]:
        inside = root / folder.relative_to("/")
        inside.chmod(inside.stat().st_mode | 0o055)
    # An image has no ordinary users either.
    for name in ("passwd", "group"):
        lines = (root / "etc" / name).read_text().splitlines(keepends=True)
        (root / "etc" / name).write_text("".join(line for line in lines if int(line.split(":")[2]) < FIRST_OF_PEOPLE))
    return root


def in_root(root: Path, user: str, folder: str, environment: dict[str, str], argv: list[str]) -> list[str]:
    """The command line that runs `argv` in the new root."""
    values = [f"{name}={value}" for name, value in environment.items()]
    return [
        "chroot", f"--userspec={user}", str(root), "env", "-i", *values,
        "sh", "-c", 'cd "$0" && exec "$@"', folder, *argv,
    ]  # fmt: skip


def copy(step: Instruction, root: Path, folder: str) -> int:
    """Execute a COPY; returns the number of files."""
    *sources, target = step.words
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    seen = context(sorted(set(listed)), (PROJECT / ".dockerignore").read_text(encoding="utf-8"))
    wanted = [name for name in seen if any(source == "." or name == source for source in sources)]
    for name in wanted:
        destination = root / folder.lstrip("/") / target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, destination)
    return len(wanted)


def build(root: Path, steps: list[Instruction], arguments: dict[str, str]) -> tuple[str, str, dict[str, str]]:
    """Execute all steps up to the start; returns its user, folder and environment."""
    user, folder, environment = "0:0", "/", environment_of_the_build()
    taken: dict[str, str] = {}
    for step in steps:
        print(f"== {step.name} {step.text}", flush=True)
        if step.name == "ARG":
            taken |= {name: arguments.get(name, value) for name, value in step.pairs.items()}
        elif step.name == "ENV":
            environment |= {name: filled_in(value, environment) for name, value in step.pairs.items()}
        elif step.name == "WORKDIR":
            folder = step.text
            (root / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif step.name == "USER":
            user = f"{step.text}:{step.text}"
        elif step.name == "COPY":
            if not (count := copy(step, root, folder)):
                sys.exit("This COPY found no file.")
            print(f"   {count} files")
        elif step.name == "RUN":
            began = time.monotonic()
            command = in_root(root, user, folder, {**environment, **taken}, ["sh", "-c", step.text])
            if subprocess.run(command).returncode:
                sys.exit("This step failed.")
            print(f"   {time.monotonic() - began:.0f} s")
    if user.startswith("0"):
        sys.exit("The Dockerfile starts the app as root.")
    installer = ("PIP_", "HTTP", "NO_PROXY")
    kept = {name: value for name, value in environment.items() if not name.upper().startswith(installer)}
    return user, folder, {**kept, "HOME": "/nonexistent"}


def start(root: Path, plan: dict[str, object]) -> None:
    """Start the app without a network on a read-only disk, wait until it is healthy, request a page, and stop it."""
    environment = dict(plan["environment"])  # type: ignore[call-overload]
    home, user = environment["VAE_HOME"].lstrip("/"), str(plan["user"])
    mount("--bind", str(root), str(root))
    for part in ("dev", "proc"):
        mount("--rbind", f"/{part}", str(root / part))
    owner = user.partition(":")[0]
    mount("-o", "remount,ro,bind", str(root))
    mount("-t", "tmpfs", "-o", f"uid={owner},gid={owner}", "none", str(root / home))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def command(name: str) -> list[str]:
        return in_root(root, user, str(plan["folder"]), environment, list(plan[name]))  # type: ignore[call-overload]

    began = time.monotonic()
    app = subprocess.Popen(command("CMD"))
    while subprocess.run(command("HEALTHCHECK"), capture_output=True).returncode:
        if app.poll() is not None or time.monotonic() - began > START_LIMIT:
            app.kill()
            sys.exit(f"The app did not become healthy (status {app.poll()}).")
        time.sleep(0.5)
    print(f"== healthy after {time.monotonic() - began:.1f} s, offline, on a read-only disk, as user {owner}")
    connection = http.client.HTTPConnection("127.0.0.1", 8501, timeout=20)
    connection.request("GET", "/train")
    answer = connection.getresponse()
    page = answer.read()
    assert answer.status == 200 and b"Streamlit" in page, answer.status
    assert answer.getheader("Content-Security-Policy") and answer.getheader("Set-Cookie"), answer.getheaders()
    probe = in_root(root, user, "/", environment, ["touch", "/app/written"])
    assert subprocess.run(probe, capture_output=True).returncode, "the disk could be written to"
    app.terminate()
    status = app.wait(timeout=30)
    written = sorted(str(path.relative_to(root / home)) for path in (root / home).glob("*"))
    print(f"== ended with status {status}; in {environment['VAE_HOME']}: {', '.join(written)}")
    if status:
        sys.exit("It should end with status 0.")


def build_and_start(work: Path, torch_index: str) -> int:
    """Build and start in an overlay below `work`; returns the exit status."""
    steps = read((PROJECT / "Dockerfile").read_text(encoding="utf-8"))
    last = {step.name: step for step in steps}
    root = new_root(work)
    user, folder, environment = build(root, steps, {"TORCH_INDEX": torch_index})
    size = subprocess.run(["du", "-sm", str(work / "upper")], capture_output=True, text=True).stdout.split()[0]
    print(f"== {size} MB on top of the base", flush=True)
    plan = {
        "user": user, "folder": folder, "environment": environment,
        "CMD": last["CMD"].argv, "HEALTHCHECK": last["HEALTHCHECK"].argv,
    }  # fmt: skip
    alone = ["unshare", "--mount", "--net", *THIS, START, str(root), json.dumps(plan)]
    return subprocess.run(alone, cwd=PROJECT).returncode


def main() -> None:
    """Build, then start."""
    if sys.argv[1:2] == [START]:
        start(Path(sys.argv[2]), json.loads(sys.argv[3]))
        return
    if sys.argv[1:2] == [BUILD]:
        sys.exit(build_and_start(Path(sys.argv[2]), sys.argv[3]))
    parser = argparse.ArgumentParser(description="Execute the Dockerfile without Docker, then start the app.")
    parser.add_argument("--torch-index", default="", metavar="ADDRESS", help="the build argument TORCH_INDEX")
    chosen = parser.parse_args()
    if os.geteuid():
        sys.exit("This needs root, for an overlay of the disk; everything it does is thrown away.")
    work = Path(tempfile.mkdtemp(prefix="vae-image-"))
    try:
        sys.exit(subprocess.run(["unshare", "--mount", *THIS, BUILD, str(work), chosen.torch_index]).returncode)
    finally:
        shutil.rmtree(work)  # the mounts have ended with the process that made them


if __name__ == "__main__":
    main()
