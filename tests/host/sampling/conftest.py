"""What the tests of sampling share: our patch node in short form, a sampler with a step callback, Wan's members."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import comfy.model_base
import comfy.model_management
import comfy.samplers
import pytest
import torch
from comfy_extras import nodes_easycache, nodes_slg, nodes_torch_compile

# Constructor arguments of the host's classes, small; `channels` is what the latent has.
MEMBERS: dict[str, dict[str, Any]] = {
    "t2v": {},
    "i2v": {"model_type": "i2v", "in_dim": 36},
    "fun": {"in_dim_ref_conv": 16},
    "5b": {"in_dim": 48, "out_dim": 48},
    "vace": {"kind": "VaceWanModel", "vace_layers": 2, "vace_in_dim": 96},
    "camera": {"kind": "CameraWanModel", "in_dim": 32, "model_type": "camera"},
    "humo": {"kind": "HumoWanModel", "in_dim": 36},
    "animate": {"kind": "AnimateWanModel", "in_dim": 36, "blocks": 5},
}


# Thresholds about the distances of the small random network, so that decisions depend on them; always reuses some.
ADAPTIVE = "0.3:5 0.6:4 0.9:3 2:2"


@pytest.fixture(scope="session")
def host() -> SimpleNamespace:
    """Modules of the host that tests steer."""
    return SimpleNamespace(
        BaseModel=comfy.model_base.BaseModel,
        model_management=comfy.model_management,
        nodes_easycache=nodes_easycache,
        nodes_slg=nodes_slg,
        nodes_torch_compile=nodes_torch_compile,
    )


@pytest.fixture(scope="session")
def engine(pack_module: Callable[[str], ModuleType]) -> SimpleNamespace:
    """The engine's modules as our nodes use them."""
    return SimpleNamespace(
        run=pack_module("adacache.sampling.run"), evaluation=pack_module("adacache.sampling.evaluation")
    )


@pytest.fixture(scope="session")
def families(pack_module: Callable[[str], ModuleType]) -> ModuleType:
    return pack_module("nodes.host.trunk.families.table")


@pytest.fixture(scope="session")
def stats_module(pack_module: Callable[[str], ModuleType]) -> ModuleType:
    return pack_module("nodes.stats")


@pytest.fixture(scope="session")
def loose(patch: Callable[..., Any]) -> Callable[..., Any]:
    """A patch that reuses a good deal on the small network, by what it measures; on="trunk" as the paper has it."""
    return lambda model, **more: patch(model, text=ADAPTIVE, **more)


@pytest.fixture(params=["trunk", "answer"])
def on(request: pytest.FixtureRequest) -> str:
    """What is reused: the trunk's residual, as by the paper's presets, or the network's answer."""
    return request.param


@pytest.fixture(scope="session")
def stats(call: Callable[..., tuple], stats_module: ModuleType) -> Callable[..., tuple]:
    """Cache Stats without a queue: every sampler counts as one before it."""

    def run(handle: str, value: Any) -> tuple:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(stats_module, "upstream", lambda *_: {""})
            return call("AdaCacheStats", handle=handle, value=value)

    return run


@pytest.fixture(scope="session")
def wan_member(wan: Callable[..., Any]) -> Callable[[str], Any]:
    """A small network with random weights of one of Wan's members, by the host's loader and detection."""
    return lambda kind: wan(**MEMBERS[kind])


@pytest.fixture(scope="session")
def sample(call: Callable[..., tuple], conds: Callable[..., dict]) -> Callable[..., torch.Tensor]:
    """The host's KSampler; `callback(step)` runs inside every evaluation, after the network (from 0)."""

    def run(
        model: Any,
        steps: int = 12,
        seed: int = 1,
        cfg: float = 3.0,
        sampler: str = "euler",
        kind: str = "t2v",
        batch: int = 1,
        still: bool = False,
        callback: Callable[[int], None] | None = None,
        denoise: float = 1.0,
    ) -> torch.Tensor:
        return call(
            "KSampler",
            model=calling_back(model, callback) if callback else model,
            latent_image=starting_latent(kind, batch, still),
            steps=steps,
            seed=seed,
            cfg=cfg if not still else 1.0,
            sampler_name=sampler,
            scheduler="simple",
            denoise=denoise if not still else 0.02,
            **conds(kind),
        )[0]["samples"]

    return run


@pytest.fixture(scope="session")
def conds(text: Callable[[str], list]) -> Callable[[str], dict]:
    """positive and negative, with what an image-to-video or Fun graph adds."""

    def make(kind: str = "t2v") -> dict:
        more: dict[str, Any] = {}
        if kind == "i2v":
            more["concat_latent_image"] = _noise(1, 16, 3, 8, 8)
            more["concat_mask"] = torch.ones(1, 1, 3, 8, 8)
            more["clip_vision_output"] = SimpleNamespace(penultimate_hidden_states=_noise(1, 257, 1280))
        if kind == "fun":
            more["reference_latents"] = [_noise(1, 16, 1, 8, 8)]
        captions = {"positive": "one red circle on a navy background, moving fast", "negative": ""}
        return {side: [[c[0], {**c[1], **more}] for c in text(caption)] for side, caption in captions.items()}

    return make


@pytest.fixture(scope="session")
def advanced(call: Callable[..., tuple], conds: Callable[..., dict]) -> Callable[..., torch.Tensor]:
    """The host's KSamplerAdvanced over a part of the steps."""

    def run(
        model: Any, steps: int, start: int, end: int, noise: bool, leftover: bool, latent: torch.Tensor | None = None
    ) -> torch.Tensor:
        return call(
            "KSamplerAdvanced",
            model=model,
            add_noise="enable" if noise else "disable",
            noise_seed=1,
            steps=steps,
            cfg=3.0,
            sampler_name="euler",
            scheduler="simple",
            latent_image=starting_latent() if latent is None else {"samples": latent},
            start_at_step=start,
            end_at_step=end,
            return_with_leftover_noise="enable" if leftover else "disable",
            **conds(),
        )[0]["samples"]

    return run


@pytest.fixture(scope="session")
def custom(call: Callable[..., tuple], conds: Callable[..., dict]) -> Callable[..., None]:
    """SamplerCustomAdvanced twice, over the two parts that SplitSigmas makes."""

    def run(model: Any, steps: int, split: int) -> None:
        sides = conds()
        (sigmas,) = call("BasicScheduler", model=model, scheduler="simple", steps=steps, denoise=1.0)
        high, low = call("SplitSigmas", sigmas=sigmas, step=split)
        (guider,) = call("CFGGuider", model=model, cfg=3.0, **sides)
        (sampler,) = call("KSamplerSelect", sampler_name="euler")
        latent = starting_latent()
        for noise_node, part in (("RandomNoise", high), ("DisableNoise", low)):
            (noise,) = call(noise_node, **({"noise_seed": 1} if noise_node == "RandomNoise" else {}))
            latent = call(
                "SamplerCustomAdvanced", noise=noise, guider=guider, sampler=sampler, sigmas=part, latent_image=latent
            )[0]

    return run


def starting_latent(kind: str = "t2v", batch: int = 1, still: bool = False) -> dict[str, torch.Tensor]:
    """Three latent frames of 8 x 8; with `still`, a frame of noise repeated."""
    channels = MEMBERS[kind].get("out_dim", 16)
    samples = torch.zeros(batch, channels, 3, 8, 8)
    if still:
        samples = _noise(batch, channels, 1, 8, 8).expand(-1, -1, 3, -1, -1).contiguous() * 3
    return {"samples": samples}


def calling_back(model: Any, callback: Callable[[int], None]) -> Any:
    """A clone whose every evaluation calls back, through the host's post-CFG hook."""
    count = iter(range(1 << 30))

    def after(args: dict[str, Any]) -> torch.Tensor:
        callback(next(count))
        return args["denoised"]

    clone = model.clone()
    clone.set_model_sampler_post_cfg_function(after)
    return clone


def _noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(5))
