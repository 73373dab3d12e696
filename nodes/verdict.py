"""A comparison in words: how much of the difference that another seed makes, or plain bands of PSNR."""

from __future__ import annotations

from .metrics import EQUAL_PSNR, Measure, Scores

# Share of another seed's difference, and what a smaller share means.
SHARES = (
    (0.03, "Far closer than another seed: hard to tell from the reference."),
    (0.12, "Much closer than another seed: the same video, with small changes."),
    (0.40, "Closer than another seed: recognisably the same video, with visible changes."),
    (0.80, "Nearer than another seed, but only just: many things are different."),
)
AS_ANOTHER = "As different as another seed: not the same video any more."

# PSNR in dB, and what reaching it means.
BANDS = (
    (45.0, "hard to tell from the reference"),
    (38.0, "very close: seen only when the two are laid over each other"),
    (32.0, "close: the same video, with small changes in detail"),
    (26.0, "the same video, with visible changes"),
    (20.0, "recognisably the same scene, but much is different"),
)
BELOW = "another video"


def share(scores: Scores, floor: Scores) -> float | None:
    """The part of another seed's difference that a video has, by the measure in which it is worst.

    Squared error, 1 - SSIM and LPIPS, each over the other seed's; None where the other seed makes no difference.
    """
    parts = [10 ** ((floor.decibels - scores.decibels) / 10)] if not floor.equal else []
    ours, theirs = scores.ssim.overall, floor.ssim.overall
    if ours is not None and theirs is not None and theirs < 1:
        parts.append((1 - ours) / (1 - theirs))
    if scores.lpips.overall is not None and floor.lpips.overall:
        parts.append(scores.lpips.overall / floor.lpips.overall)
    return max(parts, default=None)


def verdict(scores: Scores, floor: Scores | None = None) -> str:
    """One or two sentences."""
    if scores.equal:
        return "Equal to the reference: every pixel of every frame."
    if floor is None:
        return f"{band(scores.decibels).capitalize()}. {_bands_in_words()}"
    part = share(scores, floor)
    if part is None:
        return f"another_seed equals the reference, so it tells nothing. By PSNR: {band(scores.decibels)}."
    words = next((words for most, words in SHARES if part < most), AS_ANOTHER)
    return f"{words} It differs {percent(part)} as much as another seed, by the measure in which it is worst."


def band(psnr: float) -> str:
    return next((words for least, words in BANDS if psnr >= least), BELOW)


def percent(part: float) -> str:
    return f"{part:.0%}" if part >= 0.095 else f"{part:.1%}"


def _bands_in_words() -> str:
    steps = ", ".join(f"{least:g}" for least, _ in BANDS)
    return (
        f"(By PSNR alone, in bands that begin at {steps} dB: a rule of thumb. "
        "Connect another_seed to measure by your own video.)"
    )


def report(scores: Scores, floor: Scores | None = None) -> str:
    """The verdict, the worst frame, and a line per measure."""
    lines = [verdict(scores, floor)]
    if not scores.equal:
        lines.append(f"Worst frame: {scores.worst + 1} of {len(scores.psnr.frames)}, {_at(scores, scores.worst)}.")
    lines.append("")
    for name, measure, other in zip(scores._fields, scores, floor or (None, None, None), strict=True):
        lines.append(_line(name.upper(), measure, other))
    return "\n".join(lines)


def _line(name: str, ours: Measure, floor: Measure | None) -> str:
    if ours.overall is None:
        return f"{name}: not measured, {ours.missing}"
    ends = sorted(ours.frames)
    text = f"{name} {with_unit(name, ours.overall)}"
    if len(ends) > 1 and ends[0] != ends[-1]:
        text += f" (frames from {number(name, ends[0])} to {number(name, ends[-1])})"
    if floor is not None and floor.overall is not None:
        text += f"; another seed: {with_unit(name, floor.overall)}"
    return text


def _at(scores: Scores, frame: int) -> str:
    named = scores._asdict().items()
    return ", ".join(f"{name.upper()} {with_unit(name, m.frames[frame])}" for name, m in named if m.frames)


def number(name: str, value: float) -> str:
    if name.upper() == "PSNR":
        return f"{value:.1f}" if value < EQUAL_PSNR else "equal"
    return f"{value:.3f}"


def with_unit(name: str, value: float) -> str:
    """Such as "34.3 dB" or "0.981"."""
    text = number(name, value)
    return f"{text} dB" if name.upper() == "PSNR" and text != "equal" else text


def as_json(scores: Scores, floor: Scores | None = None) -> dict[str, object]:
    """Plain numbers; null for what was not measured. Frames count from 1."""
    measures = scores._asdict().items()
    frames = [
        {"frame": n + 1} | {name: measure.frames[n] if measure.frames else None for name, measure in measures}
        for n in range(len(scores.psnr.frames))
    ]
    found: dict[str, object] = {
        "overall": {name: measure.overall for name, measure in measures},
        "worst_frame": scores.worst + 1,
        "frames": frames,
        "missing": {name: measure.missing for name, measure in measures if measure.missing},
    }
    if floor is not None:
        found["another_seed"] = {name: measure.overall for name, measure in floor._asdict().items()}
        found["share_of_another_seed"] = share(scores, floor)
    return found
