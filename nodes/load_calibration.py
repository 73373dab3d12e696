"""AdaCache Load Calibration: a saved calibration, or one that somebody shared as text."""

from __future__ import annotations

from comfy_api.latest import io, ui

from ..adacache import Calibration, CalibrationError
from .calibrate import REPORT, given, outputs
from .schema import checked, errors_of, schema
from .server import calibration_files as saved

NAME = "AdaCache Load Calibration"
PASTED = "the text below"


def calibration_of(name: str, text: str | None) -> Calibration:
    """Raises: ValueError, naming the field, what was wrong and what is allowed."""
    if name != PASTED:
        return saved.load(str(name))
    if not text or not text.strip():
        raise CalibrationError("text: it is empty; allowed: the text that AdaCache Calibrate gives")
    try:
        return Calibration.from_text(text)
    except CalibrationError as error:
        raise CalibrationError(f"text: {error}; allowed: the text that AdaCache Calibrate gives") from error


class AdaCacheCalibration(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="AdaCacheCalibration",
            display_name=NAME,
            description="Loads a codebook that AdaCache Calibrate has saved, or one that was shared as text.",
            inputs=[
                io.Combo.Input(
                    "name",
                    options=[PASTED, *saved.names()],
                    default=PASTED,
                    tooltip="A name that was saved by AdaCache Calibrate (reload the page to see new ones), or the "
                    "text below.",
                ),
                io.String.Input(
                    "text",
                    default="",
                    multiline=True,
                    tooltip=f'Only with "{PASTED}": a calibration, as AdaCache Calibrate gives it.',
                ),
            ],
            outputs=outputs(),
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, text: str | None) -> bool | str:
        # An empty one may not be used.
        return checked(NAME, text, lambda text: text.strip() and calibration_of(PASTED, text))

    @classmethod
    def fingerprint_inputs(cls, name: str, text: str) -> str:
        """What is saved under a name may have changed since the graph last ran."""
        try:
            return calibration_of(name, text).as_text()
        except ValueError as error:
            return str(error)

    @classmethod
    def execute(cls, name: str, text: str) -> io.NodeOutput:
        with errors_of(NAME):
            values = given(calibration_of(name, text), "")
        return io.NodeOutput(*values, ui=ui.PreviewText(values[REPORT]))
