"""The record of a run from its first evaluation to its last: what people read, and versioned JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from statistics import median
from typing import Any

from ..schedules.explicit import MOST_STEPS, LockedPlan
from ..schedules.moreg import usual_score
from ..schedules.schedule import Reason
from .json_fields import FieldError, read
from .record import Record, RunInfo, finite, records_from_json

VERSION = 1
ANSWER, DENOISED = "the network's answer", "the denoised latent"
"""What was measured where no trunk is reused: the second where the sampler adds noise. Other probes lie inside the
network."""

MOVING_WINDOWS = (
    "Only a part of some steps was reused: prompts or context windows changed from step to step. Windows that stay "
    "where they are (standard_static) reuse whole steps."
)

NO_MOTION = (
    "MoReg changed nothing: no motion could be measured. No two latent frames are as far apart as its strides say, or "
    "it is not known where this network has them."
)

NO_MOREG = (
    "MoReg changed nothing: this preset plans its steps without motion. It counts with the presets as published and "
    "with a codebook."
)


class TraceError(ValueError):
    """A text that is not a trace, or one of a newer version than this pack reads."""


@dataclass
class Trace:
    """One run, from its first evaluation to its last.

    Attributes:
        steps: the sampler's step count.
        settings: `Settings.as_json()`.
        codebook: the codebook in force, as text, scaled to `steps`; "" where steps were planned without one.
        records: the evaluations.
        seconds: from the start of the first evaluation to the end of the last.
        cache_bytes: most bytes that were kept at once, with what was about to be.
        cache_place: "model" or "system".
        probe: what was measured.
        highest_sigma: the model's highest noise level; 0 where it is not known.
        note: why the run was not cached, or "".
        caution: what to look at in the video, or "".
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
    highest_sigma: float = 0.0
    note: str = ""
    caution: str = ""
    end: str = ""
    end_detail: str = ""

    @property
    def computed(self) -> int:
        return sum(record.computed for record in self.records)

    @property
    def reused(self) -> int:
        return len(self.records) - self.computed

    @property
    def unit(self) -> str:
        """What is counted: "steps", or "evaluations" where several belong to one step, as some samplers have it."""
        return "evaluations" if len({record.step for record in self.records}) < len(self.records) else "steps"

    @property
    def in_part(self) -> int:
        """Evaluations of which some passes were computed and others reused, as context windows that move make them."""
        return sum(0 < record.computed_share < 1 for record in self.records)

    @property
    def saves(self) -> bool:
        """Whether anything was reused, be it in a part of a step only."""
        return bool(self.reused or self.in_part)

    @property
    def stopped(self) -> str:
        """What the note is the reason of."""
        return "Caching stopped" if self.saves else "Not cached"

    @property
    def passes(self) -> tuple[int, int]:
        """How many passes of streams were computed, and of how many; see `Record.passes`."""
        return sum(r.computed_passes or 0 for r in self.records), sum(r.passes or 0 for r in self.records)

    @property
    def estimated_seconds(self) -> float:
        """Estimate of the seconds without a cache: those taken, and what reused passes would have taken more.

        By medians of what was computed and what was reused as a whole, so that one slow step, such as one that
        compiles or loads a model, does not move it.
        """
        known = [r for r in self.records if math.isfinite(r.milliseconds)]
        whole = [r.milliseconds for r in known if r.computed_share == 1]
        if not whole or not math.isfinite(self.seconds):
            return 0.0
        none = [r.milliseconds for r in known if r.computed_share == 0]
        more = max(0.0, median(whole) - (median(none) if none else 0.0))
        return self.seconds + more * sum(1 - r.computed_share for r in self.records) / 1000

    @property
    def speed_up(self) -> float:
        """Estimated seconds without a cache over the seconds taken; 1 when nothing was reused."""
        return self.estimated_seconds / self.seconds if self.saves and self.seconds > 0 else 1.0

    @property
    def locked_text(self) -> str:
        """The run's decisions as text for a locked schedule; "" unless it came to its end.

        A step that was computed only because an input had nothing to reuse yet is left out: so it was decided, and
        a replay finds the same gap again; a remark says so.
        """
        if self.end != "done" or not 1 <= self.steps <= MOST_STEPS:
            return ""
        if {record.step for record in self.records} != set(range(1, self.steps + 1)):
            return ""
        planned = {r.step for r in self.records if r.computed and r.reason is not Reason.MISSING}
        if 1 not in planned:
            return ""
        more = len({record.step for record in self.records if record.computed} - planned)
        done, passes = self.passes
        remark = f"  # {more} more were computed in part or whole: {done} of {passes} passes" if more else ""
        return f"{LockedPlan(self.steps, tuple(sorted(planned)))}{remark}"

    def headline(self) -> str:
        """Such as "18 of 30 steps computed"."""
        told = f"{self.computed} of {len(self.records)} {self.unit} computed"
        done, passes = self.passes
        return f"{told}, {self.in_part} of them in part: {done} of {passes} passes" if self.in_part else told

    def summary(self) -> str:
        """The run in a few lines of plain words."""
        info, end = self.info, {"": "still running", "done": ""}.get(self.end, self.end)
        lines = [f"{self.headline()}, {self.reused} reused" + (end and f" ({end})")]
        if self.saves:
            saved = max(0.0, self.estimated_seconds - self.seconds)
            lines.append(f"about {self.speed_up:.2f}x faster, {saved:.1f} s saved (estimated from the computed steps)")
        if self.note:
            lines.append(f"{self.stopped}: {self.note}")
        if self.caution and self.saves:
            lines.append(f"Caution: {self.caution}")
        if self.end_detail:
            lines.append(self.end_detail)
        shape = "x".join(map(str, self.info.shape))
        took = f"{self.seconds:.1f} s" if math.isfinite(self.seconds) else ""
        workers = f"{info.workers} workers" if info.workers > 1 else ""
        about = [info.family, shape, info.sampler, f"{self.steps} steps", workers, took]
        lines.append(", ".join(part for part in about if part))
        lines += self._settings_in_words()
        score = usual_score({r.step: r.score for r in self.records if r.score is not None}, self.steps)
        if score is not None:
            lines.append(f"motion score {score:.3f}")
        elif self.settings.get("moreg") and self.end == "done" and not self.note:
            lines.append(NO_MOTION if self.codebook else NO_MOREG)
        if self.in_part:
            lines.append(MOVING_WINDOWS)
        return "\n".join([*lines, self.cache_in_words] if self.cache_bytes else lines)

    @property
    def cache_in_words(self) -> str:
        """Such as "cache 5.0 MiB with the model"; "" without one."""
        where = {"model": "with the model", "system": "in system memory"}.get(self.cache_place, "")
        size = self.cache_bytes
        amount = f"{size / 2**30:.2f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"
        return f"cache {amount} {where}".strip() if size > 0 else ""

    def _settings_in_words(self) -> list[str]:
        preset = f"{self.settings.get('preset')}{' + MoReg' if self.settings.get('moreg') else ''}"
        if self.settings.get("locked"):
            return [f"{preset}, locked schedule"]
        sensitivity = self.settings.get("sensitivity")
        known = isinstance(sensitivity, (int, float))
        reused = "denoised latents held" if self.probe == DENOISED else "answers extrapolated"
        rule = f"codebook {self.codebook}" if self.codebook else f"steps planned ahead, {reused}"
        return [preset + (f", sensitivity {sensitivity:g}" if known else ""), rule]

    def as_json(self) -> dict[str, Any]:
        """Plain values; the derived counts come along for readers and are ignored on loading."""
        names = [f.name for f in fields(self) if f.name not in ("info", "records")]
        plain = finite({name: getattr(self, name) for name in names})
        plain["info"] = asdict(self.info)
        # A copy of the list: a run may be told of while it runs.
        plain["records"] = [record.as_json() for record in list(self.records)]
        plain["derived"] = finite(
            {
                "computed": self.computed,
                "reused": self.reused,
                "in_part": self.in_part,
                "computed_passes": self.passes[0],
                "passes": self.passes[1],
                "estimated_seconds": self.estimated_seconds,
                "speed_up": self.speed_up,
                "locked": self.locked_text,
            }
        )
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Trace:
        """A trace from `as_json`; how large it may be is for the caller to bound.

        Raises:
            TraceError: names the field that is not what was expected.
        """
        try:
            return cls(**read(cls, plain, "the run", info=RunInfo.from_json, records=records_from_json))
        except FieldError as error:
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
    except (ValueError, RecursionError) as error:
        raise TraceError(f"this is not JSON: {error}") from error
    if not isinstance(plain, dict) or type(plain.get("version")) is not int:
        raise TraceError('this is not a trace: an object with "version" and "runs" was expected')
    if plain["version"] > VERSION:
        raise TraceError(f"this trace has version {plain['version']}; this pack reads up to {VERSION}: update it")
    if not isinstance(plain.get("runs"), list):
        raise TraceError('this is not a trace: its "runs" are not a list')
    return [Trace.from_json(run) for run in plain["runs"]]
