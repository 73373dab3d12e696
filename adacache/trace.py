"""The record of a run: per evaluation what was decided, why, and what it cost; versioned JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from statistics import median
from typing import Any

from .schedule import Reason

VERSION = 1
ENDS = ("done", "cancelled", "failed")


class TraceError(ValueError):
    """A text that is not a trace, or one of a newer version than this pack reads."""


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
        looked_up: the value looked up in the codebook.
        score: motion score, 0 to 1.
        motion, gradient: what MoReg made of the score.
        rate: steps until the next planned computation, after this evaluation.
        milliseconds: wall-clock time, the device's work included.
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


@dataclass
class Trace:
    """One run, from its first evaluation to its last.

    Attributes:
        steps: the sampler's step count.
        settings: `Settings.as_json()`.
        codebook: the codebook in force, as text, scaled to `steps`.
        records: the evaluations.
        seconds: from the start of the first evaluation to the end of the last.
        cache_bytes: most bytes the cache held.
        cache_place: "model" or "system".
        probe: what was measured.
        note: why the run was not cached, or "".
        end: "done", "cancelled" or "failed"; "" while it runs.
        end_detail: the error's text where it failed.
    """

    info: RunInfo
    steps: int
    settings: dict[str, Any]
    codebook: str
    records: list[Record] = field(default_factory=list)
    seconds: float = 0.0
    cache_bytes: int = 0
    cache_place: str = ""
    probe: str = ""
    note: str = ""
    end: str = ""
    end_detail: str = ""

    @property
    def computed(self) -> int:
        return sum(record.computed for record in self.records)

    @property
    def reused(self) -> int:
        return len(self.records) - self.computed

    @property
    def estimated_seconds(self) -> float:
        """Estimate of the seconds without a cache: the mean computed evaluation, times the evaluations."""
        times = [record.milliseconds for record in self.records if record.computed]
        return sum(times) / len(times) * len(self.records) / 1000 if times else 0.0

    @property
    def speed_up(self) -> float:
        """Estimated seconds without a cache over the seconds taken; 1 when nothing was reused."""
        return self.estimated_seconds / self.seconds if self.reused and self.seconds else 1.0

    def headline(self) -> str:
        """Such as "18 of 30 steps computed"; samplers may evaluate the network several times per step."""
        several = len({record.step for record in self.records}) < len(self.records)
        return f"{self.computed} of {len(self.records)} {'evaluations' if several else 'steps'} computed"

    def summary(self) -> str:
        """The run in a few lines of plain words."""
        info, end = self.info, {"": "still running", "done": ""}.get(self.end, self.end)
        lines = [f"{self.headline()}, {self.reused} reused" + (end and f" ({end})")]
        if self.reused:
            saved = max(0.0, self.estimated_seconds - self.seconds)
            lines.append(f"about {self.speed_up:.2f}x faster, {saved:.1f} s saved (estimated from the computed steps)")
        if self.note:
            lines.append(f"{'Caching stopped' if self.reused else 'Not cached'}: {self.note}")
        if self.end_detail:
            lines.append(self.end_detail)
        shape = "x".join(map(str, self.info.shape))
        about = [info.family, shape, info.sampler, f"{self.steps} steps", f"{self.seconds:.1f} s"]
        lines.append(", ".join(part for part in about if part))
        moreg = " + MoReg" if self.settings.get("moreg") else ""
        lines.append(f"{self.settings.get('preset')}{moreg}, sensitivity {self.settings.get('sensitivity'):g}")
        lines.append(f"codebook {self.codebook}")
        scores = [record.score for record in self.records if record.score is not None]
        if scores:
            lines.append(f"motion score {median(scores):.3f} (median of the computed steps)")
        if self.cache_bytes:
            where = {"model": "with the model", "system": "in system memory"}[self.cache_place]
            lines.append(f"cache {self.cache_bytes / 2**20:.1f} MiB {where}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Plain values; the derived counts come along for readers and are ignored on loading."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain["info"] = asdict(self.info)
        plain["records"] = [_finite(asdict(record)) for record in self.records]
        plain["derived"] = {
            "computed": self.computed,
            "reused": self.reused,
            "estimated_seconds": self.estimated_seconds,
            "speed_up": self.speed_up,
        }
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Trace:
        """Raises: TraceError."""
        try:
            values = {name: plain[name] for name in _names(cls) if name in plain}
            info = _known(RunInfo, values["info"])
            values["info"] = RunInfo(**{**info, "shape": tuple(info.get("shape", ()))})
            records = [_known(Record, record) for record in values["records"]]
            values["records"] = [Record(**{**record, "reason": Reason(record["reason"])}) for record in records]
            return cls(**values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TraceError(f"this is not a trace: {error}") from error


def dumps(traces: Iterable[Trace]) -> str:
    """Traces as JSON text with a version."""
    return json.dumps({"version": VERSION, "runs": [trace.as_json() for trace in traces]}, allow_nan=False)


def loads(text: str) -> list[Trace]:
    """Traces from `dumps`.

    Raises:
        TraceError: for text that is not JSON, not of this form, or of a newer version.
    """
    try:
        plain = json.loads(text)
    except json.JSONDecodeError as error:
        raise TraceError(f"this is not JSON: {error}") from error
    if not isinstance(plain, dict) or not isinstance(plain.get("version"), int):
        raise TraceError('this is not a trace: an object with "version" and "runs" was expected')
    if plain["version"] > VERSION:
        raise TraceError(f"this trace has version {plain['version']}; this pack reads up to {VERSION}: update it")
    if not isinstance(plain.get("runs"), list):
        raise TraceError('this is not a trace: its "runs" are not a list')
    return [Trace.from_json(run) for run in plain["runs"]]


def _names(cls: type) -> list[str]:
    return [f.name for f in fields(cls)]


def _known(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in _names(cls) if name in values}


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity and no NaN; they become null."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
