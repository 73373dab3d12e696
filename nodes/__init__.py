"""The nodes: each a schema and a few lines, in a file of its own."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .codebook import AdaCacheCodebook
from .moreg import AdaCacheMoRegSettings
from .patch import AdaCachePatchModel
from .stats import AdaCacheStats


class AdaCacheExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [AdaCachePatchModel, AdaCacheCodebook, AdaCacheMoRegSettings, AdaCacheStats]
