"""Makes videos with the exported weights, the way ComfyUI does, and a picture of them.

Without arguments: the picture of the model card, demo/models/samples.png.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from demo.train import clips, host

host.import_host()
import comfy.model_sampling  # noqa: E402
import comfy.sample  # noqa: E402
import comfy.sd  # noqa: E402
import comfy.utils  # noqa: E402

STEPS, CFG, SHIFT = 30, 3.0, 3.0
BATCH = 4  # a decoder takes far less for a video among others than for one alone
SHOWN = (0, 4, 8, 12, 16, 20, 24, 28, 32)  # frames of a row of the picture
PROMPTS = (
    "three yellow stars on a navy background, standing still",
    "one blue square and one red circle on a cream background, drifting slowly",
    "two green triangles on a gray background, moving fast",
    "one purple circle on a mint background, jumping erratically",
)


def load():
    """The network and the VAE, as UNETLoader, ModelSamplingSD3 and VAELoader load them."""
    model = comfy.sd.load_diffusion_model(str(host.MODELS / "wan_demo_t2v.safetensors"))

    class Sampling(comfy.model_sampling.ModelSamplingDiscreteFlow, comfy.model_sampling.CONST):
        pass

    sampling = Sampling(model.model.model_config)
    sampling.set_parameters(shift=SHIFT)
    model.add_object_patch("model_sampling", sampling)
    return model, comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(host.MODELS / "wan_demo_vae.safetensors")))


def sample(model, captions: list[str], seeds: list[int], cfg: float = CFG) -> torch.Tensor:
    """Latents of videos, [captions, 16, 9, 16, 16]: KSampler with euler and the simple scheduler."""
    empty = torch.zeros(1, 16, 9, clips.SIZE // 8, clips.SIZE // 8)
    return comfy.sample.sample(
        model,
        torch.cat([comfy.sample.prepare_noise(empty, seed) for seed in seeds]),
        STEPS,
        cfg,
        "euler",
        "simple",
        [[torch.cat([clips.words.encode(caption) for caption in captions]), {}]],
        [[clips.words.encode(""), {}]],
        empty.repeat(len(seeds), 1, 1, 1, 1),
        disable_pbar=True,
        seed=seeds[0],
    )


def sheet(videos: list[torch.Tensor], captions: list[str]) -> Image.Image:
    """One row of frames per video [33, 128, 128, 3], its caption above."""
    gap, band = 4, 18
    width = len(SHOWN) * (clips.SIZE + gap) + gap
    picture = Image.new("RGB", (width, len(videos) * (clips.SIZE + band + gap)), "white")
    draw = ImageDraw.Draw(picture)
    for row, (video, caption) in enumerate(zip(videos, captions, strict=True)):
        top = row * (clips.SIZE + band + gap)
        draw.text((gap, top + 3), caption, fill=(40, 40, 40))
        for column, frame in enumerate(SHOWN):
            pixels = (video[frame].clamp(0, 1) * 255).round().byte().numpy()
            picture.paste(Image.fromarray(pixels), (gap + column * (clips.SIZE + gap), top + band))
    return picture


@torch.no_grad()
def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=Path, help="a text file, one prompt a line")
    parser.add_argument("--out", type=Path, default=host.MODELS / "samples.png")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cfg", type=float, default=CFG)
    arguments = parser.parse_args()
    captions = arguments.prompts.read_text().splitlines() if arguments.prompts else list(PROMPTS)
    model, vae = load()
    videos = []
    for start in range(0, len(captions), BATCH):
        batch = captions[start : start + BATCH]
        seeds = list(range(arguments.seed + start, arguments.seed + start + len(batch)))
        began = time.monotonic()
        latents = sample(model, batch, seeds, arguments.cfg)
        sampled = time.monotonic()
        videos += vae.decode(latents)
        print(
            f"{len(batch)} sampled in {sampled - began:.1f} s, decoded in {time.monotonic() - sampled:.1f} s",
            flush=True,
        )
    picture = sheet(videos, captions)
    picture.quantize(palette=picture.quantize(256), dither=Image.Dither.FLOYDSTEINBERG).save(
        arguments.out, optimize=True
    )


if __name__ == "__main__":
    main()
