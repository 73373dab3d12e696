"""Writes the trace of a run: its records, which step each belongs to, and how long each took."""

from __future__ import annotations

from ..trace.trace import Record, Trace
from .stopwatch import Stopwatch


class Book:
    """Writes into a trace, and nowhere else."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._first: Stopwatch | None = None
        self._untimed: list[tuple[Record, Stopwatch]] = []
        self._labelled = 0

    def begin(self, watch: Stopwatch) -> None:
        """An evaluation begins, whose time this watch takes."""
        self._first = self._first or watch

    def write(self, record: Record, watch: Stopwatch) -> None:
        """An evaluation has come to its end."""
        record.milliseconds = watch.stop()
        self.trace.seconds = watch.ended - (self._first or watch).began
        self.trace.records.append(record)
        self._untimed.append((record, watch))
        self.read_times()

    def read_times(self, wait: bool = False) -> None:
        """Replace the clock's times by the device's own, where they are known by now."""
        while self._untimed:
            record, watch = self._untimed[0]
            milliseconds = watch.read(wait)
            if milliseconds is not None:
                record.milliseconds = milliseconds
            elif watch.waits:
                return
            del self._untimed[0]

    def step_done(self, step: int, whole: bool = False) -> None:
        """The sampler reports its `step`, from 1.

        Args:
            whole: all evaluations since the last report belong to it; else the last one was its first.
        """
        self.label(step if whole else max(1, step - 1))
        if self.trace.records:
            self.trace.records[-1].step = step

    def label(self, step: int) -> None:
        """Evaluations that came since the last call belong to `step`, from 1."""
        for record in self.trace.records[self._labelled :]:
            record.step = step
        self._labelled = len(self.trace.records)
