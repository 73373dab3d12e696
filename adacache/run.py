"""One sampling, from its first evaluation to its last: ties schedule, measures, residuals and trace together."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .correction import Correction
from .evaluation import Evaluation, StreamKey
from .moreg import MoReg
from .paced import CORRECTED, CORRECTED_LATER, UNCORRECTED, Cost, PacedSchedule
from .residual import FreeBytes, ResidualCache
from .schedule import Decision, LockedSchedule, Observation, PublishedSchedule, Reason, Schedule
from .settings import Codebook, Settings, nearest_codebook
from .steps import StepClock
from .trace import Record, RunInfo, Trace
from .turns import MOST_STEPS as MOST_TURNS
from .turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from torch import Tensor

    from .ranks import Ranks

# Four steps are always computed and a distance needs two, so below this there is nothing to win.
FEWEST_STEPS = 9

# A measuring run compares with a probe that is kept for so many steps, the longest interval of the published rates.
FAR = 6


class Run:
    """Everything that lives as long as one sampling, and not longer; a context manager.

        with Run(settings, steps=30) as run:
            for sigma in sigmas:
                with run.evaluation(sigma) as evaluation:
                    ...                                     # see blocks.run_blocks
        run.trace.summary()

    Args:
        settings: what the user chose.
        steps: the sampler's step count.
        info: what the run is of, for the trace.
        free_bytes: free memory of a device, asked once when `settings.place` is "auto".
        on_record: called with every finished record, for a live display; its step may still be corrected.
        evaluations_per_step: how often the sampler calls the network in a step. The first call decides for all,
            and each place in the step keeps a residual of its own.
        ranks: the processes among which the token sequence is split, if it is.
        sigmas: the sampler's noise levels, one more than steps, where what reused steps got wrong can be corrected
            (see `correction.py`) and a measuring run tells how its direction turns (`turns.py`); None leaves both out.
        sums_history: the sampler makes a step of several denoised latents, so a correction arrives over the next ones.
        highest_sigma: the model's highest noise level; None: the first of `sigmas`.
    """

    def __init__(
        self,
        settings: Settings,
        steps: int,
        info: RunInfo | None = None,
        free_bytes: FreeBytes | None = None,
        on_record: Callable[[Record], None] | None = None,
        evaluations_per_step: int = 1,
        ranks: Ranks | None = None,
        sigmas: Sequence[float] | None = None,
        sums_history: bool = False,
        highest_sigma: float | None = None,
    ) -> None:
        if steps < 1:
            raise ValueError(f"steps: {steps}; a run has at least one")
        self.settings = settings
        codebook = nearest_codebook(settings.codebooks, steps)
        moreg = MoReg(settings.moreg, steps) if settings.moreg else None
        self.locked = settings.locked if settings.mode == "cache" else None
        followed = sigmas is not None and evaluations_per_step == 1
        corrects = followed and settings.forecast
        self.correction = Correction(sigmas, highest_sigma) if corrects else None
        turns = followed and settings.mode == "measure" and steps <= MOST_TURNS
        self.turns = Turns(sigmas) if turns else None
        cost = (CORRECTED_LATER if sums_history else CORRECTED) if corrects else UNCORRECTED
        self.schedule = self._schedule(steps, codebook, moreg, cost)
        self.cache = ResidualCache(settings.place, free_bytes, settings.forecast)
        planned = isinstance(self.schedule, PacedSchedule)
        self.trace = Trace(info or RunInfo(), steps, settings.as_json(), "" if planned else str(codebook))
        self.trace.highest_sigma = highest_sigma or 0.0
        self.ranks = ranks
        self._on_record = on_record
        self._opened = 0.0
        self._lowest_sigma = float("inf")
        self._clock = StepClock(steps, evaluations_per_step)
        self._decision = Decision(True, Reason.FIRST)
        self._turned: tuple[float, ...] | None = None
        self._labelled = 0
        if self.locked and self.locked.steps != steps:
            self.refuse(f"the locked schedule is for {self.locked.steps} steps, and this run has {steps}")
        elif steps < FEWEST_STEPS and not self.locked:
            self.refuse(f"{steps} steps leave nothing to reuse; it takes at least {FEWEST_STEPS}")

    def _schedule(self, steps: int, codebook: Codebook, moreg: MoReg | None, cost: Cost) -> Schedule:
        s = self.settings
        if self.locked:
            return LockedSchedule(self.locked, moreg, s.sensitivity)
        if s.share is not None:
            return PacedSchedule(steps, s.share, s.protect, moreg, s.sensitivity, s.max_reuses, cost)
        return PublishedSchedule(steps, codebook, moreg, s.sensitivity, s.max_reuses)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close("done" if error is None else "failed", "" if error is None else f"{kind.__name__}: {error}")

    @property
    def strides(self) -> tuple[int, ...]:
        """Frame steps of the motion score; none where neither MoReg nor a measuring run asks for it."""
        if self.settings.moreg:
            return self.settings.moreg.strides
        return (1,) if self.settings.mode == "measure" else ()

    @property
    def looks_far(self) -> bool:
        """Whether probes are compared with an older one besides: in measuring runs, for calibration."""
        return self.settings.mode == "measure"

    @property
    def sets_anchor(self) -> bool:
        """Whether the probes of this step are the older ones of the next steps."""
        return self.looks_far and (self.schedule.step - 1) % FAR == 0

    @property
    def refused(self) -> bool:
        return bool(self.trace.note)

    def refuse(self, why: str) -> None:
        """Compute everything from here on; the first reason given is kept."""
        if not self.refused:
            self.trace.note = why
            self.cache.clear()

    def report_steps(self) -> None:
        """Say that `step_done` will be called once per step, so that steps need not be counted by evaluations."""
        self._clock.reported = 0

    def step_done(self, step: int) -> None:
        """The sampler's callback for its 0-based `step`, which fires right after that step's first evaluation."""
        self._label(max(1, step))
        if self.trace.records:
            self.trace.records[-1].step = step + 1
        self._clock.report(step)

    def _label(self, step: int) -> None:
        """Evaluations that came since the last callback belong to `step`."""
        for record in self.trace.records[self._labelled :]:
            record.step = step
        self._labelled = len(self.trace.records)

    @contextmanager
    def evaluation(self, sigma: float, allowed: bool = True) -> Iterator[Evaluation]:
        """One call of the network by the sampler.

        Args:
            sigma: its noise level.
            allowed: False computes it, as outside the start and end percent, unless the schedule is locked.
        """
        started = time.perf_counter()
        self._opened = self._opened or started
        place = self._clock.advance()
        if place == 0:
            self._decision = self._decide(sigma, allowed)
            self._lowest_sigma = min(self._lowest_sigma, sigma)
        evaluation = Evaluation(self, self._decision, place, sigma)
        yield evaluation
        # Reached only when the evaluation came to its end: one that was interrupted leaves no record.
        if not (evaluation.calls or self.refused):
            self.refuse("another node answered in place of the network")
        self._finish(evaluation, sigma, started)

    def _decide(self, sigma: float, allowed: bool) -> Decision:
        """Once per step, for all its evaluations."""
        if not self._clock.regular:
            often = "several times per step" if self._clock.per_step == 1 else "in a way of its own"
            self.refuse(f"the sampler {self.trace.info.sampler or ''} evaluates the network {often}")
        if self.refused:
            return Decision(True, Reason.REFUSED)
        forced = None
        if sigma > self._lowest_sigma:
            forced = Reason.RESTARTED
            self.cache.drop_probes()
            self.correction = self.turns = None  # the sampler goes its own way through its noise levels
            self._lowest_sigma = sigma
        elif self.settings.mode == "measure":
            forced = Reason.MEASURING
        elif not (allowed or self.locked):
            forced = Reason.OUTSIDE
        return self.schedule.decide(forced)

    def corrected(self, evaluation: Evaluation, x: Tensor, denoised: Tensor) -> Tensor:
        """What the sampler should go on with, inside an evaluation; see `correction.py`. Measuring runs look only.

        Args:
            x: the latent that the evaluation started from.
            denoised: what came of it, all streams put together.
        """
        step, self._turned = self._clock.begun - 1, None
        follows = self.turns or self.correction
        if follows is None or self.refused or not 0 <= step < len(follows.sigmas):
            return denoised
        if not math.isclose(evaluation.sigma, follows.sigmas[step], rel_tol=1e-4):
            follows.clear()  # noise was added before the step: it moves the latent otherwise
            return denoised
        if self.turns:  # a measuring run has nothing to correct
            self._turned = self.turns(step, x, denoised)
            return denoised
        return self.correction(step, x, denoised, evaluation.outcome()[0])

    def _finish(self, evaluation: Evaluation, sigma: float, started: float) -> None:
        computed, reason = evaluation.outcome()
        record = Record(len(self.trace.records) + 1, self._clock.begun, sigma, computed, reason)
        if evaluation.decision.compute and not self.refused:
            self._observe(evaluation, record)
        elif computed:
            # Context windows that move on give new streams at every step; those they left behind must not pile up.
            self._forget_all_but(evaluation.place, evaluation.streams())
        ended = time.perf_counter()
        record.milliseconds = (ended - started) * 1000
        self.trace.seconds = ended - self._opened
        self.trace.cache_bytes = self.cache.peak_bytes
        self.trace.cache_place = self.cache.place if self.cache.peak_bytes else ""
        self.trace.records.append(record)
        if self._on_record:
            self._on_record(record)

    def _observe(self, evaluation: Evaluation, record: Record) -> None:
        # What a planned computation left out is older than the schedule thinks.
        self._forget_all_but(evaluation.place, evaluation.captured())
        if evaluation.place:
            return
        measured = evaluation.read()
        record.score, record.error, record.gain = measured.score, measured.error, measured.gain
        record.turns = self._turned
        if measured.far is not None:
            record.far, record.far_steps = measured.far, (self.schedule.step - 2) % FAR + 1
        seen: Observation | None = self.schedule.observe(measured.change, record.score)
        record.rate = self.schedule.rate
        if seen:
            record.distance, record.looked_up = seen.distance, seen.looked_up
            if seen.motion:
                record.motion, record.gradient = seen.motion.motion, seen.motion.gradient

    def _forget_all_but(self, place: int, streams: Set[StreamKey]) -> None:
        self.cache.drop({key for key in self.cache if key.place == place} - streams)

    def close(self, end: str = "done", detail: str = "") -> Trace:
        """Free every cached tensor and mark how the run ended; doing it again changes nothing."""
        self.cache.clear()
        self.correction = self.turns = None
        if self._clock.reported:
            self._label(self._clock.reported)
        if not self.trace.end:
            self.trace.end, self.trace.end_detail = end, detail
            if end == "done" and not self.trace.records:
                self.refuse("the sampler made no evaluation that could be seen from here")
        return self.trace
