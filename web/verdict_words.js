// @ts-check
/** What AdaCache Compare says of two videos, {names} for what differs. No DOM. */

import { phrase } from "./language.js";

export const VERDICTS = [
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
];
