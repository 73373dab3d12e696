"""AdaCache Compare: the measures are the libraries', the words fit them, and what cannot be compared is refused."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity


def video(seed: int, frames: int = 3, height: int = 24, width: int = 32) -> torch.Tensor:
    """Smooth pictures, so that SSIM has something to compare."""
    noise = torch.rand(frames, 3, height // 4, width // 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(noise, (height, width), mode="bilinear").movedim(1, -1)


def noisy(clip: torch.Tensor, amount: float) -> torch.Tensor:
    noise = torch.randn(clip.shape, generator=torch.Generator().manual_seed(9))
    return (clip + amount * noise).clamp(0, 1)


def spoilt(frame: int, value: float = float("nan")) -> torch.Tensor:
    """A video with one such number in a frame, as a decoder in half precision may give."""
    clip = video(1)
    clip[frame, 3, 5, 0] = value
    return clip


@pytest.fixture(scope="module")
def metrics(pack_module: Callable[[str], ModuleType]) -> ModuleType:
    return pack_module("nodes.metrics")


@pytest.fixture(scope="module")
def verdict(pack_module: Callable[[str], ModuleType]) -> ModuleType:
    return pack_module("nodes.verdict")


def test_measures_are_those_of_scikit_image(call: Callable):
    ours, theirs = noisy(video(1), 0.05), video(1)
    ours[1] = noisy(video(1), 0.2)[1]
    _, psnr, ssim, _, report, numbers = call("AdaCacheCompare", images=ours, reference=theirs)
    told = json.loads(numbers)
    assert psnr == pytest.approx(peak_signal_noise_ratio(theirs.numpy(), ours.numpy(), data_range=1.0), abs=1e-3)
    for frame, a, b in zip(told["frames"], ours.numpy(), theirs.numpy(), strict=True):
        assert frame["psnr"] == pytest.approx(peak_signal_noise_ratio(b, a, data_range=1.0), abs=1e-3)
        paper = {"gaussian_weights": True, "use_sample_covariance": False, "data_range": 1.0}
        assert frame["ssim"] == pytest.approx(structural_similarity(b, a, channel_axis=-1, **paper), abs=1e-3)
    assert ssim == pytest.approx(np.mean([frame["ssim"] for frame in told["frames"]]))
    assert told["worst_frame"] == 2 and "Worst frame: 2 of 3" in report


def test_both_libraries_agree(metrics: ModuleType):
    pytest.importorskip("kornia")
    a, b = noisy(video(2), 0.1)[0], video(2)[0]
    kornia, skimage = (kind(importlib.import_module(f"{name}.metrics")) for kind, name in metrics.LIBRARIES)
    assert kornia.psnr(a, b) == pytest.approx(skimage.psnr(a, b), abs=1e-3)
    assert kornia.ssim(a, b) == pytest.approx(skimage.ssim(a, b), abs=1e-4)


def test_without_a_library_it_says_what_to_install(call: Callable, monkeypatch: pytest.MonkeyPatch):
    for name in ("kornia", "kornia.metrics", "skimage", "skimage.metrics"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RuntimeError, match="pip install kornia"):
        call("AdaCacheCompare", images=video(1), reference=video(1))


def test_equal_videos(call: Callable):
    picture, psnr, ssim, _, report, numbers = call("AdaCacheCompare", images=video(3), reference=video(3))
    assert (psnr, ssim) == (100.0, 1.0) and report.startswith("Equal to the reference: every pixel")
    assert json.loads(numbers)["overall"]["psnr"] == 100.0
    assert len(picture) == 3 and picture.min() >= 0 and picture.max() <= 1
    assert not call("AdaCacheCompare", images=noisy(video(3), 1e-6), reference=video(3))[4].startswith("Equal")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"images": video(1, frames=2)}, "images: 2 frames, but reference has 3"),
        ({"images": video(1, width=64)}, "images: 64 x 24 pixels, but reference has 32 x 24"),
        ({"another_seed": video(1, frames=4)}, "another_seed: 4 frames, but reference has 3"),
        ({"images": video(1)[0]}, r"images: shape \[24, 32, 3\]"),
        ({"images": spoilt(1)}, "images: frame 2 of 3 has values that are not finite"),
        ({"reference": spoilt(0, float("inf"))}, "reference: frame 1 of 3 has values that are not finite"),
        ({"another_seed": spoilt(2)}, "another_seed: frame 3 of 3 has values that are not finite"),
        ({"heat_max": 2.0}, "heat_max: 2; allowed: 0 to 1"),
    ],
)
def test_what_cannot_be_compared(call: Callable, change: dict[str, Any], said: str):
    given = {"images": video(1), "reference": video(1)} | change
    with pytest.raises(ValueError, match=f"AdaCache Compare: {said}"):
        call("AdaCacheCompare", **given)


def test_frames_of_no_numbers_have_no_measure(metrics: ModuleType):
    """Whoever asks without having looked: they must not count as nearly equal."""
    with pytest.raises(ValueError, match="no numbers"):
        metrics.score(spoilt(1), video(1), deep=False)


def test_the_other_seed_is_the_floor(call: Callable):
    """The nearer to it, the harsher the words."""
    clip, other = video(4), video(5)
    words = [
        call("AdaCacheCompare", images=images, reference=clip, another_seed=other)[4]
        for images in (noisy(clip, 0.002), noisy(clip, 0.08), video(6))
    ]
    assert words[0].startswith("Far closer than another seed")
    assert words[1].startswith(("Much closer", "Closer"))
    assert words[2].startswith("As different as another seed")
    assert "another seed:" in words[0]


@pytest.mark.parametrize(
    ("psnr", "said"),
    [
        (50, "hard to tell"),
        (40, "very close"),
        (33, "close"),
        (28, "the same video"),
        (22, "recognisably"),
        (9, "anoth"),
    ],
)
def test_bands_without_a_floor(metrics: ModuleType, verdict: ModuleType, psnr: float, said: str):
    none = metrics.Measure(missing="not asked for")
    words = verdict.verdict(metrics.Scores(metrics.Measure((psnr,), psnr), none, none))
    assert words.startswith(said.capitalize()) and "rule of thumb" in words and "45, 38, 32, 26, 20 dB" in words


def test_lpips_is_never_downloaded(
    call: Callable, metrics: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
):
    """Without its weights it is left out; with them it is measured."""
    request.addfinalizer(metrics._lpips_network.cache_clear)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    package = ModuleType("lpips")
    package.__spec__ = type("Spec", (), {"name": "lpips"})()
    package.LPIPS = lambda **_: pytest.fail("it was made without its weights")
    monkeypatch.setitem(sys.modules, "lpips", package)
    given = {"images": noisy(video(1), 0.1), "reference": video(1)}
    *_, lpips, report, _ = call("AdaCacheCompare", **given)
    assert lpips == -1.0 and "LPIPS: not measured, its weights" in report and "nothing is downloaded" in report

    class Network(torch.nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor, normalize: bool) -> torch.Tensor:
            return (a - b).abs().mean() if normalize else pytest.fail("0 to 1 was not said")

    package.LPIPS = lambda **_: Network()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "alexnet-owt-0.pth").touch()
    *_, lpips, report, _ = call("AdaCacheCompare", **given)
    assert lpips == pytest.approx(float((given["images"] - given["reference"]).abs().mean()), rel=1e-3)


@pytest.mark.parametrize("view", ["side by side and heat map", "side by side", "wipe", "heat map"])
@pytest.mark.parametrize("size", [(24, 32), (480, 16), (9, 9)])
def test_pictures_of_any_size(call: Callable, view: str, size: tuple[int, int]):
    clip = torch.rand(2, *size, 3)
    picture = call("AdaCacheCompare", images=clip, reference=1 - clip, view=view, heat_max=0.0)[0]
    assert picture.shape[0] == 2 and picture.shape[1] % 2 == picture.shape[2] % 2 == 0
    assert picture.shape[2] <= 1802


def test_the_heat_map_is_one_scale(pack_module: Callable[[str], ModuleType]):
    """From dark to light without a step back, and the same colour for the same difference in every picture."""
    heat = pack_module("nodes.plot.heat")
    colours = heat.colours(np.linspace(0, 0.2, 200), 0.2).astype(float)
    light = colours @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) >= -0.5).all() and light[0] < 20 and light[-1] == pytest.approx(255)
    assert (heat.colours(np.array([5.0]), 0.2) == 255).all()
