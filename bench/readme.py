"""Puts what the bench measured into README.md and README.zh-CN.md: their tables, and the plot of quality.

    .venv/bin/python -m bench.readme

The numbers are those of `results/frontier.jsonl` and `results/real_size_h100.json`; run it after either has changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

from demo.readme import between

from .report import OURS, Rows, average, points, reading, shared, tenth
from .rows import rows_of

REPO = Path(__file__).resolve().parents[1]
RESULTS = REPO / "bench" / "results"
PAGES = ("README.md", "README.zh-CN.md")
PRESETS = ("near-lossless", "balanced", "fast", "turbo")
STEPS, SAMPLER = 30, "euler"
MOST = 24  # computed steps that the plot shows
HEADS = {
    "README.md": (
        ("preset", "computed", "by arithmetic", "measured", "**PSNR**", "lowest tenth", "EasyCache", "fewer steps"),
        ("network", "a step", "with **balanced**", "a reused one", "all nine steps", "memory added"),
    ),
    "README.zh-CN.md": (
        ("预设", "计算的步数", "理论加速", "实测加速", "**PSNR**", "最低的十分之一", "EasyCache", "直接减少步数"),
        ("网络", "一步", "使用 **balanced**", "复用的一步", "全部九步", "增加的显存"),
    ),
}


def main() -> None:
    """Command line."""
    for page in PAGES:
        path = REPO / page
        path.write_text(filled(path.read_text(), page))
    plot(measured(), RESULTS / "quality.svg")


def filled(text: str, page: str) -> str:
    """A page with its tables."""
    close, fast = HEADS[page]
    text = between(text, "quality", table(close, quality(measured())))
    return between(text, "real cards", table(fast, speed()))


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """In Markdown."""
    under = "---|" + "--:|" * (len(head) - 1)
    return "\n".join([f"| {' | '.join(head)} |", f"|{under}", *(f"| {' | '.join(line)} |" for line in lines)])


def measured() -> Rows:
    """The rows of the run that the pages speak of, of videos that all methods were measured on."""
    rows = rows_of(RESULTS / "frontier.jsonl")
    return shared([row for row in rows if (row["steps"], row["sampler"]) == (STEPS, SAMPLER)])


def quality(rows: Rows) -> Iterator[list[str]]:
    """Every preset, beside what other ways make of as many computed steps."""
    found = points(rows)
    for preset in PRESETS:
        (mine,) = (way for way in found[OURS] if way[0]["way"] == f"{OURS} {preset}")
        computed = average(mine, "computed")
        cells = [preset, f"{computed:.0f} / {STEPS}"]
        cells += [f"{STEPS / computed:.1f}x", f"{median(row['uncached'] / row['seconds'] for row in mine):.1f}x"]
        cells += [f"**{average(mine, 'psnr'):.1f} dB**", f"{tenth(mine):.1f}"]
        for method in ("EasyCache", "fewer steps"):
            read = reading(found[method], computed, lambda way: average(way, "psnr"))
            cells.append("" if read is None else f"{read:.1f}")
        yield cells


def speed() -> Iterator[list[str]]:
    """Networks of true size."""
    for case in json.loads((RESULTS / "real_size_h100.json").read_text())["cases"]:
        plain, ours = case["runs"]["unpatched"]["seconds"], case["runs"]["balanced"]
        cells = [
            f"{case['network']}, {case['size']}",
            f"{plain['computed']:.2f} s",
            f"{ours['seconds']['computed']:.2f} s",
        ]
        cells += [f"{1000 * ours['seconds']['reused']:.1f} ms", f"{ours['speed_up']:.2f}x"]
        yield [*cells, f"{ours['added_bytes'] / 2**20:.0f} MiB"]


def plot(rows: Rows, path: Path) -> None:
    """How close a video stays, against how many steps it takes: the presets, EasyCache and plain fewer steps."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "adacache"  # the same file for the same numbers
    figure, axes = plt.subplots(figsize=(8.4, 4.2), layout="constrained")
    found = points(rows)
    shown = {
        "fewer steps": ("plain fewer steps", "#868e96"),
        "EasyCache": ("EasyCache", "#2f8fca"),
        OURS: ("AdaCache", "#e08e00"),
    }
    for method, (name, colour) in shown.items():
        ways = [way for way in found[method] if average(way, "computed") < STEPS]
        xs, ys = ([average(way, value) for way in ways] for value in ("computed", "psnr"))
        mine = method == OURS
        axes.plot(xs, ys, "o-", color=colour, lw=3 if mine else 2, ms=8 if mine else 5)
        axes.annotate(name, (xs[-1], ys[-1]), (10, -4), textcoords="offset points", color=colour, fontsize=12)
        for way, x, y in zip(ways if mine else (), xs, ys, strict=False):
            label = way[0]["way"].removeprefix(OURS).strip()
            axes.annotate(label, (x, y), (-8, 6), textcoords="offset points", ha="right", color=colour)
    (other,) = found["floor: another seed"]
    for y, words in ((45, "above: hard to tell from the uncached video"), (average(other, "psnr"), "another seed")):
        axes.axhline(y, color="#adb5bd", ls="--", lw=1, zorder=0)
        place = {"xytext": (0, 4), "textcoords": "offset points", "ha": "right"}
        axes.annotate(words, (MOST, y), color="#868e96", **place)
    axes.set(xlabel=f"computed steps of {STEPS}", ylabel="closeness to the uncached video (PSNR, dB)", xlim=(8.5, MOST))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
