"""Own images in the app: sent, read by a process of their own, kept within a quota that outlives the app."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
import tomllib
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import ui.training.app_queue
import ui.training.in_child
import ui.training.own_images
import ui.training.quota
import ui.training.turns
import ui.training.uploads
from ui.chapters import chapters
from ui.chapters.beta.sweep import dial_along
from ui.runs.resources import held_out, load_run, thumbnail_sheet
from ui.training.own_images import Read, left_out, read_picture, read_upload, summary
from ui.training.quota import had_to_go, in_use, keep, note_shown, offered
from ui.training.turns import Busy
from vae_core import archive, datasets
from vae_core.datasets import limits, own
from vae_core.datasets.pictures import Preparation, decode, to_grey
from vae_core.datasets.reading import OwnImages
from vae_core.errors import DatasetUnavailable, UnusableImages
from vae_core.execution import Execution
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.training.jobs import get_or_train

from .helpers import ROOT, Bench, later_kinds, open_page, payload_headers, pictures, said, tables, texts

PAGE, FULL = "pages/train.py", Path("/dev/full")  # a disk without room


@pytest.fixture
def own_root(tmp_path, monkeypatch) -> Path:
    """A folder of images for one test; nobody has sent any."""
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(ui.training.quota, "_state", ui.training.quota._State())
    return tmp_path / "data"


def picture(seed: int = 0, side: int = 40, ink: int = 256) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, ink, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def album(seed: int = 0, count: int = 24) -> bytes:
    return zipped({f"{'cats' if k % 2 else 'dogs'}/{k}.png": picture(100 * seed + k) for k in range(count)})


def npz(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


# ---- reading ---------------------------------------------------------------------------------------------------------

# What is wrong with the images themselves is in tests/unit/test_own_images.py.
MALFORMED = {
    "no picture": ([("a.png", b"hello")], "is not a picture that can be read here"),
    "two archives": ([("a.zip", album()), ("b.zip", album())], "is one of several files"),
    "an archive and pictures": ([("a.png", picture()), ("a.zip", album())], "a.zip is one of several files"),
    "objects": ([("a.npz", npz(images=np.array([{}] * 30, dtype=object)))], "holds Python objects"),
    "too much": ([("a.png", b"x" * 40_000_000), ("b.png", b"x" * 40_000_000)], "send at most 60"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_upload_is_one_sentence_and_leaves_nothing(name, own_root):
    files, why = MALFORMED[name]
    with pytest.raises(UnusableImages, match=why) as refused:
        read_upload(files, Preparation(28))
    assert str(refused.value).endswith(".") and "\n" not in str(refused.value)
    assert not own_root.exists()


def test_several_pictures_or_an_archive_are_read_and_what_was_left_out_is_listed(own_root):
    files = {f"{k}.png": picture(k) for k in range(24)} | {"no`te.txt": b"x"}
    one, other = (
        read_upload([("album.zip", zipped(files))], Preparation(28, "grey")),
        read_upload(list(files.items()), Preparation(28, "grey")),
    )
    assert one.shape == other.shape == (24, 1, 28, 28) and one.name == other.name
    assert (
        left_out(one)
        == "- `note.txt` is not a picture that can be read here (PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF)."
    )
    assert summary(one) == "24 grey images of 28 × 28 pixels, 1 class; 13 to learn from, 11 held out."
    large = summary(replace(one, shape=(5_000, 1, 28, 28)))
    assert "; 4,500 to learn from, 250 to validate on, 250 to test on." in large
    assert Image.open(io.BytesIO(one.preview)).size == (12 * 30 - 2, 2 * 30 - 2)
    shown = np.asarray(Image.open(io.BytesIO(one.preview)).convert("L"))[:28, :28]
    expected = archive.read(own.waiting(own_root) / f"{one.name}{own.SUFFIX}")[0]["images"][0, 0]
    assert np.array_equal(shown, expected)


def test_one_picture_is_read_as_a_model_gets_it_and_kept_nowhere(own_root):
    content = picture(3, 64)
    for shape in ((3, 32, 32), (1, 28, 28)):
        pixels = decode(content, shape[1])
        expected = pixels if shape[0] == 3 else to_grey(pixels[None])[0]
        read = read_picture("one.png", content, shape)
        assert read.dtype == np.float32 and np.array_equal(np.rint(read * 255), expected.reshape(1, -1))
    with pytest.raises(UnusableImages, match=r"^one\.png is damaged"):
        read_picture("one.png", content[:200], (3, 32, 32))
    assert not own_root.exists()


def test_reading_that_takes_too_long_or_is_ended_is_said(own_root, monkeypatch):
    monkeypatch.setattr(ui.training.own_images, "LONGEST_READING", 0.01)
    with pytest.raises(UnusableImages, match="more than 0 s to read; send fewer"):
        read_upload([("album.zip", album())], Preparation(28))
    monkeypatch.undo()
    monkeypatch.setattr(sys, "executable", "/usr/bin/false-that-is-not-there")
    with pytest.raises(Busy, match="could not be started"):
        read_upload([("album.zip", album())], Preparation(28))


def test_what_waits_too_long_or_is_too_much_is_removed(own_root):
    old, new = (put_by(own_root, seed) for seed in range(2))
    path = own.waiting(own_root) / f"{old}{own.SUFFIX}"
    half_written = path.with_name(".own-half.tmp")
    half_written.write_bytes(b"x")
    for each in (path, half_written):
        os.utime(each, (time.time() - 3_700, time.time() - 3_700))
    own.remove_stale(own_root, limits.MOST_UNDECIDED, limits.LONGEST_UNDECIDED)
    assert [each.name for each in own.waiting(own_root).iterdir()] == [f"{new}{own.SUFFIX}"]
    with pytest.raises(DatasetUnavailable, match="waited too long"):
        keep(old, "a")
    put_by(own_root, 2)
    own.remove_stale(own_root, int(1.5 * own.waiting_size(new, own_root)), limits.LONGEST_UNDECIDED)
    assert len(list(own.waiting(own_root).iterdir())) == 1


# ---- the page --------------------------------------------------------------------------------------------------------


def send(at: AppTest, *files: tuple[str, bytes]) -> AppTest:
    sent = [(name, content, "application/octet-stream") for name, content in files]
    at.file_uploader(key="train-own-files-0").set_value(sent).run()
    assert not at.exception
    return at


def key_on(at: AppTest) -> str:
    return said(at, "Its key: `(.*?)`")[1]


def test_the_page_reads_shows_and_keeps_what_is_sent(own_root, empty_store):
    at = send(open_page(PAGE), ("album.zip", album()))
    said_of_it = (
        "24 colour images of 28 × 28 pixels, 2 classes; 13 to learn from, 11 held out. Classes: cats 12, dogs 12."
    )
    assert said_of_it in texts(at)
    assert len(pictures(at)) == 1 and not at.error and not at.warning
    at.button(key="train-own-use").click().run()
    assert not at.exception
    (name,) = [entry.name for entry in own.stored_sets(own_root)]
    assert at.selectbox(key="train-dataset").value == name and key_on(at).startswith(f"vae-{name}-")
    assert "Your images are chosen in the form below." in texts(at)
    assert at.file_uploader(key="train-own-files-1").value == []  # what was sent is not in the memory any more


def test_the_page_says_what_it_doubts_and_offers_what_mends_it(own_root, empty_store):
    files = {f"{k}.png": picture(k, ink=12) for k in range(24)}
    at = send(open_page(PAGE), ("dark.zip", zipped(files)))
    (warning,) = at.warning
    assert "stretch them" in warning.value
    at.segmented_control(key="train-own-tones").set_value(["stretch"]).run()
    assert not at.exception and not at.warning
    at.segmented_control(key="train-own-fit").set_value("pad").run()
    at.button(key="train-own-use").click().run()
    assert not at.exception and len(own.stored_sets(own_root)) == 1


def test_one_sets_name_does_not_take_the_form_from_everybody(own_root, empty_store):
    """Filed by an earlier version from a folder whose name is no text."""
    document = {"title": "K\udce4fer", "label_names": ["\udcff", "b"]}
    images = np.random.default_rng(0).integers(0, 256, (30, 1, 28, 28), dtype=np.uint8)
    path = own.folder(own_root) / f"own-1x28x28-0123456789ab{own.SUFFIX}"
    archive.write(path, {"images": images, "labels": np.arange(30) % 2}, document)
    at = open_page(PAGE)
    assert not at.exception and "Käfer, 89ab" in at.selectbox(key="train-dataset").options


def test_the_page_says_what_is_wrong_once_reads_it_once_and_the_form_stays(own_root, empty_store, monkeypatch):
    asked = []
    monkeypatch.setattr(
        ui.training.uploads, "read_upload", lambda *sent, **_: (asked.append(sent), read_upload(*sent))[1]
    )
    at = send(open_page(PAGE), *MALFORMED["no picture"][0])
    for _ in range(2):
        assert len(at.error) == 1 and at.error[0].value.endswith(".")
        assert key_on(at).startswith("vae-mnist_sample-")
        at.run()
    assert len(asked) == 1


def test_what_cannot_be_read_now_is_read_when_it_is_tried_again(own_root, empty_store, monkeypatch):
    """The refusal was once kept as if the images were at fault."""
    with monkeypatch.context() as patch:
        patch.setattr(ui.training.turns, "MOST_WAITING", 0)
        at = send(open_page(PAGE), ("album.zip", album()))
        for _ in range(2):
            (warning,) = at.warning
            assert warning.value.startswith("Many others have sent files at this moment") and not at.error
            assert key_on(at).startswith("vae-mnist_sample-")
            at.button(key="train-own-again").click().run()
    at.button(key="train-own-again").click().run()
    assert not at.exception and not at.warning and at.button(key="train-own-use")
    assert "train-own-again" not in [button.key for button in at.button]


@pytest.mark.skipif(not FULL.exists(), reason="the system has no device that is always full")
def test_a_full_temporary_folder_is_said_and_read_once_there_is_room(own_root, empty_store, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(ui.training.in_child.tempfile, "TemporaryFile", partial(FULL.open, "r+b", buffering=0))
        at = send(open_page(PAGE), ("album.zip", album()))
        (warning,) = at.warning
        assert warning.value == "Reading could not be started (No space left on device). Try again later."
        assert not at.error and not at.exception
    at.button(key="train-own-again").click().run()
    assert not at.warning and at.button(key="train-own-use")


def test_the_page_and_the_server_allow_what_may_be_sent():
    with (ROOT / ".streamlit" / "config.toml").open("rb") as file:
        configured = tomllib.load(file)["server"]["maxUploadSize"]
    assert configured == limits.MOST_SENT // 1_000_000


# ---- whose they are, and how much ------------------------------------------------------------------------------------


def some(seed: int, count: int = 24) -> OwnImages:
    images = np.random.default_rng(seed).integers(0, 256, (count, 3, 28, 28), dtype=np.uint8)
    return OwnImages("holiday", images, np.arange(count) % 2, ("left", "right"))


def put_by(root: Path, seed: int) -> str:
    return own.save_waiting(some(seed), root)


def kept(root: Path, seed: int, visitor: str) -> str:
    name = put_by(root, seed)
    keep(name, visitor)
    return name


def there(root: Path) -> set[str]:
    return {entry.name for entry in own.stored_sets(root)}


def test_images_are_kept_and_offered_to_whom_they_belong(own_root, empty_store):
    name = kept(own_root, 0, "a")
    assert offered("a") == (name,) and offered("b") == () and offered("b", name) == (name,)
    by_command_line = own.save(some(1), own_root)
    assert set(offered("a")) == {name, by_command_line} and offered("b") == (by_command_line,)
    at = open_page(PAGE, dataset=name)
    assert key_on(at).startswith(f"vae-{name}-") and not at.warning
    at = open_page(PAGE, dataset="own-1x28x28-0123456789ab")
    assert len(at.warning) == 1 and key_on(at).startswith("vae-mnist_sample-")


EARLIER = """
import sys
import numpy as np
from tests.app.test_own_images import kept
from pathlib import Path
print(*(kept(Path(sys.argv[1]), seed, "a") for seed in (0, 1)))
"""


def test_the_quota_counts_what_an_earlier_app_has_kept(own_root, monkeypatch):
    command = [sys.executable, "-c", EARLIER, str(own_root)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split()
    assert set(offered("a")) == {first, second} and offered("b") == ()
    size = own.describe(first, own_root).size
    monkeypatch.setattr(ui.training.quota, "MOST_OF_ONE", int(2.5 * size))
    third = kept(own_root, 2, "a")
    assert there(own_root) == {second, third}
    # A set that was used since it was sent is in use, whoever noted it.
    own.note_used(second, own_root)
    assert second in in_use()
    fourth = kept(own_root, 3, "a")
    assert there(own_root) == {second, fourth}
    # Of another visitor, and of all: the oldest go, whoever has kept them.
    monkeypatch.setattr(ui.training.quota, "MOST_KEPT", int(2.5 * size))
    fifth = kept(own_root, 4, "b")
    assert there(own_root) == {second, fifth}
    assert {mark.name for mark in (own.folder(own_root) / ".sent").iterdir()} <= {
        f"{name}~{visitor}" for name, visitor in ((second, "a"), (fifth, "b"), (fourth, "a"))
    }
    long_ago = time.time() - limits.IN_USE - 60
    os.utime(own.folder(own_root) / f"{second}{own.SUFFIX}", (long_ago, long_ago))
    assert second not in in_use()


def test_what_a_job_or_a_page_needs_stays_and_without_room_beside_it_nothing_is_taken_in(own_root, monkeypatch):
    in_training, shown, spare = (kept(own_root, seed, "a") for seed in range(3))
    ui.training.app_queue.training_queue().start = Bench()
    ui.training.app_queue.training_queue().ask([RunSpec(in_training, "vae", hidden=(16,))], "b")
    assert in_use() == {in_training}
    note_shown(shown)
    assert in_use() == {in_training, shown}
    size = own.describe(shown, own_root).size
    monkeypatch.setattr(ui.training.quota, "MOST_OF_ONE", int(2.5 * size))
    late = put_by(own_root, 3)
    with pytest.raises(DatasetUnavailable, match=r"0 MB in 2 are in use; send these when a run has ended"):
        keep(late, "a")
    assert there(own_root) == {in_training, shown} and spare not in offered("a")
    monkeypatch.setattr(ui.training.quota, "MOST_SETS", 2)
    with pytest.raises(DatasetUnavailable, match="those of others are in use"):
        keep(late, "c")
    assert there(own_root) == {in_training, shown}
    ui.training.app_queue.training_queue().close()


def test_there_are_not_more_sets_than_may_be(own_root, monkeypatch):
    monkeypatch.setattr(ui.training.quota, "MOST_SETS_OF_ONE", 2)
    names = [kept(own_root, seed, "a") for seed in range(4)]
    assert there(own_root) == set(names[2:])
    monkeypatch.setattr(ui.training.quota, "MOST_SETS", 3)
    more = [kept(own_root, seed, f"visitor{seed}") for seed in range(4, 6)]
    assert there(own_root) == {names[3], *more}


def test_quota_by_cookie(own_root, monkeypatch):
    """With a new cookie for each of 205 uploads, the teacher's set and a student's once were evicted."""
    by_teacher = own.save(some(0), own_root)
    by_student = put_by(own_root, 1)
    keep(by_student, "student", "10.0.0.1")
    size = own.describe(by_teacher, own_root).size
    monkeypatch.setattr(ui.training.quota, "MOST_KEPT", int(4.5 * size))
    for number in range(8):
        name = put_by(own_root, 10 + number)
        keep(name, f"cookie{number}", "6.6.6.6")
        assert {by_teacher, by_student, name} <= there(own_root)
    own.save_waiting(some(0), own_root)
    keep(by_teacher, "hostile", "6.6.6.6")  # the very images of the teacher: they do not become theirs
    for number in range(8):
        keep(put_by(own_root, 30 + number), f"other{number}", "7.7.7.7")
    assert {by_teacher, by_student} <= there(own_root)
    assert len(there(own_root)) == 5 and by_teacher in offered("anybody")


def test_an_address_has_a_ceiling_and_who_sent_most_of_it_gives_way_and_is_told(own_root, monkeypatch):
    first = put_by(own_root, 0)
    keep(first, "ann", "school")
    size = own.describe(first, own_root).size
    monkeypatch.setattr(ui.training.quota, "MOST_OF_ADDRESS", int(3.5 * size))
    bobs = [put_by(own_root, seed) for seed in (1, 2)]
    for name in bobs:
        keep(name, "bob", "school")
    late = put_by(own_root, 3)
    keep(late, "cem", "school")
    assert there(own_root) == {first, bobs[1], late}
    assert had_to_go("bob") == ["holiday"] and had_to_go("bob") == [] and had_to_go("ann") == []
    for wrong in ("", "../x", "a/b"):
        assert had_to_go(wrong) == []


def test_who_would_have_most_does_not_push_others_out(own_root, monkeypatch):
    small = [kept(own_root, seed, f"visitor{seed}") for seed in range(3)]
    size = own.describe(small[0], own_root).size
    monkeypatch.setattr(ui.training.quota, "MOST_KEPT", int(3.5 * size))
    large = own.save_waiting(some(9, count=60), own_root)
    assert own.waiting_size(large, own_root) > 2 * size
    with pytest.raises(DatasetUnavailable, match="no room"):
        keep(large, "late")
    assert there(own_root) == set(small)


def test_a_set_that_others_sent_too_is_not_taken_from_them(own_root, monkeypatch):
    name = kept(own_root, 0, "a")
    assert kept(own_root, 0, "b") == name
    monkeypatch.setattr(ui.training.quota, "MOST_SETS_OF_ONE", 1)
    kept(own_root, 1, "a")
    assert name not in offered("a") and offered("b") == (name,)


def test_a_set_is_the_same_sent_read_and_loaded(own_root):
    read = read_upload([("album.zip", album())], Preparation(28))
    assert isinstance(read, Read)
    keep(read.name, "a")
    parts = [datasets.load(read.name, split, root=own_root) for split in ("train", "validation")]
    assert [len(part) for part in parts] == [13, 11]
    assert sorted({name for part in parts for name in part.label_names}) == ["cats", "dogs"]
    assert not list(own.waiting(own_root).iterdir())


# ---- runs on them ----------------------------------------------------------------------------------------------------


def older_and_newer(own_root, store, monkeypatch) -> tuple[Run, Run]:
    """Of the same set: a run from when all that was held out was one part, and one from now."""
    name = own.save(some(0, count=240), own_root)
    monkeypatch.setattr(own, "FEWEST_TO_HALVE", 1_000)
    execution = Execution(own_root, precision="float32")
    older, newer = (RunSpec(name, "vae", hidden=(16,), epochs=2, seed=seed) for seed in range(2))
    first = get_or_train(store, older, execution=execution, film=True)
    monkeypatch.setattr(own, "FEWEST_TO_HALVE", 20)
    return first, get_or_train(store, newer, execution=execution, film=True)


def test_a_run_from_before_the_test_split_shows_validation_images_each_at_its_code(own_root, empty_store, monkeypatch):
    older, newer = older_and_newer(own_root, empty_store, monkeypatch)
    assert [len(run.codes.labels) for run in (older, newer)] == [24, 12]
    shown = load_run(older.key)
    images = held_out(older.spec.dataset)
    assert np.allclose(shown.encode(images.floats()), shown.codes.mean, atol=0.01)
    assert np.array_equal(shown.codes.labels, images.labels) and shown.snapshots.shape[1] == 12
    at = open_page("pages/explorer.py", run=older.key)
    assert not at.error and not at.warning
    planes = [header for header in payload_headers(at) if header["kind"] == "plane"]
    assert planes and all(later_kinds(header) == ["thumbnails"] for header in planes)


def test_runs_from_before_and_after_the_test_split_compare_and_share_a_dial(own_root, empty_store, monkeypatch):
    older, newer = older_and_newer(own_root, empty_store, monkeypatch)
    at = open_page(PAGE, run=older.key, **{"with": newer.key})
    assert not at.error and not at.warning
    planes = [header for header in payload_headers(at) if header["kind"] == "plane"]
    assert [header["tensors"]["classes"]["shape"] for header in planes] == [[12], [12]]  # so they light up together
    assert "measured on 24 and 12 held-out images" in " ".join(texts(at))
    dial, _ = dial_along((older.key, newer.key), 0, "own")
    assert [stop["measured"].partition(";")[0] for stop in dial.header["stops"]] == [
        "24 test images",
        "12 test images",
    ]


def test_the_page_says_whether_test_images_are_others(own_root, empty_store, monkeypatch):
    older, newer = older_and_newer(own_root, empty_store, monkeypatch)
    one, two = (open_page(PAGE, run=run.key) for run in (older, newer))
    sentence = "The held-out images are validation and test set in one."
    assert sentence in " ".join(texts(one)) and sentence not in " ".join(texts(two))
    assert list(tables(one)[0]) == ["metric", "held out, n = 24", "unit"]
    assert list(tables(two)[0]) == ["metric", "held out, n = 12", "test, n = 12", "unit"]


def test_pages_show_runs_on_own_images_also_when_the_images_are_gone(own_root, empty_store):
    own_images = some(0, count=40)
    name = own.save(own_images, own_root)
    options = {"execution": Execution(own_root, precision="float32"), "film": True}
    specs = [RunSpec(name, "vae", hidden=(16,), epochs=2), RunSpec(name, "conv_vae", hidden=(4, 8), epochs=1)]
    keys = [get_or_train(empty_store, spec, **options).key for spec in specs]
    for key in keys:
        at = open_page("pages/explorer.py", run=key)
        assert not at.error and not at.warning
        planes = [header for header in payload_headers(at) if header["kind"] == "plane"]
        assert planes and all(later_kinds(header) == ["thumbnails"] for header in planes)
        at = open_page(PAGE, run=key, **{"with": keys[0]})
        assert not at.error and not at.warning
        film, *_ = payload_headers(at)
        assert film["kind"] == "film" and film["image"]["channels"] == 3 and film["count"] > 0
    for chapter in chapters():
        if chapter.slug not in ("train", "explorer"):
            open_page(chapter.page, run=keys[0], dataset=name)
    own.remove(name, own_root)
    held_out.clear()
    thumbnail_sheet.clear()
    at = open_page("pages/explorer.py", run=keys[0])
    assert len(at.error) == 1 and "read them again" in at.error[0].value
    assert payload_headers(at)[0]["kind"] == "plane"
    at = open_page(PAGE, run=keys[0])
    assert payload_headers(at)[0]["kind"] == "film" and not at.error


def test_adversarial_and_perceptual_models_learn_own_colour_images_and_are_shown(own_root, empty_store):
    """As sent in a .npz: what the form asks for is trained, and both pages show it in colour."""
    colours = np.random.default_rng(0).integers(0, 256, (60, 28, 28, 3), dtype=np.uint8)
    read = read_upload([("colours.npz", npz(images=colours, labels=np.arange(60) % 2))], Preparation(28))
    assert isinstance(read, Read)
    keep(read.name, "a")
    options = {"execution": Execution(own_root, precision="float32"), "film": True}
    vae = RunSpec(read.name, "conv_vae", hidden=(8, 16), epochs=1)
    get_or_train(empty_store, vae, **options)
    begins = {
        "gan": {"depth": "8-16"},
        "vae_gan": {"of": vae.key},
        "perceptual_vae": {"of": vae.key, "depth": "8-16"},
    }
    for model, fields in begins.items():
        at = open_page(PAGE, dataset=read.name, model=model, epochs="2", batch="32", **fields)
        assert not at.error and not [one.value for one in at.warning], model
        spec = next(one for one in specs_like(model, read.name, vae) if one.key == key_on(at))
        run = get_or_train(empty_store, spec, **options)
        assert run.image_shape == (3, 28, 28) and [record["epoch"] for record in run.history] == [1, 2]
        made = run.decode(run.codes.mean[:4])
        assert made.shape == (4, 3 * 28 * 28) and np.isfinite(made).all()
        for shown in (open_page("pages/explorer.py", run=run.key), open_page(PAGE, run=run.key)):
            assert not shown.error and not shown.warning and not shown.exception, model
            header = payload_headers(shown)[0]
            assert header["image"]["channels"] == 3 and header["kind"] in ("plane", "film")


def specs_like(model: str, dataset: str, vae: RunSpec) -> list[RunSpec]:
    """What the fields of the test above ask for."""
    common = {"latent_dim": 2, "epochs": 2, "batch_size": 32}
    own_fields = {
        "gan": {"hidden": (8, 16)},
        "vae_gan": {"hidden": vae.hidden, "options": {"of": vae.key}},
        "perceptual_vae": {"hidden": (8, 16), "options": {"of": vae.key, "channels": [8]}},
    }
    return [RunSpec(dataset, model, **common, **own_fields[model])]
