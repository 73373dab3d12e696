"""What the example workflows are made of: the official templates' models, sizes and steps, with AdaCache in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from demo import host
from demo.templates.graph import BYPASSED, MUTED, Node, Note, Sheet, Subgraph
from demo.workflow import FPS, MOREG, NEGATIVE, OPENED, SHIFT, Shot

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


@dataclass(frozen=True)
class Recipe:
    """A template's file name, the oldest ComfyUI that has its nodes, and what builds it."""

    name: str
    since: str
    build: Callable[[Sheet], None]


def unet(sheet: Sheet, url: str) -> Node:
    return sheet.add("UNETLoader", unet_name=_file(url), models=(("diffusion_models", url),))


def clip(sheet: Sheet, url: str, kind: str) -> Node:
    return sheet.add("CLIPLoader", clip_name=_file(url), type=kind, models=(("text_encoders", url),))


def vae(sheet: Sheet, url: str, **more: str) -> Node:
    return sheet.add("VAELoader", vae_name=_file(url), models=(("vae", url),), **more)


def _file(url: str) -> str:
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


WAN_STEPS = {"steps": 30, "cfg": 6.0, "sampler_name": "uni_pc"}


def wan_text_to_video(sheet: Sheet) -> None:
    parts = wan(
        sheet,
        "**Wan 2.1 text to video with AdaCache.**\n\nAdaCache Patch Model goes between the model (after LoRAs and "
        "shift) and the sampler. Everything else is an ordinary Wan graph, and your own Wan 2.1 files work as well.",
        look=PRESET,
    )
    moreg = sheet.add("AdaCacheMoRegSettings", size=(360, 300), mode=BYPASSED)
    node = patch(sheet, parts.model, moreg=moreg)
    moved = Note(
        "MoReg Settings",
        "Bypassed. Switched on with Ctrl+B, videos with much motion compute more steps, still ones fewer. Set "
        "**norm** to the motion score that Cache Stats shows for a usual video of your model.",
    )
    sheet.column("3  AdaCache", node, moreg, notes=(moved,), color=OURS)
    sample = sampler(sheet, node, parts.words, parts.latent, seed=1, **WAN_STEPS)
    sheet.column("4  Sample", sample, stats(sheet, node, sample), notes=(OFF,))
    sheet.column("5  Video", *video(sheet, sample, parts.vae, 16.0, "wan"))


def wan_calibrate(sheet: Sheet) -> None:
    about = (
        "**AdaCache calibrated for your own model.**\n\nThe published thresholds were made for another model. This "
        "graph measures yours once, proposes a codebook for the speed that you ask for, and samples with it at "
        "once.\n\nPut in your own model, prompt, size and steps."
    )
    look = Note(
        "One run, better three",
        "Queue three prompts that differ in motion, then set **runs** in Calibrate to *all measured runs of this "
        "session* and queue once more.",
    )
    parts = wan(sheet, about, look=look)
    measuring = patch(sheet, parts.model, "measure only", title="Measure: nothing is reused")
    measured = sampler(sheet, measuring, parts.words, parts.latent, seed=1, title="Sample, measured", **WAN_STEPS)
    full = Note("1  Measure", "**measure only** computes every step, so this sampler takes its full time.", 140)
    sheet.column("3  Measure once", measuring, measured, notes=(full,), color=OURS)
    inputs = {"handle": measuring[1], "value": measured, "target": "speed-up (x)", "amount": 2.0, "save_as": "my wan"}
    calibrate = sheet.add("AdaCacheCalibrate", size=(420, 700), **inputs)
    wish = Note(
        "2  Calibrate",
        "**amount** 2 asks for twice the speed of sampling. The report says what to expect. It is saved as **my "
        "wan**, and **text** can be shared.",
    )
    sheet.column("4  Calibrate", calibrate, notes=(wish,), color=OURS)
    more = {"codebook": calibrate[0], "moreg": calibrate[1], "sensitivity": calibrate[2]}
    using = patch(sheet, parts.model, title="Use it: balanced + your codebook", **more)
    sample = sampler(sheet, using, parts.words, parts.latent, seed=2, title="Sample, calibrated", **WAN_STEPS)
    later = Note(
        "3  Use it",
        "From now on delete columns 3 and 4, and connect **AdaCache Load Calibration** with the name *my wan* "
        "here.\n\n**plan** into *locked_schedule*, without the codebook, is closer where the report says so, for "
        "this step count.",
    )
    sheet.column("5  Use it", using, sample, notes=(later,))
    sheet.column("6  What it did", stats(sheet, using, sample), color=OURS)
    sheet.column("7  Video", *video(sheet, sample, parts.vae, 16.0, "wan_calibrated"))


def wan_sweep(sheet: Sheet) -> None:
    about = (
        "**Choose a setting of AdaCache by eye.**\n\nThe video is made once without caching and once with each of "
        "the values, one after the other, in one queue. The sheet shows them beside each other."
    )
    look = Note(
        "Take less while you look",
        "Four values take as long as five videos, less what caching saves. A small size, few frames and one prompt "
        "are enough to choose.\n\nCancel at any time: what was made is kept, and queueing again goes on from there.",
    )
    parts = wan(sheet, about, look=look)
    node = patch(sheet, parts.model)
    vary = Note(
        "What to vary",
        "**vary** is a setting of AdaCache Patch Model, **values** what it takes: `turbo, fast, balanced` for "
        "preset, `1 2 4 8` for sensitivity.\n\nAdd a value and queue again: only that one is sampled.",
    )
    sheet.column("3  AdaCache", node, notes=(vary,), color=OURS)
    sample = sampler(sheet, node, parts.words, parts.latent, seed=1, **WAN_STEPS)
    images = sheet.add("VAEDecode", samples=sample, vae=parts.vae)
    sheet.column("4  Sample", sample, images)
    inputs = {"vary": "preset", "values": "turbo, fast, balanced, near-lossless"}
    sweep = sheet.add("AdaCacheSweep", size=(620, 900), images=images, handle=node[1], **inputs)
    sheet.column("5  Sweep", sweep, color=OURS)
    sheet_of = sheet.add("SaveImage", size=TALL, images=sweep, filename_prefix="AdaCache/sweep", title="Save the sheet")
    plot = sheet.add(
        "SaveImage", size=TALL, images=sweep[1], filename_prefix="AdaCache/sweep_plot", title="Save the plot"
    )
    sheet.column("6  Keep", sheet_of, plot)


def wan_compare(sheet: Sheet) -> None:
    about = (
        "**How far is a cached video from the uncached one?**\n\nThe same seed is sampled twice, with AdaCache and "
        "without. Compare measures the difference, shows where it lies, and says in words what it means."
    )
    parts = wan(sheet, about, look=PRESET)
    node = patch(sheet, parts.model)
    sheet.column("3  AdaCache", node, notes=(OFF,), color=OURS)
    cached = sampler(sheet, node, parts.words, parts.latent, seed=1, title="With AdaCache", **WAN_STEPS)
    plain = sampler(sheet, parts.model, parts.words, parts.latent, seed=1, title="Without", **WAN_STEPS)
    seeds = Note(
        "One seed", "Both samplers must have the same seed, steps and size: else two videos are compared.", 140
    )
    sheet.column("4  Sample twice", cached, plain, notes=(seeds,))
    both = [sheet.add("VAEDecode", samples=one, vae=parts.vae) for one in (cached, plain)]
    sheet.column("5  Decode", *both)
    compare = sheet.add("AdaCacheCompare", size=(620, 700), images=both[0], reference=both[1])
    floor = Note(
        "How close is close enough?",
        "Look at the video first. From 38 dB up, two videos are hard to tell apart. Large models differ from "
        "themselves: MiniMax H3 made on another set of cards has been reported at 21 to 22 dB from the same "
        "seed.\n\nThe uncached video of **another seed** into *another_seed* shows how far apart two videos are "
        "anyway.",
    )
    sheet.column("6  Compare", compare, stats(sheet, node, cached), notes=(floor,), color=OURS)
    shown = sheet.add("CreateVideo", images=compare, fps=16.0)
    sheet.column("7  Video", shown, saved(sheet, shown, "compare"))


def wan_drafts(sheet: Sheet) -> None:
    about = (
        "**Draft four seeds, make the best one whole.**\n\nturbo makes four drafts in the time of less than two "
        "full videos. The final is the same seed without AdaCache: nothing of the draft is in it."
    )
    how = Note(
        "How to use it",
        "1. Queue: four drafts.\n2. Choose one, and type its seed into **The final**.\n3. Select group 5, press "
        "**Ctrl+M**, and queue again. The drafts are kept and not made anew.",
    )
    parts = wan(sheet, about, look=how)
    node = patch(sheet, parts.model, "turbo")
    order = Note(
        "Do drafts tell?",
        "turbo keeps layout and motion of the seed. On the demo's small network the draft that ranked first was "
        "nearly always the final that ranked first: bench/results/drafts.md.",
    )
    sheet.column("3  AdaCache", node, notes=(order,), color=OURS)
    last = node
    for seed in (1, 2, 3, 4):
        last = sampler(sheet, node, parts.words, parts.latent, seed=seed, title=f"Draft {seed}", **WAN_STEPS)
        sheet.column(f"4  Draft {seed}", last, *video(sheet, last, parts.vae, 16.0, f"draft_{seed}"))
    final = sampler(sheet, parts.model, parts.words, parts.latent, seed=1, title="The final: seed", **WAN_STEPS)
    whole = (final, *video(sheet, final, parts.vae, 16.0, "final"))
    for one in whole:
        one.mode = MUTED
    sheet.column("5  The final (muted until you have chosen)", *whole, color=SHOW)
    sheet.column("6  What it did", stats(sheet, node, last), color=OURS)


def wan_lock_schedule(sheet: Sheet) -> None:
    about = (
        "**Draft small, then repeat its decisions large.**\n\nThe draft decides which steps are computed. Its "
        "schedule goes into the final's AdaCache, so the final takes the same steps and its time is known "
        "beforehand."
    )
    look = Note(
        "The step count must agree",
        "A schedule is for one number of steps: give both samplers the same. Seed, prompt and size may "
        "differ.\n\nSwitch the final off with Ctrl+M on groups 5 and 6 while you draft.",
    )
    parts = wan(sheet, about, look=look, size=(416, 240))
    draft = patch(sheet, parts.model, "fast", title="Draft: decides")
    small = sampler(sheet, draft, parts.words, parts.latent, seed=1, title="Sample the draft", **WAN_STEPS)
    decided = stats(sheet, draft, small)
    sheet.column("3  Draft", draft, small, color=OURS)
    keep = Note(
        "Keep a schedule",
        "Copy what **schedule** gives into *locked_schedule*, as text: then the draft need not be sampled again. "
        "The panel does it with one button.",
    )
    sheet.column("4  Its schedule", decided, *video(sheet, small, parts.vae, 16.0, "draft"), notes=(keep,), color=OURS)
    size = {"width": 832, "height": 480, "length": 33}
    latent = sheet.add("EmptyHunyuanLatentVideo", title="The final's size and length", **size)
    locked = patch(sheet, parts.model, "fast", locked_schedule=decided[7], title="Final: repeats")
    large = sampler(sheet, locked, parts.words, latent, seed=1, title="Sample the final", **WAN_STEPS)
    sheet.column("5  Final", latent, locked, large, color=SHOW)
    sheet.column("6  Video", *video(sheet, large, parts.vae, 16.0, "final"))


def wan22_image_to_video(sheet: Sheet) -> None:
    inner = sheet.inside("Image to Video (Wan 2.2, two experts)")
    experts = [
        unet(inner, f"{WAN22}/diffusion_models/wan2.2_i2v_{part}_noise_14B_fp8_scaled.safetensors")
        for part in ("high", "low")
    ]
    encoder = clip(inner, f"{WAN21}/text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors", "wan")
    decoder = vae(inner, f"{WAN22}/vae/wan_2.1_vae.safetensors")
    inner.column("Models", *experts, encoder, decoder, color=MODEL)
    shifts = [inner.add("ModelSamplingSD3", model=one, shift=5.0) for one in experts]
    nodes = [
        patch(inner, one, title=f"AdaCache, {part} noise") for one, part in zip(shifts, ("high", "low"), strict=True)
    ]
    inner.column("AdaCache: one node for each expert", *shifts, *nodes, color=OURS)
    words = texts(inner, encoder, "the subject turns its head and looks at the camera, which moves slowly closer")
    size = {"width": 640, "height": 640, "length": 81}
    start = inner.add("WanImageToVideo", positive=words[0], negative=words[1], vae=decoder, **size)
    inner.column("What to show", *words, start, color=SHOW)
    common = {
        "steps": 20,
        "cfg": 3.5,
        "sampler_name": "euler",
        "scheduler": "simple",
        "positive": start[0],
        "negative": start[1],
    }
    first = {"add_noise": "enable", "start_at_step": 0, "end_at_step": 10, "return_with_leftover_noise": "enable"}
    second = {
        "add_noise": "disable",
        "start_at_step": 10,
        "end_at_step": 10000,
        "return_with_leftover_noise": "disable",
    }
    high = inner.add("KSamplerAdvanced", model=nodes[0], latent_image=start[2], noise_seed=1, **common, **first)
    low = inner.add("KSamplerAdvanced", model=nodes[1], latent_image=high, noise_seed=0, **common, **second)
    inner.column("Sample: steps 1 to 10, then 11 to 20", high, low)
    images = inner.add("VAEDecode", samples=low, vae=decoder)
    clip_of = inner.add("CreateVideo", images=images, fps=16.0)
    inner.column("Video", images, clip_of)
    inner.inlet("start_image", (start, "start_image"))
    for name, *targets in (
        ("prompt", (words[0], "text")),
        ("width", (start, "width")),
        ("height", (start, "height")),
        ("length", (start, "length")),
        ("noise_seed", (high, "noise_seed")),
        ("preset", (nodes[0], "preset"), (nodes[1], "preset")),
    ):
        inner.inlet(name, *targets)
    inner.outlets = [("VIDEO", clip_of[0]), ("high_noise", nodes[0][1]), ("low_noise", nodes[1][1])]

    image = sheet.add("LoadImage", size=(340, 420), image="example.png")
    about = Note(
        "About",
        "**Wan 2.2 14B image to video with AdaCache.**\n\nThe official graph, with one AdaCache Patch Model for "
        "each expert inside (double-click the big node). Both get its **preset**.",
    )
    sheet.column("1  Start", image, notes=(about,), color=MODEL)
    node = sheet.place(inner, (460, 520), start_image=image)
    sheet.column("2  What to show", node, notes=(PRESET, _few_steps("4-step LoRAs (lightx2v)")), color=SHOW)
    both = [
        stats(sheet, node, node, slot, title=f"Cache Stats, {part} noise") for slot, part in ((1, "high"), (2, "low"))
    ]
    sheet.column("3  What it did", *both, notes=(OFF,), color=OURS)
    sheet.column("4  Video", saved(sheet, node, "wan22_i2v"))


def _few_steps(which: str) -> Note:
    return Note(
        "Not with a few-step LoRA",
        f"{which} leave nothing to reuse: each step changes much. AdaCache is for the full 20 steps, and for those "
        "who mind what such a LoRA does to motion. Below 9 steps it computes all and says so.",
    )


def wan22_5b(sheet: Sheet) -> None:
    network = unet(sheet, f"{WAN22}/diffusion_models/wan2.2_ti2v_5B_fp16.safetensors")
    encoder = clip(sheet, f"{WAN21}/text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors", "wan")
    decoder = vae(sheet, f"{WAN22}/vae/wan2.2_vae.safetensors")
    shift = sheet.add("ModelSamplingSD3", model=network, shift=8.0)
    about = "**Wan 2.2 5B with AdaCache**: text to video, or image to video with an image in *start_image*."
    sheet.column("1  Model", network, encoder, decoder, shift, notes=(Note("About", about, 140),), color=MODEL)
    words = texts(sheet, encoder, FOX)
    size = {"width": 1280, "height": 704, "length": 121}
    latent = sheet.add("Wan22ImageToVideoLatent", vae=decoder, title="Size and length", **size)
    sheet.column("2  What to show", *words, latent, notes=(PRESET,), color=SHOW)
    node = patch(sheet, shift)
    sheet.column("3  AdaCache", node, notes=(OFF,), color=OURS)
    sample = sampler(sheet, node, words, latent, seed=1, steps=20, cfg=5.0, sampler_name="uni_pc")
    sheet.column("4  Sample", sample, stats(sheet, node, sample))
    sheet.column("5  Video", *video(sheet, sample, decoder, 24.0, "wan22_5b"))


def hunyuan_video_15(sheet: Sheet) -> None:
    network = unet(sheet, f"{HUNYUAN}/diffusion_models/hunyuanvideo1.5_720p_t2v_fp16.safetensors")
    files = ("qwen_2.5_vl_7b_fp8_scaled.safetensors", "byt5_small_glyphxl_fp16.safetensors")
    models = tuple(("text_encoders", f"{HUNYUAN}/text_encoders/{file}") for file in files)
    names = {"clip_name1": files[0], "clip_name2": files[1], "type": "hunyuan_video_15"}
    encoder = sheet.add("DualCLIPLoader", models=models, **names)
    decoder = vae(sheet, f"{HUNYUAN}/vae/hunyuanvideo15_vae_fp16.safetensors")
    shift = sheet.add("ModelSamplingSD3", model=network, shift=7.0)
    about = (
        "**HunyuanVideo 1.5 with AdaCache.**\n\nThe official graph has EasyCache in it, bypassed. Leave it out: two "
        "caches on one model do not add up, and AdaCache then computes every step."
    )
    sheet.column("1  Model", network, encoder, decoder, shift, notes=(Note("About", about),), color=MODEL)
    words = texts(sheet, encoder, FOX, "")
    size = {"width": 1280, "height": 720, "length": 121}
    latent = sheet.add("EmptyHunyuanVideo15Latent", title="Size and length", **size)
    sheet.column("2  What to show", *words, latent, notes=(PRESET,), color=SHOW)
    node = patch(sheet, shift)
    sheet.column("3  AdaCache", node, notes=(OFF,), color=OURS)
    guider = sheet.add("CFGGuider", model=node, positive=words[0], negative=words[1], cfg=6.0)
    sigmas = sheet.add("BasicScheduler", model=shift, scheduler="simple", steps=20)
    sample = _advanced(sheet, guider, sigmas, latent, "euler")
    sheet.column("4  Sample", *sample[:2], sigmas, guider, sample[2])
    sheet.column("5  What it did", stats(sheet, node, sample[2]), color=OURS)
    sheet.column("6  Video", *video(sheet, sample[2], decoder, 24.0, "hunyuan_video_15"))


def _advanced(sheet: Sheet, guider: Node, sigmas: Node, latent: Node, name: str) -> tuple[Node, Node, Node]:
    noise = sheet.add("RandomNoise", noise_seed=1)
    choice = sheet.add("KSamplerSelect", sampler_name=name)
    inputs = {"noise": noise, "guider": guider, "sampler": choice, "sigmas": sigmas, "latent_image": latent}
    return noise, choice, sheet.add("SamplerCustomAdvanced", **inputs)


def qwen_image(sheet: Sheet) -> None:
    inner = sheet.inside("Text to Image (Qwen-Image)")
    network = unet(inner, f"{QWEN}/diffusion_models/qwen_image_fp8_e4m3fn.safetensors")
    encoder = clip(inner, f"{QWEN}/text_encoders/qwen_2.5_vl_7b_fp8_scaled.safetensors", "qwen_image")
    decoder = vae(inner, f"{QWEN}/vae/qwen_image_vae.safetensors")
    shift = inner.add("ModelSamplingAuraFlow", model=network, shift=3.1)
    inner.column("Model", network, encoder, decoder, shift, color=MODEL)
    words = texts(inner, encoder, "a fox in fresh snow, morning light, a sign beside it reads AdaCache", "")
    latent = inner.add("EmptySD3LatentImage", width=1328, height=1328)
    inner.column("What to show", *words, latent, color=SHOW)
    node = patch(inner, shift)
    inner.column("AdaCache", node, color=OURS)
    sample = sampler(inner, node, words, latent, seed=1, steps=20, cfg=4.0, sampler_name="euler")
    images = inner.add("VAEDecode", samples=sample, vae=decoder)
    inner.column("Sample", sample, images)
    for name, *targets in (
        ("prompt", (words[0], "text")),
        ("width", (latent, "width")),
        ("height", (latent, "height")),
        ("seed", (sample, "seed")),
        ("steps", (sample, "steps")),
        ("preset", (node, "preset")),
    ):
        inner.inlet(name, *targets)
    inner.outlets = [("IMAGE", images[0]), ("handle", node[1])]
    one = sheet.place(inner, (460, 480))
    about = (
        "**Qwen-Image with AdaCache**: it works for images too, from 9 steps on.\n\nAdaCache is inside the big node "
        "(double-click it), which shows its **preset**."
    )
    sheet.column("1  What to show", one, notes=(Note("About", about, 180), PRESET), color=SHOW)
    sheet.column("2  What it did", stats(sheet, one, one), notes=(OFF,), color=OURS)
    keep = sheet.add("SaveImage", size=TALL, images=one, filename_prefix="AdaCache/qwen_image")
    sheet.column("3  Image", keep)


def minimax_h3_image_to_video(sheet: Sheet) -> None:
    inner = sheet.inside("Image to Video (MiniMax H3)")
    network = unet(inner, f"{H3}/diffusion_models/minimax_h3_fl2va_pruned_int8_convrot.safetensors")
    encoder = clip(inner, f"{H3}/text_encoders/qwen3vl_32b_minimax_h3_nvfp4_awq.safetensors", "minimax")
    pictures = vae(inner, f"{H3}/vae/minimax_h3_video_vae_int8_convrot.safetensors", title="VAE of the pictures")
    sounds = vae(inner, f"{H3}/vae/minimax_h3_audio_vae_fp32.safetensors", title="VAE of the sound")
    inner.column("Model", network, encoder, pictures, sounds, color=MODEL)
    size = {"width": 864, "height": 480, "length": 124}
    prompt = "the subject of <Picture 1> turns to the camera and smiles, soft wind, a quiet street in the background"
    start = inner.add("MiniMaxH3ImageToVideo", size=(400, 340), clip=encoder, vae=pictures, prompt=prompt, **size)
    inner.column("What to show", start, color=SHOW)
    node = patch(inner, network)
    inner.column("AdaCache", node, color=OURS)
    guider = inner.add("BasicGuider", model=node, conditioning=start)
    sigmas = inner.add("BasicScheduler", model=network, scheduler="simple", steps=20)
    sample = _advanced(inner, guider, sigmas, start[1], "res_multistep")
    inner.column("Sample", *sample[:2], sigmas, guider, sample[2])
    images = inner.add("VAEDecode", samples=sample[2], vae=pictures)
    sound = inner.add("VAEDecodeAudio", samples=sample[2], vae=sounds)
    clip_of = inner.add("CreateVideo", images=images, audio=sound, fps=24.0)
    inner.column("Video and sound", images, sound, clip_of)
    inner.inlet("first_frame", (start, "first_frame"))
    for name, *targets in (
        ("prompt", (start, "prompt")),
        ("width", (start, "width")),
        ("height", (start, "height")),
        ("length", (start, "length")),
        ("noise_seed", (sample[0], "noise_seed")),
        ("steps", (sigmas, "steps")),
        ("preset", (node, "preset")),
    ):
        inner.inlet(name, *targets)
    inner.outlets = [("VIDEO", clip_of[0]), ("handle", node[1])]
    _around(
        sheet,
        inner,
        "**MiniMax H3 image to video with AdaCache.**\n\nThe official graph with one AdaCache Patch Model inside "
        "(double-click the big node), and its **preset** on the outside. *length* is frames, 24 a second: 5 more "
        "than a multiple of 17.",
        "Listen, too",
        "In models with sound, the sound suffers first. If voices or music break, go one preset slower.",
        "minimax_h3",
        image="first_frame",
        few="8-step turbo LoRAs",
    )


def ltx2_text_to_video(sheet: Sheet) -> None:
    inner = sheet.inside("Text to Video (LTX-2)")
    full = f"{LTX2}/ltx-2-19b-dev-fp8.safetensors"
    checkpoint = ("checkpoints", full)
    network = inner.add("CheckpointLoaderSimple", ckpt_name=_file(full), models=(checkpoint,))
    text = f"{LTX2_TEXT}/text_encoders/gemma_3_12B_it_fp4_mixed.safetensors"
    names = {"text_encoder": _file(text), "ckpt_name": _file(full)}
    encoder = inner.add("LTXAVTextEncoderLoader", models=(("text_encoders", text), checkpoint), **names)
    sounds = inner.add("LTXVAudioVAELoader", ckpt_name=_file(full), models=(checkpoint,))
    distilled = f"{LTX2}/ltx-2-19b-distilled-lora-384.safetensors"
    lora = inner.add("LoraLoaderModelOnly", model=network, lora_name=_file(distilled), models=(("loras", distilled),))
    larger = f"{LTX2}/ltx-2-spatial-upscaler-x2-1.0.safetensors"
    upscaler = inner.add(
        "LatentUpscaleModelLoader", model_name=_file(larger), models=(("latent_upscale_models", larger),)
    )
    inner.column("Models", network, encoder, sounds, lora, upscaler, color=MODEL)
    words = texts(inner, encoder, f"{FOX}, snow crunches under its paws", FLAWS)
    both = inner.add("LTXVConditioning", positive=words[0], negative=words[1], frame_rate=24.0)
    inner.column("What to show", *words, both, color=SHOW)
    picture = inner.add("EmptyLTXVLatentVideo", width=640, height=384, length=121)
    sound = inner.add("LTXVEmptyLatentAudio", frames_number=121, frame_rate=24, audio_vae=sounds)
    latent = inner.add("LTXVConcatAVLatent", video_latent=picture, audio_latent=sound)
    inner.column("Half size", picture, sound, latent, color=SHOW)
    node = patch(inner, network)
    inner.column("AdaCache", node, color=OURS)
    sigmas = inner.add("LTXVScheduler", steps=20, latent=latent)
    guider = inner.add("CFGGuider", model=node, positive=both[0], negative=both[1], cfg=4.0)
    first = _advanced(inner, guider, sigmas, latent, "euler_ancestral")
    inner.column("Stage 1: 20 steps", *first[:2], sigmas, guider, first[2])
    parts = inner.add("LTXVSeparateAVLatent", av_latent=first[2])
    cropped = inner.add("LTXVCropGuides", positive=both[0], negative=both[1], latent=parts)
    grown = inner.add("LTXVLatentUpsampler", samples=cropped[2], upscale_model=upscaler, vae=network[2])
    joined = inner.add("LTXVConcatAVLatent", video_latent=grown, audio_latent=parts[1])
    inner.column("Twice the size", parts, cropped, grown, joined)
    few = inner.add("ManualSigmas", sigmas="0.909375, 0.725, 0.421875, 0.0")
    last = inner.add("CFGGuider", model=lora, positive=cropped[0], negative=cropped[1], cfg=1.0)
    second = _advanced(inner, last, few, joined, "euler_ancestral")
    inner.column("Stage 2: 3 steps, not cached", *second[:2], few, last, second[2])
    split = inner.add("LTXVSeparateAVLatent", av_latent=second[2])
    tiles = {"tile_size": 512, "overlap": 64, "temporal_size": 4096, "temporal_overlap": 8}
    images = inner.add("VAEDecodeTiled", samples=split, vae=network[2], **tiles)
    heard = inner.add("LTXVAudioVAEDecode", samples=split[1], audio_vae=sounds)
    clip_of = inner.add("CreateVideo", images=images, audio=heard, fps=24.0)
    inner.column("Video and sound", split, images, heard, clip_of)
    for name, *targets in (
        ("prompt", (words[0], "text")),
        ("half_width", (picture, "width")),
        ("half_height", (picture, "height")),
        ("length", (picture, "length"), (sound, "frames_number")),
        ("noise_seed", (first[0], "noise_seed")),
        ("preset", (node, "preset")),
    ):
        inner.inlet(name, *targets)
    inner.outlets = [("VIDEO", clip_of[0]), ("handle", node[1])]
    _around(
        sheet,
        inner,
        "**LTX-2 text to video with AdaCache**, in the two stages of the official graph. AdaCache is in the first, "
        "of 20 steps; the second has three, which leave nothing to reuse.\n\nThe video is twice as wide and high as "
        "*half_width* and *half_height*, which are multiples of 32.",
        "A sampler that adds noise",
        "*euler_ancestral* adds noise in every step, so less can be reused than with *euler*: begin with "
        "**near-lossless** or **balanced**, and listen to the sound, which suffers first.",
        "ltx2",
        few="The distilled LTX-2, 2.3 and 2.5 with 8 steps",
    )


def _around(
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
    sheet.column("4  Video" if image else "3  Video", saved(sheet, node, name), notes=(_few_steps(few),))


def adacache_demo(sheet: Sheet) -> None:
    """What `bash demo/run.sh` runs, with the default preset."""
    shot = Shot()
    network = sheet.add("UNETLoader", unet_name=host.NETWORK)
    decoder = sheet.add("VAELoader", vae_name=host.VAE)
    shift = sheet.add("ModelSamplingSD3", model=network, shift=SHIFT)
    about = (
        "A **small Wan 2.1 network**, trained for this demo: clips of coloured shapes, 128 x 128, 33 frames. The graph "
        "is the same for any Wan model.\n\nIt knows few words: *one, two, three* - *red, yellow, green, blue, purple* "
        "- *circle, square, triangle, star* - a *cream, gray, mint* or *navy background* - *standing still, drifting "
        "slowly, moving fast, jumping erratically*."
    )
    sheet.column("1  Model", network, decoder, shift, notes=(Note("About", about, 300),), color=MODEL)
    texts = [
        sheet.add("AdaCacheDemoTextEncode", size=TEXT, caption=caption, title=title)
        for caption, title in ((shot.prompt, "Prompt"), (NEGATIVE, "Negative prompt (empty)"))
    ]
    size = {"width": shot.size, "height": shot.size, "length": shot.frames}
    latent = sheet.add("EmptyHunyuanLatentVideo", title="Size and length", **size)
    sheet.column("2  What to show", *texts, latent, notes=(PRESET,), color=SHOW)
    moreg = sheet.add("AdaCacheMoRegSettings", size=(360, 300), mode=BYPASSED, **MOREG)
    node = patch(sheet, shift, OPENED.preset, moreg=moreg)
    moved = Note(
        "MoReg Settings",
        "Bypassed. Switch it on with Ctrl+B, and queue the prompt with *standing still* and with *moving fast* at its "
        "end: the first computes fewer steps, the other more.",
        160,
    )
    sheet.column("3  AdaCache", node, moreg, notes=(moved,), color=OURS)
    inputs = {"seed": shot.seed, "steps": shot.steps, "cfg": shot.cfg, "sampler_name": "euler"}
    sample = sampler(sheet, node, (texts[0], texts[1]), latent, **inputs)
    sheet.column("4  Sample", sample, stats(sheet, node, sample), notes=(OFF,))
    sheet.column("5  Video", *video(sheet, sample, decoder, float(FPS), "demo"))


RECIPES = (
    Recipe("adacache_demo", "0.3.75", adacache_demo),
    Recipe("wan_text_to_video", "0.3.75", wan_text_to_video),
    Recipe("wan_calibrate", "0.3.75", wan_calibrate),
    Recipe("wan_sweep", "0.3.75", wan_sweep),
    Recipe("wan_compare", "0.3.75", wan_compare),
    Recipe("wan_drafts", "0.3.75", wan_drafts),
    Recipe("wan_lock_schedule", "0.3.75", wan_lock_schedule),
    Recipe("wan22_14b_image_to_video", "0.3.75", wan22_image_to_video),
    Recipe("wan22_5b_text_to_video", "0.3.75", wan22_5b),
    Recipe("hunyuan_video_15", "0.3.75", hunyuan_video_15),
    Recipe("qwen_image", "0.3.75", qwen_image),
    Recipe("ltx2_text_to_video", "0.33.0", ltx2_text_to_video),
    Recipe("minimax_h3_image_to_video", "0.33.0", minimax_h3_image_to_video),
)
