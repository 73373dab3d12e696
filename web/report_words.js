// @ts-check
/** What nodes report in English of what they found, {names} for what differs. No DOM. */

import { phrase } from "./language.js";

/** A sentence that is the beginning of another comes after it. */
export const REPORTS = [
    // AdaCache Compare.
    phrase("Equal to the reference: every pixel of every frame."),
    phrase(
        "{band}. (By PSNR alone, in bands that begin at {steps} dB: a rule of thumb. Connect another_seed to measure " +
            "by your own video.)",
    ),
    phrase("another_seed equals the reference, so it tells nothing. By PSNR: {band}."),
    phrase("{verdict} It differs {percent} as much as another seed, by the measure in which it is worst."),
    phrase("Far closer than another seed: hard to tell from the reference."),
    phrase("Much closer than another seed: the same video, with small changes."),
    phrase("Closer than another seed: recognisably the same video, with visible changes."),
    phrase("Nearer than another seed, but only just: many things are different."),
    phrase("As different as another seed: not the same video any more."),
    phrase("hard to tell from the reference"),
    phrase("very close: seen only when the two are laid over each other"),
    phrase("close: the same video, with small changes in detail"),
    phrase("the same video, with visible changes"),
    phrase("recognisably the same scene, but much is different"),
    phrase("another video"),
    phrase("Worst frame: {frame} of {count}, {measures}."),
    phrase("{measure}: not measured, {why}"),
    phrase("{measure} (frames from {least} to {most}); another seed: {other}"),
    phrase("{measure} (frames from {least} to {most})"),
    phrase("{measure}; another seed: {other}"),
    // AdaCache Calibrate and AdaCache Load Calibration.
    phrase("measured: {runs} run of {about}"),
    phrase("measured: {runs} runs of {about}"),
    phrase("target: {target} {amount}"),
    phrase("codebook for {steps} steps: {codebook}"),
    phrase("computed in any case: the first {first} and the last two steps"),
    phrase(
        "predicted for the measured videos: {computed} of {steps} steps computed on average, about {times} faster; " +
            "largest change between computed steps {change}",
    ),
    phrase("it follows the video: one like these has {least} to {most} steps computed"),
    phrase("MoReg norm {norm}, power {power} (connect moreg)"),
    phrase("MoReg norm {norm}, power {power} (not used: leave moreg unconnected)"),
    phrase("plan: none; it takes a measured run of a sampler that adds no noise, such as euler or uni_pc"),
    phrase(
        "plan (recommended): {plan}; closer than the codebook at as many steps, wherever that was measured. Connect " +
            "it to locked_schedule, with a preset named by intent; every video computes the same steps",
    ),
    phrase("Nothing was measured for it: the prediction is only what its text says."),
    phrase("MoReg from {runs} runs only: the average may be further off. Six tell more."),
    phrase(
        "From {runs} run only: other videos may need more or fewer steps. Three runs that differ in motion tell more.",
    ),
    phrase(
        "From {runs} runs only: other videos may need more or fewer steps. Three runs that differ in motion tell more.",
    ),
    phrase("saved as {name}, in place of the one of that name"),
    phrase("saved as {name}"),
];

/** Lines of Cache Stats. */
export const SUMMARY = [
    phrase("{told}, {reused} reused ({end})"),
    phrase("{told}, {reused} reused"),
    phrase("{told}, {parts} of them in part: {done} of {of} passes"),
    phrase("{computed} of {count} steps computed"),
    phrase("{computed} of {count} evaluations computed"),
    phrase("still running"),
    phrase("cancelled"),
    phrase("failed"),
    phrase("about {times} faster, {seconds} s saved (estimated from the computed steps)"),
    phrase("Caching stopped: {why}"),
    phrase("Not cached: {why}"),
    phrase("Caution: {what}"),
    phrase("codebook {codebook}"),
    phrase("steps planned ahead, answers extrapolated"),
    phrase("steps planned ahead, denoised latents held"),
    phrase("motion score {score}"),
    phrase(
        "MoReg changed nothing: no motion could be measured. No two latent frames are as far apart as its strides " +
            "say, or it is not known where this network has them.",
    ),
    phrase(
        "MoReg changed nothing: this preset plans its steps without motion. It counts with the presets as published " +
            "and with a codebook.",
    ),
    phrase(
        "Only a part of some steps was reused: prompts or context windows changed from step to step. Windows that " +
            "stay where they are (standard_static) reuse whole steps.",
    ),
    phrase("cache {size} with the model"),
    phrase("cache {size} in system memory"),
];

/** Parts of its lines that list. */
export const PARTS = [
    phrase("{steps} steps"),
    phrase("{count} workers"),
    phrase("{seconds} s"),
    phrase("sensitivity {value}"),
    phrase("locked schedule"),
];
