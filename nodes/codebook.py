"""AdaCache Codebook: which distance reuses how many steps."""

from __future__ import annotations

from comfy_api.latest import io

from ..adacache import PUBLISHED, Codebook, SettingsError
from .schema import CodebookType, checked, errors_of, output, schema

NAME = "AdaCache Codebook"
OWN_TEXT = "my own text"
CHOICES = {
    "paper fast, 30 steps": PUBLISHED["fast 30"],
    "paper slow, 30 steps": PUBLISHED["slow 30"],
    "paper fast, 100 steps": PUBLISHED["fast 100"],
}


def build(codebook: str, text: str, made_for_steps: int) -> Codebook:
    """The codebook that the widgets describe. Raises: SettingsError."""
    if codebook != OWN_TEXT:
        if codebook not in list(CHOICES):
            raise SettingsError("codebook", f"{codebook!r} is unknown; allowed: {', '.join([*CHOICES, OWN_TEXT])}")
        return CHOICES[codebook]
    if made_for_steps < 0:
        raise SettingsError("made_for_steps", f"{made_for_steps} is below 0; 0 takes the text as written")
    try:
        return Codebook.parse(text, made_for_steps or None)
    except SettingsError as error:
        raise ValueError(str(error).replace("codebook:", "text:", 1)) from error


class AdaCacheCodebook(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="AdaCacheCodebook",
            display_name=NAME,
            description="Says how many steps may be reused for how much change. "
            "Pairs of threshold:rate; a change below the threshold computes again only rate steps later.",
            inputs=[
                io.Combo.Input(
                    "codebook",
                    options=[*CHOICES, OWN_TEXT],
                    default=next(iter(CHOICES)),
                    tooltip="A codebook from the paper, scaled to your step count, or your own text below.",
                ),
                io.String.Input(
                    "text",
                    default=str(PUBLISHED["fast 30"]),
                    multiline=True,
                    tooltip='Only with "my own text": threshold:rate pairs, thresholds ascending. 0.08:6 means: if '
                    "the change is below 0.08, compute again 6 steps later and reuse the 5 between. The last pair "
                    "applies to everything above the others.",
                ),
                io.Int.Input(
                    "made_for_steps",
                    default=0,
                    min=0,
                    max=10000,
                    tooltip='Only with "my own text": the step count it was made for. It is scaled when you sample '
                    "with another count. 0 takes it as written at any count.",
                ),
            ],
            outputs=[output(CodebookType, "codebook_out", "Connect it to AdaCache Patch Model.", "codebook")],
        )

    @classmethod
    def validate_inputs(cls, text: str | None) -> bool | str:
        # An empty one may not be used.
        return checked(NAME, text, lambda text: text.strip() and build(OWN_TEXT, text, 0))

    @classmethod
    def execute(cls, codebook: str, text: str, made_for_steps: int) -> io.NodeOutput:
        with errors_of(NAME):
            return io.NodeOutput(build(codebook, text, made_for_steps))
