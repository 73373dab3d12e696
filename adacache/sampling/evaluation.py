"""One evaluation of the network: a decision for all its streams, and the sums that they measured."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from ..schedules.schedule import Decision, Reason
from .cache import Parts, StreamKey
from .calls import AnswerCall, Call, Context, TrunkCall
from .measures import FrameGrid, motion_score, relative_change
from .stopwatch import Stopwatch

_Call = TypeVar("_Call", bound="Call")


class Measured(NamedTuple):
    """What an evaluation measured over all its streams; None for what it could not.

    Attributes:
        change: relative change of the probe.
        score: motion score.
        error: |A - extrapolated| / |A|, how far the extrapolation of the step just computed was off.
        gain: mean gain of the streams' next extrapolations.
        far: relative change of the probe since an older one, where a measuring run asks for it.
        sigma: the noise level that the network was given.
    """

    change: float | None = None
    score: float | None = None
    error: float | None = None
    gain: float | None = None
    far: float | None = None
    sigma: float | None = None


class Evaluation:
    """One evaluation: a decision for all its calls, and the sums that they measured; see `Run.begin`.

    Args:
        substep: the evaluation's place in its step, from 0; only a step's first evaluation is measured.
    """

    def __init__(
        self, context: Context, decision: Decision, substep: int, sigma: float, where: torch.device | None
    ) -> None:
        self.watch = Stopwatch(where)
        self.decision = decision
        self.substep = substep
        self.sigma = sigma
        self._context = context._replace(sigma=sigma, planned=decision.compute, measures=substep == 0)
        self.calls: list[Call] = []
        self.level: Tensor | None = None  # the noise level as the device has it, to be checked where something is read
        self._seen: Counter[Hashable] = Counter()
        self._lock = Lock()  # a host may make its calls from several threads, one per device

    def trunk(self, keys: Sequence[Hashable], grid: FrameGrid | None = None) -> TrunkCall:
        """A network call that reuses the trunk's residual; its batch holds one equal chunk of rows per key.

        Args:
            keys: what tells the chunks apart; the same key again in this evaluation is another stream.
            grid: where the video's frames are in the token sequence; None leaves motion out.
        """
        return self._made(keys, lambda streams: TrunkCall(self._context, streams, grid))

    def answer(self, keys: Sequence[Hashable], like: Sequence[Parts], frames: int = 0) -> AnswerCall:
        """A network call that reuses the network's answers, one per key.

        Args:
            keys: what tells the answers apart.
            like: tensors of the shape of each answer; on a reused call, of its device.
            frames: the axis of an answer's first part along which its frames lie; 0 where there are none.
        """
        return self._made(keys, lambda streams: AnswerCall(self._context, streams, like, frames))

    def _made(self, keys: Sequence[Hashable], make: Callable[[list[StreamKey]], _Call]) -> _Call:
        with self._lock:
            streams = []
            for key in keys:
                streams.append(StreamKey(self.substep, key, self._seen[key]))
                self._seen[key] += 1
            call = make(streams)
            self.calls.append(call)
            return call

    def streams(self) -> set[StreamKey]:
        """All streams of this evaluation."""
        return {stream for call in self.calls for stream in call.streams}

    def captured(self) -> set[StreamKey]:
        """The streams of which something was kept in this evaluation."""
        return {stream for call in self.calls for stream in call.captured}

    def passes(self) -> tuple[int, int]:
        """How many passes of streams there were, and how many of them were computed."""
        computed = sum(len(call.streams) for call in self.calls if call.compute)
        return sum(len(call.streams) for call in self.calls), computed

    def outcome(self) -> tuple[bool, Reason]:
        """Whether anything was computed, and why."""
        if self.decision.compute:
            return True, Reason.REFUSED if self._context.refused() else self.decision.reason
        if not self.calls or any(call.compute for call in self.calls):
            return True, Reason.REFUSED if self._context.refused() else Reason.MISSING
        if not self.calls and self._context.refused():
            return True, Reason.REFUSED  # given up before any call was met
        return False, self.decision.reason

    def read(self) -> Measured:
        """The sums over all streams: the one device sync of an evaluation."""
        totals: dict[str, Tensor] = {}
        for call in self.calls:
            for name, sums in call.sums.items():  # devices may differ
                totals[name] = totals[name] + sums.to(totals[name].device) if name in totals else sums
        if not totals and self.level is None:
            return Measured()
        first = next(iter(totals.values()), torch.empty(0))
        joined = torch.cat([totals[name].to(first.device) for name in sorted(totals)] or [first])
        if totals and self._context.workers:
            joined = self._context.workers.total(joined)
        if self.level is not None:
            joined = torch.cat([joined.to(self.level.device), self.level.float().reshape(1)])
        values = iter(joined.tolist())
        found = {name: [next(values) for _ in totals[name]] for name in sorted(totals)}
        changes, motions, errors, fars = (found.get(name) for name in ("change", "motion", "error", "far"))
        return Measured(
            relative_change(changes) if changes else None,
            motion_score(motions) if motions else None,
            math.sqrt(errors[0] / errors[1]) if errors and errors[1] > 0 else None,
            errors[2] / errors[3] if errors else None,
            relative_change(fars) if fars else None,
            next(values, None),
        )
