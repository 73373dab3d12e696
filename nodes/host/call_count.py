"""Whether the network itself answers: another node may do so in its place, and then there is nothing to cache."""

from __future__ import annotations

from threading import Lock
from typing import Any, NamedTuple

from torch import nn

from . import compat
from .guard import Guard, HostCall
from .other_caches import blocks_of, stands_in


class Count(NamedTuple):
    asked: int
    ran: int


class CallCount:
    """Counts how often the network was asked in a run, and how often it ran.

    It is counted by a wrapper of the host's own kind around the network's forward, the innermost one, which allocates
    nothing. Networks that the host runs without such wrappers, and those compiled as one piece, are not counted.

    Args:
        guard: the sampling's.
        network: as it is before the run.

    Attributes:
        now: the counts so far.
        stranger: what was seen in place of the network's blocks, or as a cache in place of its forward; or "".
    """

    def __init__(self, guard: Guard, network: nn.Module) -> None:
        self._counting = guard.wrapper(self._count)
        self.now = Count(0, 0)
        self.stranger = ""
        self._blocks = blocks_of(network)
        self._lock = Lock()  # several devices run in threads of their own

    def watched(self, network: nn.Module, transformer_options: dict[str, Any]) -> dict[str, Any]:
        """The options of a call that is about to be made, with the counting wrapper in them."""
        if compat.compiled_whole(network, transformer_options):
            return transformer_options
        self._add(Count(1, 0))
        wrappers = transformer_options.get("wrappers", {})
        around = {**wrappers.get("diffusion_model", {}), "adacache.count": [self._counting]}
        return {**transformer_options, "wrappers": {**wrappers, "diffusion_model": around}}

    def answered_elsewhere(self, before: Count) -> bool:
        """Whether something else answered since `before`, for a network that was seen to run earlier in the run."""
        asked, ran = self.now.asked - before.asked, self.now.ran - before.ran
        return before.ran > 0 and (asked == 0 or ran < asked)

    def _count(self, host: HostCall, *args: Any, **kwargs: Any) -> Any:
        self._add(Count(0, 1))
        self.stranger = self.stranger or stands_in(host.call.class_obj, self._blocks)
        return host(*args, **kwargs)

    def _add(self, one: Count) -> None:
        with self._lock:
            self.now = Count(self.now.asked + one.asked, self.now.ran + one.ran)
