// @ts-check
/** From a scene to SVG elements: no decisions, and no document but the one that is given. */

/** @typedef {import("./layout.js").Scene} Scene */
/** @typedef {import("./shapes.js").Shape} Shape */

const SVG = "http://www.w3.org/2000/svg";

// Orange, sky blue, purple and yellow close to the Okabe-Ito palette, which colour-blind people tell apart. The
// same as those of the Cache Stats node's picture.
export const DARK = {
    card: "#1a1d23",
    well: "#15171c",
    rule: "#3a404b",
    text: "#edf0f5",
    soft: "#aab2bf",
    computed: "#f0a020",
    reused: "#56b4e9",
    motion: "#d689b7",
    alarm: "#f0e442",
    second: "#3cc49a",
    "computed-text": "#f2b24d",
    "reused-text": "#7cc5ee",
};
export const LIGHT = {
    card: "#ffffff",
    well: "#f2f4f7",
    rule: "#ccd2da",
    text: "#1b1f26",
    soft: "#565f6d",
    computed: "#e08e00",
    reused: "#2f8fca",
    motion: "#b3568e",
    alarm: "#c79a00",
    second: "#0b8a63",
    "computed-text": "#8a5600",
    "reused-text": "#14649a",
};

/** @param {string} name the colour of the theme around it */
export function themed(name) {
    return `var(--adacache-${name}, ${DARK[name]})`;
}

/** @param {Record<string, string>} palette @returns {(name: string) => string} */
export function fixed(palette) {
    return (name) => palette[name];
}

/**
 * @param {Scene} scene
 * @param {Document} document
 * @param {(name: string) => string} [colour]
 * @returns {SVGSVGElement}
 */
export function draw(scene, document, colour = themed) {
    const svg = document.createElementNS(SVG, "svg");
    set(svg, { width: scene.width, height: scene.height, viewBox: `0 0 ${scene.width} ${scene.height}` });
    svg.append(...drawShapes(scene.shapes, document, colour));
    return svg;
}

/**
 * @param {Shape[]} shapes
 * @param {Document} document
 * @param {(name: string) => string} [colour]
 */
export function drawShapes(shapes, document, colour = themed) {
    return shapes.map((shape) =>
        shape.kind === "text" ? drawText(shape, document, colour) : drawPath(shape, document, colour),
    );
}

/** @param {import("./shapes.js").PathShape} shape */
function drawPath(shape, document, colour) {
    const element = document.createElementNS(SVG, "path");
    set(element, {
        d: shape.d,
        fill: shape.fill ? colour(shape.fill) : "none",
        "fill-opacity": shape.opacity,
        stroke: shape.stroke && colour(shape.stroke),
        "stroke-opacity": shape.strokeOpacity,
        "stroke-width": shape.strokeWidth,
        "stroke-dasharray": shape.dash,
        "stroke-linejoin": shape.stroke && "round",
    });
    return element;
}

/** @param {import("./shapes.js").TextShape} shape */
function drawText(shape, document, colour) {
    const element = document.createElementNS(SVG, "text");
    set(element, {
        x: shape.x,
        y: shape.y,
        "font-size": shape.size,
        "font-weight": shape.weight,
        "text-anchor": shape.anchor,
        fill: colour(shape.fill),
    });
    element.textContent = shape.text;
    return element;
}

/** @param {Element} element @param {Record<string, unknown>} attributes those that are undefined are left out */
function set(element, attributes) {
    for (const [name, value] of Object.entries(attributes))
        if (value !== undefined) element.setAttribute(name, String(value));
}
