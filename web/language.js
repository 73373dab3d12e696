// @ts-check
/** What the panel says, in the language that the host is set to: one table, keyed by the English text. No DOM. */

/** Those that have a table, `languages/<name>.json`; in all others the panel speaks English. */
export const LANGUAGES = ["zh", "zh-TW", "ja", "ko", "fr", "de", "es", "ru"];

/** @type {Record<string, string>} */
let table = {};

/**
 * @param {(file: string) => Promise<Response>} fetchFile
 * @param {() => void} spoken what to do once another language is spoken
 * @returns {(language: unknown) => Promise<void>} what to call when one is chosen, such as "zh"
 */
export function speaker(fetchFile, spoken) {
    /** @type {unknown} */
    let last;
    return async (language) => {
        last = language;
        const words = await tableOf(language, fetchFile);
        if (language !== last) return; // another was chosen meanwhile
        speak(words);
        spoken();
    };
}

/** @param {Record<string, string>} words what `t` gives from now on, by the English text */
export function speak(words) {
    table = words;
}

/**
 * A text in the page's language; one that the table lacks is said in English.
 * @param {string} english a whole sentence, with {names} for what is filled in
 * @param {Record<string, unknown>} [values] by these names
 */
export function t(english, values = {}) {
    return (table[english] ?? english).replace(/\{(\w+)\}/g, (hole, name) => String(values[name] ?? hole));
}

/** Marks a text that `t` is given elsewhere, so that the tests know of it. @param {string} english */
export function phrase(english) {
    return english;
}

/** Parts of a sentence, one after the other. @param {string[]} parts */
export function listed(parts) {
    return parts.filter(Boolean).join(t(", "));
}

/**
 * Asks for the table of a language.
 * @param {unknown} language such as "zh", as the host's setting has it
 * @param {(file: string) => Promise<Response>} fetchFile
 * @returns {Promise<Record<string, string>>} empty for English, and where the file does not come
 */
export async function tableOf(language, fetchFile) {
    const name = LANGUAGES.find((one) => one === language);
    if (!name) return {};
    try {
        const answer = await fetchFile(`./languages/${name}.json`);
        return answer.ok ? await answer.json() : {};
    } catch {
        return {};
    }
}
