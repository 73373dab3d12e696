"""What the host asks the pack for: its nodes."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .calibrate import AdaCacheCalibrate
from .codebook import AdaCacheCodebook
from .compare import AdaCacheCompare
from .load_calibration import AdaCacheCalibration
from .moreg import AdaCacheMoRegSettings
from .patch import AdaCachePatchModel
from .stats import AdaCacheStats
from .sweep.node import AdaCacheSweep
from .sweep.sheet import AdaCacheSweepSheet
from .sweep.take import AdaCacheSweepTake


class AdaCacheExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [
            AdaCachePatchModel,
            AdaCacheCodebook,
            AdaCacheMoRegSettings,
            AdaCacheStats,
            AdaCacheCalibrate,
            AdaCacheCalibration,
            AdaCacheCompare,
            AdaCacheSweep,
            AdaCacheSweepTake,
            AdaCacheSweepSheet,
        ]
