// @ts-check
/** What the graph in the editor tells about a run: its sampler's title, and which runs a node is about. No DOM. */

/** @typedef {import("./store.js").Entry} Entry */
/** @typedef {import("./trace.js").Run} Run */

const MOST_NODES = 2000;
/** Nodes of ours that turn caching on. */
export const PATCHES = ["AdaCachePatchModel", "AdaCachePatchRayActors"];

/** Ids from the outermost graph inwards: "12:5" is node 5 in subgraph node 12, "10.0.0.5" was made by node 10. */
function pathOf(run) {
    return run.info.node_id.split(".")[0].split(":").filter(Boolean);
}

/**
 * The title of a run's sampler node, with those of the subgraphs around it; "" where the graph has no such node.
 * @param {any} root the outermost graph
 * @param {Run} run
 */
export function titleIn(root, run) {
    const titles = [];
    let graph = root;
    for (const id of pathOf(run)) {
        const node = graph?.getNodeById?.(Number(id)) ?? graph?.getNodeById?.(id);
        if (!node) return "";
        titles.push(String(node.title || node.type || ""));
        graph = node.subgraph;
    }
    return titles.filter(Boolean).join(" / ").slice(0, 120);
}

/**
 * The node of ours that patched the model of a run's sampler; null where the graph in the editor has none.
 * @param {any} root the outermost graph
 * @param {Run} run
 */
export function patchOf(root, run) {
    let [graph, node] = /** @type {any[]} */ ([root, null]);
    for (const id of pathOf(run)) {
        node = graph?.getNodeById?.(Number(id)) ?? graph?.getNodeById?.(id);
        graph = node?.subgraph;
    }
    const isPatch = ({ comfyClass }) => PATCHES.includes(comfyClass);
    return node ? [...before(node)].find(isPatch) ?? null : null;
}

/**
 * The newest graph's runs of the samplers that an input of a node depends on.
 * @param {any} node
 * @param {string} input
 * @param {Entry[]} entries newest last
 */
export function runsBefore(node, input, entries) {
    const slot = node.inputs?.findIndex(({ name }) => name === input) ?? -1;
    const source = slot < 0 ? null : sourceOf(node, slot);
    const ids = new Set(source ? [...before(source)].map(({ id }) => String(id)) : []);
    const inside = Boolean(node.graph && node.graph.rootGraph && node.graph !== node.graph.rootGraph);
    const mine = entries.filter(({ run, imported }) => {
        const path = pathOf(run);
        return !imported && (inside ? path.slice(1).some((id) => ids.has(id)) : ids.has(path[0]));
    });
    const newest = mine[mine.length - 1];
    return mine.filter(({ run }) => run === newest.run || isOfOneGraph(run, newest.run));
}

/**
 * Whether two runs are of one queued graph: clients may give several graphs one prompt id.
 * @param {Run} a
 * @param {Run} b
 */
function isOfOneGraph(a, b) {
    return a.info.prompt_id && a.info.prompt_id === b.info.prompt_id && a.about.task === b.about.task;
}

/** A node and all that it depends on, the nearest first. @param {any} node @returns {Set<any>} */
function before(node) {
    const found = new Set([node]);
    for (const one of found)
        for (let n = 0; n < (one.inputs?.length ?? 0) && found.size < MOST_NODES; n += 1) {
            const source = sourceOf(one, n);
            if (source) found.add(source);
        }
    return found;
}

/** A host's method fails on some nodes, such as those of a graph that it has not finished making. */
function sourceOf(node, slot) {
    try {
        return node.getInputNode?.(slot);
    } catch {
        return null;
    }
}
