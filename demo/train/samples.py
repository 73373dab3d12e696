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


def sample(model, caption: str, seed: int, cfg: float = CFG) -> torch.Tensor:
    """Latent of one video, [1, 16, 9, 16, 16]: KSampler with euler and the simple scheduler."""
    empty = torch.zeros(1, 16, 9, clips.SIZE // 8, clips.SIZE // 8)
    return comfy.sample.sample(
        model,
        comfy.sample.prepare_noise(empty, seed),
        STEPS,
        cfg,
        "euler",
        "simple",
        [[clips.words.encode(caption), {}]],
        [[clips.words.encode(""), {}]],
        empty,
        disable_pbar=True,
        seed=seed,
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
    for index, caption in enumerate(captions):
        began = time.monotonic()
        latent = sample(model, caption, arguments.seed + index, arguments.cfg)
        sampled = time.monotonic()
        videos.append(vae.decode(latent)[0])
        change = (videos[-1][1:] - videos[-1][:-1]).abs().mean()
        print(
            f"{caption}: sampled in {sampled - began:.1f} s, decoded in {time.monotonic() - sampled:.1f} s, "
            f"change from frame to frame {change:.4f}",
            flush=True,
        )
    sheet(videos, captions).quantize(128).save(arguments.out, optimize=True)


if __name__ == "__main__":
    main()
