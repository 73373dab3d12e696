"""An explicit schedule: the steps to compute, chosen beforehand, as text that people copy from run to run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from ..errors import cut
from .moreg import MoReg
from .schedule import Decision, Observation, Reason, Schedule, scaled

MOST_STEPS = 10_000
EXAMPLE = '"30 steps: 1 2 7 12 18 24 29 30"'


@dataclass(frozen=True)
class LockedPlan:
    """Which steps of a sampling are computed; all others reuse.

    Attributes:
        steps: the step count that it was made for.
        computed: the computed steps, 1-based and ascending; the first one is always among them.
    """

    steps: int
    computed: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= MOST_STEPS:
            raise ValueError(f"locked_schedule: {self.steps} steps; allowed: 1 to {MOST_STEPS}")
        if not self.computed:
            raise ValueError(f"locked_schedule: no step is computed; step 1 must be, such as in {EXAMPLE}")
        for before, step in pairwise((0, *self.computed)):
            if problem := _problem(step, before, self.steps):
                raise ValueError(f"locked_schedule: {problem}")

    @classmethod
    def parse(cls, text: str) -> LockedPlan:
        """Read text such as `30 steps: 1 2 7 12`; commas and line breaks separate as well as spaces.

        What follows a `#` in a line is a remark.

        Raises:
            ValueError: names the entry, its position in the text and what is allowed.
        """
        text = re.sub(r"#[^\n]*", lambda remark: " " * len(remark[0]), text)
        head = re.match(r"\s*([0-9]{1,9})\s*steps?\s*:", text, re.IGNORECASE)
        if not head:
            raise _error(1, text.strip(), f"expected text such as {EXAMPLE}")
        steps = int(head[1])
        if not 1 <= steps <= MOST_STEPS:
            raise _error(head.start(1) + 1, head[1], f"allowed: 1 to {MOST_STEPS} steps")
        computed: list[int] = []
        for number, match in enumerate(re.finditer(r"[^\s,;]+", text[head.end() :]), 1):
            word = match.group()
            problem = "expected a step as a whole number"
            if re.fullmatch(r"[0-9]{1,9}", word):
                problem = _problem(int(word), computed[-1] if computed else 0, steps)
                computed.append(int(word))
            if problem:
                raise _error(head.end() + match.start() + 1, word, problem, f"entry {number} at ")
        return cls(steps, tuple(computed))

    def __str__(self) -> str:
        return f"{self.steps} steps: {' '.join(map(str, self.computed))}"


def _problem(step: int, before: int, steps: int) -> str:
    """What is wrong with a computed step that follows `before`, or ""."""
    if not 1 <= step <= steps:
        return f"step {step} is not one of the {steps} steps; allowed: 1 to {steps}"
    if not before and step != 1:
        return "the first computed step must be 1, which has nothing to reuse"
    if step <= before:
        return f"step {step} does not come after {before}; steps must ascend"
    return ""


def _error(character: int, word: str, problem: str, entry: str = "") -> ValueError:
    return ValueError(f'locked_schedule: {entry}character {character} is "{cut(word)}"; {problem}')


class LockedSchedule(Schedule):
    """A schedule chosen beforehand. It decides by its plan alone, and measures only for people to see.

    A caller may force a step that the plan reuses; the next distance is then taken from there.
    """

    def __init__(self, plan: LockedPlan, moreg: MoReg | None = None, sensitivity: float = 1.0) -> None:
        super().__init__(moreg, sensitivity)
        self.plan = plan
        self._computed = frozenset(plan.computed)

    def decide(self, forced: Reason | None = None) -> Decision:
        """See `Schedule.decide`."""
        self.step += 1
        if forced or self.step in self._computed:
            return Decision(True, forced or Reason.LOCKED)
        return Decision(False, Reason.REUSED)

    def observe(self, change: float | None, score: float | None = None) -> Observation | None:
        """Record the measure of the step just computed; see `Schedule.observe`."""
        passed, self.previous = self.step - self.previous, self.step
        following = (step for step in self.plan.computed if step > self.step)
        self.rate = next(following, self.plan.steps + 1) - self.step
        if change is None:
            return None
        distance = change / passed
        motion = self._motion(score, passed)
        return Observation(distance, scaled(distance, motion, self.sensitivity), motion, self.rate)
