"""Which step of the sampler an evaluation belongs to, and its place in that step."""

from __future__ import annotations


class StepClock:
    """Counts steps by evaluations, and checks the count against what the sampler reports.

    Samplers of higher order evaluate the network several times per step. Their callback for a step fires right after
    that step's first evaluation, which is when a wrong count shows.

    Args:
        steps: the sampler's step count.
        per_step: evaluations per step; the sampler's last two steps may have fewer.

    Attributes:
        begun: steps begun, so the 1-based step of the evaluation that runs.
        substep: its place in that step, from 0.
        regular: False once the reports do not fit the count.
        reported: steps reported so far; None while nobody reports.
    """

    def __init__(self, steps: int, per_step: int = 1) -> None:
        self.steps = steps
        self.per_step = per_step
        self.begun = 0
        self.substep = 0
        self.regular = True
        self.reported: int | None = None

    def advance(self) -> int:
        """Go on to the next evaluation; returns its place in its step."""
        if self.regular and self.begun and self.substep + 1 < self.per_step:
            self.substep += 1
        else:
            if self.reported is not None and self.reported < self.begun:
                self.regular = False
            self.begun += 1
            self.substep = 0
        return self.substep

    def report(self, step: int) -> None:
        """The sampler says that the evaluation just made was the first of `step`, from 0."""
        self.reported = step + 1
        on_time = self.begun == step + 1 and self.substep == 0
        if not on_time and step < self.steps - 2:
            self.regular = False
        self.begun, self.substep = step + 1, 0
