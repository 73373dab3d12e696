"""MoReg Settings: how motion in the video changes what is reused."""

from __future__ import annotations

import re
from typing import Any

from comfy_api.latest import io

from ..adacache import MoRegSettings
from ..adacache.errors import cut
from ..adacache.schedules.moreg import STRIDES_ALLOWED
from .schema import MoRegType, checked, errors_of, output, schema

NAME = "MoReg Settings"
PUBLISHED = MoRegSettings()


def build(
    strides: str,
    norm: float = PUBLISHED.norm,
    power: float = PUBLISHED.power,
    divisor: float = PUBLISHED.divisor,
    gradient_weight: float = PUBLISHED.gradient_weight,
    first_step: int = 0,
    last_step: int = 0,
) -> MoRegSettings:
    """The settings that the widgets describe.

    Raises:
        ValueError: names the field, what was wrong and what is allowed.
    """
    words = strides.replace(",", " ").split()
    if not words or not all(re.fullmatch("[0-9]{1,4}", word) for word in words):
        raise ValueError(f'strides: "{cut(strides, 60)}"; {STRIDES_ALLOWED}')
    frames = tuple(map(int, words))
    return MoRegSettings(frames, norm, power, divisor, gradient_weight, first_step or None, last_step or None)


class AdaCacheMoRegSettings(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            advanced=("strides", "divisor", "gradient_weight", "first_step", "last_step"),
            node_id="AdaCacheMoRegSettings",
            display_name=NAME,
            description="Motion regularisation: videos that move get more computed steps, still ones fewer. It counts "
            "with the presets as published and with a codebook. The defaults are the published ones, made for "
            "Open-Sora; the norm should be set for your model.",
            inputs=[
                io.String.Input(
                    "strides",
                    default=" ".join(map(str, PUBLISHED.strides)),
                    tooltip="How many latent frames apart the compared frames are. Several numbers are averaged.",
                ),
                io.Float.Input(
                    "norm",
                    default=PUBLISHED.norm,
                    min=0.001,
                    max=1.0,
                    step=0.001,
                    round=0.0001,
                    tooltip="The motion score that changes nothing. Above it more steps are computed, below it fewer. "
                    "Set it to a typical score of your model, which Cache Stats shows.",
                ),
                io.Float.Input(
                    "power",
                    default=PUBLISHED.power,
                    min=0.01,
                    max=64.0,
                    step=0.5,
                    tooltip="How strongly the score counts. Lower is gentler; at 8, 9 % more motion doubles it.",
                ),
                io.Float.Input(
                    "divisor",
                    default=PUBLISHED.divisor,
                    min=0.001,
                    max=1000.0,
                    step=0.1,
                    tooltip="Divides the effect of motion. Above 1 fewer steps are computed.",
                ),
                io.Float.Input(
                    "gradient_weight",
                    default=PUBLISHED.gradient_weight,
                    min=0.0,
                    max=1000.0,
                    step=0.5,
                    tooltip="How much a change of motion between computed steps counts. 0 ignores it.",
                ),
                io.Int.Input(
                    "first_step",
                    default=0,
                    min=0,
                    max=10000,
                    tooltip="First step in which motion counts; the noise of the first ones says little. "
                    "0: as published, step 4 of 30.",
                ),
                io.Int.Input(
                    "last_step",
                    default=0,
                    min=0,
                    max=10000,
                    tooltip="Last step in which motion counts. 0: as published, step 26 of 30.",
                ),
            ],
            outputs=[output(MoRegType, "moreg", "Connect it to AdaCache Patch Model.")],
        )

    @classmethod
    def validate_inputs(cls, strides: str | None) -> bool | str:
        return checked(NAME, strides, build)

    @classmethod
    def execute(cls, *fields: Any, **named: Any) -> io.NodeOutput:
        """See `build`."""
        with errors_of(NAME):
            return io.NodeOutput(build(*fields, **named))
