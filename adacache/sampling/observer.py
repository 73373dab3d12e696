"""What a measuring run records for calibration: changes over several steps, and how its direction changes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..trace.record import Record
from .cache import Cache, FreeBytes, Stream, StreamKey, alike
from .direction_increments import MOST_STEPS, DirectionIncrements
from .log_snr import on_list
from .measures import change_sums

# A probe is compared with one that is kept for so many steps, the longest interval of the published rates.
FAR = 6


class Observer:
    """Stands beside a measuring run, and changes nothing of it. The older probes live where a `Cache` has them.

    Args:
        sigmas: the sampler's noise levels, one more than steps, where those of the direction can be told; else None.
    """

    def __init__(
        self, steps: int, sigmas: Sequence[float] | None, location: str = "auto", free_bytes: FreeBytes | None = None
    ) -> None:
        self._older = Cache(location, free_bytes)
        self._increments = DirectionIncrements(sigmas) if sigmas is not None and steps <= MOST_STEPS else None
        self._turned: tuple[float, ...] | None = None
        self._step = 0

    @property
    def peak_bytes(self) -> int:
        """Most bytes that the older probes took."""
        return self._older.peak_bytes

    def begin(self, step: int) -> None:
        """A step, from 1, begins."""
        self._step = step

    def observe(self, key: StreamKey, probe: Tensor) -> Tensor | None:
        """Sums of the change since an older probe of the stream; see `measures.change_sums`."""
        older = self._older.get(key)
        sums = change_sums(probe, older.value[0]) if older is not None and alike(older.value, (probe,)) else None
        if (self._step - 1) % FAR == 0:
            self._older.keep(key, Stream((probe,)))
        return sums

    def direction(self, step: int, sigma: float, x: Tensor, denoised: Tensor) -> None:
        """A step's direction: the latent `x` at a 0-based step, and what the network made of it."""
        self._turned = None
        if self._increments is not None and on_list(sigma, self._increments.sigmas, step):
            self._turned = self._increments(step, x, denoised)
        elif self._increments is not None:
            self._increments.clear()

    def note(self, record: Record, far: float | None) -> None:
        """Write what was seen of the step into its record."""
        record.turns = self._turned
        if far is not None:
            record.far, record.far_steps = far, (self._step - 2) % FAR + 1

    def restart(self) -> None:
        """The noise level went up: nothing kept compares with what comes."""
        self._older.clear()
        self._increments = self._turned = None
