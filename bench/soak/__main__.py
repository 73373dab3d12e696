"""A thousand queued runs in one server with the panel open: what grows, and which run differs from the same run alone.

    python -m bench.soak --runs 1000 --out bench/results/soak.json

Mixed graphs (`graphs.py`): families, presets, samplers, sizes, frames, batches; some are cancelled or fail, above our
wrappers or below. Each graph's latent is compared, bit by bit, with that of a fresh server that ran it first and once.
The panel is open in a browser that queues half of the runs, so that it hears of them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from demo import host
from demo.client import Client, Failed, Interrupted
from demo.serve import serving

from .graphs import FAMILIES, Case, cases, failure, graph

NODES = Path(__file__).parent / "nodes"
PAGE = host.REPO / "tests" / "page"  # how the page tests drive the browser
VIEW = {"width": 800, "height": 500}  # drawn without a graphics card, which takes longer than the runs themselves
FAILING = 0.15
"""The part of the runs that fail or are cancelled on purpose."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--cases", type=int, default=48, help="different graphs")
    parser.add_argument("--every", type=int, default=20, help="runs between two counts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--panel",
        choices=("open", "closed", "absent", "no page"),
        default="open",
        help="absent: the page does not get the pack's scripts, so what grows is the editor's; no page: no browser",
    )
    parser.add_argument("--out", type=Path, help="where the figures go, as JSON; written after every count")
    options = parser.parse_args()
    wanted = cases(options.cases, FAMILIES, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        expected = alone(wanted, Path(folder, "alone"))
        with started(Path(folder, "soak")) as url, page_at(url, options.panel) as page, Client(url) as client:
            soak = Soak(client, page, wanted, expected, options.seed)
            for n in range(options.runs):
                soak.run()
                if (n + 1) % options.every == 0 or n + 1 == options.runs:
                    soak.count()
                    if options.out:
                        options.out.write_text(json.dumps(soak.report(), indent=1) + "\n")
    print("\n".join(soak.lines()))
    sys.exit(bool(soak.different or soak.unexpected))


@contextlib.contextmanager
def started(base: Path) -> Iterator[str]:
    """A server with the soak's own nodes."""
    host.make_base(base)
    (base / "custom_nodes" / "soak").symlink_to(NODES)
    with serving(base, base / "server.log", "--cpu") as url:
        yield url


def alone(wanted: list[Case], base: Path) -> dict[Case, str]:
    """The hash of each graph's latent, from a server that did nothing else but the others before it, once."""
    with started(base) as url, Client(url) as client:
        return {case: hashed(client.run(graph(case, 0)).outputs) for case in reversed(wanted)}


def hashed(outputs: dict[str, dict]) -> str:
    return outputs["hash"]["text"][0]


@contextlib.contextmanager
def page_at(url: str, panel: str) -> Iterator[Any]:
    """A page with the panel as it is wanted, or None."""
    if panel == "no page":
        yield None
        return
    sys.path.append(str(PAGE))
    import editing
    import hosting
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = hosting.chromium(playwright)
        editor = editing.Editor(browser.new_page(viewport=VIEW), url)
        if panel == "absent":
            editor.page.route(f"**/extensions/{host.PACK_NAME}/**", lambda route: route.abort())
        editor.enter()
        if panel == "open":
            editor.open_panel()
        yield editor
        browser.close()


class Soak:
    """Runs and what became of them."""

    def __init__(self, client: Client, page: Any, wanted: list[Case], expected: dict[Case, str], seed: int) -> None:
        self.client, self.page, self.wanted, self.expected = client, page, wanted, expected
        self.dice = random.Random(seed)
        self.outcomes: Counter[str] = Counter()
        self.different: list[str] = []
        self.unexpected: list[str] = []
        self.counts: list[dict[str, float]] = []
        self.began = time.monotonic()
        self.own_id = client.id
        self.page_id = page.page.evaluate("() => app.api.clientId") if page else client.id
        self._devtools = page.page.context.new_cdp_session(page.page) if page else None
        self.count()

    def run(self) -> None:
        number = sum(self.outcomes.values()) + 1
        case = self.dice.choice(self.wanted)
        fails = failure(self.dice) if self.dice.random() < FAILING else None
        work = graph(case, number, fails)
        seen = self.page_id if self.dice.random() < 0.5 else self.own_id
        outcome, outputs = self._queued(work, seen)
        self.outcomes[outcome] += 1
        told = f"run {number}: {case.name}{f', {fails}' if fails else ''}"
        allowed = {"done"} if fails is None else {"done", "cancelled" if fails.kind == "cancel" else "failed"}
        if outcome not in allowed:
            self.unexpected.append(f"{told}: {outcome}")
        elif outcome == "done" and hashed(outputs) != self.expected[case]:
            self.different.append(told)

    def _queued(self, work: Any, client_id: str) -> tuple[str, dict[str, dict]]:
        """What became of a graph: its own client follows events, the page's is asked of the history."""
        self.client.id = client_id
        prompt_id = self.client.queue(work)
        if client_id == self.own_id:
            try:
                return "done", self.client.follow(prompt_id).outputs
            except Interrupted:
                return "cancelled", {}
            except Failed:
                return "failed", {}
        while not (found := self._get(f"/history/{prompt_id}")):
            if self.page:
                self.page.page.wait_for_timeout(50)  # lets the page's own events through
        entry = found[prompt_id]
        kinds = {kind for kind, _ in entry["status"]["messages"]}
        if "execution_interrupted" in kinds:
            return "cancelled", {}
        return ("failed" if "execution_error" in kinds else "done"), entry["outputs"]

    def count(self) -> None:
        found = dict(self._get("/soak/counts"))
        if self._devtools:
            self._devtools.send("HeapProfiler.collectGarbage")
            self._devtools.send("Performance.enable")
            told = {one["name"]: one["value"] for one in self._devtools.send("Performance.getMetrics")["metrics"]}
            found["page_heap_mib"] = round(told["JSHeapUsedSize"] / 2**20, 1)
            found["page_nodes"] = told["Nodes"]
            found["page_listeners"] = told["JSEventListeners"]
            found["page_errors"] = len(self.page.errors)
            found["page_rows"] = self.page.page.locator(".adacache-panel .adacache-run").count()
        found = {"runs": sum(self.outcomes.values()), "seconds": round(time.monotonic() - self.began)} | found
        self.counts.append(found)
        print(json.dumps(found), flush=True)

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self.client.url + path) as answer:
            return json.loads(answer.read())

    def report(self) -> dict[str, Any]:
        return {
            "graphs": [case.name for case in self.wanted],
            "outcomes": dict(self.outcomes),
            "different": self.different,
            "unexpected": self.unexpected,
            "growth": self.growth(),
            "counts": self.counts,
        }

    def growth(self) -> dict[str, list[float]]:
        """Each count's median over the second quarter of the runs, and over the last."""
        warm = [one for one in self.counts if one["runs"] >= self.counts[-1]["runs"] / 4]
        second, last = warm[: max(1, len(warm) // 3)], warm[-max(1, len(warm) // 3) :]
        names = [name for name in self.counts[-1] if name not in ("runs", "seconds")]
        return {name: [statistics.median(one[name] for one in part) for part in (second, last)] for name in names}

    def lines(self) -> list[str]:
        lines = [f"{sum(self.outcomes.values())} runs of {len(self.wanted)} graphs: {dict(self.outcomes)}"]
        lines += [f"different from alone: {one}" for one in self.different]
        lines += [f"unexpected: {one}" for one in self.unexpected]
        lines += [
            f"{name}: {before:g} in the second quarter, {after:g} in the last"
            for name, (before, after) in self.growth().items()
        ]
        return lines


if __name__ == "__main__":
    main()
