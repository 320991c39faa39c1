"""The Olivetti faces, from a fetcher that fetches nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sklearn.datasets

from vae_core.datasets import SPLITS, info, is_here, load, photographs
from vae_core.errors import DatasetUnavailable

Fetched = list[str]


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> Fetched:
    """Photographs whose grey says who it is and which of the ten it is, and the folders that were asked for."""
    asked: Fetched = []

    def fetch(*, data_home: str) -> SimpleNamespace:
        assert list(Path(data_home).iterdir()) == []  # and no pickle in it
        asked.append(data_home)
        print("downloading")
        greys = np.repeat(np.arange(400) % 256, 64 * 64).reshape(400, 64, 64)
        return SimpleNamespace(images=(greys / 255).astype(np.float32), target=np.repeat(np.arange(40), 10))

    monkeypatch.setattr(sklearn.datasets, "fetch_olivetti_faces", fetch)
    return asked


def test_people_are_held_out_and_the_photographs_fetched_once(
    tmp_path: Path, fetched: Fetched, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not is_here("olivetti", tmp_path)
    parts = {split: load("olivetti", split, root=tmp_path) for split in SPLITS}
    assert is_here("olivetti", tmp_path) and len(fetched) == 1
    assert capsys.readouterr().out == ""  # where figures are read by machines
    assert {split: len(part) for split, part in parts.items()} == {"train": 320, "validation": 40, "test": 40}
    people = [set(part.labels.tolist()) for part in parts.values()]
    assert not (people[0] & people[1] or people[0] & people[2] or people[1] & people[2])
    assert set.union(*people) == set(range(40))
    for part in parts.values():
        assert part.image_shape == info("olivetti").image_shape == (1, 64, 64)
        places = np.concatenate([np.arange(10 * who, 10 * who + 10) for who in np.unique(part.labels)])
        assert np.array_equal(part.images[:, 0, 5, 7], places % 256)
    load("olivetti", "train", root=tmp_path, download=False)
    assert len(parts["train"].label_names) == 40 and info("olivetti").training_images == 320


def test_without_a_network_one_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: str) -> None:
        raise OSError("no route to host\nand more")

    monkeypatch.setattr(sklearn.datasets, "fetch_olivetti_faces", fail)
    with pytest.raises(DatasetUnavailable, match=r"not be fetched \(no route to host\); connect to a network.*\.$"):
        load("olivetti", "train", root=tmp_path)
    with pytest.raises(DatasetUnavailable, match=r"are not in .*olivetti; fetch them with 'python -m vae_core train"):
        load("olivetti", "train", root=tmp_path, download=False)
    assert list(tmp_path.iterdir()) == []


def test_other_faces_and_a_damaged_file_are_refused(
    tmp_path: Path, fetched: Fetched, monkeypatch: pytest.MonkeyPatch
) -> None:
    load("olivetti", "test", root=tmp_path)
    path = photographs.file_in(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DatasetUnavailable, match="is damaged; delete it"):
        load("olivetti", "test", root=tmp_path)
    path.unlink()
    few = SimpleNamespace(images=np.zeros((399, 64, 64)), target=np.repeat(np.arange(40), 10)[:399])
    monkeypatch.setattr(sklearn.datasets, "fetch_olivetti_faces", lambda **_: few)
    with pytest.raises(DatasetUnavailable, match="not the Olivetti faces"):
        load("olivetti", "test", root=tmp_path)
