"""The network calls of an evaluation: each computes and captures, or reuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .cache import Cache, Parts, Stream, StreamKey, alike
from .extrapolation import advance, extrapolated
from .measures import FrameGrid, change_sums, motion_sums
from .workers import Ranks, Workers


class Context(NamedTuple):
    """What calls are handed: by the run, and in the last three by their evaluation.

    Attributes:
        cache: the run's.
        refused: asks whether the run has given up caching.
        strides: frame steps of the motion score; none leaves motion out.
        observe: from a stream and its new probe to further sums; only in measuring runs.
        workers: the processes that sample the video together, if there are several.
        sigma: noise level.
        ahead: steps since the last computed one, as a share of the whole schedule's steps.
        planned: whether the schedule planned to compute.
        measures: whether probes are looked at: only a step's first evaluation decides.
    """

    cache: Cache
    refused: Callable[[], bool]
    strides: tuple[int, ...] = ()
    observe: Callable[[StreamKey, Tensor], Tensor | None] | None = None
    workers: Workers | None = None
    sigma: float = 0.0
    ahead: float = 0.0
    planned: bool = True
    measures: bool = True


class Call:
    """One network call: computes and captures, or reuses.

    Attributes:
        compute: whether the network must be asked.
        streams: one per chunk of rows.
        captured: those of which something was kept.
        sums: what was measured, as sums that merge over calls: "change", "error", "motion" and "far"; see `measures.py`
            and `extrapolation.advance`.
    """

    def __init__(self, context: Context, streams: list[StreamKey]) -> None:
        self.compute = context.planned or not all(key in context.cache for key in streams)
        self.measures = context.measures
        self.streams = streams
        self.captured: list[StreamKey] = []
        self.sums: dict[str, Tensor] = {}
        self._context = context
        self._cache = context.cache

    def _fit(self, like: Sequence[Parts]) -> bool:
        """Whether what is kept of every stream can stand for, or be added to, tensors like these."""
        kept = [self._cache.get(key) for key in self.streams]
        return all(one and alike(one.value, parts) for one, parts in zip(kept, like, strict=True))

    def _measure(self, key: StreamKey, probe: Tensor, old: Tensor | None) -> None:
        """The change since `old`, where it is like the new probe, and what else is looked at."""
        if old is not None and alike((old,), (probe,)):
            self._add("change", change_sums(probe, old))
        if self._context.observe and (sums := self._context.observe(key, probe)) is not None:
            self._add("far", sums)

    def _move(self, frames: Tensor) -> None:
        """The motion between (rows, frames, ...), where any stride fits."""
        if any(stride < frames.shape[1] for stride in self._context.strides):
            self._add("motion", motion_sums(frames, self._context.strides))

    def _add(self, name: str, sums: Tensor) -> None:
        self.sums[name] = self.sums[name] + sums if name in self.sums else sums

    def _keep(self, key: StreamKey, stream: Stream) -> None:
        self._cache.keep(key, stream)
        self.captured.append(key)


class TrunkCall(Call):
    """A call whose trunk's residual is reused, as published: held, in the network's own precision.

    The trunk is entered with `enter`, measured with `measure` and left with `leave`; `commit` keeps what was
    captured once the call has returned, so that a call that dies half way leaves nothing behind. A reused call
    asks `reuse` instead. A hidden state is one tensor for most networks, and several for those that carry more
    than the video, such as video and sound; each has the batch's rows first.
    """

    def __init__(self, context: Context, streams: list[StreamKey], grid: FrameGrid | None) -> None:
        super().__init__(context, streams)
        self._grid = grid
        self._base: list[Parts] | None = None  # per stream: the trunk's input, then its residual
        self._probe: Tensor | None = None

    def enter(self, *hidden: Tensor) -> None:
        """Before the first block. Falls back to computing where the cached residuals do not fit."""
        even = all(part.shape[0] % len(self.streams) == 0 for part in hidden)
        rows = self._chunks(hidden) if even else []
        self.compute = self.compute or not (even and self._fit(rows))
        if self.compute and even:
            # Nothing computed needs the old residual: it makes room for the new one.
            self._cache.drop_values(set(self.streams))
            self._base = [tuple(part.detach().clone() for part in parts) for parts in rows]

    def measure(self, probe: Tensor) -> None:
        """The probe of a computed call: a tensor of our own, that nobody else writes.

        Args:
            probe: (rows, tokens, channels); several axes of tokens are taken as one.
        """
        if self.measures:
            self._probe = probe.detach().flatten(1, -2)

    def leave(self, *hidden: Tensor) -> bool:
        """After the last block; False where the trunk's output cannot be compared with its input."""
        rows = self._chunks(hidden) if self._base is not None else []
        if self._base is None or not all(alike(b, o) for b, o in zip(self._base, rows, strict=True)):
            self._base = None
            return False
        # The residual takes the clone's memory.
        for base, out in zip(self._base, rows, strict=True):
            for b, o in zip(base, out, strict=True):
                torch.sub(o.detach(), b, out=b)
        return True

    @torch.no_grad()
    def reuse(self, *hidden: Tensor) -> Parts:
        """x + R, part by part, in fresh tensors."""
        outs = tuple(torch.empty_like(part) for part in hidden)
        for key, rows, out_rows in zip(self.streams, self._chunks(hidden), self._chunks(outs), strict=True):
            for x, kept, out in zip(rows, self._cache[key].value, out_rows, strict=True):
                torch.add(x, kept.to(x.device, non_blocking=True), out=out)
        return outs

    @torch.no_grad()
    def commit(self) -> None:
        """Keep the captured residuals and probes, and measure the probes against the ones before."""
        if self._base is None or self._context.refused():
            return
        probes = self._probe.chunk(len(self.streams)) if self._probe is not None else [None] * len(self.streams)
        self._cache.count(_nbytes(*self._base, () if self._probe is None else (self._probe,)))
        for key, residual, probe in zip(self.streams, self._base, probes, strict=True):
            before = self._cache.get(key)
            if probe is not None:
                self._measure(key, probe, before.probe if before else None)
                self._motion(probe)
                # The distance is taken between planned computations: a stream that was only computed along with a
                # new one is not measured from here, or decisions would depend on batching.
                if not self._context.planned and before is not None and before.probe is not None:
                    probe = before.probe
            self._keep(key, Stream(residual, probe))
        self._base = self._probe = None

    def _motion(self, probe: Tensor) -> None:
        if not (self._context.strides and self._grid):
            return
        ranks = self._context.workers
        whole = ranks.whole(probe) if isinstance(ranks, Ranks) else probe
        if self._grid.fits(whole.shape[1]):
            self._move(self._grid.cut(whole))

    def _chunks(self, hidden: Parts) -> list[Parts]:
        """Per stream, its rows of every part."""
        return list(zip(*(part.chunk(len(self.streams)) for part in hidden), strict=True))


class AnswerCall(Call):
    """A call whose answers are reused: what the network returns for each stream, extrapolated or held.

    Answers are float32 whatever the network's precision, and all that is kept has the latent's size.
    """

    def __init__(self, context: Context, streams: list[StreamKey], like: Sequence[Parts], frames: int) -> None:
        super().__init__(context, streams)
        self.compute = self.compute or not self._fit(like)
        self._devices = [one[0].device for one in like]
        self._frames = frames

    @torch.no_grad()
    def reuse(self) -> list[Parts]:
        """The answers that are expected by now, one per stream, in fresh tensors."""
        sigma, ahead = self._context.sigma, self._context.ahead
        pairs = zip(self.streams, self._devices, strict=True)
        return [extrapolated(self._cache[key], sigma, device, ahead) for key, device in pairs]

    @torch.no_grad()
    def keep(self, answers: Sequence[Parts], extrapolates: bool, videos: Sequence[Tensor] = ()) -> None:
        """Keep the answers of a computed call, and measure them against the ones before.

        Args:
            answers: one per stream, tensors of our own.
            extrapolates: keep their trend, too.
            videos: what motion is measured on, one per stream, of the shape of its answer's first part: denoised
                latents, which tell motion from noise better than answers do. Without them, the answers.
        """
        if self._context.refused():
            return
        self._cache.count(_nbytes(*answers))
        for key, answer in zip(self.streams, answers, strict=True):
            old = self._cache.get(key)
            old = old if old is not None and alike(old.value, answer) else None
            if self.measures:
                self._measure(key, _flat(answer), _flat(old.value) if old is not None and old.planned else None)
            stream = Stream(answer, sigma=self._context.sigma)
            if extrapolates and old is not None:
                stream, sums = advance(old, answer, self._context.sigma, self._context.ahead)
                if self.measures:
                    self._add("error", sums)
            stream.planned = self._context.planned
            self._keep(key, stream)
        if self.measures and self._frames and self._context.strides:
            for video in videos or [answer[0] for answer in answers]:
                self._move(video.movedim(self._frames, 1))


def _flat(parts: Parts) -> Tensor:
    """All parts as (rows, elements)."""
    return torch.cat([part.flatten(1) for part in parts], 1) if len(parts) > 1 else parts[0].flatten(1)


def _nbytes(*answers: Parts) -> int:
    return sum(part.nbytes for parts in answers for part in parts)
