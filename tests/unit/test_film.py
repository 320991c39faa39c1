"""The training film: what the decoder makes, kept for each epoch beside the run and not in it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vae_core import archive, datasets
from vae_core.execution import Execution
from vae_core.payloads.decoded import SAMPLES, SAMPLES_SEED, Decoded, decoded, from_tensors, side_of, to_tensors
from vae_core.payloads.film import film_of_partial, film_of_run, film_to_come
from vae_core.program.forward import run_program
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.eviction import evict
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train
from vae_core.training.loop import Progress

PLAIN = Execution(device="cpu", precision="float32")
SPEC = RunSpec("digits", "vae", hidden=(32,), epochs=3, batch_size=32, learning_rate=0.01)  # learns something
LOSSY = 12.0  # levels of 255 that the picture's compression may cost on average


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Run]:
    store = Store(tmp_path_factory.mktemp("store"))
    return store, get_or_train(store, SPEC, execution=PLAIN, film=True)


def tiles(one: Decoded, height: int, width: int) -> np.ndarray:
    """The images of a grey picture: (n, H, W)."""
    sheet = np.asarray(Image.open(io.BytesIO(one.webp.tobytes())).convert("L"), dtype=float)
    rows, columns = sheet.shape[0] // height, sheet.shape[1] // width
    return sheet.reshape(rows, height, columns, width).transpose(0, 2, 1, 3).reshape(-1, height, width)


def test_the_grid_covers_its_square_from_the_top_left_and_the_samples_follow() -> None:
    """The pixels that a decoder makes here are its code's two numbers."""
    asked: list[np.ndarray] = []

    def decode(z: np.ndarray) -> np.ndarray:
        asked.append(z)
        return np.repeat((z[:, :1] + 4.0) / 8.0, 64, axis=1)

    codes = np.random.default_rng(1).standard_normal((500, 2))
    one = decoded(decode, codes, (1, 8, 8), prior=True)
    side, (left, right, bottom, top) = side_of((1, 8, 8)), one.edges
    assert (right - left) == pytest.approx(top - bottom) and left == -right and right >= 3.15
    z = asked[0]
    assert len(z) == side * side + SAMPLES
    assert z[0] == pytest.approx([left + (right - left) / side / 2, top - (top - bottom) / side / 2], abs=1e-6)
    assert z[side - 1, 0] == pytest.approx(-z[0, 0]) and z[side, 1] < z[0, 1]
    draws = np.random.default_rng(SAMPLES_SEED).standard_normal((SAMPLES, 2))
    assert z[-SAMPLES:] == pytest.approx(draws, abs=1e-6)
    found = tiles(one, 8, 8)[: len(z)].mean(axis=(1, 2))
    assert found == pytest.approx(np.clip((z[:, 0] + 4.0) / 8.0, 0, 1) * 255, abs=LOSSY)
    without = decoded(decode, codes, (1, 8, 8), prior=False)
    assert len(asked[1]) == side * side and without.edges[0] != -without.edges[1]


def test_large_images_have_fewer_tiles_and_colours_stay() -> None:
    assert side_of((1, 28, 28)) == 12 and 4 <= side_of((3, 64, 64)) < side_of((3, 32, 32))
    red = np.concatenate([np.ones(4096), np.zeros(2 * 4096)])
    one = decoded(lambda z: np.tile(red, (len(z), 1)), np.eye(2), (3, 64, 64), prior=False)
    picture = np.asarray(Image.open(io.BytesIO(one.webp.tobytes())))
    assert picture.shape == (64 * side_of((3, 64, 64)),) * 2 + (3,)
    assert np.abs(picture.reshape(-1, 3).mean(axis=0) - [255, 0, 0]).max() < LOSSY


def test_pictures_survive_a_file() -> None:
    pictures = {7: Decoded(np.arange(9, dtype=np.uint8), np.arange(4, dtype=np.float32))}
    (epoch, again), *others = from_tensors({"model/x": np.zeros(1), **to_tensors(pictures)}).items()
    assert not others and epoch == 7
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(again, pictures[7], strict=True))


def test_a_film_changes_no_run_and_its_last_picture_is_the_finished_networks(filmed, tmp_path: Path) -> None:
    store, run = filmed
    plain = get_or_train(Store(tmp_path), SPEC, execution=PLAIN)
    for name in ("reconstruction", "kl", "mse"):
        assert plain.metrics["test"][name] == run.metrics["test"][name]
    assert all(np.array_equal(plain.weights[name], run.weights[name]) for name in run.weights)
    assert not [name for name in run.extras if "decoded" in name]
    pictures = from_tensors(store.load_film(run.key))
    assert sorted(pictures) == [0, 1, 2, 3]
    draws = np.random.default_rng(SAMPLES_SEED).standard_normal((SAMPLES, 2))
    expected = run.likelihood.expected_images(run_program(run.decoder, run.weights, draws)).reshape(-1, 8, 8) * 255
    grid = side_of((1, 8, 8)) ** 2
    errors = {
        epoch: np.abs(tiles(one, 8, 8)[grid : grid + SAMPLES] - expected).mean() for epoch, one in pictures.items()
    }
    assert errors[3] < LOSSY < errors[0]
    payload = film_of_run(run, store.load_film(run.key))
    assert payload.header["decoded_epochs"] == [1, 2, 3] and payload.header["samples"] == SAMPLES
    alone = film_of_run(run)  # as a shipped run, of which nothing was kept
    assert alone.header["decoded_epochs"] == [3]
    entry, body = alone.header["tensors"]["decoded/3"], alone.body
    webp = np.frombuffer(body, np.uint8, entry["shape"][0], entry["offset"])
    assert np.abs(tiles(Decoded(webp, np.zeros(4)), 8, 8)[grid : grid + SAMPLES] - expected).mean() < LOSSY


def test_the_untrained_network_comes_first_and_the_newest_epoch_alone_travels(tmp_path: Path) -> None:
    store = Store(tmp_path)
    saved, headers = store.save_partial, []

    def look(*arguments: object) -> None:
        saved(*arguments)  # type: ignore[arg-type]
        payload = film_of_partial(*archive.read(store.partial_path(SPEC.key)))
        assert payload is not None and len(payload.to_bytes()) < 20_000
        headers.append(payload.header)

    store.save_partial = look  # type: ignore[assignment]
    get_or_train(store, SPEC, execution=PLAIN, film=True)
    for name in ("frames", "decoded_epochs", "rebuilt_epochs"):
        assert [header[name] for header in headers] == [[0], [1], [2], [3]]
    assert headers[0]["curves"]["epochs"] == []
    titles = [[panel["title"] for panel in header["curves"]["panels"]] for header in headers]
    assert all(one == titles[-1] for one in titles)  # so that nothing moves when the curves begin
    coming = film_to_come(SPEC, datasets.load("digits", "validation"), 10)
    for name in ("count", "samples", "image", "decoded_side", "rings"):
        assert coming.header[name] == headers[0][name]


def test_a_run_stopped_before_its_first_epoch_begins_as_if_it_had_not(filmed, tmp_path: Path) -> None:
    store = Store(tmp_path)
    saved = store.save_partial

    def stop(*arguments: object) -> None:
        saved(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    store.save_partial = stop  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        get_or_train(store, SPEC, execution=PLAIN, film=True)
    again = Store(tmp_path)
    assert again.epochs_done(SPEC.key) == 0 and again.partial_path(SPEC.key).is_file()
    run = get_or_train(again, SPEC, execution=PLAIN, film=True)
    assert run.snapshot_epochs == [1, 2, 3]
    assert all(np.array_equal(run.weights[name], filmed[1].weights[name]) for name in run.weights)


def test_a_resumed_run_keeps_the_pictures_of_its_earlier_epochs(filmed, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    store = Store(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        get_or_train(store, SPEC, execution=PLAIN, film=True, on_epoch=stop)
    get_or_train(store, SPEC, execution=PLAIN, film=True)
    found, expected = (from_tensors(one.load_film(SPEC.key)) for one in (store, filmed[0]))
    assert sorted(found) == sorted(expected)
    assert all(np.array_equal(found[epoch].webp, expected[epoch].webp) for epoch in expected)


def test_of_more_dimensions_only_the_last_grid_has_its_place_on_the_plane_and_points_have_none(tmp_path: Path) -> None:
    store, spec = Store(tmp_path), RunSpec("digits", "ae", latent_dim=3, hidden=(16,), epochs=2)
    run = get_or_train(store, spec, execution=PLAIN, film=True)
    header = film_of_run(run, store.load_film(run.key)).header
    assert header["decoded_epochs"] == [1, 2] and header["samples"] == 0  # it has no prior to sample from
    assert header["decoded_edges"][0] is None and len(header["decoded_edges"][1]) == 4
    points = get_or_train(store, RunSpec("s_curve", "ae", hidden=(8,), epochs=1), execution=PLAIN, film=True)
    assert film_of_run(points, store.load_film(points.key)).header["decoded_epochs"] == []


def test_a_damaged_film_costs_the_pictures_alone_and_goes_with_its_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = get_or_train(store, SPEC, execution=PLAIN, film=True)
    assert store.film_path(run.key).is_file()
    store.film_path(run.key).write_bytes(b"half a file")
    assert store.load_film(run.key) == {}
    assert film_of_run(run, store.load_film(run.key)).header["decoded_epochs"] == [3]
    evict(store, most=0)
    assert store.keys() == [] and not store.film_path(run.key).exists()


GRID = RunSpec("digits", "vq_vae", hidden=(8, 8, 8), epochs=2, options={"entries": 12, "dimensions": 4})


def test_the_film_of_a_codebook_has_no_plane_and_lays_all_out_before_it_begins(tmp_path: Path) -> None:
    store = Store(tmp_path)
    saved, headers = store.save_partial, []

    def look(*arguments: object) -> None:
        saved(*arguments)  # type: ignore[arg-type]
        payload = film_of_partial(*archive.read(store.partial_path(GRID.key)))
        assert payload is not None
        headers.append(payload.header)

    store.save_partial = look  # type: ignore[assignment]
    run = get_or_train(store, GRID, execution=PLAIN, film=True)
    assert [header["rebuilt_epochs"] for header in headers] == [[0], [1], [2]]
    coming = film_to_come(GRID, datasets.load("digits", "validation"), 10).header
    for header in (coming, *headers, film_of_run(run, store.load_film(run.key)).header):
        assert not header["plane"] and header["tensors"]["points"]["shape"][1] == 0 and not header["decoded_epochs"]
        assert [panel["title"] for panel in header["curves"]["panels"]] == [
            "Reconstruction",
            "Commitment",
            "Perplexity",
        ]
    assert [header["curves"]["panels"][2]["epochs"] for header in headers] == [[], [1], [1, 2]]
    plain = get_or_train(Store(tmp_path / "plain"), GRID, execution=PLAIN)
    assert all(np.array_equal(plain.weights[name], run.weights[name]) for name in run.weights)
