"""What the recipes share: addresses of models, notes, and the pieces that most graphs have."""

from __future__ import annotations

from dataclasses import dataclass

from demo.templates.graph import Node, Note, Sheet, Subgraph

HUB = "https://huggingface.co"
WAN21 = f"{HUB}/Comfy-Org/Wan_2.1_ComfyUI_repackaged/resolve/main/split_files"
WAN22 = f"{HUB}/Comfy-Org/Wan_2.2_ComfyUI_Repackaged/resolve/main/split_files"
HUNYUAN = f"{HUB}/Comfy-Org/HunyuanVideo_1.5_repackaged/resolve/main/split_files"
QWEN = f"{HUB}/Comfy-Org/Qwen-Image_ComfyUI/resolve/main/split_files"
H3 = f"{HUB}/Comfy-Org/MiniMax-H3/resolve/main"
LTX2 = f"{HUB}/Lightricks/LTX-2/resolve/main"
LTX2_TEXT = f"{HUB}/Comfy-Org/ltx-2/resolve/main/split_files"

MODEL, SHOW, OURS, REST = "#3f789e", "#3f6b4f", "#6a5a9c", "#444"  # groups
WIDE, TALL, TEXT, PATCH = (460, 440), (420, 560), (400, 200), (360, 400)
FOX = "a fox running through fresh snow, morning light, the camera follows it"
FLAWS = "blurry, static, worst quality, jpeg artifacts, watermark, text"
OFF = Note(
    "See what it does",
    "**Ctrl+B** on AdaCache Patch Model bypasses it: queue again for the same video without caching. The preset "
    "**measure only** computes everything and shows what there is to reuse.\n\n**Shift+A** opens the panel, which "
    "shows every step as it is sampled.",
)
PRESET = Note(
    "The one choice: preset",
    "**near-lossless**, **balanced**, **fast**, **turbo** compute about 67, 50, 40 and 33 % of the "
    "steps.\n\nSomething went lost? One preset slower, or **sensitivity** above 1. Layout or motion changed? "
    "**start_percent** 0.1 to 0.2 computes all of the first steps.",
)


def unet(sheet: Sheet, url: str) -> Node:
    return sheet.add("UNETLoader", unet_name=file_of(url), models=(("diffusion_models", url),))


def clip(sheet: Sheet, url: str, kind: str) -> Node:
    return sheet.add("CLIPLoader", clip_name=file_of(url), type=kind, models=(("text_encoders", url),))


def vae(sheet: Sheet, url: str, **more: str) -> Node:
    return sheet.add("VAELoader", vae_name=file_of(url), models=(("vae", url),), **more)


def file_of(url: str) -> str:
    return url.rpartition("/")[2]


def texts(sheet: Sheet, encoder: Node, prompt: str, negative: str = FLAWS) -> tuple[Node, Node]:
    return (
        sheet.add("CLIPTextEncode", size=TEXT, clip=encoder, text=prompt, title="Prompt"),
        sheet.add("CLIPTextEncode", size=(400, 140), clip=encoder, text=negative, title="Negative prompt"),
    )


def patch(sheet: Sheet, model: Node, preset: str = "balanced", **more: object) -> Node:
    return sheet.add("AdaCachePatchModel", size=PATCH, model=model, preset=preset, **more)


def sampler(sheet: Sheet, model: Node, words: tuple[Node, Node], latent: Node, **more: object) -> Node:
    inputs = {"model": model, "positive": words[0], "negative": words[1], "latent_image": latent, "scheduler": "simple"}
    return sheet.add("KSampler", **inputs, **more)


def advanced(sheet: Sheet, guider: Node, sigmas: Node, latent: Node, name: str) -> tuple[Node, Node, Node]:
    noise = sheet.add("RandomNoise", noise_seed=1)
    choice = sheet.add("KSamplerSelect", sampler_name=name)
    inputs = {"noise": noise, "guider": guider, "sampler": choice, "sigmas": sigmas, "latent_image": latent}
    return noise, choice, sheet.add("SamplerCustomAdvanced", **inputs)


def stats(sheet: Sheet, handle: Node, value: Node, slot: int = 1, **more: object) -> Node:
    return sheet.add("AdaCacheStats", size=WIDE, handle=handle[slot], value=value, **more)


def video(sheet: Sheet, latent: Node, decoder: Node, fps: float, name: str) -> tuple[Node, Node, Node]:
    images = sheet.add("VAEDecode", samples=latent, vae=decoder)
    clip = sheet.add("CreateVideo", images=images, fps=fps)
    return images, clip, saved(sheet, clip, name)


def saved(sheet: Sheet, clip: Node, name: str) -> Node:
    return sheet.add(
        "SaveVideo", size=TALL, video=clip, filename_prefix=f"AdaCache/{name}", format="auto", codec="auto"
    )


def around(
    sheet: Sheet, inner: Subgraph, about: str, title: str, caution: str, name: str, few: str, image: str = ""
) -> None:
    """What lies around a subgraph: its picture if it takes one, what it did, and the video."""
    notes = (Note("About", about, 260),)
    given = {image: sheet.add("LoadImage", size=(340, 420), image="example.png")} if image else {}
    if image:
        sheet.column("1  Start", given[image], notes=notes, color=MODEL)
        notes = ()
    node = sheet.place(inner, (460, 560), **given)
    sheet.column("2  What to show" if image else "1  What to show", node, notes=(*notes, PRESET), color=SHOW)
    did = stats(sheet, node, node)
    sheet.column(
        "3  What it did" if image else "2  What it did", did, notes=(Note(title, caution, 160), OFF), color=OURS
    )
    sheet.column("4  Video" if image else "3  Video", saved(sheet, node, name), notes=(few_steps(few),))


def few_steps(which: str) -> Note:
    return Note(
        "Less with a few-step LoRA",
        f"{which}: each step changes much, so one or two of 5 to 8 are reused, and of 4 none. AdaCache is for the full "
        "20 steps, and for those who mind what such a LoRA does to motion.",
    )


@dataclass
class Wan:
    """The parts of Wan 2.1 text to video that every graph of it begins with."""

    model: Node
    vae: Node
    words: tuple[Node, Node]
    latent: Node


def wan(sheet: Sheet, about: str, *, look: Note, size: tuple[int, int] = (832, 480)) -> Wan:
    """The first two columns."""
    network = unet(sheet, f"{WAN21}/diffusion_models/wan2.1_t2v_1.3B_fp16.safetensors")
    encoder = clip(sheet, f"{WAN21}/text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors", "wan")
    decoder = vae(sheet, f"{WAN21}/vae/wan_2.1_vae.safetensors")
    shift = sheet.add("ModelSamplingSD3", model=network, shift=8.0)
    words = texts(sheet, encoder, FOX)
    latent = sheet.add("EmptyHunyuanLatentVideo", width=size[0], height=size[1], length=33, title="Size and length")
    sheet.column("1  Model", network, encoder, decoder, shift, notes=(Note("About", about, 260),), color=MODEL)
    sheet.column("2  What to show", *words, latent, notes=(look,), color=SHOW)
    return Wan(shift, decoder, words, latent)
