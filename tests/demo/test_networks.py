"""The bench's own networks: their latents, their data, and that the host loads and samples them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from PIL import Image

from bench.networks import families, lora, patterns
from bench.networks.linear_latents import LinearLatents
from demo import host

CPU = torch.device("cpu")


def test_latents_give_back_what_their_channels_hold(tmp_path):
    torch.manual_seed(0)
    videos = torch.rand(2, 4, 16, 16, 3)
    latents = LinearLatents.fit(videos, block=(2, 2, 2), channels=24)  # all of the 24 values of a block
    latents.save(tmp_path / "decoder.safetensors", ["a", "b"])
    again, labels = LinearLatents.load(tmp_path / "decoder.safetensors")
    encoded = latents.encode(videos)
    assert labels == ["a", "b"] and encoded.shape == (2, 24, 2, 8, 8)
    assert encoded.square().mean() == pytest.approx(1, abs=0.05)
    assert (again.decode(encoded) - videos).abs().max() < 0.01


def test_a_pattern_is_its_seeds_and_rests_when_told():
    seeds = [seed for seed in range(60) if "resting" in patterns.label(seed)][:2]
    clip = patterns.render(seeds, CPU)
    assert torch.equal(clip[1], patterns.render(seeds[1:], CPU)[0])
    assert torch.equal(clip[:, 1:], clip[:, :-1]) and clip.min() >= 0 and clip.max() <= 1


def test_labels_differ_and_the_empty_one_is_the_unconditional():
    assert not torch.equal(families.features("two fast"), families.features("two slow"))
    assert families.features("").abs().max() == 0


def test_a_low_rank_addition_is_nothing_at_first_and_saved_under_the_hosts_names():
    torch.manual_seed(0)
    block = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.GELU())
    model, x = torch.nn.ModuleDict({"blocks": torch.nn.ModuleList([block])}), torch.randn(3, 8)
    weight, before = block[0].weight.clone(), block(x)
    lora.attach(model, model["blocks"], rank=2)
    assert torch.equal(block(x), before)
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["blocks.0.0.down", "blocks.0.0.up"]
    torch.nn.init.normal_(block[0].up)
    saved = lora.exported(model.state_dict())
    up, down = (saved[f"diffusion_model.blocks.0.0.lora_{part}.weight"].float() for part in ("up", "down"))
    merged = torch.nn.functional.linear(x, weight + up @ down, block[0].linear.bias)
    assert torch.allclose(block[0](x), merged, atol=1e-2)


@pytest.mark.parametrize("name", families.NETWORKS)
def test_the_files_are_small(name):
    assert families.NETWORKS[name].weights.stat().st_size < 6_000_000


@pytest.mark.skipif(not host.is_here(), reason="no ComfyUI here")
@pytest.mark.parametrize("name", families.NETWORKS)
def test_the_host_samples_it(name, tmp_path):
    picture = tmp_path / "picture.png"
    command = [sys.executable, "-W", "ignore", "-m", "bench.networks.play", name]
    command += ["--labels", "1", "--steps", "3", "--out", str(picture)]
    subprocess.run(command, cwd=host.REPO, check=True, capture_output=True)
    pixels = torch.tensor(list(Image.open(picture).convert("L").tobytes())).float()
    assert pixels.std() > 5
