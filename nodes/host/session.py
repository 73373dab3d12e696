"""One sampling: its Run, and what the wrappers need to find again."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

from torch import Tensor

from ...adacache import Run, RunInfo, Settings
from ...adacache.evaluation import Evaluation
from . import compat
from .events import Feed
from .families import Family, class_name, family_of

KEY = "adacache"


class Session:
    """One sampling: its Run, and what the wrappers need to find again.

    The host copies option dictionaries deeply in places; a Session stays one and the same.
    """

    def __init__(self, run: Run, feed: Feed, family: Family | None, window: tuple[float, float]) -> None:
        self.run = run
        self.feed = feed
        self.family = family  # None: the network is cached as one piece
        self.window = window
        self.evaluation: Evaluation | None = None
        self.fits: bool | None = None  # whether a network cached as one piece lets us; None before it was asked

    def __deepcopy__(self, memo: dict[int, Any]) -> Session:
        return self

    def allows(self, sigma: float) -> bool:
        """Whether a noise level lies between the start and end percent."""
        highest, lowest = self.window
        return lowest <= sigma <= highest


def open_session(
    settings: Settings, handle: str, guider: Any, latent_image: Tensor, sampler: Any, sigmas: Tensor
) -> Session:
    """A fresh run for one call of the sampler; refused at once where it is known that it cannot be cached."""
    model = guider.model_patcher.model
    family = family_of(model.diffusion_model)
    prompt_id, node_id = compat.executing()
    info = RunInfo(
        family=family.name if family else class_name(model.diffusion_model),
        shape=tuple(getattr(latent_image, "shape", ())),
        sampler=compat.sampler_name(sampler),
        run_id=uuid4().hex,
        handle=handle,
        prompt_id=prompt_id,
        node_id=node_id,
        started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
    feed = Feed(info.run_id)
    run = Run(
        settings,
        max(0, len(sigmas) - 1) or 1,
        info,
        compat.free_bytes,
        feed.step,
        compat.evaluations_per_step(info.sampler),
        compat.ranks(),
        sigmas.tolist() if compat.is_correctable(info.sampler) else None,
        sums_history=compat.sums_history(info.sampler),
        highest_sigma=compat.highest_sigma(guider.model_patcher),
    )
    options = guider.model_options.get("transformer_options", {})
    other = compat.other_cache(options)
    if other:
        run.refuse(f"{other} is on the same model; remove one of the two")
    elif compat.is_irregular(info.sampler):
        run.refuse(f"the sampler {info.sampler} evaluates the network a varying number of times per step")
    elif "ar_state" in options:
        run.refuse("the network makes its video frame by frame, with a memory of its own")
    elif compat.is_training():
        run.refuse("the model is being trained")
    return Session(run, feed, family, compat.sigma_window(guider.model_patcher, settings.start, settings.end))


def session_in(model_options: dict[str, Any]) -> Session | None:
    return model_options.get("transformer_options", {}).get(KEY)
