"""One sampling, from its first evaluation to its last: ties schedule, measures, cache and trace together."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from torch import Tensor, device

from ..schedules.choose import schedule_for
from ..schedules.codebook import nearest_codebook
from ..schedules.part import Part
from ..schedules.planned import PacedSchedule
from ..schedules.schedule import Decision, Reason
from ..settings import Settings
from ..trace.trace import Record, RunInfo, Trace
from .book import Book
from .cache import Cache, FreeBytes
from .calls import Context
from .deferred_correction import Correction
from .evaluation import Evaluation
from .observer import Observer
from .sampler import Sampler
from .step_clock import StepClock
from .workers import Workers

# So many evaluations without a report of the sampler are no step of any.
MOST_SUBSTEPS = 32

# A noise level read from the device is the sampler's own where it differs by no more than this.
SAME_LEVEL = 1e-3


class Run:
    """Everything that lives as long as one sampling, and not longer; a context manager.

        with Run(settings, steps=30) as run:
            for sigma in sigmas:
                with run.evaluation(sigma) as evaluation:
                    ...                                     # see run_blocks.py
        run.trace.summary()

    Args:
        settings: what the user chose.
        steps: the sampler's step count.
        info: what the run is of, for the trace.
        sampler: how it goes through its steps.
        free_bytes: free memory of a device, asked once when `settings.location` is "auto".
        on_record: called with every finished record, for a live display; its step may still be corrected.
        workers: the processes that sample the video together, if there are several.
    """

    def __init__(
        self,
        settings: Settings,
        steps: int,
        info: RunInfo | None = None,
        sampler: Sampler = Sampler(),  # noqa: B008 it cannot change
        free_bytes: FreeBytes | None = None,
        on_record: Callable[[Record], None] | None = None,
        workers: Workers | None = None,
    ) -> None:
        if steps < 1:
            raise ValueError(f"steps: {steps}; a run has at least one")
        self.settings = settings
        measures = settings.mode == "measure"
        sigmas = sampler.sigmas if sampler.evaluations == 1 else None
        corrects = settings.forecast and not measures
        self.correction = Correction(sigmas, sampler.highest_sigma) if corrects and sigmas is not None else None
        self.observer = Observer(steps, sigmas, settings.location, free_bytes) if measures else None
        part = Part.between(*sampler.part, steps)
        self._whole = part.whole
        self.schedule = schedule_for(settings, steps, self.correction is not None, sampler.sums_history, part)
        self.cache = Cache(settings.location, free_bytes)
        codebook = "" if isinstance(self.schedule, PacedSchedule) else str(nearest_codebook(settings.codebooks, steps))
        self.trace = Trace(info or RunInfo(), steps, settings.as_json(), codebook)
        self.trace.caution = self.schedule.caution
        self.trace.highest_sigma = sampler.highest_sigma or 0.0
        # A measuring run scores motion for calibration, too.
        strides = self.schedule.moreg.settings.strides if self.schedule.moreg else (1,) if measures else ()
        observe = self.observer.observe if self.observer else None
        self._context = Context(self.cache, lambda: self.refused, strides, observe, workers)
        self._on_record = on_record
        self._book = Book(self.trace)
        self._last_sigma = math.inf
        self._network: Hashable = None
        self._clock = StepClock(sampler.evaluations)
        self._decision = Decision(True, Reason.FIRST)
        self._locked = None if measures else settings.locked
        if self._locked and self._locked.steps != steps:
            self.refuse(f"the locked schedule is for {self._locked.steps} steps, and this run has {steps}")
        elif self.schedule.idle:
            self.refuse(self.schedule.idle)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self.close("done" if error is None else "failed", "" if error is None else f"{type(error).__name__}: {error}")

    @property
    def refused(self) -> bool:
        return bool(self.trace.note)

    def refuse(self, why: str) -> None:
        """Compute everything from here on; the first reason given is kept."""
        if not self.refused:
            self.trace.note = why
            self._free()

    @property
    def steps_begun(self) -> int:
        """How many steps have begun, so the 0-based step of an evaluation that begins one."""
        return self._clock.begun

    def report_steps(self) -> None:
        """Say that `step_done` will be called once per step, so that steps need not be counted by evaluations."""
        self._clock.reports = 0

    def step_done(self, step: int) -> None:
        """The sampler's callback for `step`, by its own count; see `StepClock`."""
        if self._clock.report(step):
            self._book.step_done(self._clock.begun, self._clock.at_end)
            self.cache.drop({key for key in self.cache if key.substep >= self._clock.per_step})

    @contextmanager
    def evaluation(self, sigma: float, allowed: bool = True) -> Iterator[Evaluation]:
        """One call of the network by the sampler; see `begin`."""
        evaluation = self.begin(sigma, allowed)
        yield evaluation
        # Reached only when the evaluation came to its end: one that was interrupted leaves no record.
        self.finish(evaluation)

    def begin(
        self, sigma: float, allowed: bool = True, where: device | None = None, network: Hashable = None
    ) -> Evaluation:
        """Decide on an evaluation.

        Args:
            sigma: its noise level.
            allowed: False computes it, as outside the start and end percent, unless the schedule is locked.
            where: the device that computes it, whose time is taken.
            network: what the network is made of now; where it is another than in the step before, its answers are
                those of another network, and caching begins anew.
        """
        substep = self._clock.advance()
        if substep > MOST_SUBSTEPS:
            self.refuse(f"the sampler {self.trace.info.sampler or ''} does not tell when a step ends")
        if substep == 0:
            self._decision = self._decide(sigma, allowed, network)
        ahead = (self.schedule.step - self.schedule.previous) / self._whole
        evaluation = Evaluation(self._context._replace(ahead=ahead), self._decision, substep, sigma, where)
        self._book.begin(evaluation.watch)
        return evaluation

    def _decide(self, sigma: float, allowed: bool, network: Hashable) -> Decision:
        """Once per step, for all its evaluations."""
        if self.refused:
            return Decision(True, Reason.REFUSED)
        forced = None
        changed = self._clock.begun > 1 and network != self._network
        self._network = network
        rises = sigma > self._last_sigma
        if rises or (changed and not self.observer):
            forced = Reason.RESTARTED
            self.cache.restart()
            if self.correction:
                self.correction.clear()
            if rises:  # the sampler goes its own way through its noise levels
                self.correction = None
            if self.observer:
                self.observer.restart()
        elif self.observer:
            forced = Reason.MEASURING
        elif not (allowed or self._locked):
            forced = Reason.OUTSIDE
        self._last_sigma = sigma
        self.schedule.step = self._clock.begun - 1
        decision = self.schedule.decide(forced)
        if self.observer:
            self.observer.begin(self.schedule.step)
        return decision

    def corrected(self, evaluation: Evaluation, x: Tensor, denoised: Tensor) -> Tensor:
        """What the sampler should go on with, inside an evaluation; see `deferred_correction.py`.

        Args:
            x: the latent that the evaluation started from.
            denoised: what came of it, all streams put together.
        """
        step = self._clock.begun - 1
        if self.observer:
            self.observer.direction(step, evaluation.sigma, x, denoised)
        if self.correction is None:
            return denoised
        return self.correction(step, evaluation.sigma, x, denoised, evaluation.outcome()[0])

    def finish(self, evaluation: Evaluation) -> None:
        """Write down an evaluation that came to its end, and plan on."""
        if not (evaluation.calls or self.refused):
            self.refuse("another node answered in place of the network")
        decided = evaluation.decision
        record = Record(
            len(self.trace.records) + 1, self._clock.begun, evaluation.sigma, decided.compute, decided.reason
        )
        planned = decided.compute and not self.refused
        try:  # whatever fails here, that something was reused is not lost
            record.computed, record.reason = evaluation.outcome()
            record.passes, record.computed_passes = evaluation.passes()
            if record.computed:
                # What a planned computation left out is older than the schedule thinks; and streams that context
                # windows left as they moved on must not pile up.
                kept = evaluation.captured() if planned else evaluation.streams()
                self.cache.drop({key for key in self.cache if key.substep == evaluation.substep} - kept)
            if planned and evaluation.substep == 0:
                self._observe(evaluation, record)
        finally:
            self._book.write(record, evaluation.watch)
        held = sum(one.peak_bytes for one in (self.cache, self.correction, self.observer) if one)
        self.trace.cache_bytes = max(self.trace.cache_bytes, held)
        self.trace.cache_place = self.cache.location if self.cache.peak_bytes else ""
        if self._on_record:
            self._on_record(record)

    def _observe(self, evaluation: Evaluation, record: Record) -> None:
        """Let the schedule see what a step's first evaluation measured."""
        measured = evaluation.read()
        if measured.sigma is not None and not math.isclose(measured.sigma, evaluation.sigma, rel_tol=SAME_LEVEL):
            self.refuse(f"the sampler {self.trace.info.sampler or ''} evaluates at noise levels other than its list's")
        record.score, record.error, record.gain = measured.score, measured.error, measured.gain
        if self.observer:
            self.observer.note(record, measured.far)
        if seen := self.schedule.observe(measured.change, record.score):
            record.take(seen)
        record.rate = self.schedule.rate

    def _free(self) -> None:
        self.cache.clear()
        if self.observer:
            self.observer.restart()
        self.correction = self.observer = None

    def close(self, end: str = "done", detail: str = "") -> Trace:
        """Free every cached tensor and mark how the run ended; doing it again changes nothing."""
        self._free()
        self._book.read_times(wait=end == "done")
        if self._clock.reports and not self._clock.at_end:
            self._book.label(self._clock.reports)
        if not self.trace.end:
            self.trace.end, self.trace.end_detail = end, detail
            if end == "done" and not self.trace.records:
                self.refuse("the sampler made no evaluation that could be seen from here")
        return self.trace
