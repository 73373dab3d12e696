"""One setting of a sweep: what it cost and how close it came, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass

from .words import duration


@dataclass(frozen=True)
class Row:
    """A setting.

    Attributes:
        name: the setting, such as "sensitivity 2".
        mark: the same for a place with little room, such as "2".
        computed, of: evaluations that were computed, and all; 0 of 0 where no run was recorded.
        seconds: what the sampler took; None where no run was recorded.
        speed_up: over the uncached run; None where either is not known.
        psnr: dB; None for the uncached run itself, and where the video could not be compared.
        ssim: None where it was not measured.
        equal: whether the video equals the uncached one.
        note: what went otherwise than wanted, or "".
        measured: False where the video could not be compared.
        unit: "steps" or "evaluations".
    """

    name: str
    mark: str
    computed: int = 0
    of: int = 0
    seconds: float | None = None
    speed_up: float | None = None
    psnr: float | None = None
    ssim: float | None = None
    equal: bool = False
    note: str = ""
    unit: str = "steps"
    measured: bool = True

    @property
    def is_reference(self) -> bool:
        return self.psnr is None and self.measured

    def counted(self) -> str:
        return f"{self.computed} of {self.of} {self.unit} computed" if self.of else "no run recorded"

    def timed(self) -> str:
        if self.seconds is None:
            return ""
        # Runs of a few seconds differ in their hundredths.
        return f"{self.seconds:.2f} s" if self.seconds < 10 else duration(self.seconds)

    def gained(self) -> str:
        """Such as "2.10x faster"; "" where it is not known."""
        if self.is_reference or self.speed_up is None:
            return ""
        return f"{self.speed_up:.2f}x faster" if self.speed_up >= 1.005 else f"not faster, {self.speed_up:.2f}x"

    def close(self) -> str:
        if self.is_reference:
            return "the reference"
        if self.psnr is None:
            return "not compared"
        if self.equal:
            return "equal to uncached"
        return f"{self.psnr:.1f} dB" + (f" · SSIM {self.ssim:.3f}" if self.ssim is not None else "")

    def line(self) -> str:
        parts = [self.counted(), self.timed(), self.gained()]
        parts.append("" if self.is_reference else self.close())
        return f"{self.name}: {', '.join(part for part in parts if part)}" + (f" ({self.note})" if self.note else "")


def table(rows: list[Row]) -> str:
    """Markdown, as in the README."""
    lines = ["| setting | computed | seconds | speed-up | PSNR | SSIM |", "|---|--:|--:|--:|--:|--:|"]
    for row in rows:
        cells = [row.name, f"{row.computed} of {row.of}" if row.of else ""]
        cells += [
            f"{row.seconds:.2f}" if row.seconds is not None else "",
            f"{row.speed_up:.2f}x" if row.gained() else "",
        ]
        cells += ["equal" if row.equal else "" if row.psnr is None else f"{row.psnr:.1f} dB"]
        cells += ["" if row.ssim is None else f"{row.ssim:.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
