"""Weights of other types, models on two devices, and samplers and nodes that are not alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import comfy.ops
import comfy.samplers
import comfy.sd
import folder_paths
import pytest
import tiny_wan
import torch
from members import MEMBERS
from test_families import Rig

import nodes


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small network in a folder that the host's loader node looks into."""
    folder = tmp_path_factory.mktemp("typed")
    path: Path = tiny_wan.write_network(folder / "typed.safetensors")
    folder_paths.add_model_folder_path("diffusion_models", str(folder))
    return path.name


@pytest.mark.parametrize("kind", ["fp8_e4m3fn", "fp8_e5m2", torch.float16, torch.bfloat16], ids=str)
def test_other_types(kind: Any, stored: str, call: Callable[..., tuple], patch: Callable[..., Any]) -> None:
    """Half and eighth floats, as the loader node gives them: exact where all is computed, and reusing."""
    if isinstance(kind, str):
        (model,) = nodes.UNETLoader().load_unet(stored, kind)
    else:
        path = folder_paths.get_full_path("diffusion_models", stored)
        # As on a graphics card: the loader would compute in float32 on a CPU.
        model = comfy.sd.load_diffusion_model(path, model_options={"custom_operations": comfy.ops.manual_cast})
        model.model.diffusion_model.to(kind)
        model.model.manual_cast_dtype = kind
    rig = Rig(MEMBERS["Wan t2v"], call, patch)
    rig.model = model
    expected = rig.sample(model, steps=12)
    every = patch(model, text="1.0:1", moreg={"norm": 0.2})
    assert torch.equal(rig.sample(every.model, steps=12), expected)
    (run,) = every.runs()
    assert not run.note and all(record.score is not None for record in run.records[1:])
    for preset in ({"text": "1000:3 2000:1"}, {"preset": "fast"}):
        cached = patch(model, **preset)
        assert torch.isfinite(rig.sample(cached.model, steps=12)).all()
        (run,) = cached.runs()
        assert not run.note and run.reused > 0


def test_two_caching_nodes_in_a_row(call: Callable[..., tuple], patch: Callable[..., Any]) -> None:
    """The last one counts, alone."""
    rig = Rig(MEMBERS["Wan t2v"], call, patch)
    first = patch(rig.model, text="1000:6 2000:1")
    second = patch(first.model, text="1000:3 2000:1")
    alone = patch(rig.model, text="1000:3 2000:1")
    assert torch.equal(rig.sample(second.model), rig.sample(alone.model))
    assert not first.runs() and len(second.runs()) == 1


def test_an_unknown_sampler_of_two_evaluations(call: Callable[..., tuple], patch: Callable[..., Any]) -> None:
    """It is computed, unchanged, with the reason: nothing was reused before it was found out."""
    rig = Rig(MEMBERS["Wan t2v"], call, patch)

    def sample_of_a_pack(
        model: Any, x: Any, sigmas: Any, extra_args: Any, callback: Any, disable: Any, **_: Any
    ) -> Any:
        for i in range(len(sigmas) - 1):
            one = model(x, sigmas[i : i + 1], **extra_args)
            callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": one})
            two = model(x, sigmas[i : i + 1] * 0.9, **extra_args)
            x = x + (x - (one + two) / 2) / sigmas[i] * (sigmas[i + 1] - sigmas[i])
        return x

    def run(model: Any) -> torch.Tensor:
        (quiet,) = call("DisableNoise")
        (guider,) = call("CFGGuider", model=model, cfg=2.0, **rig.conds())
        return call(
            "SamplerCustomAdvanced",
            noise=quiet,
            guider=guider,
            sampler=comfy.samplers.KSAMPLER(sample_of_a_pack),
            sigmas=torch.linspace(1, 0.1, 13),
            latent_image={"samples": rig.member.latent(seed=9)},
        )[0]["samples"]

    expected = run(rig.model)
    cached = patch(rig.model, text="1000:3 2000:1")
    assert torch.equal(run(cached.model), expected)
    (trace,) = cached.runs()
    assert trace.reused == 0 and "of_a_pack" in trace.note and "several times" in trace.note


def test_cond_and_uncond_on_two_devices(
    call: Callable[..., tuple], patch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads, each with a network of its own, as newer hosts split guidance over graphics cards."""
    rig = Rig(MEMBERS["Wan t2v"], call, patch)
    text = "0.02:5 0.1:4 0.3:3 0.9:2 2:1"
    serial = patch(rig.model, text=text)
    expected = rig.sample(serial.model, steps=12)
    plain = comfy.samplers._calc_cond_batch
    twin = copy.deepcopy(rig.model.model)
    twin.current_patcher = rig.model

    def split(model: Any, conds: list, x: torch.Tensor, timestep: torch.Tensor, options: dict) -> list:
        def one(side: int, device_model: Any) -> torch.Tensor:
            with torch.inference_mode():
                only = [cond if i == side else None for i, cond in enumerate(conds)]
                return plain(device_model, only, x, timestep, options)[side]

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(one, range(2), (model, twin)))

    monkeypatch.setattr(comfy.samplers, "_calc_cond_batch", split)
    threaded = patch(rig.model, text=text)
    latent = rig.sample(threaded.model, steps=12)
    torch.testing.assert_close(latent, expected, rtol=1e-3, atol=1e-3)
    (one,), (two,) = serial.runs(), threaded.runs()
    assert not two.note and 0 < two.reused < 12
    assert [(r.computed, r.rate) for r in one.records] == [(r.computed, r.rate) for r in two.records]
