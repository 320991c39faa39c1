"""Sheets of tiles: which pixel goes where, and what marks a hole."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ui.figures.palette import HOLE_COLOUR, NEGATIVE_COLOUR, POSITIVE_COLOUR
from ui.figures.pictures import FRAME, GAP, Picture, labelled_rows, side_by_side, signed_tiles, tiles

from .helpers import Shown

SIDE = 12


def rgba(picture: bytes) -> np.ndarray:
    """The pixels of a PNG file, uint8 (height, width, 4)."""
    with Image.open(io.BytesIO(picture)) as image:
        assert (image.format, image.mode) == ("PNG", "RGBA")
        return np.asarray(image)


def tile_of(sheet: np.ndarray, row: int, column: int) -> np.ndarray:
    top, left = row * (SIDE + GAP), column * (SIDE + GAP)
    return sheet[top : top + SIDE, left : left + SIDE]


def colour(text: str) -> list[int]:
    return [int(text[at : at + 2], 16) for at in (1, 3, 5)]


@pytest.fixture
def greys() -> np.ndarray:
    """Seven images of random greys."""
    return np.random.default_rng(0).random((7, SIDE * SIDE))


def test_tiles_lie_in_rows_from_the_left(greys):
    sheet = rgba(tiles(greys, (1, SIDE, SIDE), columns=3))
    assert sheet.shape == (3 * SIDE + 2 * GAP, 3 * SIDE + 2 * GAP, 4)
    for number, image in enumerate(greys):
        tile = tile_of(sheet, number // 3, number % 3)
        expected = np.rint(image.reshape(SIDE, SIDE) * 255)
        assert (tile[..., :3] == expected[..., None]).all()
        assert (tile[..., 3] == 255).all()


def test_what_is_no_tile_is_transparent(greys):
    sheet = rgba(tiles(greys, (1, SIDE, SIDE), columns=3))
    opaque = np.zeros(sheet.shape[:2], dtype=bool)
    for number in range(7):
        top, left = number // 3 * (SIDE + GAP), number % 3 * (SIDE + GAP)
        opaque[top : top + SIDE, left : left + SIDE] = True
    assert ((sheet[..., 3] == 255) == opaque).all()
    assert (sheet[~opaque] == 0).all()


@pytest.mark.parametrize("count, columns, down, across", [(1, 1, 1, 1), (10, 10, 1, 10), (11, 10, 2, 10), (2, 3, 1, 3)])
def test_the_sheet_has_as_many_rows_as_it_needs(count, columns, down, across):
    sheet = rgba(tiles(np.zeros((count, SIDE * SIDE)), (1, SIDE, SIDE), columns=columns))
    assert sheet.shape[:2] == (down * (SIDE + GAP) - GAP, across * (SIDE + GAP) - GAP)


def test_pixels_outside_the_range_are_clipped_and_do_not_wrap_around():
    values = np.array([[-0.5, 0.0, 1.0, 1.7]])
    sheet = rgba(tiles(values, (1, 2, 2), columns=1))[..., 0]
    assert sheet.tolist() == [[0, 0], [255, 255]]


def test_three_channels_are_colours_and_an_image_need_not_be_square():
    image = np.random.default_rng(1).random((3, 2, 5))
    sheet = rgba(tiles(image.reshape(1, -1), (3, 2, 5), columns=1))
    assert sheet.shape == (2, 5, 4)
    assert (sheet[..., :3] == np.rint(image * 255).transpose(1, 2, 0)).all()


def test_the_frame_and_the_notch_are_on_the_marked_tiles_only(greys):
    marked = np.array([False, True, False, False, True, True, False])
    sheet, plain = (
        rgba(tiles(greys, (1, SIDE, SIDE), columns=3, marked=marks)) for marks in (marked, np.zeros(7, dtype=bool))
    )
    inside = np.zeros((SIDE, SIDE), dtype=bool)
    inside[FRAME:-FRAME, FRAME:-FRAME] = True
    inside &= np.add.outer(np.arange(SIDE), np.arange(SIDE)) >= 6 * FRAME  # the notched corner, top left
    assert 0 < (~inside[FRAME:-FRAME, FRAME:-FRAME]).sum() < inside.sum()
    for number, is_marked in enumerate(marked):
        tile, untouched = (tile_of(which, number // 3, number % 3) for which in (sheet, plain))
        if is_marked:
            assert (tile[~inside] == [*colour(HOLE_COLOUR), 255]).all()
            assert (tile[inside] == untouched[inside]).all()
        else:
            assert (tile == untouched).all()


def test_nothing_marked_is_the_same_as_no_marks(greys):
    assert tiles(greys, (1, SIDE, SIDE), columns=3, marked=np.zeros(7)) == tiles(greys, (1, SIDE, SIDE), columns=3)


def test_directions_have_one_colour_above_zero_another_below_and_each_its_own_scale():
    values = np.array([[2.0, -1.0, 0.0, 1.0], [0.02, -0.01, 0.0, 0.01], [0.0, 0.0, 0.0, 0.0]])
    sheet = rgba(signed_tiles(values, (1, 2, 2), columns=3))
    first, second, third = (sheet[:, left : left + 2].reshape(4, 4) for left in range(0, 3 * (2 + GAP), 2 + GAP))
    above, below = np.array(colour(POSITIVE_COLOUR)), np.array(colour(NEGATIVE_COLOUR))
    assert first[0, :3].tolist() == above.tolist()
    assert np.abs(first[1, :3] - below / 2).max() <= 0.5
    assert first[2, :3].tolist() == [0, 0, 0]
    assert np.abs(first[3, :3] - above / 2).max() <= 0.5
    assert (first == second).all()  # a direction has no length
    assert (third == [0, 0, 0, 255]).all()


def test_turning_a_direction_around_swaps_the_colours():
    values = np.random.default_rng(2).normal(size=(1, SIDE * SIDE))
    sheet, turned = (rgba(signed_tiles(sign * values, (1, SIDE, SIDE), columns=1)) for sign in (1, -1))
    blue, orange = np.array(colour(POSITIVE_COLOUR)), np.array(colour(NEGATIVE_COLOUR))
    for pixels, sign in ((sheet, 1), (turned, -1)):
        rises = sign * values.reshape(SIDE, SIDE) > 0
        is_blue = (pixels[..., :3] @ (blue - orange).astype(float)) > 0
        strong = np.abs(values.reshape(SIDE, SIDE)) > 0.2 * np.abs(values).max()
        assert (is_blue == rises)[strong].all()


@pytest.mark.parametrize("put_together", [labelled_rows, side_by_side])
def test_pictures_stand_with_their_texts_and_no_text_is_taken_for_markup(greys, put_together):
    first, second = (tiles(images, (1, SIDE, SIDE), columns=2) for images in (greys[:2], greys[2:]))
    rows = [Picture("<b>One", "5 < 6 & more", first, 'a "7"'), Picture("Two", '"quoted"', second, "digits")]
    shown = Shown(put_together(rows))
    row = ["<b>One", "5 < 6 & more", first, "Two", '"quoted"', second]
    cells = ["<b>One", first, "5 < 6 & more", "Two", second, '"quoted"']
    assert shown.parts == (row if put_together is labelled_rows else cells)
    assert shown.alternatives == ['<b>One: a "7"', "Two: digits"]
