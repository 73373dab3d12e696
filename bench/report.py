"""From the frontier's rows to tables in Markdown and a plot."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

Rows = Sequence[dict[str, Any]]
OURS = "ours"
FLOOR = "floor"
READ_AS = {
    "floor: 1e-4 of noise": "the same seed, its noise moved by 0.0001: no method needs to be closer",
    "floor: another seed": "another seed: nothing but the prompt in common",
}
"""What the plot calls the two floors."""
SPEEDS = {30: (15, 12, 10), 20: (13, 10, 8), 50: (33, 25, 20)}
"""Computed steps at which methods are compared: half, 40 and 33 % at 30; 1.5, 2 and 2.5 times fewer at 20 and 50."""


def write(rows: Rows, stem: Path) -> None:
    """`stem`.md with all tables, and `stem`.svg, the plot for 30 steps of Euler."""
    text = ["PSNR in dB, decoded frames against the uncached video of the same seed; 100 dB stands for equal videos."]
    measured = {(row["steps"], row["sampler"]) for row in rows}
    for steps, sampler in sorted(measured, key=lambda of: (of[1], of[0] != 30, of[0])):
        mine = [row for row in rows if (row["steps"], row["sampler"]) == (steps, sampler)]
        videos = len(set(map(video, mine)))
        text.append(f"## {sampler}, {steps} steps, {videos} videos\n\n{table(mine)}")
        text.append(f"### At equal computed steps\n\n{at_equal(mine, SPEEDS.get(steps, (steps // 2,)))}")
    stem.with_suffix(".md").write_text("\n\n".join(text) + "\n")
    shown = [row for row in rows if (row["steps"], row["sampler"]) == (30, "euler")]
    if shown:
        plot(shown, stem.with_suffix(".svg"))


def points(rows: Rows) -> dict[str, list[Rows]]:
    """By method, the rows of each of its settings, fewest computed steps first."""
    settings: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        settings[row["method"]][row["way"]].append(row)
    return {m: sorted(ways.values(), key=lambda r: average(r, "computed")) for m, ways in settings.items()}


def average(rows: Iterable[dict[str, Any]], name: str) -> float:
    return mean(row[name] for row in rows)


def tenth(rows: Iterable[dict[str, Any]]) -> float:
    """The 10th percentile of PSNR."""
    return float(np.percentile([row["psnr"] for row in rows], 10))


def interval(values: Sequence[float], draws: int = 1000) -> tuple[float, float]:
    """The middle 95 % of bootstrapped means."""
    dice = random.Random(0)
    means = sorted(mean(dice.choices(values, k=len(values))) for _ in range(draws))
    return means[draws * 25 // 1000], means[draws * 975 // 1000 - 1]


def table(rows: Rows) -> str:
    """Every way: computed steps, seconds as a ratio to the uncached run's, and quality."""
    has_lpips = any("lpips" in row for row in rows)
    levels = list(dict.fromkeys(row["level"] for row in rows))
    head = ["way", "videos", "computed", "faster", "PSNR", "95 %", "p10", "worst", *levels, "SSIM"]
    head += ["LPIPS"] if has_lpips else []
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    ways = [way for settings in points(rows).values() for way in settings]
    for mine in sorted(ways, key=lambda r: (r[0]["method"].startswith(FLOOR), average(r, "computed"))):
        values = [row["psnr"] for row in mine]
        low, high = interval(values)
        cells = [mine[0]["way"], str(len(mine)), f"{average(mine, 'computed'):.1f}"]
        cells += [f"{median(row['uncached'] / row['seconds'] for row in mine):.2f}x"]
        cells += [f"{mean(values):.1f}", f"{low:.1f} to {high:.1f}", f"{tenth(mine):.1f}", f"{min(values):.1f}"]
        by_level = ([row["psnr"] for row in mine if row["level"] == level] for level in levels)
        cells += [f"{mean(values):.1f}" if values else "" for values in by_level]
        cells += [f"{average(mine, 'ssim'):.4f}"]
        cells += [f"{average(mine, 'lpips'):.4f}"] if has_lpips else []
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def reading(settings: Sequence[Rows], computed: float, value: Any) -> float | None:
    """A frontier read off at a number of computed steps, on the line between its neighbouring settings."""
    xs = [average(rows, "computed") for rows in settings]
    if not xs[0] - 0.3 <= computed <= xs[-1] + 0.3:  # a third of a step is no other speed
        return None
    return float(np.interp(computed, xs, [value(rows) for rows in settings]))


def shared(rows: Rows) -> Rows:
    """The rows of videos that all methods were measured on, less methods that were measured on far fewer."""
    covered = {m: [set(map(video, way)) for way in settings] for m, settings in points(rows).items()}
    most = max((len(videos) for ways in covered.values() for videos in ways), default=0)
    # Where a bench was stopped, its last videos are there for some ways only.
    wide = {method: ways for method, ways in covered.items() if all(len(videos) >= 0.8 * most for videos in ways)}
    common = set.intersection(*(videos for ways in wide.values() for videos in ways)) if wide else set()
    return [row for row in rows if row["method"] in wide and video(row) in common]


def video(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["prompt"], row["seed"]


def at_equal(rows: Rows, speeds: Sequence[int]) -> str:
    """Ours against the best of the rivals, overall, at the 10th percentile and by motion level."""
    found = points(shared(rows))
    levels = list(dict.fromkeys(row["level"] for row in rows))
    lines = ["| computed | what | ours | best rival | which | ahead |", "|--:|---|--:|--:|---|--:|"]
    kinds: list[tuple[str, Any]] = [("mean", lambda r: average(r, "psnr")), ("p10", tenth)]
    for level in levels:
        kinds.append((level, lambda r, level=level: average([x for x in r if x["level"] == level], "psnr")))
    for computed in speeds:
        for name, value in kinds:
            compared = {m: s for m, s in found.items() if not m.startswith(FLOOR)}
            read = {m: reading(s, computed, value) for m, s in compared.items()}
            mine = read.pop(OURS, None)
            rivals = {method: found for method, found in read.items() if found is not None}
            if mine is None or not rivals:
                continue
            best = max(rivals, key=rivals.__getitem__)
            cells = [str(computed), name, f"{mine:.1f}", f"{rivals[best]:.1f}", best, f"{mine - rivals[best]:+.1f}"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(rows: Rows, path: Path) -> None:
    """Mean PSNR against computed steps, ours in front, and the two floors."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "adacache"  # the same file for the same numbers
    figure, axes = plt.subplots(figsize=(8.4, 4.8), layout="constrained")
    found = points(rows)
    floors = {m: s for m, s in found.items() if m.startswith(FLOOR)}
    rivals = sorted((m for m in found if m not in floors and m != OURS), key=lambda m: -average(found[m][-1], "psnr"))
    colours = plt.get_cmap("tab20")
    for number, method in enumerate(rivals):
        xs = [average(way, "computed") for way in found[method]]
        ys = [average(way, "psnr") for way in found[method]]
        axes.plot(xs, ys, "o-", color=colours(number), lw=1.2, ms=3.5, label=method)
    if OURS in found:
        xs = [average(way, "computed") for way in found[OURS]]
        ys = [average(way, "psnr") for way in found[OURS]]
        lows, highs = zip(*(interval([row["psnr"] for row in way]) for way in found[OURS]), strict=True)
        axes.fill_between(xs, lows, highs, color="#d6336c", alpha=0.18, lw=0)
        axes.plot(xs, ys, "D-", color="#d6336c", lw=2.6, ms=7, label="ours (presets by intent)", zorder=5)
        for way, x, y in zip(found[OURS], xs, ys, strict=True):
            name = way[0]["way"].removeprefix(OURS).strip()
            axes.annotate(name, (x, y), xytext=(-8, 6), textcoords="offset points", ha="right", color="#d6336c")
    for method, settings in floors.items():
        y = average(settings[0], "psnr")
        axes.axhline(y, color="#868e96", ls="--", lw=1)
        axes.annotate(
            READ_AS.get(method, method), (30, y), xytext=(0, 3), textcoords="offset points", ha="right", color="#868e96"
        )
    axes.set(xlabel="computed steps of 30", ylabel="PSNR against the uncached video, dB", xlim=(7, 30.5))
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7.5, ncols=2, loc=(0.575, 0.52), framealpha=0.9, handlelength=1.2, columnspacing=1.0)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
