"""What is queued: mixed graphs, some of which are cancelled or fail."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from demo import host
from demo.client import Graph

PRESETS = (
    *("off", "balanced", "near-lossless", "fast", "turbo", "measure only"),
    *("as published (fast)", "as published (slow)"),
)
SAMPLERS = (
    *("euler", "uni_pc", "dpmpp_2m", "res_multistep", "heun", "dpm_2", "lms", "ddim", "deis"),
    *("euler_ancestral", "dpmpp_2m_sde", "lcm", "seeds_2"),
)
FAMILIES = ("Wan t2v", "HunyuanVideo 1.5", "LTX-Video", "Flux", "Lumina 2", "Mochi")
TRAINED = ""
"""In place of a family: the demo's own network, with its text."""


@dataclass(frozen=True)
class Case:
    """A graph whose latent is always the same."""

    family: str = TRAINED
    preset: str = "balanced"
    sampler: str = "euler"
    steps: int = 10
    size: int = 64
    frames: int = 5
    batch: int = 1
    denoise: float = 1.0
    moreg: bool = False
    seed: int = 1

    @property
    def name(self) -> str:
        what = self.family or f"demo {self.size}px {self.frames}f"
        more = f" batch {self.batch}" * (self.batch > 1) + " MoReg" * self.moreg
        more += f" denoise {self.denoise:g}" * (self.denoise < 1)
        return f"{what}, {self.preset}, {self.sampler}, {self.steps} steps, seed {self.seed}{more}"


class Failure(NamedTuple):
    """`kind` as `nodes.FAILURES` has it, at an evaluation from 1; above our wrappers, or below."""

    kind: str
    at: int
    below: bool


def cases(count: int, families: Sequence[str], seed: int = 0) -> list[Case]:
    """So many different ones, the same for a seed; every preset, sampler and family is among the first."""
    dice = random.Random(seed)
    places = [*families, *[TRAINED] * len(families)]
    found: dict[Case, None] = {}
    for n in range(100 * count):
        if len(found) == count:
            break
        family = places[n % len(places)]
        found[
            Case(
                family=family,
                preset=PRESETS[n % len(PRESETS)],
                sampler=SAMPLERS[n % len(SAMPLERS)],
                steps=dice.choice((9, 10, 12)),
                size=dice.choice((32, 48)),
                frames=dice.choice((1, 5)),
                batch=dice.choice((1, 1, 2)) if family == TRAINED else 1,
                denoise=dice.choice((1.0, 1.0, 0.6)) if family == TRAINED else 1.0,
                moreg=dice.random() < 0.3,
                seed=dice.randrange(1000),
            )
        ] = None
    return list(found)


def failure(dice: random.Random) -> Failure:
    return Failure(dice.choice(("memory", "error", "cancel")), dice.randint(1, 9), dice.random() < 0.5)


def graph(case: Case, salt: int, fails: Failure | None = None) -> Graph:
    """The graph to queue; the salt lets the host take nothing from its cache."""
    model, nodes = _given(case)
    if fails and fails.below:
        nodes["failure"] = _node("SoakFailure", model=model, kind=fails.kind, at=fails.at, salt=salt)
        model = ["failure", 0]
    # No run reuses so many steps in a row: it is the salt that makes the host run this node and the sampler anew.
    patch = {"sensitivity": 1.0, "start_percent": 0.0, "end_percent": 1.0, "cache_location": "auto"}
    patch["max_reuses"] = 20 + salt % 980
    nodes["adacache"] = _node("AdaCachePatchModel", model=model, preset=case.preset, **patch)
    model = ["adacache", 0]
    if case.moreg:
        moreg = {"strides": "1", "norm": 0.18, "power": 2.0, "divisor": 1.0, "gradient_weight": 1.0}
        nodes["moreg"] = _node("AdaCacheMoRegSettings", **moreg, first_step=0, last_step=0)
        nodes["adacache"]["inputs"]["moreg"] = ["moreg", 0]
    if fails and not fails.below:
        nodes["failure"] = _node("SoakFailure", model=model, kind=fails.kind, at=fails.at, salt=salt)
        model = ["failure", 0]
    nodes["sampler"]["inputs"]["model"] = model
    nodes["stats"] = _node("AdaCacheStats", value=["sampler", 0], handle=["adacache", 1])
    nodes["hash"] = _node("SoakHash", samples=["stats", 0], salt=salt)
    return nodes


def _given(case: Case) -> tuple[list, Graph]:
    """Model, prompts and latent, and the sampler on them."""
    if case.family:
        nodes = {"network": _node("SoakNetwork", name=case.family, batch=case.batch)}
        model, positive, negative, latent = (["network", slot] for slot in range(4))
    else:
        size = {"width": case.size, "height": case.size, "length": case.frames, "batch_size": case.batch}
        nodes = {
            "network": _node("UNETLoader", unet_name=host.NETWORK, weight_dtype="default"),
            "shift": _node("ModelSamplingSD3", model=["network", 0], shift=3.0),
            "prompt": _node("AdaCacheDemoTextEncode", caption="one red circle on a navy background, moving fast"),
            "negative": _node("AdaCacheDemoTextEncode", caption=""),
            "latent": _node("EmptyHunyuanLatentVideo", **size),
        }
        model, positive, negative, latent = ([name, 0] for name in ("shift", "prompt", "negative", "latent"))
    nodes["sampler"] = _node(
        "KSampler",
        model=model,
        positive=positive,
        negative=negative,
        latent_image=latent,
        seed=case.seed,
        steps=case.steps,
        cfg=3.0,
        sampler_name=case.sampler,
        scheduler="simple",
        denoise=case.denoise,
    )
    return model, nodes


def _node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}
