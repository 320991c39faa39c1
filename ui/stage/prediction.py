"""A question to predict, and what is said once it is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ui.stage.steps import prose


@dataclass(frozen=True)
class Prediction:
    """A question to answer before seeing.

    Attributes:
        key: unique on the page.
        question: one sentence.
        options: possible answers.
        answer: gives the index of the right option and a sentence that says why, both computed from the runs on screen;
            called only once the visitor has chosen.
        setting: what the right option depends on, where the key does not say it: a class answers each one anew, while
            a visitor alone, whose link names the question by its key, has answered all of them.
    """

    key: str
    question: str
    options: tuple[str, ...]
    answer: Callable[[], tuple[int, str]]
    setting: str = ""

    @property
    def in_class(self) -> str:
        """The question's name in a class."""
        return f"{self.key}-{self.setting}" if self.setting else self.key


def heading_of(prediction: Prediction) -> str:
    """The question as a control's label: markdown."""
    return f"**Predict first.** {prediction.question[:1].upper()}{prediction.question[1:]}"


def say_verdict(prediction: Prediction, chosen: int | None) -> None:
    """The right answer and why; None for a visitor who has chosen none."""
    right, reason = prediction.answer()
    answer = prediction.options[right]
    if chosen is None:
        prose(f":material/arrow_right_alt: **{answer}.** {reason}")
        return
    answer = answer if answer[1:2].isupper() else f"{answer[0].lower()}{answer[1:]}"  # KL stays KL
    correct = chosen == right
    verdict = "Yes." if correct else f"No: {answer}."
    prose(f"{':material/check: ' if correct else ':material/close: '}**{verdict}** {reason}")
