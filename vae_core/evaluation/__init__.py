"""Measurements of trained models: `measure.measure` computes all that apply, each other module one kind.

Nothing is imported here, so that pages can import `generation` without torch.
"""
