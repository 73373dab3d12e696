"""All example workflows, and the oldest ComfyUI that has their nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from demo.templates import ltx2, models, wan21
from demo.templates.graph import Sheet


@dataclass(frozen=True)
class Recipe:
    """A template's file name, the oldest ComfyUI that has its nodes, and what builds it."""

    name: str
    since: str
    build: Callable[[Sheet], None]


RECIPES = (
    Recipe("adacache_demo", "0.3.75", wan21.adacache_demo),
    Recipe("wan_text_to_video", "0.3.75", wan21.wan_text_to_video),
    Recipe("wan_calibrate", "0.3.75", wan21.wan_calibrate),
    Recipe("wan_codebook", "0.3.75", wan21.wan_codebook),
    Recipe("wan_sweep", "0.3.75", wan21.wan_sweep),
    Recipe("wan_compare", "0.3.75", wan21.wan_compare),
    Recipe("wan_drafts", "0.3.75", wan21.wan_drafts),
    Recipe("wan_lock_schedule", "0.3.75", wan21.wan_lock_schedule),
    Recipe("wan22_14b_image_to_video", "0.3.75", models.wan22_image_to_video),
    Recipe("wan22_5b_text_to_video", "0.3.75", models.wan22_5b),
    Recipe("hunyuan_video_15", "0.3.75", models.hunyuan_video_15),
    Recipe("qwen_image", "0.3.75", models.qwen_image),
    Recipe("ltx2_text_to_video", "0.33.0", ltx2.ltx2_text_to_video),
    Recipe("minimax_h3_image_to_video", "0.33.0", models.minimax_h3_image_to_video),
)
