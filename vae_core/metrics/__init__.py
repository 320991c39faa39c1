"""Measurements as pure functions on arrays. Each states its source, units and range."""

from vae_core.metrics.latent import active_units, empty_beyond
from vae_core.metrics.reconstruction import bernoulli_floor, mean_squared_error

__all__ = ["active_units", "bernoulli_floor", "empty_beyond", "mean_squared_error"]
