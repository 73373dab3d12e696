"""The wrappers around the host's sampling (`comfy/patcher_extension.py`): from its calls to a Run's.

Nothing mutable lives with the MODEL: a wrapper closes over frozen settings, and the Run is born in `sampling` and
travels in the sampling's own copy of the model options.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...adacache import Settings
from . import compat
from .answers import answers
from .guard import attempt
from .network import network
from .session import KEY, Session, open_session, session_in

log = logging.getLogger("adacache")


def wrappers(settings: Settings, handle: str) -> list[tuple[str, Callable[..., Any]]]:
    """Our wrapper for each of the host's kinds."""

    def sampling(
        executor: Any, noise: Tensor, latent_image: Tensor, sampler: Any, sigmas: Tensor, *args: Any, **kwargs: Any
    ) -> Any:
        guider = executor.class_obj
        try:
            shapes = kwargs.get("latent_shapes")
            session = open_session(settings, handle, guider, latent_image, sampler, sigmas, shapes)
        except Exception:
            log.exception("AdaCache could not start; the run goes on without it")
            return executor(noise, latent_image, sampler, sigmas, *args, **kwargs)
        options = guider.model_options.setdefault("transformer_options", {})
        options[KEY] = session
        session.feed.opened(session.run.trace)
        try:
            hooked = session.family is not None and not session.run.refused
            with compat.memory_compiler_off() if hooked else nullcontext():
                result = executor(noise, latent_image, sampler, sigmas, *args, **kwargs)
            session.close("done")
            return result
        except BaseException as error:
            if compat.is_interrupt(error):
                session.close("cancelled")
            else:
                session.close("failed", f"{type(error).__name__}: {error}")
            raise
        finally:
            options.pop(KEY, None)

    return [
        (WrappersMP.OUTER_SAMPLE, sampling),
        (WrappersMP.SAMPLER_SAMPLE, stepping),
        (WrappersMP.PREDICT_NOISE, evaluation),
        (WrappersMP.CALC_COND_BATCH, answers),
        (WrappersMP.APPLY_MODEL, network),
    ]


def stepping(
    executor: Any,
    guider: Any,
    sigmas: Tensor,
    extra_args: dict[str, Any],
    callback: Callable[..., Any] | None,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """SAMPLER_SAMPLE: hear of every step that the sampler reports."""
    session = session_in(guider.model_options)
    if session is None:
        return executor(guider, sigmas, extra_args, callback, *args, **kwargs)
    session.run.report_steps()

    def stepped(step: int, *progress: Any) -> None:
        if failed := attempt(lambda: session.run.step_done(step)):
            session.run.refuse(f"caching failed: {failed}")
        if callback is not None:
            callback(step, *progress)

    return executor(guider, sigmas, extra_args, stepped, *args, **kwargs)


def evaluation(
    executor: Any,
    x: Tensor,
    timestep: Tensor,
    model_options: dict[str, Any] = {},  # noqa: B006 the host's own signature
    *args: Any,
    **kwargs: Any,
) -> Tensor:
    """PREDICT_NOISE: one evaluation. Decides before it, folds the measure after it."""
    guider = executor.class_obj
    session = session_in(guider.model_options)
    if session is None or session.evaluation is not None:
        return executor(x, timestep, model_options, *args, **kwargs)
    failed = attempt(lambda: session.begin(guider, x, timestep, model_options))
    try:
        result = executor(x, timestep, model_options, *args, **kwargs)
        if not (failed or session.current.calls):
            session.refuse_answer(model_options)
        if not failed:
            result = corrected(session, x, result)
            failed = attempt(lambda: session.run.finish(session.current))
    finally:
        session.evaluation = None
        if failed:
            session.run.refuse(f"caching failed: {failed}")
    return result


def corrected(session: Session, x: Tensor, denoised: Tensor) -> Tensor:
    """What the sampler goes on with: the engine's correction, or the result as it is where that fails."""
    better = denoised

    def correct() -> None:
        nonlocal better
        better = session.run.corrected(session.current, x, denoised)

    if error := attempt(correct):
        session.run.refuse(f"caching failed: {error}")
    return better
