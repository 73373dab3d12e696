"""Trains the small Wan 2.1 network and writes demo/models/wan_demo_t2v.safetensors.

Goes on from the exported weights with --resume.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from demo.train import clips, dataset, flow, host, trainer, vae

host.import_host()
from comfy.ldm.wan import model as wan  # noqa: E402

MODEL = host.MODELS / "wan_demo_t2v.safetensors"
ARCHITECTURE = {"dim": 256, "num_heads": 2, "ffn_dim": 640, "num_layers": 6}


def build(architecture: dict[str, int] = ARCHITECTURE) -> nn.Module:
    """An untrained network, initialised about as the authors of Wan do."""
    torch.manual_seed(0)
    model = wan.WanModel(**architecture, operations=nn, dtype=torch.float32, device="cpu")
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    nn.init.xavier_uniform_(model.patch_embedding.weight.flatten(1))
    nn.init.zeros_(model.patch_embedding.bias)
    nn.init.normal_(model.text_embedding[0].weight, std=0.02)
    for name, parameter in model.named_parameters():
        if name.endswith("modulation"):
            nn.init.normal_(parameter, std=architecture["dim"] ** -0.5)
    for block in model.blocks:
        # Wan's gates start near zero; open ones learn faster in a short training.
        block.modulation.data[:, [2, 5]] += 0.5
    nn.init.zeros_(model.head.head.weight)
    return model.to(host.device())


def _sinusoids(dim: int, position: torch.Tensor) -> torch.Tensor:
    """The host's embedding of times, without its copy from the CPU, which a CUDA graph cannot hold."""
    half = dim // 2
    angles = position.float()[:, None] * 10000.0 ** -(torch.arange(half, device=position.device) / half)
    return torch.cat((angles.cos(), angles.sin()), 1)


wan.sinusoidal_embedding_1d = _sinusoids


class Captions:
    """Features of the captions of `count` clips from seed `first` on, made on the device."""

    def __init__(self, count: int, first: int, device: torch.device) -> None:
        words = clips.words
        known = {word: number for number, word in enumerate(words.VOCABULARY, 1)}  # 0: no word
        numbers = torch.zeros(count, words.MAX_WORDS, dtype=torch.long)
        for row in range(count):
            told = [known[word] for word in words.tokenize(clips.sample_clip(first + row).caption)]
            numbers[row, : len(told)] = torch.tensor(told)
        self.numbers = numbers.to(device)
        vectors = [torch.zeros(words.TEXT_DIM), *map(words.vector, words.VOCABULARY)]
        self.vectors = torch.stack(vectors).to(device)
        self.places = torch.stack([words.place(position) for position in range(words.MAX_WORDS)]).to(device)

    def features(self, rows: torch.Tensor, told: torch.Tensor | None = None) -> torch.Tensor:
        """Text [rows, words, 4096] as words.encode makes it; where `told` [rows] is false, the empty caption's."""
        numbers = self.numbers[rows] if told is None else self.numbers[rows] * told[:, None]
        return self.vectors[numbers] + self.places * (numbers > 0)[..., None]


class Examples:
    """Random batches of latents and the features of their captions, drawn on the device."""

    def __init__(self, latents: torch.Tensor, batch: int, first: int) -> None:
        self.latents, self.size = latents, batch
        self.captions = Captions(len(latents), first, latents.device)

    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents [size, 16, 9, 16, 16] and text [size, words, 4096]."""
        chosen = torch.randint(len(self.latents), (self.size,), device=self.latents.device)
        return self.latents[chosen].float(), self.captions.features(chosen, flow.kept(self.size, chosen.device))


def loss_of(model: nn.Module, examples: Examples, between: tuple[float, float] = flow.ALL) -> torch.Tensor:
    """The loss of a fresh batch at times of a range."""
    clean, text = examples.batch()
    with host.mixed_precision():
        return flow.loss(lambda mix, times: model(mix, times * 1000, text), clean, between)  # Wan counts time to 1000


def export(state: dict[str, torch.Tensor], path: Path) -> None:
    """Writes weights as float16 under the keys of the official checkpoint."""
    partial = path.with_suffix(".partial")
    save_file({name: value.half().cpu().contiguous() for name, value in state.items()}, partial)
    partial.replace(path)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=36000)
    parser.add_argument("--learning-rate", type=float, default=1.25e-3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--clips", type=int, default=4000)
    parser.add_argument("--first-seed", type=int, default=0, help="of the clips; others than before, to go on")
    parser.add_argument("--encode-seconds", type=float, default=3600)
    parser.add_argument("--vae", type=Path, default=vae.MODEL)
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--resume", action="store_true", help="go on from the exported weights")
    parser.add_argument("--plain", action="store_true", help="without torch.compile")
    arguments = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    first = arguments.first_seed
    latents = dataset.load(arguments.clips, arguments.encode_seconds, arguments.vae, first)
    examples = Examples(latents, arguments.batch, first)
    model = build()
    if arguments.resume:
        model.load_state_dict(load_file(MODEL))
    run = trainer.Run(
        model,
        lambda: loss_of(model, examples),
        arguments.learning_rate,
        matrices=trainer.hidden_matrices(model.blocks),
        wide=model.text_embedding[0].parameters(),
        compiled=[] if arguments.plain else model.blocks,
    )
    run.train(arguments.seconds, lambda state: export(state, arguments.out))


if __name__ == "__main__":
    main()
