"""Every page runs, shows what its runs hold, and turns bad links and bad files into sentences."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from ui.chapters import chapters
from ui.chapters.uses.benches import BENCHES
from ui.runs.resources import load_run
from vae_core import archive
from vae_core.errors import StoreError
from vae_core.execution import Execution
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED, read_manifest, shipped_run
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

from .helpers import MAIN, ROOT, later_kinds, open_page, payload_headers, payloads, seen, subheaders, tables, texts

FLOAT32 = Execution(precision="float32")  # the same numbers on every processor


def test_home_shows_both_shipped_planes_on_the_same_digits_and_then_the_thumbnails():
    headers = payload_headers(seen())
    assert [(header["kind"], later_kinds(header)) for header in headers] == [("plane", ["thumbnails"])] * 2
    keys = [shipped_run(model=model, dataset="mnist", latent_dim=2).key for model in ("ae", "vae")]
    assert [header["key"] for header in headers[:2]] == keys
    assert {header["options"]["group"] for header in headers[:2]} == {"home"}
    assert {header["options"]["images"] for header in headers} == {headers[0]["later"][0]["images"]}


def test_home_leads_to_the_worksheet_of_the_lesson():
    told = " ".join(texts(seen()))
    assert "](worksheet/ninety.html)" in told and "](worksheet/ninety-solutions.html)" in told


def test_the_spread_told_on_home_is_that_of_the_codes_on_screen():
    headers = payload_headers(seen())
    for header in headers[:2]:
        spread = Store(SHIPPED).load(header["key"]).codes.mean.std(axis=0)
        for deviation in spread:
            assert f"{deviation:.2g}" in header["subtitle"]


def test_home_gives_its_planes_headers_alone_and_their_tensors_are_at_most_one_and_a_half_megabytes():
    at = seen()
    assert sum(map(len, payloads(at))) < 10_000
    for header in payload_headers(at):
        assert header["body"]["size"] <= 1_500_000


def test_home_says_which_command_makes_a_missing_shipped_run(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    at = open_page()
    assert len(at.error) == 2
    assert all("there is no run" in error.value.lower() for error in at.error)


def test_the_explorer_shows_the_run_of_the_link(small_store):
    key = next(key for key in small_store.keys() if key.startswith("ae-"))
    at = open_page("pages/explorer.py", run=key)
    assert at.selectbox[0].value == key
    assert payload_headers(at)[0]["key"] == key
    assert not at.warning


@pytest.mark.parametrize("model", ["vq_vae", "fsq", "vq_prior"])
def test_the_explorer_shows_a_run_with_a_codebook_by_its_entries(grid_store, model):
    key = next(key for key in grid_store.keys() if key.startswith(model))
    run = grid_store.load(key)
    at = open_page("pages/explorer.py", run=key)
    assert at.selectbox[0].value == key and not at.warning and not at.error
    header = payload_headers(at)[0]
    assert (header["kind"], header["key"], header["grid"]) == ("codes", key, [2, 2])
    assert header["noun"] == "digit" and header["tensors"]["presets"]["shape"] == [20, 64]
    assert header["entries"] == len(header["colours"]) == (9 if model == "fsq" else 12)
    assert header["uses"] == [int((run.codes.mean == entry).sum()) for entry in range(header["entries"])]
    assert ("What the prior writes" in subheaders(at)) == (model == "vq_prior")
    assert [one["kind"] for one in payload_headers(at)] == ["codes"] * (1 + (model == "vq_prior")) + ["film"]
    assert {"The codebook, seen in a plane", "Write codes yourself", "How it learned"} <= set(subheaders(at))
    assert len(at.get("download_button")) == 2
    at.selectbox[0].select(next(other for other in grid_store.keys() if other != key)).run()
    assert not at.exception and payload_headers(at)[0]["key"] != key


def test_a_run_of_an_unknown_model_is_left_alone_and_the_page_goes_on_with_the_others(small_store):
    known, unknown = sorted(small_store.keys())
    path = small_store.path(unknown)
    tensors, document = archive.read(path)
    archive.write(path, tensors, {**document, "spec": {**document["spec"], "model": "vq"}})
    before = path.read_bytes()
    at = open_page("pages/explorer.py", run=unknown)
    assert at.selectbox[0].value == payload_headers(at)[0]["key"] == known and len(at.selectbox[0].options) == 1
    assert len(at.warning) == 1 and not at.error
    assert "whose file needs a plugin or a newer version" in at.warning[0].value
    with pytest.raises(StoreError, match="needs the model 'vq', which is not known here"):
        load_run(unknown)
    assert path.read_bytes() == before and sorted(small_store.keys()) == [known, unknown]


def test_the_explorers_numbers_are_the_runs_metrics(small_store):
    at = open_page("pages/explorer.py")
    run = small_store.load(at.selectbox[0].value)
    shown = tables(at)[0]
    row = shown["metric"].index("Negative ELBO")
    loss, error = (run.metrics["test"][name] for name in ("negative_elbo", "negative_elbo_standard_error"))
    assert shown["held out, n = 360"][row] == f"{loss:.1f} ± {error:.1g}" and 0 < error < 0.05


def test_another_run_can_be_chosen(small_store):
    at = open_page("pages/explorer.py")
    other = next(key for key in small_store.keys() if key != at.selectbox[0].value)
    at.selectbox[0].select(other).run()
    assert not at.exception
    assert payload_headers(at)[0]["key"] == other
    assert at.query_params["run"] == other


def test_pins_and_view_of_a_link_reach_the_plane(small_store):
    at = open_page("pages/explorer.py", z="0.5,-1;1,2", view="0.1,0.2,1.5")
    options = payload_headers(at)[0]["options"]
    assert options["pins"] == [[0.5, -1.0], [1.0, 2.0]]
    assert options["view"] == {"cx": 0.1, "cy": 0.2, "half": 1.5}
    pins = next(table for table in tables(at) if "pin" in table)
    assert pins["pin"] == ["1", "2"]


def test_pinned_points_are_tabled_with_the_true_prior_density(small_store):
    key = next(key for key in small_store.keys() if key.startswith("vae-"))
    at = open_page("pages/explorer.py", run=key, z="1,0")
    pins = next(table for table in tables(at) if "pin" in table)
    assert float(pins["prior density"][0]) == pytest.approx(np.exp(-0.5) / (2 * np.pi), rel=0.05)


def test_a_damaged_run_is_said_and_the_other_runs_stay(small_store):
    damaged, good = small_store.keys()
    path = small_store.path(damaged)
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    at = open_page("pages/explorer.py", run=damaged)
    assert any("set aside" in error.value for error in at.error)
    at = open_page("pages/explorer.py")
    assert at.selectbox[0].value == good


def test_an_empty_store_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    at = open_page("pages/explorer.py")
    assert "python -m vae_core rebuild" in at.info[0].value


def test_a_run_whose_images_are_not_here_still_shows_its_plane(small_store, tmp_path, monkeypatch):
    """Codes travel in the run's file; only the pictures of the held-out images are missing."""
    from vae_core.datasets import load
    from vae_core.training import jobs

    monkeypatch.setenv("VAE_DATA", str(tmp_path / "nothing"))
    monkeypatch.setattr(jobs, "load", lambda name, split, **_: load("mnist_sample", split))
    key = get_or_train(small_store, RunSpec("fashion_mnist", "vae", hidden=(8,), epochs=1), execution=FLOAT32).key
    at = open_page("pages/explorer.py", run=key)
    assert payload_headers(at)[0]["key"] == key
    assert any("FashionMNIST is not in" in error.value for error in at.error)


def test_the_shipped_store_holds_exactly_the_manifest():
    assert sorted(spec.key for spec in read_manifest()) == Store(SHIPPED).keys()


def test_shipped_files_stay_within_the_size_limits():
    sizes = [path.stat().st_size for path in SHIPPED.glob("*.safetensors")]
    assert max(sizes) <= 5_000_000
    assert sum(sizes) <= 80_000_000


def test_a_run_trained_while_the_app_is_open_joins_the_menu_without_a_restart(small_store):
    before = open_page("pages/explorer.py").selectbox[0].options
    get_or_train(small_store, RunSpec("digits", "vae", hidden=(8,), epochs=1), execution=FLOAT32)
    after = open_page("pages/explorer.py").selectbox[0].options
    assert len(set(after)) == len(set(before)) + 1


WITHOUT_TORCH = """
import sys
from streamlit.testing.v1 import AppTest
from ui.chapters import chapters

at = AppTest.from_file(sys.argv[1], default_timeout=60).run()
files = {chapter.slug: chapter.file for chapter in chapters()}
for page in sys.argv[2:]:
    at.switch_page(files[page]).run()
    for radio in at.radio:
        radio.set_value(radio.options[0])
    at.run()
    assert not at.exception and not at.error
    print(page, len(at.radio), *[name for name in ("torch", "sklearn") if name in sys.modules])
"""


def test_pages_and_their_answers_import_neither_torch_nor_scikit_learn():
    predictions = {chapter.slug: len(chapter.predictions) for chapter in chapters() if chapter.slug != "train"}
    predictions["uses"] = len(BENCHES[0].predictions)  # the one that is on the page
    assert sum(predictions.values()) >= 11
    command = [sys.executable, "-c", WITHOUT_TORCH, MAIN, *predictions]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{page} {count}" for page, count in predictions.items()]
