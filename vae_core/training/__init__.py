"""Training: from a RunSpec and images to a trained Run."""

from vae_core.training.loop import Progress, train

__all__ = ["Progress", "train"]
