"""AdaCache Patch Model: between the model loader and the sampler."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from comfy_api.latest import io

from ..adacache import PAPER_FAST, PAPER_SLOW, Codebook, LockedPlan, MoRegSettings, Settings
from .host.session import Caching
from .host.wrappers import attach, detach
from .schema import CodebookType, HandleType, MoRegType, checked, errors_of, output, schema, share

NAME = "AdaCache Patch Model"
OFF = "off"
BY_INTENT = {"forecast": True, "reuses": "answer"}
PRESETS: dict[str, dict[str, Any]] = {
    # By intent: the share of the steps that is computed, whatever their number.
    "balanced": {"share": 1 / 2, **BY_INTENT},
    "near-lossless": {"share": 2 / 3, **BY_INTENT},
    "fast": {"share": 2 / 5, **BY_INTENT},
    "turbo": {"share": 1 / 3, **BY_INTENT},
    "measure only": {"mode": "measure", "reuses": "answer"},
    "as published (fast)": {"codebooks": PAPER_FAST},
    "as published (slow)": {"codebooks": PAPER_SLOW},
}
RENAMED = {"paper fast": "as published (fast)", "paper slow": "as published (slow)"}
"""Names that saved graphs may have, and what they are called now."""


class Choices(list[str]):
    """Names to choose from; saved ones of before count as among them, so that the host takes their graphs."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in RENAMED


CHOICES = Choices([*list(PRESETS)[:-2], OFF, *list(PRESETS)[-2:]])
"""In the order of use."""
FOUND_BY = (
    *("cache", "speed", "speed up video", "faster", "accelerate", "skip steps", "motion", "adacache"),
    *("teacache", "easycache", "magcache", "wavespeed", "first block cache"),
)
LOCATIONS = {"auto": "auto", "with the model": "model", "system memory": "system"}


def settings_of(
    preset: str,
    sensitivity: float,
    start_percent: float,
    end_percent: float,
    max_reuses: int,
    cache_location: str,
    codebook: Codebook | None = None,
    moreg: MoRegSettings | None = None,
    locked_schedule: str = "",
) -> Settings | None:
    """What the node's fields say; None where caching is off. A connected codebook takes the place of the preset's.

    Raises: ValueError, as `errors_of` has it.
    """
    if preset == OFF:
        return None
    preset = RENAMED.get(str(preset), preset)
    if preset not in list(PRESETS):  # a list, since what comes over the API need not be hashable
        raise ValueError(f"preset: {preset!r} is unknown; allowed: {', '.join(CHOICES)}")
    if cache_location not in list(LOCATIONS):
        raise ValueError(f"cache_location: {cache_location!r} is unknown; allowed: {', '.join(LOCATIONS)}")
    # Both decide in place of planned steps, too; whether reused steps are forecast stays with the preset.
    chosen, plan = dict(PRESETS[preset]), plan_of(locked_schedule)
    if codebook is not None:
        chosen |= {"codebooks": (codebook,), "share": None}
    if codebook is not None or plan is not None:
        chosen["reuses"] = "answer"
    chosen |= {"sensitivity": sensitivity, "moreg": moreg, "max_reuses": max_reuses, "locked": plan, "preset": preset}
    return Settings(**chosen, start=start_percent, end=end_percent, location=LOCATIONS[cache_location])


def plan_of(text: str | None) -> LockedPlan | None:
    """The locked schedule that the text describes; None for an empty one. Raises: ValueError."""
    return LockedPlan.parse(text) if text and text.strip() else None


class AdaCachePatchModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            found_by=FOUND_BY,
            advanced=("start_percent", "end_percent", "max_reuses", "cache_location"),
            renamed={"preset": RENAMED},
            node_id="AdaCachePatchModel",
            display_name=NAME,
            description="Makes a video model faster: steps that would change little reuse what the last computed "
            "step added. Put it between the model loader (after LoRAs) and the sampler.",
            inputs=[
                io.Model.Input("model", tooltip="The video model to speed up."),
                io.Combo.Input(
                    "preset",
                    options=CHOICES,
                    default=CHOICES[0],
                    tooltip="near-lossless, balanced, fast and turbo compute about 67, 50, 40 and 33 % of the steps, "
                    "which makes sampling up to 1.5, 2, 2.5 and 3 times faster at any step count, and forecast the "
                    "others. measure only: compute everything and record what caching would look at; the picture does "
                    "not change. off: the model untouched. as published: the thresholds of the AdaCache paper, made "
                    "for another model.",
                ),
                io.Float.Input(
                    "sensitivity",
                    default=1.0,
                    min=0.05,
                    max=100.0,
                    step=0.1,
                    round=0.001,
                    tooltip="The one knob to turn. Higher computes more steps and stays closer to the original video; "
                    "lower is faster. 1.0 is the preset as it is.",
                ),
                share(
                    "start_percent",
                    0.0,
                    "Compute every step before this part of the sampling. 0.1 to 0.2 protects the layout and "
                    "the motion, which the first steps decide.",
                ),
                share("end_percent", 1.0, "Compute every step after this part of the sampling."),
                io.Int.Input(
                    "max_reuses",
                    default=0,
                    min=0,
                    max=1000,
                    tooltip="Reuse at most this many steps in a row. 0: as many as the codebook says.",
                ),
                io.Combo.Input(
                    "cache_location",
                    options=list(LOCATIONS),
                    default="auto",
                    tooltip="Where the cache lives. auto: with the model, or in system memory when the graphics memory "
                    "is short. System memory is slower but costs no graphics memory.",
                ),
                CodebookType.Input("codebook", optional=True, tooltip="Your own codebook, in place of the preset's."),
                MoRegType.Input(
                    "moreg",
                    optional=True,
                    tooltip="Connect MoReg Settings to give videos that move more computed steps, with the presets as "
                    "published or a codebook. near-lossless, balanced, fast and turbo plan their steps without it.",
                ),
                io.String.Input(
                    "locked_schedule",
                    optional=True,
                    default="",
                    multiline=True,
                    tooltip='Empty: the preset decides as it goes. A text such as "30 steps: 1 2 7 12 18 24 29 30" '
                    "computes exactly these steps and reuses the others; copy it from the schedule output of Cache "
                    "Stats or from the panel, to repeat a draft's schedule on another seed or the final render. "
                    "sensitivity, start_percent, end_percent and max_reuses then change nothing. At another step "
                    "count every step is computed.",
                ),
            ],
            outputs=[
                output(io.Model, "patched_model", "Connect it to the sampler.", "model"),
                output(HandleType, "handle", "Connect it to Cache Stats."),
            ],
        )

    @classmethod
    def validate_inputs(cls, locked_schedule: str | None = None) -> bool | str:
        return checked(NAME, locked_schedule, plan_of)

    @classmethod
    def execute(cls, model: Any, *fields: Any, **named: Any) -> io.NodeOutput:
        """See `settings_of`."""
        handle = uuid4().hex
        with errors_of(NAME):
            settings = settings_of(*fields, **named)
        return io.NodeOutput(attach(model, Caching(settings, handle)) if settings else detach(model), handle)
