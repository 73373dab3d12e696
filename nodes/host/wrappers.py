"""The wrappers around the host's sampling (`comfy/patcher_extension.py`): from its calls to a Run's.

Nothing mutable lives with the MODEL: a wrapper closes over frozen settings, and the Run is born in `sampling` and
travels in the sampling's own copy of the model options. What each does beside the host's call may fail (`guard.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from comfy.patcher_extension import CallbacksMP, WrappersMP
from torch import Tensor

from ..server.events import Feed
from ..server.run_store import RUNS
from . import compat
from .answers import answers
from .guard import CANCELS, KEY, Guard, HostCall, at_start, beside, in_session
from .network import network
from .session import REFUSES, Caching, Session, open_session, open_without

OTHER_MODEL = "another model runs the sampling; where a guider takes two, patch the first, the positive one"


def wrappers(caching: Caching) -> list[tuple[str, Callable[..., Any]]]:
    """Our wrapper for each of the host's kinds."""

    return [
        (WrappersMP.OUTER_SAMPLE, at_start(partial(sampling, caching))),
        (WrappersMP.SAMPLER_SAMPLE, in_session(stepping)),
        (WrappersMP.PREDICT_NOISE, in_session(evaluation)),
        (WrappersMP.CALC_COND_BATCH, in_session(answers)),
        (WrappersMP.APPLY_MODEL, in_session(network)),
    ]


def sampling(
    caching: Caching,
    guard: Guard,
    host: HostCall,
    noise: Tensor,
    latent_image: Tensor,
    sampler: Any,
    sigmas: Tensor,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """OUTER_SAMPLE: a run begins, and ends however the sampling does."""
    guider = host.call.class_obj
    shapes = kwargs.get("latent_shapes")
    device = guider.model_patcher.load_device
    workers = compat.workers(guider.model_patcher.model.diffusion_model, caching.settings.reuses == "trunk")
    try:
        session = open_session(guard, caching, workers, guider, latent_image, sampler, sigmas, shapes)
    except Exception as error:
        if workers:
            workers.highest(REFUSES, device)
        guard.failed(error)
        with ending(guard, host, open_without(caching, error)):
            return host(noise, latent_image, sampler, sigmas, *args, **kwargs)
    options = guider.model_options.setdefault("transformer_options", {})
    options[KEY] = session
    try:
        with ending(guard, host, session.close):
            guard.attempt(session.tell)
            session.agreed(False, device)
            hooked = session.family is not None and not session.run.refused
            with compat.memory_compiler_off() if hooked else nullcontext():
                return host(noise, latent_image, sampler, sigmas, *args, **kwargs)
    finally:
        options.pop(KEY, None)


@contextmanager
def ending(guard: Guard, host: HostCall, close: Callable[[str, str], None]) -> Iterator[None]:
    """Around a sampling: `close` is told how it ended, and what the error was."""
    end, detail = "done", ""
    try:
        yield
    except CANCELS:
        end = "cancelled"
        raise
    except BaseException as error:
        if error is host.error:
            end, detail = "failed", f"{type(error).__name__}: {error}"
        elif isinstance(error, Exception):
            guard.failed(error)
        raise
    finally:
        for _ in range(2):  # what stays open stays for good
            if guard.attempt(lambda: close(end, detail)):
                break


def stepping(
    session: Session,
    host: HostCall,
    guider: Any,
    sigmas: Tensor,
    extra_args: dict[str, Any],
    callback: Callable[..., Any] | None,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """SAMPLER_SAMPLE: hear of every step that the sampler reports."""
    session.run.report_steps()

    def stepped(reported: HostCall, step: int, *progress: Any) -> None:
        session.run.step_done(step)
        reported(step, *progress)

    hearing = session.guard.around(stepped, callback or (lambda *_: None))
    return host(guider, sigmas, extra_args, hearing, *args, **kwargs)


def evaluation(
    session: Session,
    host: HostCall,
    x: Tensor,
    timestep: Tensor,
    model_options: dict[str, Any] = {},  # noqa: B006 the host's own signature
    *args: Any,
    **kwargs: Any,
) -> Tensor:
    """PREDICT_NOISE: one evaluation. Decides before it, folds the measure after it."""
    if session.evaluation is not None:
        return host(x, timestep, model_options, *args, **kwargs)
    try:
        began = False
        try:
            session.begin(host.call.class_obj, x, timestep, model_options)
            began = True
        finally:
            session.agreed(False, x.device, failed=not began)
        return session.finish(x, host(x, timestep, model_options, *args, **kwargs), model_options)
    finally:
        session.evaluation = None


def attach(model: Any, caching: Caching) -> Any:
    """A clone of the MODEL that caches; of several in a chain the last one counts."""
    patched = detach(model)
    for kind, wrapper in wrappers(caching):
        patched.add_wrapper_with_key(kind, KEY, wrapper)
    if caching.tell is Feed:  # runs are kept in this process
        patched.add_callback_with_key(
            CallbacksMP.ON_PRE_RUN, KEY, beside(lambda model, *_: leave_a_word(caching, model))
        )
    return patched


def detach(model: Any) -> Any:
    """A clone of the MODEL without any wrapper of ours."""
    plain = model.clone()
    for kind in list(plain.wrappers):
        plain.remove_wrappers_with_key(kind, KEY)
    plain.remove_callbacks_with_key(CallbacksMP.ON_PRE_RUN, KEY)
    return plain


def leave_a_word(caching: Caching, model: Any) -> None:
    """A run of nothing, that says why, where a model is made ready for a sampling that another one runs.

    Guiders that take two models (`comfy_extras/nodes_custom_sampler.py:Guider_DualModel`) are run by the first one.
    """
    trace = caching.stepless(type(model.model).__name__, OTHER_MODEL)
    trace.end = "done"
    if not RUNS.goes_on(trace.info):  # else it is its own, or that of the first model, which has this one's calls
        Feed(trace.info.run_id).closed(trace)
