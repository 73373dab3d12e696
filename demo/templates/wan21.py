"""The graphs of Wan 2.1 and of the demo: everything that AdaCache is used for, on one model."""

from __future__ import annotations

from demo import host
from demo.templates.graph import MUTED, Note, Sheet
from demo.templates.parts import (
    MODEL,
    OFF,
    OURS,
    PRESET,
    SHOW,
    TALL,
    TEXT,
    patch,
    sampler,
    saved,
    stats,
    video,
    wan,
)
from demo.workflow import FPS, NEGATIVE, OPENED, SHIFT, Shot

WAN_STEPS = {"steps": 30, "cfg": 6.0, "sampler_name": "uni_pc"}


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
    node = patch(sheet, shift, OPENED.preset)
    sheet.column("3  AdaCache", node, color=OURS)
    inputs = {"seed": shot.seed, "steps": shot.steps, "cfg": shot.cfg, "sampler_name": "euler"}
    sample = sampler(sheet, node, (texts[0], texts[1]), latent, **inputs)
    sheet.column("4  Sample", sample, stats(sheet, node, sample), notes=(OFF,))
    sheet.column("5  Video", *video(sheet, sample, decoder, float(FPS), "demo"))


def wan_text_to_video(sheet: Sheet) -> None:
    parts = wan(
        sheet,
        "**Wan 2.1 text to video with AdaCache.**\n\nAdaCache Patch Model goes between the model (after LoRAs and "
        "shift) and the sampler. Everything else is an ordinary Wan graph, and your own Wan 2.1 files work as well.",
        look=PRESET,
    )
    node = patch(sheet, parts.model)
    sheet.column("3  AdaCache", node, color=OURS)
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
    using = patch(sheet, parts.model, title="Use it: balanced + your plan", locked_schedule=calibrate[5])
    sample = sampler(sheet, using, parts.words, parts.latent, seed=2, title="Sample, calibrated", **WAN_STEPS)
    later = Note(
        "3  Use it",
        "From now on delete columns 3 and 4, and connect **AdaCache Load Calibration** with the name *my wan* "
        "here.\n\nThe plan is for this step count. **codebook**, **moreg** and **sensitivity** in its place follow the "
        "video, and at as many steps come less close.",
    )
    sheet.column("5  Use it", using, sample, notes=(later,))
    sheet.column("6  What it did", stats(sheet, using, sample), color=OURS)
    sheet.column("7  Video", *video(sheet, sample, parts.vae, 16.0, "wan_calibrated"))


def wan_codebook(sheet: Sheet) -> None:
    about = (
        "**The change in the video decides: the paper's dials.**\n\nA codebook says how many steps may be reused for "
        "how much change, and MoReg gives videos that move more steps. Begin with *balanced* instead: wherever both "
        "were measured, it came closer with as many steps."
    )
    look = Note(
        "Set norm first",
        "Queue once, read the motion score in **Cache Stats**, and set **norm** of MoReg Settings to it. Is every step "
        "computed? Lower **power** to 2, or **sensitivity** of AdaCache Patch Model.",
    )
    parts = wan(sheet, about, look=look)
    codebook = sheet.add("AdaCacheCodebook", size=(400, 280))
    motion = sheet.add("AdaCacheMoRegSettings", size=(400, 280))
    own = Note(
        "A codebook of your own",
        "Choose *my own text*: `0.08:6` says that a change below 0.08 computes again 6 steps later. The panel "
        "(**Shift+A**) shows the changes of your model.",
        180,
    )
    sheet.column("3  Codebook and motion", codebook, motion, notes=(own,), color=OURS)
    saved_one = sheet.add("AdaCacheCalibration", size=(420, 440), mode=MUTED)
    instead = Note(
        "In place of column 3",
        "What *wan_calibrate* saved for your model, or a text that somebody shared: press **Ctrl+M** on Load "
        "Calibration, choose its **name**, and connect **codebook** and **moreg**.",
        180,
    )
    sheet.column("4  Or a calibration (muted)", saved_one, notes=(instead,), color=OURS)
    node = patch(sheet, parts.model, "as published (fast)", codebook=codebook, moreg=motion)
    sheet.column("5  AdaCache", node, notes=(OFF,), color=OURS)
    sample = sampler(sheet, node, parts.words, parts.latent, seed=1, **WAN_STEPS)
    sheet.column("6  Sample", sample, stats(sheet, node, sample))
    sheet.column("7  Video", *video(sheet, sample, parts.vae, 16.0, "wan_codebook"))


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
