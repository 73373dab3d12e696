"""What the demo measured: one record per run, and the table of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

from demo.metrics import Video, psnr, ssim


@dataclass(frozen=True)
class Take:
    """One run of the demo graph and what it made."""

    name: str
    file: str  # stem of the files written for it
    steps: int
    computed: int
    seconds: Sequence[float]  # of the sampler, each time it was made
    frames: Video = field(repr=False)
    video: bytes = field(repr=False)
    plot: bytes | None = field(default=None, repr=False)
    trace: dict | None = field(default=None, repr=False)
    cache_bytes: int = 0  # most that were kept at once


@dataclass(frozen=True)
class Row:
    """A line of the table; quality against the uncached take."""

    name: str
    steps: int
    computed: int
    seconds: float
    speed_up: float
    psnr: float | None
    ssim: float | None
    slowest: float  # seconds
    fastest: float
    cache_bytes: int = 0


BUSY = 1.3  # times: a machine with nothing else to do differs less from one time to the next
HEAD = ("", "steps computed", "seconds", "speed-up", "PSNR", "SSIM", "cache")


def rows(takes: Sequence[Take]) -> list[Row]:
    """Measures every take against the first, the uncached one."""
    base, usual = takes[0], median(takes[0].seconds)
    return [
        Row(
            name=take.name,
            steps=take.steps,
            computed=take.computed,
            seconds=round(median(take.seconds), 3),
            speed_up=round(usual / median(take.seconds), 2),
            psnr=None if take is base else round(psnr(take.frames, base.frames), 2),
            ssim=None if take is base else round(ssim(take.frames, base.frames), 4),
            slowest=round(max(take.seconds), 3),
            fastest=round(min(take.seconds), 3),
            cache_bytes=take.cache_bytes,
        )
        for take in takes
    ]


def warning(table: Sequence[Row]) -> str:
    """A sentence where seconds and speed-up mean little, since other work slowed the machine; else nothing."""
    worst = max(table, key=lambda row: row.slowest / row.fastest)
    if worst.slowest < BUSY * worst.fastest:
        return ""
    return (
        f"The machine was busy, so seconds and speed-up mean little: the same video ({worst.name}) took "
        f"{worst.fastest:.1f} to {worst.slowest:.1f} s. Computed steps and quality do not depend on that."
    )


def as_json(table: Sequence[Row], **facts: object) -> str:
    """The table with the facts that it depends on."""
    return json.dumps(facts | {"runs": [asdict(row) for row in table]}, indent=2) + "\n"


def as_markdown(table: Sequence[Row]) -> str:
    """The table for a README."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---|" + "--:|" * (len(HEAD) - 1)]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in table]
    return "\n".join(lines) + "\n" + (f"\n{said}\n" if (said := warning(table)) else "")


def as_text(table: Sequence[Row]) -> str:
    """The table for a terminal."""
    cells = [HEAD, *(_cells(row) for row in table)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = "\n".join(
        line[0].ljust(widths[0])
        + "".join("  " + cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        for line in cells
    )
    return lines + (f"\n\n{said}" if (said := warning(table)) else "")


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.computed} of {row.steps}",
        f"{row.seconds:.2f}",
        f"{row.speed_up:.2f}x",
        "" if row.psnr is None else f"{row.psnr:.1f} dB",
        "" if row.ssim is None else f"{row.ssim:.3f}",
        f"{row.cache_bytes / 2**20:.1f} MiB" if row.cache_bytes else "",
    )
