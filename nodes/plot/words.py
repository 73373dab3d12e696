"""What the picture says. Names and errors come from elsewhere: they are cleaned, and cut where long."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...adacache.trace.trace import MOVING_WINDOWS
from .layout import Band, finite

if TYPE_CHECKING:
    from ...adacache.trace.trace import Trace

EMPTY_TITLE = "No run was recorded"
EMPTY_ADVICE = (
    'Connect the model of AdaCache Patch Model, with a preset other than "off", to the sampler, pass the '
    "sampler's result through Cache Stats, and queue again. A sampler in which nothing changed does not run: "
    "a new seed makes it run."
)

CURVES = {
    "looked_up": ("Distance", "looked up in the codebook"),
    "error": ("Forecast error", "how far off reuse would have been"),
    "distance": ("Distance", "measured"),
}
"""The curve of a field of the records: its name, and what it shows."""


def clean(text: Any, most: int = 2000) -> str:
    """Text in one line of at most `most` characters, without control characters and lone surrogates."""
    text = str(text)[: 4 * most].encode("utf-8", "replace").decode("utf-8")
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= most else text[:most] + "..."


def number(value: float) -> str:
    """A short number for a label."""
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e4:
        digit, _, power = f"{value:.0e}".partition("e")
        return f"{digit}e{int(power):+d}"
    short = f"{value:.2f}"
    return short if float(short) == value else f"{float(f'{value:.{3 if abs(value) >= 0.01 else 2}g}'):g}"


def duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def gains(trace: Trace) -> tuple[float, float] | None:
    """Speed-up and saved seconds, as the trace estimates them; None without reuse or without times."""
    speed_up, saved = trace.speed_up, trace.estimated_seconds - trace.seconds
    return (speed_up, saved) if trace.saves and 0 < speed_up < math.inf and math.isfinite(saved) else None


def headline(trace: Trace) -> tuple[str, str, str]:
    """The title's three parts: what was computed, what it gained, and how that is known."""
    if not trace.records:
        return "No step was recorded" if trace.end else "Waiting for the first step", "", ""
    counted, gained = trace.headline(), gains(trace)
    if gained:
        speed_up = f"{gained[0]:.2f}x"
        faster = f"{speed_up} faster" if gained[0] >= 1.005 else f"not faster, {speed_up}"
        return counted, faster, "estimated"
    if trace.saves:
        return counted, "", ""
    if trace.settings.get("mode") == "measure":
        return counted, "measured only", ""
    return counted, "nothing reused" if trace.end else "", ""


def eyebrow(trace: Trace, place: int, of: int) -> str:
    """The line above the title."""
    when = clean(trace.info.started, 40).replace("T", " ")[:19]
    parts = ["AdaCache", f"run {place} of {of}" if of > 1 else "", when]
    return " · ".join(part for part in parts if part)


def about(trace: Trace) -> list[list[str]]:
    """What was run, and how it was set; each in short parts."""
    info, gained, seconds = trace.info, gains(trace), finite(trace.seconds)
    shape = "x".join(str(size) for size in info.shape)
    took = f"took {duration(seconds)}" if seconds else ""
    saved = f"about {duration(gained[1])} saved" if took and gained and gained[1] > 0 else ""
    workers = int(finite(info.workers) or 1)
    split = f"{workers} workers" if workers > 1 else ""
    what = [clean(info.family, 60), shape and f"latent {clean(shape, 60)}", clean(info.sampler, 60), split, took, saved]
    return [[part for part in parts if part] for parts in (what, [*_settings(trace), trace.cache_in_words])]


def _settings(trace: Trace) -> list[str]:
    chosen = trace.settings
    preset = clean(chosen.get("preset") or "", 60) + (" + MoReg" if chosen.get("moreg") else "")
    if chosen.get("locked"):
        return ["locked schedule"]
    if chosen.get("mode") == "measure":
        return ["measure only"]
    sensitivity, start, end = (finite(chosen.get(name)) for name in ("sensitivity", "start", "end"))
    part = ""
    if start is not None and end is not None and (start > 0 or end < 1):
        part = f"from {100 * start:.0f} % to {100 * end:.0f} %"
    cap = most_reuses(trace)
    return [
        preset.removeprefix(" + "),
        f"sensitivity {sensitivity:.3g}" if sensitivity is not None else "",
        part,
        f"at most {cap} reused in a row" if cap else "",
    ]


def most_reuses(trace: Trace) -> int:
    return int(finite(trace.settings.get("max_reuses")) or 0)


def notices(trace: Trace) -> list[str]:
    """What must not be missed: why a run was not cached, and how it ended if it did not end well."""
    found = [f"{trace.stopped}: {clean(trace.note)}"] if trace.note else []
    if trace.caution and trace.saves:
        found.append(f"Caution: {clean(trace.caution)}")
    count = len(trace.records)
    done = f"{count} evaluations" if trace.unit == "evaluations" else f"{count} of {trace.steps} steps"
    if trace.end == "cancelled":
        found.append(f"Cancelled after {done}")
    elif trace.end == "":
        found.append(f"Still running, {done} so far")
    elif trace.end != "done":
        found.append(f"{clean(trace.end, 40).capitalize()} after {done}")
    if trace.end_detail:
        detail = clean(trace.end_detail)
        found[-1:] = [f"{found[-1]}: {detail}"] if trace.end not in ("", "done") else [*found[-1:], detail]
    return [*found, MOVING_WINDOWS] if trace.in_part else found


def counts(trace: Trace) -> tuple[str, str]:
    return f"{trace.computed:,} computed", f"{trace.reused:,} reused"


def band(of: Band) -> str:
    """What a band of the codebook does, as its label."""
    return "compute" if of.rate <= 1 else f"reuse {of.rate - 1}"
