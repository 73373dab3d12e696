"""One sampling, from its first evaluation to its last: ties schedule, measures, residuals and trace together."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .distance import FrameGrid, change_sums, motion_score, motion_sums, relative_change
from .moreg import MoReg
from .residual import FreeBytes, ResidualCache, alike
from .schedule import Decision, LockedSchedule, Observation, PublishedSchedule, Reason
from .settings import Settings, nearest_codebook
from .trace import Record, RunInfo, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

# Four steps are always computed and a distance needs two, so below this there is nothing to win.
FEWEST_STEPS = 9


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
    """

    def __init__(
        self,
        settings: Settings,
        steps: int,
        info: RunInfo | None = None,
        free_bytes: FreeBytes | None = None,
        on_record: Callable[[Record], None] | None = None,
    ) -> None:
        if steps < 1:
            raise ValueError(f"steps: {steps}; a run has at least one")
        self.settings = settings
        codebook = nearest_codebook(settings.codebooks, steps)
        moreg = MoReg(settings.moreg, steps) if settings.moreg else None
        self.locked = settings.locked if settings.mode == "cache" else None
        self.schedule: PublishedSchedule | LockedSchedule = (
            LockedSchedule(self.locked, moreg, settings.sensitivity)
            if self.locked
            else PublishedSchedule(steps, codebook, moreg, settings.sensitivity, settings.max_reuses)
        )
        self.cache = ResidualCache(settings.place, free_bytes)
        self.trace = Trace(info or RunInfo(), steps, settings.as_json(), str(codebook))
        self._on_record = on_record
        self._opened = 0.0
        self._lowest_sigma = float("inf")
        self._steps_reported: int | None = None
        self._labelled = 0
        if self.locked and self.locked.steps != steps:
            self.refuse(f"the locked schedule is for {self.locked.steps} steps, and this run has {steps}")
        elif steps < FEWEST_STEPS and not self.locked:
            self.refuse(f"{steps} steps leave nothing to reuse; it takes at least {FEWEST_STEPS}")

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
    def refused(self) -> bool:
        return bool(self.trace.note)

    def refuse(self, why: str) -> None:
        """Compute everything from here on; the first reason given is kept."""
        if not self.refused:
            self.trace.note = why
            self.cache.clear()

    def report_steps(self) -> None:
        """Say that `step_done` will be called once per step, so that steps need not be counted by evaluations."""
        self._steps_reported = 0

    def step_done(self, step: int) -> None:
        """The sampler's callback for its 0-based `step`, which fires right after that step's first evaluation."""
        self._label(max(1, step))
        if self.trace.records:
            self.trace.records[-1].step = step + 1
        self._steps_reported = step + 1

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
        evaluation = Evaluation(self, self._decide(sigma, allowed))
        yield evaluation
        # Reached only when the evaluation came to its end: one that was interrupted leaves no record.
        if not (evaluation.calls or self.refused):
            self.refuse("another node answered in place of the network")
        self._lowest_sigma = min(self._lowest_sigma, sigma)
        self._finish(evaluation, sigma, started)

    def _decide(self, sigma: float, allowed: bool) -> Decision:
        done = len(self.trace.records)
        if self._steps_reported is not None and self._steps_reported < done:
            self.refuse(f"the sampler {self.trace.info.sampler or ''} evaluates the network several times per step")
        if self.refused:
            return Decision(True, Reason.REFUSED)
        forced = None
        if sigma > self._lowest_sigma:
            forced = Reason.RESTARTED
            self.cache.drop_probes()
            self._lowest_sigma = sigma
        elif self.settings.mode == "measure":
            forced = Reason.MEASURING
        elif not (allowed or self.locked):
            forced = Reason.OUTSIDE
        return self.schedule.decide(forced)

    def _finish(self, evaluation: Evaluation, sigma: float, started: float) -> None:
        computed, reason = evaluation.outcome()
        number = len(self.trace.records) + 1
        step = number if self._steps_reported is None else self._steps_reported + 1
        record = Record(number, step, sigma, computed, reason)
        if evaluation.decision.compute and not self.refused:
            self._observe(evaluation, record)
        ended = time.perf_counter()
        record.milliseconds = (ended - started) * 1000
        self.trace.seconds = ended - self._opened
        self.trace.cache_bytes = self.cache.peak_bytes
        self.trace.cache_place = self.cache.place if self.cache.peak_bytes else ""
        self.trace.records.append(record)
        if self._on_record:
            self._on_record(record)

    def _observe(self, evaluation: Evaluation, record: Record) -> None:
        self.cache.keep_only({stream for call in evaluation.calls for stream in call.captured})
        change, record.score = evaluation.read()
        seen: Observation | None = self.schedule.observe(change, record.score)
        record.rate = self.schedule.rate
        if seen:
            record.distance, record.looked_up = seen.distance, seen.looked_up
            if seen.motion:
                record.motion, record.gradient = seen.motion.motion, seen.motion.gradient

    def close(self, end: str = "done", detail: str = "") -> Trace:
        """Free every cached tensor and mark how the run ended; doing it again changes nothing."""
        self.cache.clear()
        if self._steps_reported:
            self._label(self._steps_reported)
        if not self.trace.end:
            self.trace.end, self.trace.end_detail = end, detail
            if end == "done" and not self.trace.records:
                self.refuse("the sampler made no evaluation that could be seen from here")
        return self.trace


class Evaluation:
    """One evaluation: a decision for all its network calls, and the sums that they measured."""

    def __init__(self, run: Run, decision: Decision) -> None:
        self.run = run
        self.decision = decision
        self.calls: list[Call] = []
        self._seen: Counter[Hashable] = Counter()
        self._lock = Lock()

    def call(self, keys: Sequence[Hashable], grid: FrameGrid | None = None) -> Call:
        """A network call whose batch holds one equal chunk of rows per key.

        Args:
            keys: what tells the chunks apart; the same key again in this evaluation is another stream.
            grid: where the video's frames are in the token sequence; None leaves motion out.
        """
        with self._lock:
            streams = []
            for key in keys:
                streams.append((key, self._seen[key]))
                self._seen[key] += 1
            call = Call(self.run, streams, grid, self.decision.compute)
            self.calls.append(call)
            return call

    def outcome(self) -> tuple[bool, Reason]:
        """Whether anything was computed, and why."""
        if self.decision.compute:
            return True, Reason.REFUSED if self.run.refused else self.decision.reason
        if any(call.compute for call in self.calls):
            return True, Reason.REFUSED if self.run.refused else Reason.MISSING
        return False, self.decision.reason

    def read(self) -> tuple[float | None, float | None]:
        """Relative change and motion score over all streams: the one device sync of an evaluation."""
        changes = [call.changes for call in self.calls if call.changes is not None]
        motions = [call.motions for call in self.calls if call.motions is not None]
        if not changes:
            return None, None
        sums = torch.cat([_total(changes), *([_total(motions)] if motions else [])]).tolist()
        return relative_change(sums[:2]), motion_score(sums[2:]) if motions else None


def _total(sums: Sequence[Tensor]) -> Tensor:
    """Sum of vectors that may lie on several devices."""
    return torch.stack([s.to(sums[0].device) for s in sums]).sum(0)


class Call:
    """One network call: computes and captures, or reuses.

    The trunk is entered with `enter`, measured with `measure` and left with `leave`; `commit` keeps what was
    captured once the call has returned, so that a call that dies half way leaves nothing behind. A reused call
    asks `reuse` instead.
    """

    def __init__(self, run: Run, streams: list[tuple[Hashable, int]], grid: FrameGrid | None, compute: bool) -> None:
        self.compute = compute or not all(key in run.cache for key in streams)
        self.captured: list[tuple[Hashable, int]] = []
        self.changes: Tensor | None = None
        self.motions: Tensor | None = None
        self._planned = compute
        self._run = run
        self._streams = streams
        self._grid = grid
        self._base: Tensor | None = None
        self._probe: Tensor | None = None

    def enter(self, x: Tensor) -> None:
        """Before the first block. Falls back to computing where the cached residuals do not fit `x`."""
        even = x.shape[0] % len(self._streams) == 0
        if not self.compute:
            self.compute = not (even and all(self._run.cache[key].fits(rows) for key, rows in self._rows(x)))
        if self.compute and even:
            self._base = x.detach().clone()

    def measure(self, probe: Tensor) -> None:
        """The probe of a computed call: a tensor of our own, of the batch's rows, that nobody else writes."""
        self._probe = probe.detach()

    def leave(self, out: Tensor) -> bool:
        """After the last block; False where the trunk's output cannot be compared with its input."""
        if self._base is None or not alike(self._base, out):
            self._base = None
            return False
        # The residual takes the clone's memory.
        torch.sub(out.detach(), self._base, out=self._base)
        return True

    @torch.no_grad()
    def reuse(self, x: Tensor) -> Tensor:
        """x + R in a fresh tensor."""
        out = torch.empty_like(x)
        for (key, rows), part in zip(self._rows(x), out.chunk(len(self._streams)), strict=True):
            residual = self._run.cache[key].residual.to(x.device, non_blocking=True)
            torch.add(rows, residual, out=part)
        return out

    @torch.no_grad()
    def commit(self) -> None:
        """Keep the captured residuals and probes, and measure the probes against the ones before."""
        if self._base is None or self._run.refused:
            return
        for stream, (key, residual) in enumerate(self._rows(self._base)):
            probe = self._probe.chunk(len(self._streams))[stream] if self._probe is not None else None
            old = self._run.cache[key].probe
            if probe is not None and old is not None and alike(old, probe):
                self._measure(probe, old)
                # The distance is taken between planned computations: a stream that only kept a new one company
                # must not be measured from here, or decisions would depend on what was batched.
                probe = probe if self._planned else old
            self._run.cache.keep(key, residual, probe)
            self.captured.append(key)
        self._base = self._probe = None

    def _measure(self, probe: Tensor, old: Tensor) -> None:
        self.changes = _plus(self.changes, change_sums(probe, old))
        strides = self._run.strides
        if strides and self._grid and self._grid.fits(probe.shape[1]):
            self.motions = _plus(self.motions, motion_sums(probe, self._grid, strides))

    def _rows(self, x: Tensor) -> list[tuple[tuple[Hashable, int], Tensor]]:
        return list(zip(self._streams, x.chunk(len(self._streams)), strict=True))


def _plus(total: Tensor | None, sums: Tensor) -> Tensor:
    return sums if total is None else total + sums
