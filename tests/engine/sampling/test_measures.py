"""Change and motion of a probe: sums done by hand, in float32 whatever the dtype, that merge over streams."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from reference import frame_score, relative_l1

from adacache import Codebook, FrameGrid
from adacache.sampling import measures
from adacache.sampling.measures import change_sums, motion_score, motion_sums, relative_change


def tokens(*values: float) -> torch.Tensor:
    """One row, one channel."""
    return torch.tensor(values)[None, :, None]


def test_change_by_hand() -> None:
    """|1-2| + |3-1| + |-4-4| is 11, against the old norm 2 + 1 + 4."""
    sums = change_sums(tokens(1, 3, -4), tokens(2, 1, 4))
    assert (sums.dtype, sums.tolist()) == (torch.float32, [11.0, 7.0])
    assert relative_change([11.0, 7.0]) == 11 / 7


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_low_precision(dtype: torch.dtype) -> None:
    """A probe whose L1 norm overflows float16 gives the float64 figures of the same values to 1e-3."""
    torch.manual_seed(1)
    old = (300 * torch.randn(2, 48, 32)).to(dtype)
    new = (old.float() * 1.05 + 3 * torch.randn(2, 48, 32)).to(dtype)
    assert old.double().abs().sum() > torch.finfo(torch.float16).max
    assert relative_change(change_sums(new, old).tolist()) == pytest.approx(relative_l1(new, old), rel=1e-3)
    score = motion_score(motion_sums(FrameGrid(4, 12).cut(new), (1, 2)).tolist())
    assert score == pytest.approx(frame_score(new, 12, (1, 2)), rel=1e-3)


def test_streams_merge() -> None:
    """Sums of streams add up to the sums of the pooled batch."""
    torch.manual_seed(2)
    new, old = torch.randn(2, 5, 24, 4).double().unbind()
    grid = FrameGrid(6, 4)
    change = sum(change_sums(n[None], o[None]) for n, o in zip(new, old, strict=True))
    motion = sum(motion_sums(grid.cut(n[None]), (1, 2)) for n in new)
    assert torch.allclose(change, change_sums(new, old), rtol=1e-6)
    assert torch.allclose(motion, motion_sums(grid.cut(new), (1, 2)), rtol=1e-6)
    assert relative_change(change.tolist()) == pytest.approx(relative_l1(new, old), rel=1e-6)


@pytest.mark.parametrize("elements", [1, 7, 30, 1 << 25])
def test_slices(elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the slices, the change is the same."""
    torch.manual_seed(3)
    new, old = torch.randn(2, 2, 23, 5).unbind()
    monkeypatch.setattr(measures, "slices", partial(measures.slices, elements=elements))
    pieces = measures.slices(new)
    assert sum(piece.shape[1] for piece in pieces) == 23
    assert all(piece.numel() <= max(elements, 10) for piece in pieces)
    assert relative_change(change_sums(new, old).tolist()) == pytest.approx(relative_l1(new, old), rel=1e-6)


def test_motion_by_hand() -> None:
    """Frames 1, 2, 5: stride 1 gives (1 + 3) / (7 + 3), stride 2 gives 4 / (5 + 1); strides are averaged."""
    frames = FrameGrid(3, 2).cut(tokens(1, 1, 2, 2, 5, 5))
    assert motion_sums(frames, (1,)).tolist() == [8.0, 20.0]
    assert motion_score([8.0, 20.0]) == pytest.approx(0.4)
    assert motion_sums(frames, (1, 2)).tolist() == [8.0, 20.0, 8.0, 12.0]
    assert motion_score([8.0, 20.0, 8.0, 12.0]) == pytest.approx((8 / 20 + 8 / 12) / 2)


@pytest.mark.parametrize("strides", [(1,), (2,), (1, 2, 3), (3, 1)])
def test_motion_equals_reference(strides: tuple[int, ...]) -> None:
    """On random probes the score is that of the published slicing."""
    torch.manual_seed(4)
    probe = torch.randn(2, 30, 4)
    score = motion_score(motion_sums(FrameGrid(5, 6).cut(probe), strides).tolist())
    assert score == pytest.approx(frame_score(probe, 6, strides), rel=1e-6)


def test_still_and_shuffled() -> None:
    """Equal frames score 0; frames of another order than their own drift score higher; no score exceeds 1."""
    torch.manual_seed(5)
    frame = torch.randn(1, 1, 3, 4)
    drift = frame + 0.1 * torch.arange(8)[None, :, None, None]
    shuffled = drift[:, torch.tensor([0, 5, 2, 7, 1, 6, 3, 4])]
    flicker = frame * (-1) ** torch.arange(8)[:, None, None]
    videos = frame.repeat(1, 8, 1, 1), drift, shuffled, flicker
    score = [motion_score(motion_sums(x, (1,)).tolist()) for x in videos]
    assert 0 == score[0] < score[1] < score[2] < score[3] == 1


def test_tokens_around_the_video_are_ignored() -> None:
    """Tokens before the offset and after the last frame do not change the score."""
    video, noise = tokens(1, 1, 2, 2, 5, 5), tokens(90, -70, 40)
    sums = motion_sums(FrameGrid(3, 2, offset=3).cut(torch.cat([noise, video, noise], 1)), (1, 2))
    assert sums.tolist() == motion_sums(FrameGrid(3, 2).cut(video), (1, 2)).tolist()


@pytest.mark.parametrize("strides", [(1, 3), (9, 1)])
def test_a_stride_beyond_the_video_is_left_out(strides: tuple[int, ...]) -> None:
    """A stride that no two frames of the video are apart tells nothing, and the others count as without it."""
    frames = FrameGrid(3, 1).cut(tokens(1, 2, 5))
    assert motion_score(motion_sums(frames, strides).tolist()) == motion_score(motion_sums(frames, (1,)).tolist())


def test_no_stride_fits() -> None:
    assert math.isnan(motion_score(motion_sums(FrameGrid(3, 1).cut(tokens(1, 2, 5)), (3, 4)).tolist()))


@pytest.mark.parametrize("new", [0.0, 1.0])
def test_old_probe_of_zero(new: float) -> None:
    """An old probe of zeros gives no finite change, so the next step is computed."""
    change = relative_change(change_sums(tokens(new, new), tokens(0, 0)).tolist())
    assert not math.isfinite(change)
    assert Codebook.parse("0.1:7 1:5").rate(change) == 1


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_probe_that_is_not_finite(bad: float) -> None:
    """A NaN or an infinity in either probe gives no finite change."""
    for pair in (
        (tokens(1, bad), tokens(1, 2)),
        (tokens(1, 2), tokens(1, bad)),
        (tokens(1, bad), tokens(1, bad)),
    ):
        assert Codebook.parse("0.1:7 1:5").rate(relative_change(change_sums(*pair).tolist())) == 1


@pytest.mark.parametrize(
    ("grid", "length", "fits"),
    [
        (FrameGrid(3, 2), 6, True),
        (FrameGrid(3, 2), 7, True),
        (FrameGrid(3, 2), 5, False),
        (FrameGrid(3, 2, offset=2), 7, False),
        (FrameGrid(1, 6), 6, False),
        (FrameGrid(3, 0), 6, False),
    ],
)
def test_grid_fits(grid: FrameGrid, length: int, fits: bool) -> None:
    """A grid fits when there are two frames at least and the sequence holds them all."""
    assert grid.fits(length) is fits
