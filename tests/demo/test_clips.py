"""The demo's training data and its captions; no host needed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

DEMO = Path(__file__).resolve().parents[2] / "demo"


def load(name: str, path: Path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


clips = load("adacache_demo_clips", DEMO / "train" / "clips.py")
words = clips.words


def draw(seed: int, motion: str) -> torch.Tensor:
    return clips.render([clips.sample_clip(seed, motion)], frames=9, size=32)[0]


@pytest.mark.parametrize("motion", clips.SPEED)
def test_the_same_seed_gives_the_same_clip(motion):
    assert torch.equal(draw(3, motion), draw(3, motion))
    assert not torch.equal(draw(3, motion), draw(4, motion))


def test_pixels_lie_between_zero_and_one():
    clip = draw(5, "fast")
    assert clip.shape == (9, 32, 32, 3)
    assert clip.min() >= 0 and clip.max() <= 1


def test_a_still_clip_does_not_change():
    clip = draw(1, "still")
    assert torch.equal(clip, clip[:1].expand_as(clip))


def test_more_motion_changes_more_from_frame_to_frame():
    change = dict.fromkeys(clips.SPEED, 0.0)
    for motion in change:
        for seed in range(12):
            clip = draw(seed, motion)
            change[motion] += (clip[1:] - clip[:-1]).abs().mean().item()
    assert change["still"] == 0
    assert 3 * change["slow"] < min(change["fast"], change["erratic"])


def test_the_text_module_knows_every_caption():
    for seed in range(200):
        assert len(words.tokenize(clips.sample_clip(seed).caption)) <= words.MAX_WORDS


def test_every_prompt_of_the_list_is_known_and_motions_are_even():
    prompts = (DEMO / "prompts.txt").read_text().splitlines()
    for prompt in prompts:
        words.tokenize(prompt)
    counts = {phrase: sum(phrase in prompt for prompt in prompts) for phrase in words.MOTIONS.values()}
    assert set(counts.values()) == {6}


def test_features_tell_which_colour_belongs_to_which_shape():
    one = words.encode("one red circle and two blue squares on a mint background, moving fast")
    other = words.encode("one blue circle and two red squares on a mint background, moving fast")
    assert one.shape == (1, words.MAX_WORDS, words.TEXT_DIM)
    assert not torch.equal(one, other)


def test_features_do_not_change_from_one_release_to_the_next():
    features = words.encode("one red circle")
    assert features[0, 0, :3].tolist() == pytest.approx([0.163621, 0.891847, -0.053726], abs=1e-5)
    assert features[0, 3:].abs().max() == 0


def test_the_empty_caption_is_the_unconditional():
    assert words.encode("").abs().max() == 0


def test_an_unknown_word_names_the_node_and_the_allowed_words():
    with pytest.raises(ValueError, match="AdaCacheDemoTextEncode.*'dragon'.*circle"):
        words.encode("one red dragon")


def test_a_long_caption_is_refused():
    with pytest.raises(ValueError, match="at most"):
        words.encode("red " * (words.MAX_WORDS + 1))
