"""Your own photographs: without any, while their models train, and with all of them, each number against torch's."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

import ui.training.app_queue
import ui.training.quota
import ui.training.turns
from ui.chapters.photographs.album import Groups, by_chance, codes, of_class, pool
from ui.chapters.photographs.runs import BETAS, READY, choices, wanted
from ui.components.album import Purpose, checked
from ui.runs.resources import load_run
from vae_core import datasets
from vae_core.datasets import own
from vae_core.datasets.reading import OwnImages
from vae_core.execution import Execution
from vae_core.run import Run
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

from .helpers import Bench, open_page, payload_headers, pictures, said, seen, tables, texts, wait_until

PAGE = "pages/photographs.py"
COUNT = 40  # photographs; 11 of them are held out


class Trained(NamedTuple):
    """A folder of images and one of runs, all five of them.

    Attributes:
        place: has both.
        name: of the set.
    """

    place: Path
    name: str


def some_photographs(seed: int = 0) -> OwnImages:
    """Bright ones above and dark ones below, with noise; a class for each."""
    random = np.random.default_rng(seed)
    labels = np.arange(COUNT) % 2
    light = np.where(labels, 60, 190)[:, None, None, None] + random.normal(0, 30, (COUNT, 3, 28, 28))
    return OwnImages("holiday", np.clip(light, 0, 255).astype(np.uint8), labels, ("day", "night"))


@pytest.fixture(scope="session")
def trained(shared_folder: Path, made_once: Callable[[str, Callable[[], Any]], Any]) -> Trained:
    """Trained once for all tests, one epoch each, under the names that the page asks for; not to be changed."""
    place = shared_folder / "photographs"
    return Trained(place, made_once("photographs", lambda: _train(place)))


def _train(place: Path) -> str:
    name = own.save(some_photographs(), place / "data")
    store = Store(place / "runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA", str(place / "data"))
        runs = wanted(name, 2)
        for spec in {*runs.pair, *runs.sweep}:
            short = get_or_train(
                Store(place / "short"),
                replace(spec, epochs=1),
                execution=Execution(place / "data", precision="float32"),
            )
            store.save(replace(short, spec=spec))
    return name


@pytest.fixture
def photographs(trained, tmp_path, monkeypatch) -> Trained:
    """The trained ones as the app's own, for one test."""
    shutil.copytree(trained.place, tmp_path / "photographs")
    here = Trained(tmp_path / "photographs", trained.name)
    monkeypatch.setenv("VAE_DATA", str(here.place / "data"))
    monkeypatch.setenv("VAE_STORE", str(here.place / "runs"))
    monkeypatch.setattr(ui.training.quota, "_state", ui.training.quota._State())
    return here


@pytest.fixture
def bench(photographs) -> Iterator[Bench]:
    """In the place of training processes."""
    held = Bench()
    ui.training.app_queue.training_queue().start = held
    yield held
    ui.training.app_queue.training_queue().close()
    held.let_go(20)
    wait_until(lambda: ui.training.app_queue.training_queue().idle)


def kinds(at: AppTest) -> list[str]:
    return [header["kind"] for header in payload_headers(at)]


def lines(at: AppTest, group: str) -> list[dict[str, Any]]:
    """The lines of an experiment, autoencoder and VAE."""
    return [
        header for header in payload_headers(at) if header.get("options", {}).get("group") == f"photographs-{group}"
    ]


def by_torch(run: Run, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes, and what they decode to."""
    with torch.no_grad():
        posterior = run.model.encode(torch.from_numpy(pixels))
        z = posterior.mean
        return z.numpy(), run.likelihood.expected_pixels(run.model.decode(z)).numpy()


# ---- none of one's own -----------------------------------------------------------------------------------------------


def test_without_photographs_the_page_says_so_and_is_tried_on_digits():
    at = seen(PAGE)
    said(at, "You have no photographs here yet")
    assert not at.info and not at.error and not at.warning and at.query_params == {}
    links = [element.proto.label for element in at.get("page_link")]
    assert "Send your photographs" in links
    runs = wanted(READY, 16)
    keys = [spec.key for spec in runs.pair]
    assert runs.missing == [] and not at.get("progress")
    assert [header["key"] for header in payload_headers(at) if header["kind"] == "plane"][:2] == keys
    for group in ("t", "alpha"):
        assert [header["key"] for header in lines(at, group)] == keys
    assert kinds(at).count("album") == 2
    (dial,) = (header for header in payload_headers(at) if header["kind"] == "dial")
    assert [stop["label"] for stop in dial["stops"]] == [f"{beta:g}" for beta in BETAS]


# ---- while their models train ----------------------------------------------------------------------------------------


def test_what_is_missing_is_said_asked_for_in_turn_and_shown_until_it_is_there(photographs, bench, monkeypatch):
    store = Store(photographs.place / "runs")
    specs = wanted(photographs.name, 2).missing
    assert specs == []
    aside = {path.name: path.rename(photographs.place / path.name) for path in sorted(store.root.glob("*.safetensors"))}
    runs = wanted(photographs.name, 2)
    assert len(runs.missing) == 5 and runs.missing[:2] == list(runs.pair)
    at = open_page(PAGE, dataset=photographs.name, d="2")
    said(at, r"Not trained yet on holiday.*: Autoencoder, VAE, β = 1, VAE, β = 0.1, VAE, β = 4 and VAE, β = 16\.")
    assert "album" not in kinds(at) and "plane" not in kinds(at)
    assert sum("See the top of this page" in info.value for info in at.info) == 4

    at.button(key="photographs-training-2-train").click().run()
    wait_until(lambda: bench.came == runs.missing[:1])
    at.run()  # as the page does by itself
    bars = [bar.text for bar in at.get("progress")]
    assert bars[0] == "Autoencoder: epoch 0 of 60" and bars[1].startswith("VAE, β = 1: waiting, 1 before it")
    assert bars[-1] == "VAE, β = 16: asked for when one of your runs has ended"
    queue = ui.training.app_queue.training_queue()
    assert queue.specs == runs.missing and photographs.name in ui.training.quota.in_use()

    # The autoencoder has ended: its experiments are there, and one more run is asked for.
    name = f"{runs.pair[0].key}.safetensors"
    (photographs.place / name).rename(store.root / name)
    bench.let_go()
    wait_until(lambda: len(bench.came) == 2)
    at.run()
    assert [header["key"] for header in lines(at, "t")] == [runs.pair[0].key]
    assert any("variational autoencoder's plane appears here" in info.value for info in at.info)
    assert len(at.get("progress")) == 4 and "dial" not in kinds(at)

    at.button(key="photographs-training-2-stop").click().run()
    wait_until(lambda: queue.idle)
    assert len(bench.came) == 2 and queue.specs == []
    assert len(aside) == 5


def test_another_d_is_another_set_of_runs(photographs):
    at = open_page(PAGE, dataset=photographs.name)
    assert len(wanted(photographs.name, 16).missing) == 5
    said(at, "Not trained yet on holiday")


# ---- with all of them ------------------------------------------------------------------------------------------------


def test_everything_is_there_once_all_are_trained_and_nothing_is_asked_for(photographs):
    at = open_page(PAGE, dataset=photographs.name, d="2")
    assert not at.error and not at.warning and not at.info and not at.get("progress")
    runs = wanted(photographs.name, 2)
    planes = [header for header in payload_headers(at) if header["kind"] == "plane" and "pictures" in header["options"]]
    assert [header["key"] for header in planes] == [spec.key for spec in runs.pair]
    assert planes[0]["options"]["group"] == planes[1]["options"]["group"]
    (dial,) = (header for header in payload_headers(at) if header["kind"] == "dial")
    assert [stop["key"] for stop in dial["stops"]] == [spec.key for spec in runs.sweep]
    assert dial["pinned"] == list(range(11))
    sheet = next(header for header in payload_headers(at) if header["kind"] == "album")
    assert sheet["count"] == COUNT and set(sheet["names"]) == {"day", "night"}


def test_the_walk_goes_from_one_code_to_the_other(photographs):
    at = open_page(PAGE, dataset=photographs.name, d="2", between="3,20")
    pixels = pool(photographs.name).pixels
    for header in lines(at, "t"):
        z, _ = by_torch(load_run(header["key"]), pixels[[2, 19]])
        line = header["along"]
        assert np.allclose(line["start"], z[0], atol=2e-3) and (line["low"], line["high"]) == (0.0, 1.0)
        assert np.allclose(np.add(line["start"], line["direction"]), z[1], atol=2e-3)
    assert len(lines(at, "t")) == 2 and at.query_params["between"] in ("3,20", ["3,20"])


def test_the_direction_is_the_difference_of_the_mean_codes_of_what_was_marked(photographs):
    link = {"with": "1,2,5", "without": "3,8", "onto": "7"}
    at = open_page(PAGE, dataset=photographs.name, d="2", **link)
    pixels = pool(photographs.name).pixels
    for header in lines(at, "alpha"):
        z, _ = by_torch(load_run(header["key"]), pixels)
        line = header["along"]
        assert np.allclose(line["direction"], z[[0, 1, 4]].mean(0) - z[[2, 7]].mean(0), atol=2e-3)
        assert np.allclose(line["start"], z[6], atol=2e-3)
        assert f"{np.linalg.norm(line['direction']):.2f} apart" in header["subtitle"]
    said(at, r"mean code of \*\*3\*\* photographs less that of \*\*2\*\* others.*whatever else differs")


def test_a_folder_can_be_the_attribute_over_all_photographs(photographs):
    at = open_page(PAGE, dataset=photographs.name, d="2", **{"class": "1"})
    some = pool(photographs.name)
    assert len(some.labels) == COUNT and some.held_out == 11
    for header in lines(at, "alpha"):
        z, _ = by_torch(load_run(header["key"]), some.pixels)
        expected = z[some.labels == 1].mean(0) - z[some.labels == 0].mean(0)
        assert np.allclose(header["along"]["direction"], expected, atol=2e-3)
    said(at, r"mean code of \*\*20\*\* photographs less that of \*\*20\*\* others")


def test_how_far_random_groups_lie_apart_is_what_many_random_groups_say(photographs):
    key = wanted(photographs.name, 2).pair[0].key
    z = codes(key, photographs.name).astype(np.float64)
    random = np.random.default_rng(0)
    distances = []
    for _ in range(4_000):
        chosen = random.integers(0, len(z), 3 + 5)
        distances.append(np.sum((z[chosen[:3]].mean(0) - z[chosen[3:]].mean(0)) ** 2))
    told = by_chance(key, photographs.name, Groups((0, 1, 2), (3, 4, 5, 6, 7)))
    assert told == pytest.approx(np.sqrt(np.mean(distances)), rel=0.05)
    assert not Groups((), (1,)).told and of_class(photographs.name, 0).told


def jpeg(seed: int) -> tuple[bytes, np.ndarray]:
    """A picture as a file, and its pixels, (3, 28, 28)."""
    pixels = np.random.default_rng(seed).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue(), pixels.transpose(2, 0, 1)


def send(at: AppTest, name: str, content: bytes) -> AppTest:
    key = next(one.key for one in at.file_uploader)
    at.file_uploader(key=key).set_value([(name, content, "image/png")]).run()
    assert not at.exception
    return at


def test_a_new_photograph_is_rebuilt_beside_the_known_ones_and_kept_nowhere(photographs):
    def files() -> list[Path]:
        return sorted(photographs.place.rglob("*"))

    before = files()
    content, pixels = jpeg(5)
    at = send(open_page(PAGE, dataset=photographs.name, d="2"), "new.png", content)
    assert not at.error and files() == before
    flat = pixels.reshape(1, -1).astype(np.float32) / 255
    known = pool(photographs.name)
    table = next(one for one in tables(at) if "squared error per pixel" in one)
    for spec, title in zip(wanted(photographs.name, 2).pair, ("Autoencoder", "VAE"), strict=True):
        run = load_run(spec.key)
        error = np.square(by_torch(run, flat)[1] - flat).mean()
        assert float(table[title][-1]) == pytest.approx(error, abs=2e-4)
        others = np.square(by_torch(run, known.pixels)[1] - known.pixels).mean(axis=1)
        assert float(table[title][0].split()[0]) == pytest.approx(np.median(others[11:]), abs=2e-4)
        assert float(table[title][1].split()[0]) == pytest.approx(np.median(others[:11]), abs=2e-4)
        share = float((others[11:] < error).mean())
        assert f"- {title}: **{share:.0%}** of the training photographs are rebuilt better." in "\n".join(texts(at))
    first = np.asarray(Image.open(io.BytesIO(pictures(at)[-3])).convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(first, pixels)


def test_a_file_that_is_no_picture_is_one_sentence_and_the_rest_stays(photographs):
    at = send(open_page(PAGE, dataset=photographs.name, d="2"), "new.png", b"hello")
    for _ in range(2):
        assert [error.value for error in at.error] == [
            "new.png is not a picture that can be read here (PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF)."
        ]
        assert len(lines(at, "t")) == 2 and len(tables(at)) == 1
        at.run()


def test_a_photograph_that_cannot_be_read_now_is_read_when_it_is_tried_again(photographs, monkeypatch):
    content, pixels = jpeg(5)
    with monkeypatch.context() as patch:
        patch.setattr(ui.training.turns, "MOST_WAITING", 0)
        at = send(open_page(PAGE, dataset=photographs.name, d="2"), "new.png", content)
        (warning,) = at.warning
        assert warning.value.startswith("Many others have sent files") and not at.error and len(tables(at)) == 1
    at.button(key="photographs-again").click().run()
    assert not at.exception and not at.warning
    first = np.asarray(Image.open(io.BytesIO(pictures(at)[-3])).convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(first, pixels)


# ---- whose they are --------------------------------------------------------------------------------------------------


def test_the_sets_of_others_are_not_in_the_menu_unless_the_link_names_one(photographs):
    mark = own.folder(datasets.data_root()) / ".sent" / f"{photographs.name}~somebody"
    mark.parent.mkdir()
    mark.touch()
    assert choices("me", "") == (READY,) and choices("somebody", "") == (photographs.name, READY)
    at = open_page(PAGE, dataset=photographs.name, d="2")
    assert at.selectbox(key="photographs-dataset").value == photographs.name and not at.warning
    at = open_page(PAGE, dataset="own-3x28x28-0123456789ab")
    assert len(at.warning) == 1 and "“dataset”" in at.warning[0].value
    assert at.selectbox(key="photographs-dataset").value == READY


def test_numbers_that_the_set_does_not_have_are_said_and_left_out(photographs):
    at = open_page(PAGE, dataset=photographs.name, d="2", between="1,48", **{"class": "9"})
    assert len(at.warning) == 2 and "“between”" in at.warning[0].value and "“class”" in at.warning[1].value
    assert len(lines(at, "t")) == 2 and not at.error


def test_a_run_on_own_images_leads_here_and_no_other_run_does(photographs):
    key = wanted(photographs.name, 2).pair[1].key

    def leads(at: AppTest) -> list[str]:
        return [link.proto.query_string for link in at.get("page_link") if "these photographs" in link.proto.label]

    assert leads(open_page("pages/train.py", run=key)) == [f"dataset={photographs.name}&d=2"]


def test_marks_are_checked():
    purposes = [Purpose("with", "has it", "+", 48), Purpose("onto", "onto this", "?", 1)]
    assert checked({"with": [3, 1, 3, -1, 9, "2", None], "onto": [4, 5], "other": [1]}, purposes, 8) == {
        "with": [3, 1], "onto": [4],
    }  # fmt: skip
    for hostile in (None, [], "with", {"with": "012"}, {"with": {"0": 1}}, {"onto": 3}):
        assert checked(hostile, purposes, 8) == {"with": [], "onto": []}
