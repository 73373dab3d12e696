"""Latents without a trained VAE: blocks of pixels and their principal components, both ways linear."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from einops import rearrange
from safetensors import safe_open
from safetensors.torch import save_file

_BLOCKS = "n (f a) (h b) (w c) d -> n f h w (a b c d)"


@dataclass
class LinearLatents:
    """A basis [channels, values of a block], the mean block, and how much each channel is stretched."""

    block: tuple[int, int, int]  # frames, rows, columns of pixels behind one latent position
    basis: torch.Tensor
    mean: torch.Tensor
    stretch: torch.Tensor

    @classmethod
    def fit(cls, videos: torch.Tensor, block: tuple[int, int, int], channels: int) -> LinearLatents:
        """From videos [n, frames, rows, columns, 3], 0 to 1.

        The stretch halves the channels' spread on a logarithmic scale: a learned VAE's channels are about
        alike, but to make those of a plain basis quite alike would make noise of the fine ones.
        """
        values = rearrange(videos, _BLOCKS, a=block[0], b=block[1], c=block[2]).flatten(0, 3).float()
        mean = values.mean(0)
        spread, basis = torch.linalg.eigh((values - mean).T @ (values - mean) / len(values))
        spread, basis = spread.flip(0)[:channels].clamp(min=1e-8).sqrt(), basis.flip(1)[:, :channels].T
        stretch = spread.rsqrt()
        stretch = stretch / (spread * stretch).square().mean().sqrt()  # one in the mean of the channels
        return cls(block, basis.contiguous(), mean, stretch)

    def encode(self, videos: torch.Tensor) -> torch.Tensor:
        """Latents [n, channels, frames, rows, columns] of about unit spread."""
        values = rearrange(videos, _BLOCKS, a=self.block[0], b=self.block[1], c=self.block[2]).float()
        return (((values - self.mean) @ self.basis.T) * self.stretch).movedim(-1, 1)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Videos [n, frames, rows, columns, 3], 0 to 1."""
        values = (latents.movedim(1, -1).float() / self.stretch) @ self.basis + self.mean
        a, b, c = self.block
        return rearrange(values, "n f h w (a b c d) -> n (f a) (h b) (w c) d", a=a, b=b, c=c, d=3).clamp(0, 1)

    def save(self, path: Path, labels: list[str]) -> None:
        """Writes the basis in half precision, with the labels that the network was trained on."""
        tensors = {"basis": self.basis.half(), "mean": self.mean, "stretch": self.stretch}
        notes = {"block": json.dumps(self.block), "labels": json.dumps(labels)}
        save_file({name: value.cpu().contiguous() for name, value in tensors.items()}, path, notes)

    @classmethod
    def load(cls, path: Path) -> tuple[LinearLatents, list[str]]:
        """The latents and the network's labels."""
        with safe_open(path, "pt") as file:
            notes = file.metadata()
            parts = {name: file.get_tensor(name).float() for name in ("basis", "mean", "stretch")}
        return cls(tuple(json.loads(notes["block"])), **parts), json.loads(notes["labels"])
