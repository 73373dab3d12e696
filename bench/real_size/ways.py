"""The ways to sample that are timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Way:
    """A way to sample.

    Attributes:
        steps: the fewest of which it computes three and reuses three, if it reuses any; ours wants nine at least.
        computes: how many of those about; for an estimate of the time.
        node: the id of the node that patches the model, or "".
        settings: of that node.
    """

    name: str
    steps: int
    computes: int
    node: str = ""
    settings: tuple[tuple[str, Any], ...] = ()

    def applied(self, hosted: Any, model: Any) -> tuple[Any, Callable[[], Any] | None]:
        """A clone of the model, and what gives the trace of its last run where our pack makes one."""
        if self.node == OURS:
            return hosted.patched(model, **dict(self.settings))
        if self.node:
            return hosted.call(self.node, model=model, **dict(self.settings))[0], None
        return model.clone(), None


OURS = "AdaCachePatchModel"
# What is timed is what a step costs, so each cache is set to reuse whatever it may: random weights say nothing of when.
UNPATCHED = Way("unpatched", 3, 3)
PRESET = Way("balanced", 9, 4, OURS, (("preset", "balanced"),))
PAPER = Way("paper fast", 9, 5, OURS, (("preset", "paper fast"), ("sensitivity", 0.05)))
EASY = Way(
    "EasyCache",
    9,
    4,
    "EasyCache",
    (("reuse_threshold", 1000.0), ("start_percent", 0.15), ("end_percent", 0.95), ("verbose", False)),
)
WAYS = (UNPATCHED, PRESET, PAPER, EASY)
