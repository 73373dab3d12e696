// @ts-check
/** Small helpers for elements. Text is always textContent: what is shown comes from elsewhere and is never HTML. */

import { guess } from "./shapes.js";

/** @typedef {import("./shapes.js").Measure} Measure */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {Document} document
 * @param {T} tag
 * @param {Record<string, any>} [properties] attributes; `text` is its text, `on...` its listeners
 * @param {(Node | string | null | false | undefined)[]} [children]
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(document, tag, properties = {}, children = []) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (value === undefined || value === false || value === null) continue;
        if (name === "text") made.textContent = value;
        else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
        else made.setAttribute(name, value === true ? "" : String(value));
    }
    made.append(
        ...children.filter((child) => child || child === "").map((child) => /** @type {Node | string} */ (child)),
    );
    return made;
}

/**
 * Draws an element anew when the store, its size or the theme under it changes: once per frame, however often it is
 * asked to; in a hidden page it waits until the page is seen.
 * @param {HTMLElement} root has the class `light` where the theme is
 * @param {EventTarget} store
 * @param {() => void} redraw
 */
export function redrawing(root, store, redraw) {
    const { defaultView, documentElement, body } = root.ownerDocument;
    const window = /** @type {Window} */ (defaultView);
    let asked = 0;
    const ask = () => {
        asked ||= window.requestAnimationFrame(() => {
            asked = 0;
            redraw();
        });
    };
    const sizes = new ResizeObserver(ask);
    sizes.observe(root);
    const theme = new MutationObserver(() => {
        if (root.isConnected && isLight(root) !== root.classList.contains("light")) ask();
    });
    for (const place of [documentElement, body])
        theme.observe(place, { attributes: true, attributeFilter: ["class", "style", "data-theme"] });
    store.addEventListener("change", ask);
    const end = () => {
        store.removeEventListener("change", ask);
        sizes.disconnect();
        theme.disconnect();
        window.cancelAnimationFrame(asked);
    };
    return { ask, end };
}

/**
 * Gives a measure of text in the font that an element has at that time: style sheets and fonts may come late.
 * @param {HTMLElement} within
 * @returns {() => Measure}
 */
export function measurer(within) {
    const context = within.ownerDocument.createElement("canvas").getContext("2d");
    let family = "";
    const known = new Map();
    within.ownerDocument.fonts.ready.then(() => known.clear());

    /** @type {Measure} */
    const measure = (text, size, weight = 400) => {
        if (!context) return guess(text, size);
        const key = `${weight} ${size} ${text}`;
        let width = known.get(key);
        if (width === undefined) {
            context.font = `${weight} ${size}px ${family}`;
            width = context.measureText(text).width;
            if (known.size > 2000) known.clear(); // titles and counts come and go
            known.set(key, width);
        }
        return width;
    };
    return () => {
        const now = getComputedStyle(within).fontFamily || "sans-serif";
        if (now !== family) known.clear();
        family = now;
        return measure;
    };
}

/**
 * Copies text; false where the browser refuses, as it does on pages that are not secure.
 * @param {Document} document
 * @param {string} text
 */
export async function copy(document, text) {
    try {
        await document.defaultView?.navigator.clipboard.writeText(text);
        return true;
    } catch {
        const area = element(document, "textarea", { "aria-hidden": "true", style: "position:fixed;opacity:0" });
        area.value = text;
        const focused = /** @type {HTMLElement | null} */ (document.activeElement);
        document.body.append(area);
        area.select();
        const copied = document.execCommand("copy");
        area.remove();
        focused?.focus();
        return copied;
    }
}

/**
 * @param {Document} document
 * @param {string} name
 * @param {Blob} blob
 */
export function download(document, name, blob) {
    const address = URL.createObjectURL(blob);
    element(document, "a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/**
 * @param {SVGSVGElement} svg with a viewBox
 * @param {number} scale pixels per unit
 * @returns {Promise<Blob>}
 */
export async function toPng(svg, scale = 2) {
    const document = svg.ownerDocument;
    const { width, height } = svg.viewBox.baseVal;
    const image = new Image(width * scale, height * scale);
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
    await image.decode();
    const canvas = element(document, "canvas", {
        width: Math.round(width * scale),
        height: Math.round(height * scale),
    });
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done, fail) =>
        canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("no picture"))), "image/png"),
    );
}

/** Whether the colours around an element are light. @param {HTMLElement} within */
export function isLight(within) {
    const [r, g, b] = (getComputedStyle(within).color.match(/[\d.]+/g) ?? ["255", "255", "255"]).map(Number);
    return 0.3 * r + 0.6 * g + 0.1 * b < 128;
}
