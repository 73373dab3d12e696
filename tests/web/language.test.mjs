import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { afterEach, test } from "node:test";

import { advice } from "../../web/advice.js";
import { schedule } from "../../web/export.js";
import { LANGUAGES, listed, speak, speaker, t, tableOf } from "../../web/language.js";
import { layoutCard, layoutPlots } from "../../web/layout.js";
import { moregWords } from "../../web/setting.js";
import { remedyOf, said } from "../../web/server_words.js";
import { guess, wrap } from "../../web/shapes.js";
import { readRun } from "../../web/trace.js";
import { brief, facts, headline, notices, progress, spoken } from "../../web/words.js";
import { names, sample } from "./samples.mjs";

const WEB = new URL("../../web/", import.meta.url);
// A text in quotes, or several with + between them, as the first thing given to t or phrase.
const SAID = /\b(?:t|phrase)\(\s*((?:(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')\s*\+?\s*)+)/g;
const QUOTED = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'/g;
const HOLES = /\{\w+\}/g;

const plain = (text) => text.replace(/\\(.)/g, "$1");
const joined = (found) => [...found.matchAll(QUOTED)].map(([, one, other]) => plain(one ?? other)).join("");
const scripts = readdirSync(WEB).filter((name) => name.endsWith(".js"));
const texts = scripts.map((name) => readFileSync(new URL(name, WEB), "utf8"));
const english = new Set(texts.flatMap((text) => [...text.matchAll(SAID)].map(([, found]) => joined(found))));

afterEach(() => speak({}));

test("all that is said is found in the code", () => {
    for (const known of [", ", "Lock schedule", "{computed} of {count} steps computed", "attention residual of block {block}"])
        assert.ok(english.has(known), known);
    for (const [n, text] of texts.entries())
        assert.doesNotMatch(text, /\b(?:t|phrase)\(\s*`/, `${scripts[n]}: a text with holes is not looked up`);
});

test("a table for every language of the list, and no other", () => {
    const files = readdirSync(new URL("languages/", WEB)).map((name) => name.replace(/\.json$/, ""));
    assert.deepEqual(files.sort(), [...LANGUAGES].sort());
});

for (const language of LANGUAGES) {
    const table = JSON.parse(readFileSync(new URL(`languages/${language}.json`, WEB), "utf8"));

    test(`${language}: every text has its translation, and no translation is left over`, () => {
        assert.deepEqual(
            [...english].filter((text) => !table[text]),
            [],
            "missing",
        );
        assert.deepEqual(
            Object.keys(table).filter((text) => !english.has(text)),
            [],
            "unused",
        );
    });

    test(`${language}: what is filled in is the same`, () => {
        const holes = (text) => [...new Set(text.match(HOLES))].sort();
        for (const [text, translated] of Object.entries(table)) assert.deepEqual(holes(translated), holes(text), text);
    });
}

test("what a run says is in the table's words, whole", () => {
    speak(Object.fromEntries([...english].map((text) => [text, text.replace(/(\{\w+\})|[A-Za-z]/g, (one, hole) => hole ?? "ж")])));
    const data = /euler|heun|uni_pc|Wan\w*|\+ MoReg|paper \w+|balanced|turbo|fast|measure only|RuntimeError: out of memory|attention|output of the whole network|\b(AdaCache|A|B|ms|GiB|MiB|x)\b|(?<=[\d.])x|\de[+-]\d/g;
    const left = (text) => assert.doesNotMatch(text.replaceAll(data, ""), /[A-Za-z]/, text);
    for (const name of names) {
        const run = readRun(sample(name));
        for (const text of [...Object.values(headline(run)), ...notices(run), ...advice(run), ...facts(run).flat()]) left(text);
        for (const text of [progress(run), moregWords(run), schedule(run).why]) left(text);
        for (const step of run.records) [...brief(step), spoken(step, true), spoken(step, false)].forEach(left);
        for (const scene of [layoutPlots([run], 600), layoutCard([run, run])])
            for (const shape of scene.shapes) if (shape.kind === "text") left(shape.text);
    }
});

test("values are filled in, and a text without a translation is English", () => {
    assert.equal(t("step {step} of {steps}", { step: 3, steps: 9 }), "step 3 of 9");
    speak({ "step {step} of {steps}": "共 {steps} 步，第 {step} 步", ", ": "、" });
    assert.equal(t("step {step} of {steps}", { step: 3, steps: 9 }), "共 9 步，第 3 步");
    assert.equal(t("take {take} of {of}", { take: "{step}", of: 2 }), "take {step} of 2");
    assert.equal(listed(["a", "", "b"]), "a、b");
});

test("sentences of the server are known by their words, and others stay as they are", () => {
    const note = "the sampler (a+b) evaluates the network a varying number of times per step";
    assert.equal(said(note), note);
    assert.match(remedyOf(note), /^Choose a sampler/);
    speak({ "the sampler {sampler} evaluates the network a varying number of times per step": "{sampler}!" });
    assert.equal(said(note), "(a+b)!");
    assert.equal(said("something else"), "something else");
    assert.equal(remedyOf("something else"), "");
});

test("a table is asked for where there is one, and a file that does not come leaves English", async () => {
    const asked = [];
    const files = (answer) => async (file) => (asked.push(file), answer);
    assert.deepEqual(await tableOf("zh", files({ ok: true, json: async () => ({ a: "b" }) })), { a: "b" });
    assert.deepEqual(await tableOf("zh", files({ ok: false })), {});
    assert.deepEqual(await tableOf("../ja", files({ ok: true })), {});
    assert.deepEqual(await tableOf(undefined, files({ ok: true })), {});
    assert.deepEqual(await tableOf("zh", async () => Promise.reject(new Error("away"))), {});
    assert.deepEqual(asked, ["./languages/zh.json", "./languages/zh.json"]);
});

test("of two languages that are chosen one after the other the last is spoken, whichever comes first", async () => {
    const waiting = {};
    const files = (file) => new Promise((come) => (waiting[file] = (words) => come({ ok: true, json: async () => words })));
    let told = 0;
    const choose = speaker(files, () => (told += 1));
    const both = [choose("zh"), choose("ja")];
    waiting["./languages/ja.json"]({ step: "ステップ" });
    waiting["./languages/zh.json"]({ step: "步" });
    await Promise.all(both);
    assert.deepEqual([t("step"), told], ["ステップ", 1]);
    await choose("en");
    assert.deepEqual([t("step"), told], ["step", 2]);
});

test("lines break between words, and in Chinese after any sign, but not before a full stop", () => {
    assert.deepEqual(wrap("one two three", 10, 45, guess), ["one two", "three"]);
    assert.deepEqual(wrap("已取消，进行到 30 步。", 10, 50, guess), ["已取消，进", "行到 30", "步。"]);
    assert.equal(wrap("步步步步。", 10, 40, guess).join("|"), "步步步|步。");
});
