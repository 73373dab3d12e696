"""The host in this process with our pack: its nodes by id, and the runs that our pack keeps."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import sys
import tempfile
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import torch

from demo import host


class Hosted:
    """Attributes:
    classes: the host's nodes by id, ours among them.
    runs, dumps: of our pack as the host loaded it: the runs it keeps, and traces as text.
    """

    def __init__(
        self, folders: tuple[str, ...] = (host.PACK_NAME,), extras: tuple[str, ...] | None = None, cpu: bool = True
    ):
        """Load it.

        Args:
            folders: of custom nodes.
            extras: the files of the host's own extra nodes that are needed; all of them where none is named.
            cpu: compute there; else where the host itself would.
        """
        argv, sys.argv = sys.argv, sys.argv[:1]  # the host would read our arguments as its own
        _allow_no_media()
        base = Path(tempfile.mkdtemp(prefix="adacache-bench-"))
        host.import_host(base, cpu)
        sys.argv = argv
        import comfy.utils

        comfy.utils.PROGRESS_BAR_ENABLED = False
        logging.disable(logging.INFO)
        import nodes

        if extras is None:
            asyncio.run(nodes.init_builtin_extra_nodes())
        for extra in extras or ():
            _load(host.HOST / "comfy_extras" / extra, "comfy_extras")
        for folder in folders:
            _load(base / "custom_nodes" / folder)
        self.classes = nodes.NODE_CLASS_MAPPINGS
        end = ".nodes.server.run_store"
        pack = next(n.removesuffix(end) for n in sys.modules if n.endswith(host.PACK_NAME + end))
        self.runs = sys.modules[pack + end].RUNS
        self.dumps = sys.modules[f"{pack}.adacache"].dumps

    def call(self, node_id: str, **inputs: Any) -> tuple:
        """Run a node as the host's executor does (`execution.py:PromptExecutor`)."""
        node = self.classes[node_id]
        with torch.inference_mode():
            if hasattr(node, "PREPARE_CLASS_CLONE"):  # V3
                return tuple(node.PREPARE_CLASS_CLONE({}).EXECUTE_NORMALIZED(**inputs).args)
            return tuple(getattr(node(), node.FUNCTION)(**inputs))

    def defaults(self, node_id: str) -> dict[str, Any]:
        """What the widgets of one of our nodes begin with."""
        inputs = self.classes[node_id].define_schema().inputs
        return {i.id: i.default for i in inputs if getattr(i, "default", None) is not None}

    def patched(self, model: Any, **settings: Any) -> tuple[Any, Callable[[], Any]]:
        """A model with AdaCache Patch Model, and what gives the trace of its last run."""
        inputs = {**self.defaults("AdaCachePatchModel"), "model": model, **settings}
        patched, handle = self.call("AdaCachePatchModel", **inputs)
        return patched, lambda: self.runs.find(handle)[-1]

    def their_cache(self, node: str, model: Any, threshold: float) -> Any:
        """A model with the host's EasyCache or LazyCache, on a copy of the input that EasyCache 0.3.75 writes into."""
        options = {"reuse_threshold": threshold, "start_percent": 0.15, "end_percent": 0.95, "verbose": False}
        (patched,) = self.call(node, model=model, **options)

        def copied(executor: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
            return executor(x.clone(), *args, **kwargs)

        # Wrappers run in this order, the first outermost.
        theirs = patched.wrappers.get("diffusion_model", {})
        patched.wrappers["diffusion_model"] = {"bench.copy": [copied], **theirs}
        return patched


def _load(path: Path, parent: str = "custom_nodes") -> None:
    import nodes

    if not asyncio.run(nodes.load_custom_node(str(path), module_parent=parent)):
        raise RuntimeError(f"the host did not load {path.name}")


class _Anything(MetaPathFinder, Loader):
    """Gives PyAV's modules, in which every name is something that takes any call."""

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.split(".")[0] == "av" else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)
        module.__getattr__ = MagicMock()
        return module

    def exec_module(self, module: ModuleType) -> None:
        pass


def _allow_no_media() -> None:
    """Lets the host import where PyAV is missing, which reads and writes video files and is large."""
    if importlib.util.find_spec("av") is None:
        sys.meta_path.append(_Anything())
