"""Which step of the sampler an evaluation belongs to, and its place in that step."""

from __future__ import annotations


class StepClock:
    """Counts steps by what the sampler reports, and evaluations within a step by how many the last one had.

    A sampler reports each step once, by its callback. ComfyUI's own do so right after the step's first evaluation, so
    when the next step begins must be known beforehand: samplers of higher order evaluate the network several times per
    step. Others report a step at its end; those whose first report comes after several evaluations are taken for such.

    Args:
        per_step: evaluations per step; where steps are reported, only until a report tells otherwise.

    Attributes:
        begun: steps begun, so the 1-based step of the evaluation that runs.
        substep: its place in that step, from 0.
        per_step: evaluations of the last step.
        reports: steps reported so far; None while nobody reports.
        at_end: whether a report ends a step, rather than following its first evaluation.
    """

    def __init__(self, per_step: int = 1) -> None:
        self.per_step = per_step
        self.begun = 0
        self.substep = 0
        self.reports: int | None = None
        self.at_end = False
        self._since = 0  # evaluations since the last report
        self._last: int | None = None  # the step of the last report, as the sampler numbers it

    def advance(self) -> int:
        """Go on to the next evaluation; returns its place in its step."""
        since, self._since = self._since, self._since + 1
        if self.reports is None:
            done, self.substep = divmod(since, self.per_step)
            self.begun = done + 1
        elif self.at_end or not self.reports:
            self.begun, self.substep = self.reports + 1, since
        elif since + 1 < self.per_step:
            self.begun, self.substep = self.reports, since + 1
        else:
            # More than were expected count on from the first: what is not known has nothing to reuse.
            self.begun, self.substep = self.reports + 1, since + 1 - self.per_step
        return self.substep

    def report(self, step: int) -> bool:
        """The sampler reports a step, by a number of its own; False where nothing new is in it.

        A step that is iterated is reported again, and some samplers report their last one twice.
        """
        if not self._since or step == self._last:
            return False
        self.reports = (self.reports or 0) + 1
        if self.reports == 1:
            self.at_end = self._since > 1
        if self.reports > 1 or self.at_end:
            self.per_step = self._since
        self.begun = self.reports
        self.substep = self.per_step - 1 if self.at_end else 0
        self._since, self._last = 0, step
        return True
