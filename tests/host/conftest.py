"""The host ring: the real ComfyUI modules in this process, on the CPU, and our pack as its loader loads it.

The host is importable in every module here (`import comfy.samplers`, `import nodes` for the host's nodes).
Our own modules are reached through the `pack_module` fixture, because `import nodes` is the host's.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
import tiny_wan
import torch

from demo import host

BASE = Path(tempfile.mkdtemp(prefix="adacache-tests-"))  # the host's folder for models, input and output
PACK = BASE / "custom_nodes" / host.PACK_NAME

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    host.import_host(BASE)
    import comfy.sd

    import nodes


class Patched(NamedTuple):
    """A patched MODEL, its handle, and the traces of its runs."""

    model: Any
    handle: str
    runs: Callable[[], list[Any]]


@pytest.fixture(scope="session", autouse=True)
def _remove_base() -> Iterator[None]:
    yield
    shutil.rmtree(BASE)


@pytest.fixture(scope="session")
def pack() -> dict[str, type]:
    """Our node classes by node id, from the host's own loader, out of a folder with a dash in its name."""
    asyncio.run(nodes.init_builtin_extra_nodes())
    for folder in (PACK, BASE / "custom_nodes" / host.DEMO_NODE.name):
        before = set(nodes.NODE_CLASS_MAPPINGS)
        if not asyncio.run(nodes.load_custom_node(str(folder))):
            # The loader logs one line without a traceback: call it again for the error itself.
            asyncio.run(_module(folder).comfy_entrypoint())
            pytest.fail(f"the host did not load {folder.name}")
        ours = {name: nodes.NODE_CLASS_MAPPINGS[name] for name in set(nodes.NODE_CLASS_MAPPINGS) - before}
        if folder == PACK:
            classes = ours
    return classes


@pytest.fixture(scope="session")
def pack_module(pack: dict[str, type]) -> Callable[[str], ModuleType]:
    """Gives a module of our pack by its dotted name, for example pack_module("nodes.host.wrappers").

    It is the very module that the nodes of `pack` use: its engine is pack_module("adacache"), another copy
    than the `adacache` that a test imports.
    """
    return lambda name: importlib.import_module(f"{_module(PACK).__name__}.{name}")


@pytest.fixture(scope="session")
def call(pack: dict[str, type]) -> Callable[..., tuple]:
    """Runs any node of the host or of ours once, as the executor would; gives the tuple of its outputs.

    call("AdaCachePatchModel", model=model, preset="as published (fast)") -> (model, handle)
    Widgets that are not given have their default; hidden inputs and the executing context are empty.
    """

    def run(node_id: str, **inputs: Any) -> tuple:
        node = nodes.NODE_CLASS_MAPPINGS[node_id]
        inputs = _defaults(node) | inputs
        with torch.inference_mode():  # as `execution.py:PromptExecutor` does
            if hasattr(node, "PREPARE_CLASS_CLONE"):  # V3
                return tuple(node.PREPARE_CLASS_CLONE({}).EXECUTE_NORMALIZED(**inputs).args)
            return tuple(getattr(node(), node.FUNCTION)(**inputs))

    return run


@pytest.fixture(scope="session")
def wan(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Loads a Wan text-to-video MODEL with the host's loader; every call loads anew, nothing is shared.

    wan()                       random weights, dim 128, 4 blocks: fast, the picture is noise
    wan(blocks=8, ffn_dim=512)  the same with another layout, see tiny_wan.write_network
    wan(trained=True)           the demo's trained network; its videos need ModelSamplingSD3 with shift 3
    """
    folder = tmp_path_factory.mktemp("networks")
    numbers = itertools.count()
    written: dict[str, Path] = {}

    def load(trained: bool = False, **layout: Any) -> Any:
        if trained:
            return comfy.sd.load_diffusion_model(str(host.MODELS / host.NETWORK))
        key = repr(sorted(layout.items()))
        if key not in written:
            written[key] = tiny_wan.write_network(folder / f"tiny_{next(numbers)}.safetensors", **layout)
        return comfy.sd.load_diffusion_model(str(written[key]))

    return load


@pytest.fixture(scope="session")
def text(call: Callable[..., tuple]) -> Callable[[str], list]:
    """CONDITIONING of a caption in the demo model's words; the empty caption is the unconditional."""
    return lambda caption: call("AdaCacheDemoTextEncode", caption=caption)[0]


@pytest.fixture(scope="session")
def latent(call: Callable[..., tuple]) -> Callable[..., dict]:
    """An empty video LATENT: latent(width=64, height=64, frames=9, batch_size=1)."""

    def empty(width: int = 64, height: int = 64, frames: int = 9, batch_size: int = 1) -> dict:
        size = {"width": width, "height": height, "length": frames, "batch_size": batch_size}
        return call("EmptyHunyuanLatentVideo", **size)[0]

    return empty


@pytest.fixture(scope="session")
def sample(call: Callable[..., tuple], text: Callable, latent: Callable) -> Callable[..., torch.Tensor]:
    """Runs the host's KSampler node and gives the latent tensor [batch, 16, frames, height, width].

    sample(model, steps=12, seed=1, cfg=3.0, sampler_name="euler", scheduler="simple", denoise=1.0,
           prompt="...", latent_image=latent(...)): everything but the model may be left out.
    Any other sampling node: call("KSamplerAdvanced", ...), call("SamplerCustomAdvanced", ...).
    """
    caption = "two red circles and one blue star on a navy background, moving fast"

    def run(model: Any, prompt: str = caption, latent_image: dict | None = None, **widgets: Any) -> torch.Tensor:
        widgets = {
            "steps": 12,
            "seed": 1,
            "cfg": 3.0,
            "sampler_name": "euler",
            "scheduler": "simple",
        } | widgets
        conds = {"positive": text(prompt), "negative": text("")}
        return call("KSampler", model=model, latent_image=latent_image or latent(), **conds, **widgets)[0]["samples"]

    return run


@pytest.fixture(scope="session")
def patch(call: Callable[..., tuple], pack_module: Callable[[str], ModuleType]) -> Callable[..., Patched]:
    """patch(model, preset="turbo", text="0.1:3 1:1", moreg={"norm": 0.2}, **widgets).

    A connected codebook, the text, reuses the network's answer. With on="trunk" it is that of a paper's preset in
    place of the published one, and the trunk's residual is reused.
    """
    kept, node = pack_module("nodes.server.run_store"), pack_module("nodes.patch")

    def apply(
        model: Any, text: str | None = None, moreg: dict | None = None, on: str = "answer", **widgets: Any
    ) -> Patched:
        linked: dict[str, Any] = {}
        presets = dict(node.PRESETS)
        if text is not None:
            (codebook,) = call("AdaCacheCodebook", codebook="my own text", text=text)
            if on == "trunk":
                presets["as published (fast)"] = {"codebooks": (codebook,)}
                widgets["preset"] = "as published (fast)"
            else:
                linked["codebook"] = codebook
        if moreg is not None:
            linked["moreg"] = call("AdaCacheMoRegSettings", **moreg)[0]
        with pytest.MonkeyPatch.context() as patching:
            patching.setattr(node, "PRESETS", presets)
            patched, handle = call("AdaCachePatchModel", model=model, **linked, **widgets)
        return Patched(patched, handle, lambda: [t for t in kept.RUNS.ended() if t.info.handle == handle])

    return apply


def _module(folder: Path) -> ModuleType:
    """A loaded pack, by the name that the host's loader gives it."""
    return sys.modules[str(folder).replace(".", "_x_")]


def _defaults(node: type) -> dict[str, Any]:
    """What the widgets of a node start with in the browser."""
    found = {}
    for name, (kind, *options) in node.INPUT_TYPES().get("required", {}).items():
        choices = kind if isinstance(kind, list) else (options[0].get("options", []) if options else [])
        if options and "default" in options[0]:
            found[name] = options[0]["default"]
        elif choices:
            found[name] = choices[0]
    return found
