// @ts-check
/** Tells the host of the panel, of the plot in the Cache Stats node, of a command, a key and a setting. */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { feed } from "./feed.js";
import { patchOf, runsBefore, titleIn } from "./graph.js";
import { phrase, speaker, t } from "./language.js";
import { addWidget, after, makeRoom, renameChoices } from "./onnode.js";
import { ownership } from "./owner.js";
import { mount } from "./panel.js";
import { proposal } from "./proposal.js";
import { queuedGraphs } from "./queued.js";
import { readOutput, reportView } from "./report.js";
import { RunStore } from "./store.js";
import { HEIGHT, nodePlot } from "./widget.js";

const TAB = "adacache";
const TOGGLE = "AdaCache.TogglePanel";
const SETTING = "AdaCache.LivePlots";
const STATS = "AdaCacheStats";
const PATCH = "AdaCachePatchModel";
// What nodes have to say after a run, by their class: the name of the text for screen readers.
const REPORTING = {
    AdaCacheCalibrate: phrase("Calibration"),
    AdaCacheCalibration: phrase("Calibration"),
    AdaCacheCompare: phrase("Verdict"),
    AdaCacheSweep: phrase("Sweep"),
};
const WIDTH = 260; // of a new Cache Stats node, so that its plot can be read
const REPORT_HEIGHT = 150;
const PINNED = "AdaCache.pinned";
const LOCALE = "Comfy.Locale";

const store = new RunStore();
const choice = { shown: "", over: "" };
const graphs = queuedGraphs();
const plots = new Set();
/** @type {Map<any, (output?: unknown) => void>} by node, what shows its last output anew; without one, what it shows */
const takers = new Map();

const rootGraph = () => app.rootGraph ?? app.graph?.rootGraph ?? app.graph;
const workflows = () => app.extensionManager?.workflow;
const owners = ownership({
    id: () => rootGraph()?.id,
    path: () => workflows()?.activeWorkflow?.path,
    isOpen: (path) => Boolean(workflows()?.openWorkflows?.some((one) => one.path === path)),
});
/** The editor knows the subgraphs around a sampler; a title that the run does not confirm is another node's. */
const titleOf = (run) => {
    const title = owners.isShown(run) ? titleIn(rootGraph(), run) : "";
    return title.endsWith(run.about.title) ? title : run.about.title;
};
const feeding = feed(api, store, { titleOf, watched: () => !document.hidden && (panel !== null || plots.size > 0) });

function place() {
    return app.extensionManager?.setting?.get(SETTING) ?? "both";
}

/** The host does not tell which workflow a prompt id is of, but it learns the id as the answer to this question. */
function noteQueued() {
    const queuePrompt = api.queuePrompt;
    api.queuePrompt = async function (...given) {
        const path = workflows()?.activeWorkflow?.path;
        const answer = await queuePrompt.apply(this, given);
        owners.note(answer?.prompt_id, path);
        graphs.note(answer?.prompt_id, given[1]?.output);
        store.dispatchEvent(new Event("change")); // the graph may have come to its end before this answer
        return answer;
    };
}

/** Nodes are made before the host says that their workflow is the one in the editor; its outputs come just after. */
function watchWorkflow() {
    workflows()?.$onAction?.(({ name, after: done }) => {
        if (name !== "openWorkflow") return;
        done(() => {
            plots.forEach((plot) => plot.redraw());
            setTimeout(() => {
                takers.forEach((take, node) => take(app.nodeOutputs?.[node.id]));
            });
        });
    });
}

/** The field of the graph in the editor that can lock a run's schedule; null where there is none to write into. */
function lockOf(run) {
    const node = owners.isShown(run) ? patchOf(rootGraph(), run) : null;
    const named = ({ name }) => name === "locked_schedule";
    const widget = node?.widgets?.find(named);
    if (!widget || node.isInputConnected?.(node.inputs.findIndex(named))) return null;
    const write = (text) => {
        app.canvas.emitBeforeChange(); // between these two, the host notes one step to undo
        widget.value = text;
        widget.callback?.(text);
        app.canvas.emitAfterChange();
        app.graph.setDirtyCanvas(true, true);
    };
    return { title: String(node.title || node.type), write };
}

function addStyle() {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL("./panel.css", import.meta.url).href;
    document.head.append(link);
}

/** A pin outlives a reload, as the server's runs do. */
function rememberPin() {
    store.pin(sessionStorage.getItem(PINNED) ?? "");
    store.addEventListener("change", () => sessionStorage.setItem(PINNED, store.pinned));
}

/** Speaks the host's language, and another as soon as a person chooses it. */
function followLanguage() {
    const files = (file) => fetch(new URL(file, import.meta.url));
    const choose = speaker(files, () => {
        const tab = app.extensionManager?.getSidebarTabs?.().find(({ id }) => id === TAB);
        if (tab) tab.tooltip = tooltip();
        panel?.draw();
        plots.forEach((plot) => plot.redraw());
        takers.forEach((take) => take());
    });
    // Older hosts tell of a change before their setting has it.
    app.ui?.settings?.addEventListener(`${LOCALE}.change`, ({ detail }) => choose(detail.value));
    choose(app.extensionManager?.setting?.get(LOCALE));
}

const tooltip = () => t("AdaCache: which steps were computed and which were reused");

/** @type {{draw: () => void, remove: () => void} | null} the panel while it is open */
let panel = null;

function registerTab() {
    const destroy = () => {
        panel?.remove();
        panel = null;
    };
    app.extensionManager.registerSidebarTab({
        id: TAB,
        icon: "pi pi-chart-bar",
        title: "AdaCache",
        label: "AdaCache",
        tooltip: tooltip(),
        type: "custom",
        render: (element) => {
            destroy(); // the host may draw again without having taken the old view away
            element.style.height = "100%";
            const live = () => ["both", "panel"].includes(place());
            const told = (run) => graphs.tell(run);
            const propose = (run) => proposal(api, run);
            const { whyNone } = graphs;
            const draw = () => mount(element, { store, choice, live, told, whyNone, lockOf, propose });
            let remove = draw();
            panel = { draw: () => (remove(), (remove = draw())), remove: () => remove() };
            feeding.refresh();
        },
        destroy,
    });
}

function addPlot(node) {
    const shown = () => ["both", "node"].includes(place());
    const candidates = () => store.runs.filter(({ run }) => owners.isShown(run));
    const plot = nodePlot(document, { store, runsOf: () => runsBefore(node, "value", candidates()), shown });
    addWidget(node, "adacache_plot", plot.root, {
        least: () => (shown() ? HEIGHT : 0),
        most: () => (shown() ? 2 * HEIGHT : 0),
    });
    if (node.size[0] < WIDTH) node.setSize([WIDTH, node.size[1]]); // a saved size comes later, and is kept
    plots.add(plot);
    after(node, "onRemoved", () => {
        plots.delete(plot);
        takers.delete(node);
        plot.remove();
    });
    const take = (output) => {
        const told = readOutput(output);
        // The host hands an output to the node of that id in the editor, whichever workflow it is of.
        const isOurs = (id) => candidates().some((entry) => entry.id === id);
        if (told?.runs.every((id) => !store.get(id) || isOurs(id))) plot.take(told);
    };
    after(node, "onExecuted", take);
    // A run that was cancelled is newer than the last output; where that tells of no run, nothing is to be shown.
    takers.set(node, (output) => {
        const newest = runsBefore(node, "value", candidates()).at(-1);
        const told = readOutput(output);
        if (told && (!told.runs.length || told.runs.includes(newest?.id ?? ""))) take(output);
    });
    plot.redraw();
}

function addReport(node, name) {
    const report = reportView(document, t(name));
    addWidget(node, "adacache_report", report.root, {
        least: () => (report.text ? REPORT_HEIGHT : 0),
        most: () => (report.text ? 2 * REPORT_HEIGHT : 0),
    });
    let text = "";
    const take = (output) => {
        const told = readOutput(output);
        text = told?.text ?? text;
        report.show(text);
        if (told) makeRoom(node);
    };
    takers.set(node, take);
    after(node, "onExecuted", take);
    after(node, "onRemoved", () => takers.delete(node));
}

app.registerExtension({
    name: "AdaCache",
    settings: [
        {
            id: SETTING,
            name: "Where live plots show",
            tooltip: "The panel keeps every run in any case; this is about drawing it while it samples.",
            category: ["AdaCache", "Plots", "Where live plots show"],
            type: "combo",
            options: [
                { text: "In the panel and on Cache Stats", value: "both" },
                { text: "In the panel only", value: "panel" },
                { text: "On Cache Stats only", value: "node" },
                { text: "Nowhere", value: "none" },
            ],
            defaultValue: "both",
            onChange: () => {
                for (const plot of plots) plot.redraw();
                store.dispatchEvent(new Event("change"));
                app.graph?.setDirtyCanvas?.(true, true);
            },
        },
    ],
    commands: [
        {
            id: TOGGLE,
            label: "Show or hide the AdaCache panel",
            icon: "pi pi-chart-bar",
            function: () => app.extensionManager.command.execute(`Workspace.ToggleSidebarTab.${TAB}`),
        },
    ],
    keybindings: [{ commandId: TOGGLE, combo: { key: "a", shift: true } }],
    menuCommands: [{ path: ["Extensions", "AdaCache"], commands: [TOGGLE] }],
    setup() {
        addStyle();
        noteQueued();
        watchWorkflow();
        rememberPin();
        registerTab();
        followLanguage();
        feeding.refresh();
    },
    nodeCreated(node) {
        if (node.comfyClass === PATCH) renameChoices(node);
        if (node.comfyClass === STATS) addPlot(node);
        if (node.comfyClass in REPORTING) addReport(node, REPORTING[node.comfyClass]);
    },
});
