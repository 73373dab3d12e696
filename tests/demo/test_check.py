"""The check of the demo's network: right on drawn clips, and passed by the network that is shipped."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from demo import host
from demo.train import check, clips


@pytest.fixture(scope="module")
def drawn() -> tuple[list[clips.Clip], list[check.Verdict]]:
    chosen = check.prompts(16)
    return chosen, [check.judge(video.numpy(), clip) for video, clip in zip(clips.render(chosen), chosen, strict=True)]


def test_drawn_clips_are_as_told(drawn):
    figures = check.report(*drawn)
    assert [figures[name] for name in ("colours", "count", "forms")] == [1.0, 1.0, 1.0]
    assert figures["levels apart"] and figures["path still"] == figures["flicker still"] == 0


@pytest.mark.parametrize("caption", ["other colours", "other number", "other forms"])
def test_another_caption_is_not_met(caption):
    clip = clips.Clip(((2, "red", "square"),), "gray", "slow", seed=5)
    told = {"other colours": (2, "blue", "square"), "other number": (3, "red", "square")}
    video = clips.render([clip])[0].numpy()
    verdict = check.judge(video, clips.Clip((told.get(caption, (2, "red", "star")),), "gray", "slow", seed=5))
    assert (verdict.colours, verdict.count, verdict.forms) == {
        "other colours": (False, False, False),
        "other number": (True, False, True),
        "other forms": (True, True, False),
    }[caption]


def test_an_empty_video_has_nothing_of_it():
    clip = check.prompts(1)[0]
    verdict = check.judge(np.full((33, 64, 64, 3), 0.5, np.float32), clip)
    assert not (verdict.colours or verdict.count or verdict.forms) and verdict.path == verdict.flicker == 0


@pytest.mark.skipif(not host.is_here(), reason="no ComfyUI here")
def test_the_shipped_network_shows_what_it_is_told():
    """Four videos; the whole check has 64."""
    command = [sys.executable, "-W", "ignore", "-m", "demo.train.check", "--prompts", "4"]
    printed = subprocess.run(command, cwd=host.REPO, check=True, capture_output=True, text=True).stdout
    lines = [line.rsplit(maxsplit=1) for line in printed.splitlines() if ":" not in line]
    figures = {name.strip(): float(figure) for name, figure in lines}
    assert figures["colours"] == 1 and figures["count"] >= 0.75 and figures["forms"] >= 0.75
    assert figures["levels apart"] and figures["flicker still"] < figures["flicker fast"]
