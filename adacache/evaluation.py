"""One evaluation of the network, and the network calls it is made of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from .distance import FrameGrid, change_sums, motion_score, motion_sums, relative_change
from .forecast import add_forecast, fit
from .residual import Parts, alike
from .schedule import Decision, Reason

if TYPE_CHECKING:
    from .run import Run


class StreamKey(NamedTuple):
    """What tells the streams of a run apart.

    Attributes:
        place: the evaluation's place in its step, from 0; samplers of higher order make several.
        key: the caller's name for the rows.
        turn: how many calls of this evaluation had the same key before.
    """

    place: int
    key: Hashable
    turn: int


class Measured(NamedTuple):
    """What an evaluation measured over all its streams; None for what it could not.

    Attributes:
        change: relative change of the probe.
        score: motion score.
        error: |R - forecast| / |R|, how far the forecast of the step just computed was off.
        gain: mean gain of the streams' next forecasts.
        far: relative change of the probe since the anchor, an older one.
    """

    change: float | None = None
    score: float | None = None
    error: float | None = None
    gain: float | None = None
    far: float | None = None


class Evaluation:
    """One evaluation: a decision for all its network calls, and the sums that they measured."""

    def __init__(self, run: Run, decision: Decision, place: int = 0, sigma: float = 0.0) -> None:
        self.run = run
        self.sigma = sigma
        self.decision = decision
        self.place = place
        self.calls: list[Call] = []
        self._seen: Counter[Hashable] = Counter()
        self._lock = Lock()  # a host may make its calls from several threads, one per device

    def call(self, keys: Sequence[Hashable], grid: FrameGrid | None = None) -> Call:
        """A network call whose batch holds one equal chunk of rows per key.

        Args:
            keys: what tells the chunks apart; the same key again in this evaluation is another stream.
            grid: where the video's frames are in the token sequence; None leaves motion out.
        """
        with self._lock:
            streams = []
            for key in keys:
                streams.append(StreamKey(self.place, key, self._seen[key]))
                self._seen[key] += 1
            call = Call(self.run, streams, grid, self.decision.compute, self.sigma)
            self.calls.append(call)
            return call

    def streams(self) -> set[StreamKey]:
        """All streams of this evaluation."""
        return {stream for call in self.calls for stream in call.streams}

    def captured(self) -> set[StreamKey]:
        """The streams whose residual was kept in this evaluation."""
        return {stream for call in self.calls for stream in call.captured}

    def outcome(self) -> tuple[bool, Reason]:
        """Whether anything was computed, and why."""
        if self.decision.compute:
            return True, Reason.REFUSED if self.run.refused else self.decision.reason
        if any(call.compute for call in self.calls):
            return True, Reason.REFUSED if self.run.refused else Reason.MISSING
        return False, self.decision.reason

    def read(self) -> Measured:
        """The sums over all streams: the one device sync of an evaluation."""
        found = [[sums for call in self.calls if (sums := getattr(call, name)) is not None] for name in _SUMS]
        totals = [_total(sums) for sums in found if sums]
        if not totals:
            return Measured()
        joined = torch.cat([total.to(totals[0].device) for total in totals])
        if self.run.ranks:
            joined = self.run.ranks.total(joined)
        values = iter(joined.tolist())
        changes, forecasts, motions, fars = (
            [next(values) for _ in range(len(sums[0]) if sums else 0)] for sums in found
        )
        return Measured(
            relative_change(changes) if changes else None,
            motion_score(motions) if motions else None,
            math.sqrt(forecasts[0] / forecasts[1]) if forecasts and forecasts[1] > 0 else None,
            forecasts[2] / forecasts[3] if forecasts else None,
            relative_change(fars) if fars else None,
        )


# What a call measures, as sums that merge over calls.
_SUMS = ("changes", "forecasts", "motions", "fars")


def _total(sums: Sequence[Tensor]) -> Tensor:
    """Sum of vectors that may lie on several devices."""
    return torch.stack([s.to(sums[0].device) for s in sums]).sum(0)


class Call:
    """One network call: computes and captures, or reuses.

    The trunk is entered with `enter`, measured with `measure` and left with `leave`; `commit` keeps what was
    captured once the call has returned, so that a call that dies half way leaves nothing behind. A reused call
    asks `reuse` instead. A hidden state is one tensor for most networks, and several for those that carry more
    than the video, such as video and sound; each has the batch's rows first.
    """

    def __init__(
        self, run: Run, streams: list[StreamKey], grid: FrameGrid | None, compute: bool, sigma: float = 0.0
    ) -> None:
        self.compute = compute or not all(key in run.cache for key in streams)
        self.captured: list[StreamKey] = []
        self.changes: Tensor | None = None
        self.motions: Tensor | None = None
        self.forecasts: Tensor | None = None
        self.fars: Tensor | None = None
        self._sigma = sigma
        self._planned = compute
        self._run = run
        self.streams = streams
        self._grid = grid
        self._base: Parts | None = None
        self._probe: Tensor | None = None

    @property
    def measures(self) -> bool:
        """Whether the probe of this call is looked at: only a step's first evaluation decides."""
        return self.streams[0].place == 0

    def enter(self, *hidden: Tensor) -> None:
        """Before the first block. Falls back to computing where the cached residuals do not fit."""
        even = all(part.shape[0] % len(self.streams) == 0 for part in hidden)
        if not self.compute:
            self.compute = not (even and all(self._run.cache[key].fits(rows) for key, rows in self._rows(hidden)))
        if self.compute and even:
            self._base = tuple(part.detach().clone() for part in hidden)

    def measure(self, probe: Tensor) -> None:
        """The probe of a computed call: a tensor of our own, that nobody else writes.

        Args:
            probe: (rows, tokens, channels); several axes of tokens are taken as one.
        """
        if self.measures:
            self._probe = probe.detach().flatten(1, -2)

    def leave(self, *hidden: Tensor) -> bool:
        """After the last block; False where the trunk's output cannot be compared with its input."""
        if self._base is None or not alike(self._base, hidden):
            self._base = None
            return False
        # The residual takes the clone's memory.
        for base, out in zip(self._base, hidden, strict=True):
            torch.sub(out.detach(), base, out=base)
        return True

    @torch.no_grad()
    def reuse(self, *hidden: Tensor) -> Parts:
        """x + R, or x plus what R is forecast to be by now, part by part, in fresh tensors."""
        outs = tuple(torch.empty_like(part) for part in hidden)
        for (key, rows), out_rows in zip(self._rows(hidden), self._chunks(outs), strict=True):
            for part, (x, out) in enumerate(zip(rows, out_rows, strict=True)):
                add_forecast(x, self._run.cache[key], part, self._sigma, out)
        return outs

    @torch.no_grad()
    def commit(self) -> None:
        """Keep the captured residuals and probes, and measure the probes against the ones before."""
        if self._base is None or self._run.refused:
            return
        for stream, (key, residual) in enumerate(self._rows(self._base)):
            probe = self._probe.chunk(len(self.streams))[stream] if self._probe is not None else None
            old = self._run.cache[key].probe
            if probe is not None and old is not None and alike((old,), (probe,)):
                self._measure(probe, old)
                # The distance is taken between planned computations: a stream that only kept a new one company
                # must not be measured from here, or decisions would depend on what was batched.
                probe = probe if self._planned else old
            anchor = self._run.cache[key].anchor if probe is not None and self._run.looks_far else None
            if anchor is not None and alike((anchor,), (probe,)):
                self.fars = _plus(self.fars, change_sums(probe, anchor))
            trend = self._follow(key, residual) if self._run.cache.forecasts else None
            self._run.cache.keep(key, residual, probe)
            if probe is not None and self._run.sets_anchor:
                self._run.cache.keep_anchor(key, probe)
            if self._run.cache.forecasts:
                self._run.cache.keep_trend(key, *(trend or (None, None)), self._sigma)
            self.captured.append(key)
        self._base = self._probe = None

    def _follow(self, key: StreamKey, residual: Parts) -> tuple[Parts, Tensor | None] | None:
        """The stream's trend up to this residual, and how much of it is expected to go on."""
        stream = self._run.cache[key]
        if stream.residual is None or not alike(stream.residual, residual):
            return None
        change, gain, sums = fit(stream, residual, self._sigma)
        if self.measures:
            self.forecasts = _plus(self.forecasts, sums)
        return change, gain

    def _measure(self, probe: Tensor, old: Tensor) -> None:
        self.changes = _plus(self.changes, change_sums(probe, old))
        strides = self._run.strides
        if not (strides and self._grid):
            return
        whole = self._run.ranks.whole(probe) if self._run.ranks else probe
        if self._grid.fits(whole.shape[1]):
            self.motions = _plus(self.motions, motion_sums(whole, self._grid, strides))

    def _chunks(self, hidden: Parts) -> list[Parts]:
        """Per stream, its rows of every part."""
        return list(zip(*(part.chunk(len(self.streams)) for part in hidden), strict=True))

    def _rows(self, hidden: Parts) -> list[tuple[StreamKey, Parts]]:
        return list(zip(self.streams, self._chunks(hidden), strict=True))


def _plus(total: Tensor | None, sums: Tensor) -> Tensor:
    return sums if total is None else total + sums
