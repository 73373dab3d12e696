"""LTX-2, in the two stages of its official template."""

from __future__ import annotations

from demo.templates.graph import Sheet
from demo.templates.parts import (
    FLAWS,
    FOX,
    LTX2,
    LTX2_TEXT,
    MODEL,
    OURS,
    SHOW,
    advanced,
    around,
    file_of,
    patch,
    texts,
)


def ltx2_text_to_video(sheet: Sheet) -> None:
    inner = sheet.inside("Text to Video (LTX-2)")
    full = f"{LTX2}/ltx-2-19b-dev-fp8.safetensors"
    checkpoint = ("checkpoints", full)
    network = inner.add("CheckpointLoaderSimple", ckpt_name=file_of(full), models=(checkpoint,))
    text = f"{LTX2_TEXT}/text_encoders/gemma_3_12B_it_fp4_mixed.safetensors"
    names = {"text_encoder": file_of(text), "ckpt_name": file_of(full)}
    encoder = inner.add("LTXAVTextEncoderLoader", models=(("text_encoders", text), checkpoint), **names)
    sounds = inner.add("LTXVAudioVAELoader", ckpt_name=file_of(full), models=(checkpoint,))
    distilled = f"{LTX2}/ltx-2-19b-distilled-lora-384.safetensors"
    lora = inner.add("LoraLoaderModelOnly", model=network, lora_name=file_of(distilled), models=(("loras", distilled),))
    larger = f"{LTX2}/ltx-2-spatial-upscaler-x2-1.0.safetensors"
    upscaler = inner.add(
        "LatentUpscaleModelLoader", model_name=file_of(larger), models=(("latent_upscale_models", larger),)
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
    first = advanced(inner, guider, sigmas, latent, "euler_ancestral")
    inner.column("Stage 1: 20 steps", *first[:2], sigmas, guider, first[2])
    parts = inner.add("LTXVSeparateAVLatent", av_latent=first[2])
    cropped = inner.add("LTXVCropGuides", positive=both[0], negative=both[1], latent=parts)
    grown = inner.add("LTXVLatentUpsampler", samples=cropped[2], upscale_model=upscaler, vae=network[2])
    joined = inner.add("LTXVConcatAVLatent", video_latent=grown, audio_latent=parts[1])
    inner.column("Twice the size", parts, cropped, grown, joined)
    few = inner.add("ManualSigmas", sigmas="0.909375, 0.725, 0.421875, 0.0")
    last = inner.add("CFGGuider", model=lora, positive=cropped[0], negative=cropped[1], cfg=1.0)
    second = advanced(inner, last, few, joined, "euler_ancestral")
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
    around(
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
