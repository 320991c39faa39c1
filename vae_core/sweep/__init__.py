"""Sweeps: many runs that differ in beta alone, planned, checked, and trained side by side."""

from vae_core.sweep.plan import MOST_MEMBERS, Plan, parse_weights, plan

__all__ = ["MOST_MEMBERS", "Plan", "parse_weights", "plan"]
