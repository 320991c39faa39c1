"""Measurements of trained models: `measure.measure` gives all that apply, the other modules one kind each.

`generation` needs no torch, so pages may import it; hence nothing is imported here.
"""
