// @ts-check
/** How to put an element of ours into a node of the host's canvas, and to hear of what happens to the node. No DOM. */

/**
 * An element in a node that is neither queued nor saved.
 * @param {any} node
 * @param {string} name
 * @param {HTMLElement} root
 * @param {{least: () => number, most: () => number}} height
 */
export function addWidget(node, name, root, { least, most }) {
    const widget = node.addDOMWidget(name, name, root, {
        serialize: false,
        hideOnZoom: false,
        getMinHeight: least,
        getMaxHeight: most,
        getValue: () => "",
        setValue: () => {},
    });
    widget.serialize = false; // the option keeps it out of the queue, this out of the workflow file
}

/**
 * Does more whenever the host calls a node's method.
 * @param {any} node
 * @param {string} method
 * @param {(...given: any[]) => void} work
 */
export function after(node, method, work) {
    const before = node[method];
    node[method] = function (...given) {
        const answer = before?.apply(this, given);
        work(...given);
        return answer;
    };
}

/**
 * A choice that a saved graph has under a name of before takes its new name; the host would call it invalid.
 * @param {any} node
 */
export function renameChoices(node) {
    const inputs = node.constructor.nodeData?.input?.required ?? {};
    after(node, "onConfigure", () => {
        for (const widget of node.widgets ?? []) {
            const renamed = inputs[widget.name]?.[1]?.renamed ?? {};
            if (Object.hasOwn(renamed, widget.value)) widget.value = renamed[widget.value];
        }
    });
}

/** Makes a node as high as what is in it now, and never smaller than a person made it. @param {any} node */
export function makeRoom(node) {
    const [width, height] = node.computeSize();
    node.setSize([Math.max(width, node.size[0]), Math.max(height, node.size[1])]);
}
