"""Text features of the demo network: one fixed pseudo-random vector per word.

A stand-in for a real text encoder. Training and the ComfyUI node both read
this module, so they can never disagree about a caption.
"""

from __future__ import annotations

import functools
import re
import zlib

import torch

COUNTS = ("one", "two", "three")
COLOURS = ("red", "yellow", "green", "blue", "purple")
SHAPES = ("circle", "square", "triangle", "star")
BACKGROUNDS = ("cream", "gray", "mint", "navy")
MOTIONS = {
    "still": "standing still",
    "slow": "drifting slowly",
    "fast": "moving fast",
    "erratic": "jumping erratically",
}

_GLUE = ("on", "a", "background", "and")
_PLURALS = tuple(shape + "s" for shape in SHAPES)
_MOTION_WORDS = tuple(word for phrase in MOTIONS.values() for word in phrase.split())
VOCABULARY = (*COUNTS, *COLOURS, *SHAPES, *_PLURALS, *BACKGROUNDS, *_MOTION_WORDS, *_GLUE)

TEXT_DIM = 4096  # what every Wan 2.1 network expects
MAX_WORDS = 20
_SCALE = 0.25  # about the standard deviation of real text features


def tokenize(caption: str) -> list[str]:
    """The words of a caption, or a ValueError that lists the words there are."""
    words = re.findall(r"[^\s,.;:!?]+", caption.lower())
    unknown = sorted(set(words) - set(VOCABULARY))
    if unknown:
        raise ValueError(
            f"AdaCacheDemoTextEncode: the demo network does not know {', '.join(map(repr, unknown))}. "
            f"It knows these words only: {', '.join(VOCABULARY)}. "
            "Example: 'two red circles on a cream background, drifting slowly'."
        )
    if len(words) > MAX_WORDS:
        raise ValueError(
            f"AdaCacheDemoTextEncode: the caption has {len(words)} words, "
            f"and the demo network reads at most {MAX_WORDS}."
        )
    return words


def encode(caption: str) -> torch.Tensor:
    """Text features of a caption, [1, MAX_WORDS, TEXT_DIM].

    Each row is a word vector plus a position vector, so "one red circle and
    two blue squares" differs from "two red circles and one blue square". Rows
    past the last word are zero, as in Wan's own text features; the empty
    caption is all zeros, the unconditional.
    """
    features = torch.zeros(1, MAX_WORDS, TEXT_DIM)
    for position, word in enumerate(tokenize(caption)):
        features[0, position] = vector(word) + place(position)
    return features


def place(position: int) -> torch.Tensor:
    """The vector [TEXT_DIM] of a position in the caption, from 0."""
    return vector(f"position {position}")


@functools.cache
def vector(name: str) -> torch.Tensor:
    """The fixed vector [TEXT_DIM] of a word."""
    # crc32, because Python's own hash() differs from one run to the next.
    generator = torch.Generator("cpu").manual_seed(zlib.crc32(name.encode()))
    return torch.randn(TEXT_DIM, generator=generator) * _SCALE
