"""AdaCache's engine: adaptive caching of a diffusion transformer's residual, for torch and nothing else.

Start in `schedules/published.py` (the paper's rule, arXiv 2411.02397), then `sampling/run.py` (one sampling);
`sampling/run_blocks.py` uses both on any DiT. docs/METHOD.md explains the method.
"""

from .calibration.fit_codebook import Target, propose
from .calibration.result import Calibration, CalibrationError
from .errors import SettingsError
from .sampling.measures import FrameGrid
from .sampling.run import Run
from .sampling.run_blocks import run_blocks
from .schedules.codebook import PAPER_FAST, PAPER_SLOW, PUBLISHED, Codebook
from .schedules.explicit import LockedPlan, LockedSchedule
from .schedules.moreg import MoRegSettings
from .schedules.planned import PacedSchedule
from .schedules.published import PublishedSchedule
from .schedules.schedule import FEWEST_STEPS, Decision, Reason
from .settings import Settings
from .trace.trace import Record, RunInfo, Trace, TraceError, dumps, loads

__all__ = [
    "FEWEST_STEPS",
    "PAPER_FAST",
    "PAPER_SLOW",
    "PUBLISHED",
    "Calibration",
    "CalibrationError",
    "Codebook",
    "Decision",
    "FrameGrid",
    "LockedPlan",
    "LockedSchedule",
    "MoRegSettings",
    "PacedSchedule",
    "PublishedSchedule",
    "Reason",
    "Record",
    "Run",
    "RunInfo",
    "Settings",
    "SettingsError",
    "Target",
    "Trace",
    "TraceError",
    "dumps",
    "loads",
    "propose",
    "run_blocks",
]
