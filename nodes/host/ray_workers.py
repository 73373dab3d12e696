"""Put our wrappers on the models of Ray workers: processes that have a model each, and sample together.

The packs that start them (Raylight, github.com/komikndr/raylight) hand them on as `RAY_ACTORS`, a dictionary with
"workers": Ray actors that run a function on their model. `model_function_runner` keeps what it gives as the model,
`model_function_runner_get_values` gives it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ...adacache import Settings
from ..server.worker_feed import Address, WorkerFeed
from .session import Caching
from .wrappers import attach, detach

FOLDER = Path(__file__).parents[2]
PACK = __name__.removesuffix(".nodes.host.ray_workers")


def patch(ray_actors: Mapping[str, Any], settings: Settings | None, handle: str, desk: Address, node_id: str) -> None:
    """Let the model of every worker cache by `settings`, in place of what was put on it before; None takes that off.

    Raises:
        Ray's error where a worker has ended, or cannot load this pack.
    """
    import ray  # it is there wherever its workers are

    workers = ray_actors["workers"]
    ray.get([one.model_function_runner_get_values.remote(bringing(), PACK, str(FOLDER)) for one in workers])
    ray.get([one.model_function_runner.remote(patched, settings, handle, desk, node_id) for one in workers])


def bringing() -> Callable[[Any, str, str], None]:
    """A function that loads this pack in a worker, under the name that it has here.

    Made in here since Ray sends such a function itself, and not just its module's name. After it has run, the names
    of everything else in this pack are found there.
    """

    def bring(model: Any, name: str, folder: str) -> None:
        import importlib.util
        import sys

        if name not in sys.modules:
            spec = importlib.util.spec_from_file_location(name, f"{folder}/__init__.py")
            if spec is None or spec.loader is None:
                raise ImportError(f"AdaCache: a worker finds nothing in {folder}")
            sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])

    return bring


def patched(model: Any, settings: Settings | None, handle: str, desk: Address, node_id: str) -> Any:
    """A clone of a worker's model, with our wrappers or without."""
    if settings is None:
        return detach(model)
    return attach(model, Caching(settings, handle, partial(WorkerFeed, address=desk, node_id=node_id)))
