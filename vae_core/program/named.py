"""A model's programs by name, from those that its file stores.

A file stores two for every model: the encoder, from a flat image to its code, and the decoder. The bottleneck between
them determines the encoder's parts: `Bottleneck.programs` is one of the functions here. Further programs, such as a
codebook or a prior, are stored under their own names.
"""

from __future__ import annotations

from collections.abc import Container

from vae_core.program.operations import Program, record


def encoder_and_decoder(encoder: Program, decoder: Program, tensors: Container[str]) -> dict[str, Program]:
    """Both as they are; without the encoder if it is not a program (an empty list)."""
    del tensors
    return {**({"encoder": encoder} if encoder else {}), "decoder": decoder}


def trunk_and_heads(encoder: Program, decoder: Program, tensors: Container[str]) -> dict[str, Program]:
    """A Gaussian posterior: both heads, ``mean`` and ``log_var``, are linear layers on the features of one ``trunk``.

    The encoder ends with the mean's head. The other one has the same shape and its own module name.

    Args:
        encoder: from a flat image to the posterior's mean.
        decoder: from a code to natural parameters.
        tensors: names of the model's weights.

    Returns:
        ``encoder``, ``trunk``, ``mean``, ``log_var`` and ``decoder``; the decoder alone if the encoder is not a
        program.

    Raises:
        ValueError: an encoder that ends otherwise, or weights without the second head.
    """
    named = encoder_and_decoder(encoder, decoder, tensors)
    if not encoder:
        return named
    *trunk, last = encoder
    shape = {field: last.get(field) for field in ("in", "out")}
    mean, log_var = (record("linear", head, shape, tensors) for head in ("mean", "log_var"))
    if last != mean:
        raise ValueError("the last layer of an encoder with a posterior is not the head of its mean")
    if log_var.keys() != mean.keys():
        raise ValueError("the head of the log-variance lacks a tensor that the head of the mean has")
    alike = {field: log_var[field] for field in last}  # in the file's order: payloads stay the same byte for byte
    return {**named, "trunk": trunk, "mean": [last], "log_var": [alike]}
