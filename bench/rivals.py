"""Other caches by their authors' or maintainers' own code, of diffusers, cache-dit and DiffSynth, beside ours.

    .venv/bin/python -m pip install ".[rivals]"
    .venv/bin/python -m bench.rivals --networks wan_real --videos 12

The host samples, 30 steps of Euler; where it calls the network, the same weights in diffusers' layout answer, under
another cache. Rows go into `results/rivals.jsonl` as they come, the first of each network saying how far the two
layouts differ without any cache, and are not measured again; the tables are written to `results/rivals.md`.
PSNR is of latents, against the host's own uncached ones.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import cache, partial
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn

from . import batches, others
from .hosted import Hosted
from .networks.families import NETWORKS
from .rows import rows_of
from .ways import OURS, PRESETS

RESULTS = Path(__file__).parent / "results"
STEPS = 30
LAYOUT = "diffusers, no cache"
NAMES = (batches.DEMO, *(name for name, network in NETWORKS.items() if network.layout == "wan"))
"""Networks of a layout that diffusers has, with its own conversion of names."""


class Other(NamedTuple):
    """A cache of somebody else's, with one setting.

    Attributes:
        enable: puts it on a network of diffusers', which has `now`: the noise level as that network is told it.
        by_video: whether what is computed follows the video, so that one batch would decide for all.
        joined: whether it wants both prompts in one call, the negative one first.
    """

    method: str
    setting: str
    enable: Callable[[nn.Module], None]
    by_video: bool = True
    joined: bool = False


class Counter:
    """Multiplications of linear layers and of attention, while a network is in it."""

    def __init__(self) -> None:
        self.total = 0

    @contextmanager
    def of(self, network: nn.Module) -> Iterator[None]:
        def linear(layer: nn.Linear, _: Any, out: Tensor) -> None:
            self.total += out.numel() * layer.in_features

        attend = torch.nn.functional.scaled_dot_product_attention

        def attention(query: Tensor, key: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            self.total += 2 * query.numel() * key.shape[-2]
            return attend(query, key, *args, **kwargs)

        hooks = [m.register_forward_hook(linear) for m in network.modules() if isinstance(m, nn.Linear)]
        with mock.patch.object(torch.nn.functional, "scaled_dot_product_attention", attention):
            yield
        for hook in hooks:
            hook.remove()


def converted(network: nn.Module) -> nn.Module:
    """The host's Wan network in diffusers' layout."""
    from diffusers import WanTransformer3DModel
    from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers

    same = ("freq_dim", "ffn_dim", "num_layers", "cross_attn_norm", "eps", "text_dim")
    theirs = WanTransformer3DModel(
        patch_size=tuple(network.patch_size),
        num_attention_heads=network.num_heads,
        attention_head_dim=network.dim // network.num_heads,
        in_channels=network.in_dim,
        out_channels=network.out_dim,
        **{name: getattr(network, name) for name in same},
    )
    theirs.load_state_dict(convert_wan_transformer_to_diffusers(dict(network.state_dict())))
    return theirs.eval().to(next(network.parameters()).device)


@contextmanager
def answered(network: nn.Module, other: Other | None) -> Iterator[Counter]:
    """The host's network with diffusers' in its stead, as diffusers' own pipeline calls it."""
    theirs, counter, step = converted(network), Counter(), iter(range(STEPS))
    if other is not None:
        other.enable(theirs)

    def forward(x: Tensor, timestep: Tensor, context: Tensor, transformer_options: dict, **_: Any) -> Tensor:
        kinds = transformer_options["cond_or_uncond"]  # 0 positive, 1 negative: one chunk of rows each
        parts = (given.chunk(len(kinds)) for given in (x, timestep, context))
        chunks = dict(zip(kinds, zip(*parts, strict=True), strict=True))
        theirs.now = float(timestep[0])
        where = {"step_index": next(step), "sigma": theirs.now / 1000, "num_inference_steps": STEPS}

        def ask(name: str, hidden_states: Tensor, timestep: Tensor, encoder_hidden_states: Tensor) -> Tensor:
            with theirs.cache_context(name, **where):
                return theirs(
                    hidden_states=hidden_states,
                    timestep=timestep,
                    encoder_hidden_states=encoder_hidden_states,
                    return_dict=False,
                )[0]

        if other is not None and other.joined:
            both = ask("both", *(torch.cat(pair) for pair in zip(chunks[1], chunks[0], strict=True)))
            answers = dict(zip((1, 0), both.chunk(2), strict=True))
        else:
            answers = {kind: ask(name, *chunks[kind]) for kind, name in enumerate(("cond", "uncond"))}
        return torch.cat([answers[kind] for kind in kinds])

    network.forward = forward
    try:
        with counter.of(theirs):
            yield counter
    finally:
        del network.forward


class TeaCached(nn.Module):
    """All blocks in one, asked for where DiffSynth's TeaCache says so, as DiffSynth's own pipeline does.

    Attributes:
        changes: at each computed step after the first, by how much its input and what the blocks add changed.
    """

    def __init__(self, blocks: nn.ModuleList, threshold: float, curve: Sequence[float]) -> None:
        from diffsynth.pipelines.wan_video import TeaCache

        super().__init__()
        self.blocks, self.changes = blocks, []
        self.rules = [TeaCache(STEPS, threshold, "Wan2.1-T2V-1.3B") for _ in range(2)]  # of the two prompts, in turn
        for rule in self.rules:
            rule.coefficients = curve

    def forward(self, hidden: Tensor, context: Tensor, modulation: Tensor, rotary: Any) -> Tensor:
        rule, before = self.rules[0], (self.rules[0].previous_modulated_input, self.rules[0].previous_residual)
        self.rules.reverse()
        if rule.check(None, hidden, modulation):
            return rule.update(hidden)
        for block in self.blocks:
            hidden = block(hidden, context, modulation, rotary)
        rule.store(hidden)
        if before[0] is not None:
            now = (modulation, rule.previous_residual)
            self.changes.append(
                [float((n - b).abs().mean() / b.abs().mean()) for n, b in zip(now, before, strict=True)]
            )
        return hidden


def caches(ratios: Callable[[], list[float]], curve: Callable[[], list[float]]) -> list[Other]:
    """All of them. `ratios` measures MagCache's, `curve` TeaCache's: they are numbers of the network."""
    import cache_dit
    import diffusers

    def settings(network: nn.Module, kind: str, **options: Any) -> None:
        network.enable_cache(getattr(diffusers, f"{kind}Config")(**options))

    def sea(network: nn.Module, threshold: float) -> None:
        settings(network, "SeaCache", threshold=threshold, max_consecutive_cached=0)

    def first(network: nn.Module, threshold: float) -> None:
        settings(network, "FirstBlockCache", threshold=threshold)

    def mag(network: nn.Module, threshold: float) -> None:
        given = {"max_skip_steps": 4, "num_inference_steps": STEPS, "mag_ratios": ratios()}
        settings(network, "MagCache", threshold=threshold, **given)

    def tea(network: nn.Module, threshold: float) -> None:
        network.blocks = nn.ModuleList([TeaCached(network.blocks, threshold, curve())])

    def taylor(network: nn.Module, interval: int) -> None:  # whole steps: lite mode
        given = {"disable_cache_before_step": 5, "taylor_factors_dtype": torch.float32, "use_lite_mode": True}
        settings(network, "TaylorSeerCache", cache_interval=interval, **given)

    def broadcast(network: nn.Module) -> None:
        given = {"spatial_attention_block_skip_range": 2, "cross_attention_block_skip_range": 6}
        settings(network, "PyramidAttentionBroadcast", current_timestep_callback=lambda: network.now, **given)

    def faster(network: nn.Module) -> None:
        settings(network, "FasterCache", current_timestep_callback=lambda: network.now)

    def dual(network: nn.Module, setting: float | str, calibrator: Any) -> None:
        given: dict[str, Any] = {"Fn_compute_blocks": 1, "max_warmup_steps": 4}
        if isinstance(setting, str):
            mask = cache_dit.steps_mask(mask_policy=setting, total_steps=STEPS)
            given |= {"steps_computation_mask": mask, "steps_computation_policy": "static"}
        else:
            given["residual_diff_threshold"] = setting
        config = cache_dit.DBCacheConfig(**given, enable_separate_cfg=True, num_inference_steps=STEPS)
        cache_dit.enable_cache(network, cache_config=config, calibrator_config=calibrator and calibrator())

    def several(method: str, enable: Callable[..., None], values: Sequence[Any], **kind: Any) -> list[Other]:
        return [Other(method, f"{v}", lambda network, v=v: enable(network, v), **kind) for v in values]

    found = several("SeaCache", sea, (0.2, 0.3, 0.4)) + several("First Block Cache", first, (0.12, 0.2, 0.35))
    found += several("MagCache", mag, (0.03, 0.06, 0.2), by_video=False)
    found += several("TeaCache", tea, (0.1, 0.2, 0.3), by_video=False)
    found += several("TaylorSeer", taylor, (2, 3, 4, 5), by_video=False)
    found.append(Other("PAB", "2/6", broadcast, by_video=False, joined=True))
    found.append(Other("FasterCache", "", faster, by_video=False, joined=True))
    calibrators = {
        "": None,
        " + TaylorSeer": cache_dit.TaylorSeerCalibratorConfig,
        " + FoCa": cache_dit.FoCaCalibratorConfig,
        " + DMD": cache_dit.DMDCalibratorConfig,
    }
    for name, calibrator in calibrators.items():
        enable = partial(dual, calibrator=calibrator)
        found += several(f"DBCache{name}", enable, (0.12, 0.2, 0.35))
        found += several(f"step mask{name}", enable, ("medium", "fast", "ultra") if name else (), by_video=False)
    return found


def changes(of: batches.Subject) -> list[float]:
    """TeaCache's polynomial, of the change of what the blocks add for a change of their input, as its paper fits it."""
    kept: list[TeaCached] = []

    def watch(network: nn.Module) -> None:
        kept.append(TeaCached(network.blocks, -1.0, [0.0]))
        network.blocks = nn.ModuleList(kept)

    with answered(module(of), Other("", "", watch)):
        of.sample(of.model, STEPS)
    inputs, outputs = zip(*kept[0].changes, strict=True)
    return np.polyfit(inputs, outputs, 4).tolist()


def magnitudes(of: batches.Subject) -> list[float]:
    """MagCache's ratios by its own calibration."""
    from diffusers import MagCacheConfig

    config = MagCacheConfig(calibrate=True, num_inference_steps=STEPS)
    told = io.StringIO()
    with redirect_stdout(told), answered(module(of), Other("", "", lambda n: n.enable_cache(config))):
        of.sample(of.model, STEPS)
    return ast.literal_eval(re.findall(r"^\[[\d.].*\]$", told.getvalue(), re.MULTILINE)[0])


def module(of: batches.Subject) -> nn.Module:
    return of.model.model.diffusion_model


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.rivals", description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--videos", type=int, default=12)
    parser.add_argument("--methods", nargs="+", help="only these (default: all)")
    parser.add_argument("--out", type=Path, default=RESULTS / "rivals.jsonl")
    options = parser.parse_args()
    at = batches.hosted("nodes_easycache.py")
    logging.getLogger("cache_dit").setLevel(logging.ERROR)
    for name in options.networks:
        have = {(row["network"], row["method"], row["setting"]) for row in rows_of(options.out)}
        of, expected = batches.subject(name, at, options.videos), None
        for (method, setting), sample in ways(of, at).items():
            if (name, method, setting) in have or method not in (options.methods or [method]):
                continue
            expected = of.sample(of.model, STEPS) if expected is None else expected
            computed, latents = sample()
            row = {"network": name, "method": method, "setting": setting}
            row |= {"computed": [round(count, 2) for count in computed]}
            row |= {"psnr": [round(value, 2) for value in batches.psnr(latents, expected)]}
            with options.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(name, method, setting, f"{mean(computed):.1f} {mean(row['psnr']):.1f}", flush=True)
        options.out.with_suffix(".md").write_text(tables(rows_of(options.out)))


def ways(of: batches.Subject, at: Hosted) -> dict[tuple[str, str], Callable[[], tuple[list[float], Tensor]]]:
    """By method and setting, what gives the computed steps of each video and the latents."""
    alone = batches.each(of)
    network = module(of)
    full = Counter()  # of the network without a cache

    def patched(preset: str) -> tuple[list[float], Tensor]:
        model, trace = at.patched(of.model, preset=preset)
        latents = of.sample(model, STEPS)
        return [trace().computed] * len(alone), latents

    def fewer(count: int) -> tuple[list[float], Tensor]:
        return [count] * len(alone), of.sample(of.model, count)

    def easy(threshold: float) -> tuple[list[float], Tensor]:
        counts, latents = [], []
        for one in alone:
            calls: list[int] = []
            hook = network.blocks[-1].register_forward_hook(lambda *_, calls=calls: calls.append(1))
            latents.append(one.sample(at.their_cache("EasyCache", one.model, threshold), STEPS))
            hook.remove()
            counts.append(float(len(calls)))
        return counts, torch.cat(latents)

    def uncached() -> tuple[list[float], Tensor]:
        with answered(network, None) as counter:
            latents = of.sample(of.model, STEPS)
        full.total = counter.total
        return [STEPS] * len(alone), latents

    def under(other: Other) -> tuple[list[float], Tensor]:
        if not full.total:
            uncached()
        counts, latents = [], []
        for part in alone if other.by_video else [of]:
            with answered(network, other) as counter:
                latents.append(part.sample(part.model, STEPS))
            counts += [STEPS * counter.total / full.total * len(alone) / len(part.seeds)] * len(part.seeds)
        return counts, torch.cat(latents)

    found: dict[tuple[str, str], Any] = {(LAYOUT, ""): uncached}
    found |= {(OURS, preset): lambda p=preset: patched(p) for preset in PRESETS}
    found |= {("fewer steps", f"{n}"): lambda n=n: fewer(n) for n in (10, 12, 15, 20)}
    found |= {("EasyCache", f"{t:g}"): lambda t=t: easy(t) for t in (0.05, 0.1, 0.2, 0.3)}
    apart = cache(lambda: batches.subject(of.name, at, 3, 4242))  # not among those compared
    given = caches(cache(lambda: magnitudes(apart())), cache(lambda: changes(apart())))
    return found | {(c.method, c.setting): lambda c=c: under(c) for c in given}


def tables(rows: list[dict[str, Any]]) -> str:
    """For each network all ways, and the presets beside the best other at as many computed steps."""
    parts = [f"PSNR of latents in dB against the host's uncached video, {STEPS} steps of Euler."]
    for name in dict.fromkeys(row["network"] for row in rows):
        mine = [row for row in rows if row["network"] == name]
        videos = {
            f"{r['method']} {r['setting']}".strip(): list(zip(r["computed"], r["psnr"], strict=True)) for r in mine
        }
        parts.append(f"## {name}, {len(mine[0]['psnr'])} videos\n\n{others.table(videos)}")
        parts.append(f"### At equal computed steps\n\n{at_equal(mine)}")
    return "\n\n".join(parts) + "\n"


def at_equal(rows: list[dict[str, Any]]) -> str:
    """Each preset beside the best other: mean, lowest tenth, worst, and the video where a preset is least ahead."""
    methods: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["method"] not in (OURS, LAYOUT):
            methods.setdefault(row["method"], []).append(row)
    kinds = {"mean": mean, "lowest tenth": lambda values: float(np.percentile(values, 10)), "worst": min}
    lines = ["| preset | computed | what | ours | best other | which | ahead |", "|---|--:|---|--:|--:|---|--:|"]
    for ours in (row for row in rows if row["method"] == OURS):
        count, compared = ours["computed"][0], []
        for what, value in kinds.items():
            read = {m: reading([(mean(r["computed"]), value(r["psnr"])) for r in found], count)
                    for m, found in methods.items()}  # fmt: skip
            compared.append((what, value(ours["psnr"]), read))
        singles = []
        for n, psnr in enumerate(ours["psnr"]):
            read = {
                m: reading([(r["computed"][n], r["psnr"][n]) for r in found], count) for m, found in methods.items()
            }
            singles.append((f"closest, video {n + 1}", psnr, read))
        compared.append(min(singles, key=lambda one: one[1] - max(one[2].values())))
        for what, value, read in compared:
            which = max(read, key=read.__getitem__)
            if np.isfinite(read[which]):
                cells = [ours["setting"], f"{count:g}", what, f"{value:.1f}", f"{read[which]:.1f}", which]
                lines.append("| " + " | ".join([*cells, f"{value - read[which]:+.1f}"]) + " |")
    return "\n".join(lines)


def reading(points: Sequence[tuple[float, float]], computed: float) -> float:
    """A frontier read off on the line between neighbouring settings; -inf beyond a third of a step from its ends."""
    counts, values = zip(*sorted(points), strict=True)
    inside = counts[0] - 0.3 <= computed <= counts[-1] + 0.3
    return float(np.interp(computed, counts, values)) if inside else -np.inf


if __name__ == "__main__":
    main()
