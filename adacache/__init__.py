"""AdaCache's engine: adaptive caching of a diffusion transformer's residual, for torch and nothing else.

Start reading in `schedule.py` (the rule), then `run.py` (one sampling); `blocks.run_blocks` uses both on any DiT.
The method is that of arXiv 2411.02397, with one residual for the whole trunk in place of two per block, which
gives the same outputs because all blocks are computed or reused together.
"""

from .calibration.fit_codebook import Target, propose
from .calibration.result import Calibration, CalibrationError
from .errors import SettingsError
from .sampling.measures import FrameGrid
from .sampling.run import FEWEST_STEPS, Run
from .sampling.run_blocks import run_blocks
from .schedules.codebook import PAPER_FAST, PAPER_SLOW, PUBLISHED, Codebook
from .schedules.explicit import LockedPlan, LockedSchedule
from .schedules.moreg import MoRegSettings
from .schedules.planned import PacedSchedule
from .schedules.published import PublishedSchedule
from .schedules.schedule import Decision, Reason
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
