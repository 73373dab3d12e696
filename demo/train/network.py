"""Trains the small Wan 2.1 network and writes demo/models/wan_demo_t2v.safetensors.

Resumes from the last checkpoint, if there is one; exports at the end, or at once with --export.
"""

from __future__ import annotations

import argparse
import math
import time

import clips
import dataset
import host
import torch
from safetensors.torch import save_file
from torch import nn

host.import_host()
from comfy.ldm.wan.model import WanModel  # noqa: E402

CHECKPOINT = host.CACHE / "network.pt"
MODEL = host.MODELS / "wan_demo_t2v.safetensors"
ARCHITECTURE = {"dim": 128, "num_heads": 1, "ffn_dim": 512, "num_layers": 8}
BATCH = 8
SHIFT = 3.0  # the shift of the sampling recipe: noisy times get more of the training
DROPPED = 0.1  # of the captions, for classifier-free guidance


def build() -> nn.Module:
    """An untrained network, initialised about as the authors of Wan do."""
    torch.manual_seed(0)
    model = WanModel(**ARCHITECTURE, operations=nn, dtype=torch.float32, device="cpu")
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    nn.init.xavier_uniform_(model.patch_embedding.weight.flatten(1))
    nn.init.zeros_(model.patch_embedding.bias)
    nn.init.normal_(model.text_embedding[0].weight, std=0.02)
    for name, parameter in model.named_parameters():
        if name.endswith("modulation"):
            nn.init.normal_(parameter, std=ARCHITECTURE["dim"] ** -0.5)
    for block in model.blocks:
        # Wan's gates start near zero; open ones learn faster in a short training.
        block.modulation.data[:, [2, 5]] += 0.5
    nn.init.zeros_(model.head.head.weight)
    return model.to(host.device())


class Examples:
    """Random batches of latents, captions, noise and times; the same for the same step."""

    def __init__(self) -> None:
        self.latents = torch.load(dataset.FILE, weights_only=True)["latents"]
        self.captions = [clips.sample_clip(seed).caption for seed in range(len(self.latents))]

    def batch(self, step: int) -> tuple[torch.Tensor, ...]:
        """This worker's part of latents and noise [BATCH, 16, 9, 16, 16], times [BATCH] (1 is all noise),
        and text [BATCH, words, 4096].
        """
        generator = torch.Generator("cpu").manual_seed(step)
        chosen = torch.randint(len(self.latents), (BATCH,), generator=generator)
        clean = self.latents[chosen].float()
        noise = torch.randn(clean.shape, generator=generator)
        times = torch.randn(BATCH, generator=generator).sigmoid()
        times = SHIFT * times / (1 + (SHIFT - 1) * times)
        dropped = torch.rand(BATCH, generator=generator) < DROPPED
        text = [
            clips.words.encode("" if drop else self.captions[index])
            for index, drop in zip(chosen.tolist(), dropped.tolist(), strict=True)
        ]
        mine = slice(host.WORKER, None, host.WORKERS)
        return tuple(part[mine].to(host.device()) for part in (clean, noise, times, torch.cat(text)))


def loss_of(model: nn.Module, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Rectified flow: the network tells noise minus clean from a mix of both."""
    clean, noise, times, text = batch
    mix = torch.lerp(clean, noise, times.view(-1, 1, 1, 1, 1))
    with host.mixed_precision():
        velocity = model(mix, times * 1000, text)  # Wan counts time to 1000
    return (velocity.float() - (noise - clean)).square().mean()


def groups_of(model: nn.Module, learning_rate: float) -> list[dict]:
    """Optimiser groups: the wide text features would otherwise take far bigger steps than the rest."""
    wide = list(model.text_embedding[0].parameters())
    rest = [p for p in model.parameters() if all(p is not other for other in wide)]
    return [{"params": rest, "peak": learning_rate}, {"params": wide, "peak": learning_rate * 0.2}]


def export(average: dict[str, torch.Tensor]) -> None:
    """Writes the averaged weights as float16 under the keys of the official checkpoint."""
    MODEL.parent.mkdir(parents=True, exist_ok=True)
    partial = MODEL.with_suffix(".partial")
    save_file({name: value.half().cpu().contiguous() for name, value in average.items()}, partial)
    partial.replace(MODEL)


def train(steps: int, learning_rate: float, compiled: bool) -> None:
    """Trains from the last checkpoint, or from the start, to `steps` in all."""
    model, examples, step = build(), Examples(), 0
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.AdamW(groups_of(model, learning_rate), betas=(0.9, 0.99), weight_decay=0.01)
    if CHECKPOINT.exists():
        saved = torch.load(CHECKPOINT, map_location=host.device(), weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        average, step = saved["average"], saved["step"]
    if compiled:
        for block in model.blocks:
            block.compile()
    began, running = time.monotonic(), 1.0
    while step < steps:
        scale = min(1.0, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * scale
        loss = loss_of(model, examples.batch(step))
        optimizer.zero_grad()
        loss.backward()
        host.share_gradients(model)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        keep = min(0.998, (1 + step) / (20 + step))  # a young average forgets its start
        torch._foreach_lerp_(list(average.values()), list(model.state_dict().values()), 1 - keep)
        running += (loss.item() - running) / 50
        if step % 50 == 0 and host.WORKER == 0:
            print(f"step {step}/{steps}  loss {running:.4f}  {time.monotonic() - began:.0f} s", flush=True)
        if host.WORKER == 0 and (step % 250 == 0 or step == steps):
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            host.save(state | {"average": average, "step": step}, CHECKPOINT)
    if host.WORKER == 0:
        export(average)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--learning-rate", type=float, default=1.5e-3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--export", action="store_true", help="export the last checkpoint, without training")
    parser.add_argument("--compile", action="store_true", help="a third faster; needs a C++ compiler")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.export:
        export(torch.load(CHECKPOINT, map_location="cpu", weights_only=True)["average"])
        return
    host.join_workers()
    train(arguments.steps, arguments.learning_rate, arguments.compile)


if __name__ == "__main__":
    main()
