"""What the server says of runs in English, the panel knows, to say it in other languages; and it knows nothing else."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pack_parts import part

from adacache.trace.trace import ANSWER, DENOISED

REPO = Path(__file__).resolve().parents[2]
HOLE = "\0"
REASONS = {"nothing_to_reuse"}
"""Functions that give a reason for others to refuse with."""
CONSTANTS = {"NO_RUN": "nodes/stats.py", "BYPASSED": "nodes/schema.py", "OTHER_MODEL": "nodes/host/wrappers.py"}
CONSTANTS |= {"LOADED_SINCE": "nodes/patch_ray.py", "FEW_STEPS": "adacache/schedules/schedule.py"}


def text_of(node: ast.expr) -> str:
    """A text of the code, with a mark for each place that is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


def said_by_the_server() -> Iterator[str]:
    """Why a run is not cached, what is measured, and what Cache Stats says where there is no run."""
    yield from (ANSWER, DENOISED)
    for file in [*(REPO / "adacache").rglob("*.py"), *(REPO / "nodes").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("refuse", "give_up"):
                yield text_of(node.args[0])
            if isinstance(node, ast.FunctionDef) and node.name in REASONS:
                yield from (text_of(one.value) for one in ast.walk(node) if isinstance(one, ast.Return))
            if isinstance(node, ast.Assign):
                name = getattr(node.targets[0], "attr", getattr(node.targets[0], "id", ""))
                if name == "probed" or CONSTANTS.get(name) == file.relative_to(REPO).as_posix():
                    yield text_of(node.value)


def known_to_the_panel() -> list[str]:
    """Its sentences, with the same mark."""
    script = (REPO / "web" / "server_words.js").read_text()
    table = script[script.index("const SENTENCES") : script.index("function found")]
    quoted = r"""(?:"[^"\n]*"|'[^'\n]*')"""
    first = re.findall(rf"\[\s*phrase\(\s*({quoted}(?:\s*\+\s*{quoted})*),?\s*\)", table)
    joined = ["".join(one[1:-1] for one in re.findall(quoted, text)) for text in first]
    return [re.sub(r"\{\w+\}", HOLE, text) for text in joined]


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split(HOLE))), text) is not None


def test_every_sentence_of_the_server_is_known_and_no_other():
    theirs, ours = {text for text in said_by_the_server() if text.strip(HOLE)}, known_to_the_panel()
    assert len(theirs) > 15 and len(ours) > 15
    assert not [text for text in theirs if not any(matches(text, one) for one in ours)]
    assert not [one for one in ours if not any(matches(text, one) for text in theirs)]


SAY = """
import { readFileSync } from "node:fs";
import { speak } from "WEB/language.js";
import { saidLines } from "WEB/server_words.js";
speak(JSON.parse(readFileSync(new URL("WEB/languages/zh.json"), "utf8")));
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(saidLines)));
"""


def in_chinese(texts: list[str]) -> list[str]:
    asked = ["node", "--input-type=module", "-e", SAY.replace("WEB", (REPO / "web").as_uri())]
    said = subprocess.run(asked, input=json.dumps(texts), check=True, capture_output=True, text=True, timeout=60).stdout
    return json.loads(said)


def english_in(text: str) -> set[str]:
    """Words but those that are the same in every language."""
    same = r"PSNR|SSIM|LPIPS|dB|equal|Wan|euler|uni_pc|balanced|my name|\d+x|steps|speed-up|computed steps"
    return set(re.findall(r"[A-Za-z]{2,}", re.sub(same, "", text)))


needs_node = pytest.mark.skipif(
    not (shutil.which("node") or os.environ.get("CI")), reason="there is no Node.js to ask the panel's code"
)


@needs_node
def test_a_verdict_is_told_whole_in_another_language():
    """Of every band and every share of another seed's difference."""
    metrics, verdict = part("nodes.metrics"), part("nodes.verdict")

    def scores(psnr: float, ssim: float = 0.9) -> object:
        measure = metrics.Measure
        return metrics.Scores(measure((psnr - 1, psnr), psnr), measure((ssim, ssim), ssim), measure(missing="..."))

    floor = scores(20, 0.5)
    every = [verdict.report(scores(psnr)) for psnr in (101, 60, 40, 35, 28, 22, 10)]
    every += [
        verdict.report(scores(psnr, ssim), floor) for psnr, ssim in ((40, 0.99), (31, 0.96), (26, 0.88), (22, 0.7))
    ]
    every += [verdict.report(floor, floor), verdict.report(scores(30), scores(101, 1.0))]
    for english, text in zip(every, in_chinese(every), strict=True):
        assert not english_in(text), (english, text)
    assert len({text.split("\n")[0] for text in every}) == len(every)


@needs_node
def test_a_calibration_is_told_whole_in_another_language():
    calibration = part("adacache.calibration.result").Calibration
    plan, about = "30 steps: 1 2 3 8 30", {"family": "Wan", "sampler": "euler", "shape": (1, 16, 5, 16, 16)}
    every = [
        calibration("0.1:3 1:1", 30, 0.15, target="speed-up (x)", amount=2.0, **about, **more).report()
        for more in (
            {"runs": 0},
            {"runs": 1, "plan": plan},
            {"runs": 3, "plan": plan, "norm": 0.2, "power": 2.0, "fewest": 11, "most": 14},
            {"runs": 4, "norm": 0.2, "power": 2.0, "with_moreg": True},
        )
    ]
    every += ["saved as my name", "saved as my name, in place of the one of that name"]
    for english, text in zip(every, in_chinese(every), strict=True):
        assert not english_in(text), (english, text)


NAMES = (
    r"WAN21|MoReg|as published( \(\w+\))?|paper \w+|heun|measure only|near-lossless|fast|turbo|MiB|GiB|[Ll]atent|"
    r"standard_static|off"
)
MOREG = {"preset": "balanced", "moreg": {"norm": 0.2}, "sensitivity": 1.0}
CHANGED = [
    ("planned", {"settings": MOREG, "cache_place": "system", "probe": DENOISED}),
    ("plain", {"settings": MOREG, "records": []}),
    ("fast", {"note": "the model is being trained", "end": "failed"}),
]
"""Runs of the file, with something else in them."""


@needs_node
def test_a_summary_is_told_whole_in_another_language():
    """Line by line of Cache Stats, and each of its sentences is of some run."""
    trace = part("adacache.trace.trace")
    runs = json.loads((Path(__file__).parent / "traces.json").read_text(encoding="utf-8"))
    every = []
    for name, changes in [*((name, {}) for name in runs), *CHANGED]:
        run = trace.Trace.from_json(runs[name])
        vars(run).update(changes)
        run.end_detail = ""  # the error's own text
        every.append(run.summary())
    for english, text in zip(every, in_chinese(every), strict=True):
        assert not english_in(re.sub(NAMES, "", text)), (english, text)
    told = "\n".join(every)
    assert not [one for one in summary_words() if not re.search(re.sub(r"\\{\w+\\}", ".*", re.escape(one)), told)]


def summary_words() -> list[str]:
    script = f'import {{ PARTS, SUMMARY }} from "{(REPO / "web" / "report_words.js").as_uri()}";'
    script += "console.log(JSON.stringify([...SUMMARY, ...PARTS]));"
    asked = ["node", "--input-type=module", "-e", script]
    return json.loads(subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60).stdout)
