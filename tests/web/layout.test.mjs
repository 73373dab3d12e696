import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";

import { DARK, draw, fixed } from "../../web/draw.js";
import { speak } from "../../web/language.js";
import { highlight, indexAt, layoutCard, layoutCompact, layoutPlots } from "../../web/layout.js";
import { BandScale, bandsOf } from "../../web/scale.js";
import { guess } from "../../web/shapes.js";
import { readRun } from "../../web/trace.js";
import { names, paper, sample, synthetic } from "./samples.mjs";

const WIDTHS = [92, 200, 320, 420, 900];
const texts = (scene) => scene.shapes.filter((shape) => shape.kind === "text");
const subpaths = (scene, fill) =>
    scene.shapes.filter((shape) => shape.fill === fill).flatMap((shape) => shape.d.match(/M/g)).length;
const all = [
    ...names.map((name) => [name, readRun(sample(name))]),
    ["of 1000", readRun(synthetic("long", 1000))],
    ["of 1", readRun(synthetic("short", 1))],
];

for (const [name, run] of all)
    test(`a run ${name} stays inside its drawing, in numbers that can be drawn`, () => {
        for (const width of WIDTHS)
            for (const scene of [
                layoutPlots([run], width),
                layoutPlots([run, all[0][1]], width),
                layoutCompact(run, width, { distanceHeight: 40, numbers: true }),
                layoutCard([run], { width: width + 100 }),
            ]) {
                for (const shape of scene.shapes)
                    assert.doesNotMatch(shape.d ?? `${shape.x} ${shape.y}`, /NaN|Infinity|undefined/);
                for (const { cells } of scene.tracks)
                    for (const cell of cells) assert.ok(cell.left >= 0 && cell.right <= scene.width + 0.01);
                for (const { y } of texts(scene)) assert.ok(y <= scene.height);
                assert.ok(scene.height > 0 && scene.height < 2500);
            }
    });

test("the strip shows each decision once: full blocks, low blocks, and lines for what is to come", () => {
    const run = readRun(sample("cancelled"));
    const computed = run.records.filter((record) => record.computed).length;
    const scene = layoutCompact(run, 600);
    assert.equal(subpaths(scene, "computed"), computed);
    assert.equal(subpaths(scene, "reused"), run.records.length - computed);
    assert.equal(subpaths(scene, "rule"), run.steps - run.records.length);
});

test("a run that goes on shows what is planned", () => {
    const running = readRun(sample("running"));
    const planned = layoutCompact(running, 600).shapes.find((shape) => shape.dash);
    const last = running.records.findLast((record) => record.computed);
    assert.equal(planned.d.match(/M/g).length, last.step + last.rate - 1 - running.records.length);
});

test("of a run without a codebook only the last step is sure to be computed", () => {
    const [planned, byCodebook] = ["", "0.08:6 1.00:1"].map((codebook) => {
        const run = { ...synthetic("r", 30, { end: "", records: 26 }), codebook };
        Object.assign(run.records[25], { computed: true, reason: "scheduled", rate: 4 });
        const dashed = layoutCompact(run, 600).shapes.find((shape) => shape.dash);
        return dashed.d.match(/M/g).length;
    });
    assert.deepEqual([planned, byCodebook], [3, 2]);
});

test("a place on the axis is the evaluation there, and its mark covers it", () => {
    const scene = layoutPlots([readRun(sample("fast"))], 420);
    scene.tracks[0].cells.forEach((cell, n) => assert.equal(indexAt(scene, cell.middle), n));
    assert.equal(indexAt(scene, -100), -1);
    assert.equal(highlight(scene, 3).length, 1);
    assert.equal(highlight(scene, 99).length, 0);
    assert.equal(indexAt(layoutPlots([readRun(sample("cancelled"))], 420), 400), -1);
});

test("evaluations of one step share its place, and steps are labelled, not evaluations", () => {
    const run = readRun(sample("heun"));
    const scene = layoutPlots([run], 420);
    const { cells } = scene.tracks[0];
    assert.equal(cells.length, 39);
    cells.forEach((cell, n) => assert.equal(indexAt(scene, cell.middle), n));
    const places = run.records.filter((record, n) => record.computed && record.step !== run.records[n - 1]?.step);
    assert.equal(subpaths(layoutCompact(run, 600), "computed"), places.length);
    assert.deepEqual(
        layoutCompact(run, 600, { numbers: true }).shapes.filter(({ text }) => ["1", "20"].includes(text)).length,
        2,
    );
    assert.equal(texts(scene).filter(({ text }) => /^(3[0-9]|2[1-9])$/.test(text)).length, 0);
    const records = run.records.slice(0, 7); // the first evaluation of the fourth step
    const running = layoutCompact({ ...run, records, end: "" }, 600).tracks[0].cells;
    assert.deepEqual([running.length, running[6].step, running[7].step, running.at(-1).step], [23, 4, 5, 20]);
    assert.ok(Math.abs(running[6].right - running[6].left - 2 * (running[0].right - running[0].left)) < 0.01);
});

test("a thousand steps are few elements", () => {
    const svg = draw(layoutPlots([readRun(synthetic("long", 1000))], 420), paper);
    assert.ok(svg.children.length < 80, `${svg.children.length} elements`);
});

test("bands are the codebook's, joined where a cap makes them equal", () => {
    const text = "0.08:6 0.16:5 0.24:4 0.32:3 0.40:2 1.00:1";
    assert.deepEqual(
        bandsOf(text).map(({ rate }) => rate),
        [6, 5, 4, 3, 2, 1],
    );
    assert.deepEqual(bandsOf(text, 2), [
        { low: 0, high: 0.32, rate: 3 },
        { low: 0.32, high: 0.4, rate: 2 },
        { low: 0.4, high: Infinity, rate: 1 },
    ]);
    for (const odd of ["", "words", "0.2:1 0.1:2", "0.1:0", "0.1"]) assert.deepEqual(bandsOf(odd), []);
});

test("heights rise with values and keep within the field", () => {
    const scale = new BandScale(bandsOf("0.1:3 0.2:2 1:1"), [0.05, 9]);
    const heights = [0, 0.05, 0.1, 0.15, 0.2, 0.5, 5, 9].map((value) => scale.at(value));
    assert.deepEqual(
        heights,
        [...heights].sort((a, b) => a - b),
    );
    assert.ok(heights[0] === 0 && heights.at(-1) < 1);
    assert.equal(scale.at(0.1), scale.edges()[1].from);
});

test("a headline that is too long for a line goes on in the next", () => {
    const run = readRun(sample("parts"));
    const [width, size] = [720, (one) => one.size ?? 12];
    const title = texts(layoutCard([run], { width })).filter((one) => size(one) === 22);
    assert.equal(title.length, 3);
    for (const one of title) assert.ok(one.x + guess(one.text, 22) <= width - 24, one.text);
});

for (const name of ["fast", "cancelled", "refused"])
    test(`the picture of ${name} is as it was`, () => {
        const svg = String(draw(layoutCard([readRun(sample(name))]), paper, fixed(DARK)));
        const file = new URL(`./golden/${name}.svg`, import.meta.url);
        if (process.env.UPDATE_GOLDEN || !existsSync(file))
            writeFileSync(
                file,
                `${svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif"')}\n`,
            );
        assert.equal(
            svg,
            readFileSync(file, "utf8")
                .replace(' xmlns="http://www.w3.org/2000/svg" font-family="sans-serif"', "")
                .trimEnd(),
        );
    });

test("of a planned run the forecast's error is the large plot, and the distance that decides nothing a small one", () => {
    const words = (run, over) => texts(layoutPlots([run, over].filter(Boolean), 420)).map(({ text }) => text);
    const [planned, published] = [readRun(sample("planned")), readRun(sample("fast"))];
    assert.ok(words(planned).includes("Forecast error"));
    assert.ok(words(planned).includes("measured; the plan decides"));
    assert.ok(!words(planned).some((text) => /gradient|before motion/.test(text)));
    assert.ok(words(published).includes("looked up in the codebook"));
    assert.ok(!words(published).includes("Forecast error"));
    // Over each other, both as measured: neither is held against the other's bands.
    for (const pair of [
        [planned, published],
        [published, planned],
    ]) {
        assert.ok(words(...pair).includes("as measured, since the codebooks differ"));
        assert.ok(!words(...pair).some((text) => /^(reuse \d|compute$|bands)/.test(text)));
    }
    assert.ok(words(published, published).some((text) => /^reuse \d/.test(text)));
});

test("the plots reach the right edge where nothing is written beside them", () => {
    const right = (name) => layoutPlots([readRun(sample(name))], 420).tracks[0].cells.at(-1).right;
    assert.ok(right("planned") > 418 && right("fast") < 380);
});

test("steps are labelled every five where there is room, and a step's mark leaves the headings alone", () => {
    const scene = layoutPlots([readRun(sample("planned"))], 420);
    const axis = Math.max(...texts(scene).map(({ y }) => y));
    const labels = texts(scene)
        .filter(({ y, text }) => y === axis && /^\d+$/.test(text))
        .map(({ text }) => text);
    for (const label of ["5", "10", "15", "20", "25", "30"]) assert.ok(labels.includes(label), `${labels}`);
    const [{ d }] = highlight(scene, 3);
    assert.equal(d.match(/M/g).length, scene.areas.length);
    for (const { text, y } of texts(scene).filter(({ text }) => /^(Steps|Forecast error|Time)$/.test(text)))
        assert.ok(!scene.areas.some((area) => y > area.top && y < area.top + area.height), text);
});

test("a long word for the steps leaves out the number that it would touch", () => {
    const word = "a long word for it";
    const labels = (language) => {
        speak(language);
        const scene = layoutPlots([readRun(sample("planned"))], 420);
        speak({});
        const axis = Math.max(...texts(scene).map(({ y }) => y));
        return texts(scene).filter(({ y }) => y === axis);
    };
    const [numbers, fewer] = [labels({}), labels({ step: word })].map((found) => found.filter(({ text }) => /^\d+$/.test(text)));
    assert.equal(numbers[0].text, "1");
    assert.ok(fewer.length < numbers.length && fewer.at(-1).text === "30");
    const end = guess(word, 11);
    for (const { text, x } of fewer) assert.ok(x - guess(text, 11) / 2 > end, text);
});

test("a number under a node's plot stands under its step, inside the plot", () => {
    const run = readRun(synthetic("short", 12));
    const { shapes, tracks, width } = layoutCompact(run, 220, { numbers: true });
    const labels = shapes.filter(({ kind }) => kind === "text");
    assert.ok(labels.length > 3);
    for (const { text, x, size } of labels) {
        const { left, right } = tracks[0].cells[Number(text) - 1];
        assert.ok(left <= x && x <= right, text);
        assert.ok(x - guess(text, size) / 2 >= -0.01 && x + guess(text, size) / 2 <= width + 0.01, text);
    }
});
