"""What a lesson is made of: stops, and at each of them steps with a link, minutes and a question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from urllib.parse import parse_qsl

from ui.chapters import Chapter, chapter_at


@dataclass(frozen=True)
class Question:
    """A question with an answer, to be given before anything is shown: a page asks it, or the teacher does.

    Attributes:
        text: one sentence.
        options: possible answers.
        answer: gives the index of the right option and why, as markdown: computed from the runs.
    """

    text: str
    options: tuple[str, ...]
    answer: Callable[[], tuple[int, str]]


@dataclass(frozen=True)
class Step:
    """What a class does at one place.

    Attributes:
        minutes: how long.
        link: page and query, as a link to the app has them after its address.
        do: what everybody does there, after the question was answered.
        ask: what the teacher asks, where no run can answer it.
        question: one with an answer. The page asks it where the link says `ask`, and the teacher elsewhere.
    """

    minutes: int
    link: str
    do: str
    ask: str = ""
    question: Question | None = None

    @property
    def page(self) -> str:
        """The page's name in the URL."""
        return self.link.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """What its link says."""
        return dict(parse_qsl(self.link.partition("?")[2], strict_parsing="?" in self.link))

    @property
    def chapter(self) -> Chapter:
        """The record of the page."""
        found = chapter_at(self.page)
        if found is None:
            raise ValueError(f"there is no page {self.page}")
        return found

    @property
    def asked(self) -> str:
        """What is asked there, by the page or by the teacher."""
        return self.question.text if self.question else self.ask


@dataclass(frozen=True)
class Stop:
    """Steps under one heading.

    Attributes:
        title: a few words.
        steps: in their order.
        note: what to write down.
    """

    title: str
    steps: tuple[Step, ...]
    note: str = "What I saw, with its numbers"

    @property
    def minutes(self) -> int:
        """How long."""
        return sum(step.minutes for step in self.steps)


@dataclass(frozen=True)
class Lesson:
    """A lesson.

    Attributes:
        slug: its name in links and of its worksheet: small letters.
        title: a few words.
        about: whom it is for, in a sentence.
        stops: in their order.
    """

    slug: str
    title: str
    about: str
    stops: tuple[Stop, ...] = field(repr=False)

    @property
    def minutes(self) -> int:
        """How long."""
        return sum(stop.minutes for stop in self.stops)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Of all stops."""
        return tuple(step for stop in self.stops for step in stop.steps)

    def stop_of(self, number: int) -> Stop:
        """The stop that a step belongs to, by the step's number from 0."""
        ends = accumulate(len(stop.steps) for stop in self.stops)
        return next(stop for stop, end in zip(self.stops, ends, strict=True) if number < end)

    def begins(self) -> list[int]:
        """When each step begins, in minutes from the beginning; and the end."""
        return [0, *accumulate(step.minutes for step in self.steps)]

    def stops_begin(self) -> list[int]:
        """The same of its stops."""
        return [0, *accumulate(stop.minutes for stop in self.stops)]
