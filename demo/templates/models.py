"""One graph each for the models that artists run: their official templates' models, sizes and steps, with AdaCache."""

from __future__ import annotations

from demo.templates.graph import Note, Sheet
from demo.templates.parts import (
    FOX,
    H3,
    HUNYUAN,
    MODEL,
    OFF,
    OURS,
    PRESET,
    QWEN,
    SHOW,
    TALL,
    WAN21,
    WAN22,
    advanced,
    around,
    clip,
    few_steps,
    patch,
    sampler,
    saved,
    stats,
    texts,
    unet,
    vae,
    video,
)


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
    sheet.column("2  What to show", node, notes=(PRESET, few_steps("4-step LoRAs (lightx2v)")), color=SHOW)
    both = [
        stats(sheet, node, node, slot, title=f"Cache Stats, {part} noise") for slot, part in ((1, "high"), (2, "low"))
    ]
    sheet.column("3  What it did", *both, notes=(OFF,), color=OURS)
    sheet.column("4  Video", saved(sheet, node, "wan22_i2v"))


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
    sample = advanced(sheet, guider, sigmas, latent, "euler")
    sheet.column("4  Sample", *sample[:2], sigmas, guider, sample[2])
    sheet.column("5  What it did", stats(sheet, node, sample[2]), color=OURS)
    sheet.column("6  Video", *video(sheet, sample[2], decoder, 24.0, "hunyuan_video_15"))


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
        "**Qwen-Image with AdaCache**: it works for images too.\n\nAdaCache is inside the big node "
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
    sample = advanced(inner, guider, sigmas, start[1], "res_multistep")
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
    around(
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
