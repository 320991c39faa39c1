"""Settings of the toy whose outcome the page tells, over several seeds; measured by ``python -m tools.measure_toy``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ui.chapters.sharper.toy import SETTINGS
from vae_core.lessons.adversarial_rules import SHAPES

SEEDS = tuple(range(1, 11))
STEPS = 1_500


@dataclass(frozen=True)
class Case:
    """One model with its settings.

    Attributes:
        model: which of the two.
        changes: of the settings with which the toy opens.
    """

    model: Literal["gan", "vae"]
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """All of them."""
        return {**SETTINGS, **self.changes}

    @property
    def modes(self) -> int:
        """How many its data have."""
        return SHAPES[self.settings["data"]].modes


CASES = {
    "usual": Case("gan"),
    "slow": Case("gan", {"ratio": 0.25}),
    "fast": Case("gan", {"ratio": 4.0}),
    "fast, R1": Case("gan", {"ratio": 4.0, "r1": True}),
    "minimax": Case("gan", {"loss": "minimax"}),
    "five": Case("gan", {"per": 5}),
    **{f"vae {c:g}": Case("vae", {"c": c}) for c in (0.01, 0.03, 0.1)},
    "grid": Case("gan", {"data": "grid"}),
    "grid, R1": Case("gan", {"data": "grid", "r1": True}),
    "vae grid": Case("vae", {"data": "grid", "c": 0.01}),
}
