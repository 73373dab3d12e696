"""One evaluation's record, and what a run is of."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from ..schedules.schedule import Observation, Reason
from .json_fields import FieldError, read, shown


@dataclass
class Record:
    """One evaluation.

    Attributes:
        evaluation: 1-based, in the order of the run.
        step: 1-based step of the sampler; several evaluations may share one.
        sigma: noise level.
        computed: False when the cached residual was reused.
        reason: why, one of `Reason`.
        distance: relative change of the probe per planned step, before motion and sensitivity.
        looked_up: the value looked up in the codebook; in a locked run what it would have been.
        score: motion score, 0 to 1.
        motion, gradient: what MoReg made of the score.
        rate: steps until the next planned computation, after this evaluation.
        milliseconds: time, the device's work included.
        error: of a computed step, how far the extrapolation of its answer was off, relative to the answer.
        gain: how much of the answer's trend the next reused steps carry on, 0 to 1.
        far: of a measuring run, relative change of the probe since an older step; calibration learns from it how
            much less the change over several steps is than the sum of the changes from step to step.
        far_steps: how many steps ago that one was.
        passes: passes of streams: a prompt, in a context window, in one asking of the network.
        computed_passes: how many of them were computed; fewer than all where only some had something to reuse.
        turns: of a measuring run, products of the increment of its direction with all up to it; see
            `sampling/direction_increments.py`.
    """

    evaluation: int
    step: int
    sigma: float
    computed: bool
    reason: Reason
    distance: float | None = None
    looked_up: float | None = None
    score: float | None = None
    motion: float | None = None
    gradient: float | None = None
    rate: int | None = None
    milliseconds: float = 0.0
    error: float | None = None
    gain: float | None = None
    far: float | None = None
    far_steps: int | None = None
    turns: tuple[float, ...] | None = None
    passes: int | None = None
    computed_passes: int | None = None

    @property
    def computed_share(self) -> float:
        """How much of the evaluation was computed, 0 to 1."""
        if self.passes and self.computed_passes is not None:
            return self.computed_passes / self.passes
        return float(self.computed)

    def take(self, seen: Observation) -> None:
        """Write down what the schedule made of the step."""
        self.distance, self.looked_up = seen.distance, seen.looked_up
        if seen.motion:
            self.motion, self.gradient = seen.motion.motion, seen.motion.gradient

    def as_json(self) -> dict[str, Any]:
        """Plain values that every JSON reader takes."""
        return finite({f.name: getattr(self, f.name) for f in fields(self)} | {"reason": self.reason.value})


@dataclass(frozen=True)
class RunInfo:
    """What a run is of, as far as its host can tell; everything is for people to read.

    Attributes:
        family: model family, such as "Wan".
        shape: shape of the sampled latent.
        sampler: the sampler's name.
        run_id: unique name of the run.
        handle: name of the patched model it was made with.
        prompt_id, node_id: the queued graph and its sampler node.
        started: wall-clock start, ISO 8601.
    """

    family: str = ""
    shape: tuple[int, ...] = ()
    sampler: str = ""
    run_id: str = ""
    handle: str = ""
    prompt_id: str = ""
    node_id: str = ""
    started: str = ""

    @classmethod
    def from_json(cls, plain: Any) -> RunInfo:
        """Raises: FieldError."""
        return cls(**read(cls, plain, "it"))


def records_from_json(plain: Any) -> list[Record]:
    """Raises: FieldError."""
    if not isinstance(plain, list):
        raise FieldError(f"{shown(plain)}; a list was expected")
    read_one = (read(Record, one, f"record {n}", reason=_reason) for n, one in enumerate(plain, 1))
    return [Record(**values) for values in read_one]


def _reason(value: Any) -> Reason:
    try:
        return Reason(value)
    except ValueError:
        allowed = ", ".join(reason.value for reason in Reason)
        raise FieldError(f"{shown(value)}; allowed: {allowed}") from None


def finite(value: Any) -> Any:
    """JSON has no infinity and no NaN; they become null, at any depth."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
