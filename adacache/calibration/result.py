"""What calibration found, as a small versioned text that can be read, shared and loaded."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

from ..schedules.codebook import Codebook
from ..schedules.explicit import MOST_STEPS, LockedPlan
from ..schedules.moreg import MoRegSettings
from ..trace.json_fields import FieldError, read, shown
from ..trace.record import finite
from ..trace.trace import ANSWER, DENOISED

VERSION = 1
LONGEST_TEXT = 64 * 1024  # characters; a calibration takes less than one thousand

SPEED_UP = "speed-up (x)"
COMPUTED = "computed steps (%)"
LARGEST_CHANGE = "largest change (%)"
CALIBRATED = {SPEED_UP: (1.0, 20.0), COMPUTED: (1.0, 100.0), LARGEST_CHANGE: (0.1, 1000.0)}
"""The kinds of targets, each with the smallest and the largest amount."""


class CalibrationError(ValueError):
    """Runs or a target that cannot be calibrated, or a text that is no calibration; the message is for people."""


@dataclass(frozen=True)
class Calibration:
    """A codebook for a target, what it should come to, and what was measured for it.

    Attributes:
        codebook: thresholds and rates as text, for sensitivity 1.
        steps: the step count of the measured runs.
        protect: the part of the steps, from the first, that is all computed.
        with_moreg: whether it was made to work together with MoReg.
        norm, power: MoReg on the model's scale; None where no motion was measured.
        target, amount: what was asked for; see `CALIBRATED`.
        computed: predicted computed steps, the mean over the measured runs.
        fewest, most: what single videos like these come to.
        largest_change: predicted largest relative change of the probe between two computed steps, mean over videos.
        reused_cost: what a reused step takes, relative to a computed one.
        runs: how many measured runs it is from.
        family, shape, sampler: what the runs were of.
        plan: a locked schedule of as many computed steps, placed where this model needs them; "" where none was made.
        measured: what the runs were measured on, `trace.ANSWER` or `DENOISED`; thresholds for something else mean
            nothing here.
    """

    codebook: str
    steps: int
    protect: float = 0.0
    with_moreg: bool = False
    norm: float | None = None
    power: float | None = None
    target: str = ""
    amount: float = 0.0
    computed: float = 0.0
    fewest: int = 0
    most: int = 0
    largest_change: float = 0.0
    reused_cost: float = 0.0
    runs: int = 0
    family: str = ""
    shape: tuple[int, ...] = ()
    sampler: str = ""
    plan: str = ""
    measured: str = ANSWER

    def __post_init__(self) -> None:
        # What a person may have edited is checked when it is read, not in the middle of a run.
        self.as_codebook()
        self.as_moreg()
        if self.plan:
            self._check_plan()

    def _check_plan(self) -> None:
        try:
            plan = LockedPlan.parse(self.plan)
        except ValueError as error:
            raise CalibrationError(str(error).replace("locked_schedule", "plan", 1)) from error
        if plan.steps != self.steps:
            raise CalibrationError(f"plan: made for {plan.steps} steps, and the calibration for {self.steps}")

    sensitivity = 1.0
    """It is in the codebook, so that the knob goes on from 1: higher stays closer, lower is faster."""

    def as_codebook(self) -> Codebook:
        """Raises: ValueError."""
        if not 1 <= self.steps <= MOST_STEPS:
            raise CalibrationError(f"steps: {self.steps}; allowed: 1 to {MOST_STEPS}")
        parsed = Codebook.parse(self.codebook)
        return Codebook(parsed.entries, self.steps, self.protect)

    def as_moreg(self) -> MoRegSettings | None:
        """The MoReg settings to connect; None where the codebook was made without. Raises: ValueError."""
        if not self.with_moreg:
            return None
        if self.norm is None or self.power is None:
            raise CalibrationError("with_moreg: norm and power are missing")
        return MoRegSettings(norm=self.norm, power=self.power)

    @property
    def speed_up(self) -> float:
        """Predicted speed-up of the sampling."""
        taken = self.computed + (self.steps - self.computed) * self.reused_cost
        return self.steps / taken if taken > 0 else 1.0

    def report(self) -> str:
        """What was measured, what is proposed and what it should come to, in plain words."""
        shape = "x".join(map(str, self.shape))
        about = ", ".join(part for part in (self.family, shape, self.sampler, f"{self.steps} steps") if part)
        lines = [
            f"measured: {_count(self.runs, 'run')} of {about}",
            f"target: {self.target} {self.amount:g}",
            f"codebook for {self.steps} steps: {self.codebook}",
            f"computed in any case: the first {round(self.protect * self.steps)} and the last two steps",
            f"predicted for the measured videos: {self.computed:.1f} of {self.steps} steps computed on average, about "
            f"{self.speed_up:.2f}x faster; largest change between computed steps {self.largest_change:.1%}",
        ]
        if self.most:
            lines.append(f"it follows the video: one like these has {self.fewest} to {self.most} steps computed")
        if self.norm is not None:
            used = "connect moreg" if self.with_moreg else "not used: leave moreg unconnected"
            lines.append(f"MoReg norm {self.norm:g}, power {self.power:g} ({used})")
        lines.append(self._plan_in_words())
        if not self.runs:
            lines.append("Nothing was measured for it: the prediction is only what its text says.")
        elif self.with_moreg and self.runs < 6:
            lines.append(f"MoReg from {self.runs} runs only: the average may be further off. Six tell more.")
        elif self.runs < 3:
            lines.append(
                f"From {_count(self.runs, 'run')} only: other videos may need more or fewer steps. Three runs that "
                "differ in motion tell more."
            )
        return "\n".join(lines)

    def _plan_in_words(self) -> str:
        if not self.plan:
            return "plan: none; it takes a measured run of a sampler that adds no noise, such as euler or uni_pc"
        return (
            f"plan (recommended): {self.plan}; closer than the codebook at as many steps, wherever that was measured. "
            "Connect it to locked_schedule, with a preset named by intent; every video computes the same steps"
        )

    def as_text(self) -> str:
        """Versioned JSON for people and for `from_text`."""
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        shorter = {name: float(f"{value:.6g}") if type(value) is float else value for name, value in plain.items()}
        named = {"adacache_calibration": VERSION} | shorter | {"sensitivity": self.sensitivity}
        return json.dumps(finite(named), indent=1, allow_nan=False)

    @classmethod
    def from_text(cls, text: str) -> Calibration:
        """A calibration from `as_text`.

        Raises:
            CalibrationError: names what is not what was expected.
        """
        if len(text) > LONGEST_TEXT:
            raise CalibrationError(f"the text has {len(text)} characters; allowed: up to {LONGEST_TEXT}")
        try:
            plain = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CalibrationError(f"this is not JSON: {error}") from error
        version = plain.get("adacache_calibration") if isinstance(plain, dict) else None
        if type(version) is not int:
            raise CalibrationError('this is not a calibration: "adacache_calibration" with its version is missing')
        if version > VERSION:
            raise CalibrationError(
                f"this calibration has version {version}; this pack reads up to {VERSION}: update it"
            )
        measured = plain.get("measured")
        if measured not in (ANSWER, DENOISED):
            on = shown(measured) if measured else "what blocks inside the network add"
            raise CalibrationError(
                f"measured: it is from runs that were measured on {on}; presets of this version go by {ANSWER}. "
                "Measure again with AdaCache Calibrate"
            )
        return cls._checked(plain)

    @classmethod
    def _checked(cls, plain: dict[str, Any]) -> Calibration:
        try:
            values = read(cls, plain, "the calibration")
            for name, value in values.items():
                if isinstance(value, float) and not math.isfinite(value):
                    raise FieldError(f"the calibration, {name}: a number was expected")
                if isinstance(value, str) and len(value) > 2000:
                    raise FieldError(f"the calibration, {name}: text of {len(value)} characters; allowed: 2000")
            return cls(**values)
        except (ValueError, TypeError) as error:
            raise CalibrationError(f"this is not a calibration: {error}") from error


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
