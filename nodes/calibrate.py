"""AdaCache Calibrate: from measured runs of the artist's own graph to a codebook for a target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comfy_api.latest import io, ui

from ..adacache import Calibration, CalibrationError, Target, Trace, loads, propose
from ..adacache.calibration.fit_codebook import kind_of
from ..adacache.calibration.result import CALIBRATED, SPEED_UP
from .host import samplers
from .schema import BYPASSED, CodebookType, HandleType, MoRegType, checked, errors_of, output, schema
from .server import calibration_files as saved
from .server import comfy_server
from .server.run_store import RUNS
from .sweep.graph import upstream

NAME = "AdaCache Calibrate"
THIS_GRAPH = "this graph's runs"
SESSION = "all measured runs of this session"
REPORT = 4  # its place among the outputs
LARGEST_TRACES = 16 << 20  # characters


def outputs() -> list[io.Output]:
    """What both calibration nodes give."""
    return [
        output(CodebookType, "codebook", "Connect it to AdaCache Patch Model."),
        output(MoRegType, "moreg", "Connect it to AdaCache Patch Model. Empty where the calibration is without MoReg."),
        output(
            io.Float,
            "sensitivity",
            "1, since the codebook has the target in it. Connect it, and no other number is left in the field.",
        ),
        output(io.String, "text_out", "The calibration as text, to share or to load.", "text"),
        output(io.String, "report", "What was measured and what to expect of it."),
        output(
            io.String,
            "plan",
            "The steps to compute, placed where your model needs them. Connect it to locked_schedule of "
            "AdaCache Patch Model, with the preset balanced, in place of the codebook. Empty where the sampler adds "
            "noise.",
        ),
    ]


def given(calibration: Calibration | None, note: str) -> tuple[Any, ...]:
    """The values of `outputs`; without a calibration what leaves the next Patch Model as it is."""
    if calibration is None:
        return None, None, Calibration.sensitivity, "", note, ""
    report = "\n".join(line for line in (calibration.report(), note) if line)
    made = calibration.as_codebook(), calibration.as_moreg(), calibration.sensitivity
    return *made, calibration.as_text(), report, calibration.plan


def of_session(mine: Sequence[Trace]) -> list[Trace]:
    """The kept runs like those of this graph, or like the newest measured one where it has none."""
    ended = RUNS.ended()
    like = [*mine] or [trace for trace in ended if trace.settings.get("mode") == "measure"]
    return [trace for trace in ended if like and kind_of(trace) == kind_of(like[-1])]


def shared(text: str) -> list[Trace]:
    """The runs in a pasted text. Raises: ValueError."""
    if len(text) > LARGEST_TRACES:
        raise ValueError(f"traces: {len(text)} characters; allowed: up to {LARGEST_TRACES}")
    try:
        return loads(text) if text.strip() else []
    except ValueError as error:
        raise ValueError(f"traces: {error}; allowed: the trace output of Cache Stats") from error


class AdaCacheCalibrate(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            advanced=("protect", "with_moreg", "traces"),
            node_id="AdaCacheCalibrate",
            display_name=NAME,
            description="Proposes a codebook for your own model, from runs made with the preset measure only: as fast "
            "as you want it, or as close. Connect any value from behind the measured sampler.",
            inputs=[
                io.Combo.Input(
                    "target",
                    options=list(CALIBRATED),
                    default=SPEED_UP,
                    tooltip="What to meet on average over videos. speed-up: of the sampling. computed steps: percent. "
                    "largest change: the most that what is measured may change, in percent, over an interval in which "
                    "steps are reused.",
                ),
                io.Float.Input(
                    "amount",
                    default=2.0,
                    min=0.1,
                    max=1000.0,
                    step=0.1,
                    round=0.01,
                    tooltip="How much: 2 for a speed-up of 2x, 40 for 40 % of the steps, 20 for a change of 20 %.",
                ),
                io.Combo.Input(
                    "runs",
                    options=[THIS_GRAPH, SESSION],
                    default=THIS_GRAPH,
                    tooltip="this graph's runs: those of the sampler in front. all measured runs of this session: also "
                    "earlier ones of the same model, shape, sampler and steps, such as of other prompts.",
                ),
                io.Float.Input(
                    "protect",
                    default=0.15,
                    min=0.0,
                    max=0.9,
                    step=0.01,
                    tooltip="The part of the steps, from the first, that is always computed. They decide layout and "
                    "motion. It travels with the codebook.",
                ),
                io.Boolean.Input(
                    "with_moreg",
                    default=False,
                    tooltip="Calibrate for use with MoReg, which gives videos that move more steps; then connect "
                    "moreg, too. It takes at least three measured runs that differ in motion, better six.",
                ),
                io.String.Input(
                    "save_as",
                    default="",
                    tooltip=f"A name for AdaCache Load Calibration to find it by: {saved.ALLOWED}. Empty: not saved.",
                ),
                HandleType.Input("handle", optional=True, tooltip="The handle of the measuring AdaCache Patch Model."),
                # Not any type: bypassed, this node would pass it on as a codebook.
                io.MultiType.Input(
                    "value",
                    types=[io.Latent, io.Image, io.Video, io.Audio, io.Mask],
                    optional=True,
                    tooltip="Anything that comes after the measured sampler, such as its latent or the decoded images.",
                ),
                io.String.Input(
                    "traces",
                    optional=True,
                    default="",
                    multiline=True,
                    tooltip="Measured runs that someone shared, as the trace output of Cache Stats gives them. They "
                    "count beside the others.",
                ),
            ],
            outputs=outputs(),
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, save_as: str | None) -> bool | str:
        return checked(NAME, save_as, lambda name: name.strip() and saved.check_name(name, "save_as"))

    @classmethod
    def execute(
        cls,
        target: str,
        amount: float,
        runs: str,
        protect: float,
        with_moreg: bool,
        save_as: str,
        handle: str | None = None,
        value: Any = None,
        traces: str | None = None,
    ) -> io.NodeOutput:
        with errors_of(NAME):
            if runs not in (THIS_GRAPH, SESSION):
                raise CalibrationError(f"runs: {runs!r} is unknown; allowed: {THIS_GRAPH}, {SESSION}")
            asked = upstream(cls.hidden.prompt, cls.hidden.unique_id, "value")
            prompt_id, _ = comfy_server.executing()
            mine = RUNS.find(handle, prompt_id, asked or None) if handle else []
            found = of_session(mine) if runs == SESSION else mine
            measured, wanted = [*found, *shared(traces or "")], Target(target, amount)
            calibration, note = None, BYPASSED
            if handle or (traces or "").strip() or measured:
                calibration, note = propose(measured, wanted, protect, with_moreg, samplers.sums_history), ""
            if calibration and save_as.strip():
                replaced = saved.save(save_as, calibration)
                note = f"saved as {save_as.strip()}" + (", in place of the one of that name" if replaced else "")
            values = given(calibration, note)
        return io.NodeOutput(*values, ui=ui.PreviewText(values[REPORT]))
