"""The four wrappers around the host's sampling (`comfy/patcher_extension.py`): from its calls to a Run's.

Nothing mutable lives with the MODEL: a wrapper closes over frozen settings, and the Run is born in `sampling` and
travels in the sampling's own copy of the model options.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...adacache import FrameGrid, Run, RunInfo, Settings
from ...adacache.evaluation import Call, Evaluation
from . import compat
from .events import Feed
from .families import Family, class_name, family_of
from .hooks import Again, TrunkHooks
from .output import PROBE, Output, frame_grid
from .streams import stream_keys

log = logging.getLogger("adacache")

KEY = "adacache"


class Session:
    """One sampling: its Run, and what the wrappers need to find again.

    The host copies option dictionaries deeply in places; a Session stays one and the same.
    """

    def __init__(self, run: Run, feed: Feed, family: Family | None, window: tuple[float, float]) -> None:
        self.run = run
        self.feed = feed
        self.family = family  # None: the network is cached as one piece
        self.window = window
        self.evaluation: Evaluation | None = None
        self.fits: bool | None = None  # whether a network cached as one piece lets us; None before it was asked

    def __deepcopy__(self, memo: dict[int, Any]) -> Session:
        return self

    def allows(self, sigma: float) -> bool:
        """Whether a noise level lies between the start and end percent."""
        highest, lowest = self.window
        return lowest <= sigma <= highest


def wrappers(settings: Settings, handle: str) -> list[tuple[str, Callable[..., Any]]]:
    """Our wrapper for each of the host's kinds."""

    def sampling(
        executor: Any, noise: Tensor, latent_image: Tensor, sampler: Any, sigmas: Tensor, *args: Any, **kwargs: Any
    ):
        guider = executor.class_obj
        try:
            session = open_session(settings, handle, guider, latent_image, sampler, sigmas)
        except Exception:
            log.exception("AdaCache could not start; the run goes on without it")
            return executor(noise, latent_image, sampler, sigmas, *args, **kwargs)
        options = guider.model_options.setdefault("transformer_options", {})
        options[KEY] = session
        session.feed.opened(session.run.trace)
        try:
            with nullcontext() if session.run.refused else compat.memory_compiler_off():
                result = executor(noise, latent_image, sampler, sigmas, *args, **kwargs)
            session.run.close("done")
            return result
        except BaseException as error:
            if compat.is_interrupt(error):
                session.run.close("cancelled")
            else:
                session.run.close("failed", f"{type(error).__name__}: {error}")
            raise
        finally:
            options.pop(KEY, None)
            session.feed.closed(session.run.trace)

    return [
        (WrappersMP.OUTER_SAMPLE, sampling),
        (WrappersMP.SAMPLER_SAMPLE, stepping),
        (WrappersMP.PREDICT_NOISE, evaluation),
        (WrappersMP.APPLY_MODEL, network),
    ]


def open_session(
    settings: Settings, handle: str, guider: Any, latent_image: Tensor, sampler: Any, sigmas: Tensor
) -> Session:
    """A fresh run for one call of the sampler; refused at once where it is known that it cannot be cached."""
    model = guider.model_patcher.model
    family = family_of(model.diffusion_model)
    prompt_id, node_id = compat.executing()
    info = RunInfo(
        family=family.name if family else class_name(model.diffusion_model),
        shape=tuple(getattr(latent_image, "shape", ())),
        sampler=compat.sampler_name(sampler),
        run_id=uuid4().hex,
        handle=handle,
        prompt_id=prompt_id,
        node_id=node_id,
        started=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
    feed = Feed(info.run_id)
    run = Run(
        settings,
        max(0, len(sigmas) - 1) or 1,
        info,
        compat.free_bytes,
        feed.step,
        compat.evaluations_per_step(info.sampler),
        compat.ranks(),
        sigmas.tolist() if compat.moves_plainly(info.sampler) else None,
    )
    options = guider.model_options.get("transformer_options", {})
    other = compat.other_cache(options)
    if other:
        run.refuse(f"{other} is on the same model; remove one of the two")
    elif compat.is_irregular(info.sampler):
        run.refuse(f"the sampler {info.sampler} evaluates the network a varying number of times per step")
    elif "ar_state" in options:
        run.refuse("the network makes its video frame by frame, with a memory of its own")
    elif compat.is_training():
        run.refuse("the model is being trained")
    return Session(run, feed, family, compat.sigma_window(guider.model_patcher, settings.start, settings.end))


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
        session.run.step_done(step)
        if callback is not None:
            callback(step, *progress)

    return executor(guider, sigmas, extra_args, stepped, *args, **kwargs)


def evaluation(executor: Any, x: Tensor, timestep: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """PREDICT_NOISE: one evaluation. Decides before it, folds the measure after it."""
    session = session_in(executor.class_obj.model_options)
    if session is None or session.evaluation is not None:
        return executor(x, timestep, *args, **kwargs)
    sigma = float(timestep.max())
    try:
        with session.run.evaluation(sigma, session.allows(sigma)) as session.evaluation:
            result = executor(x, timestep, *args, **kwargs)
            result = session.run.corrected(session.evaluation, x, result)
            compat.settle(result)
        return result
    finally:
        session.evaluation = None


def network(
    executor: Any,
    x: Tensor,
    t: Tensor,
    c_concat: Tensor | None = None,
    c_crossattn: Tensor | None = None,
    control: Any = None,
    transformer_options: dict[str, Any] = {},  # noqa: B006 the host's own signature
    **kwargs: Any,
) -> Tensor:
    """APPLY_MODEL: one network call. Hooks its blocks, checks that they ran, and keeps what was captured."""
    session: Session | None = transformer_options.get(KEY)
    model = executor.class_obj

    def run(options: dict[str, Any], given: dict[str, Any] = kwargs) -> Tensor:
        return executor(x, t, c_concat, c_crossattn, control, options, **given)

    if session is None or session.evaluation is None or session.run.refused:
        return run(transformer_options)
    keys = stream_keys(transformer_options, x.device, compat.scheduled_hooks(model), control)
    if session.family is None or compat.compiled_whole(model.diffusion_model, transformer_options):
        call = session.evaluation.call(keys, frame_grid(x))
        return as_one_piece(session, Output(model.model_sampling, t, x, call), lambda: run(transformer_options))
    if family_of(model.diffusion_model) is not session.family:
        return run(transformer_options)
    call = session.evaluation.call(keys, frames_of(session.family, model.diffusion_model, x, kwargs))
    return as_trunk(session, model.diffusion_model, call, transformer_options, kwargs, run)


def frames_of(family: Family, module: Any, x: Tensor, kwargs: dict[str, Any]) -> FrameGrid | None:
    """The frame grid of a call; without one, motion is left out."""
    try:
        return family.grid(module, x, kwargs) if family.grid else None
    except (AttributeError, IndexError, TypeError, ValueError):
        # It reads a network's insides, which a later host may name otherwise; the run must not notice.
        return None


def as_trunk(
    session: Session,
    module: Any,
    call: Call,
    transformer_options: dict[str, Any],
    kwargs: dict[str, Any],
    run: Callable[..., Tensor],
) -> Tensor:
    """A call of a network whose blocks are hooked."""
    hooks = TrunkHooks(session.family, module, call)
    try:
        result = run(hooks.install(transformer_options), hooks.left_out(kwargs))
    except Again:
        if hooks.error:
            conclude(session, hooks)
            return run(transformer_options)
        hooks = TrunkHooks(session.family, module, call)
        result = run(hooks.install(transformer_options))
    conclude(session, hooks)
    return result


def as_one_piece(session: Session, output: Output, run: Callable[[], Tensor]) -> Tensor:
    """A call of a network that is cached as one piece, or that turns out not to be fit for it."""
    if not output.call.compute:
        return output.reused()
    result = run()
    if session.fits is None:
        session.fits = output.fits()
    if session.fits and output.keep(result):
        session.run.trace.probe = PROBE
    else:
        session.run.refuse(f"the network {session.run.trace.info.family} cannot be cached as one piece")
    return result


def conclude(session: Session, hooks: TrunkHooks) -> None:
    """Keep what a finished call captured, or give up caching where its blocks did not run as expected."""
    if hooks.complete:
        hooks.keep()
        session.run.trace.probe = hooks.probed or session.run.trace.probe
    if hooks.error:
        session.run.refuse(f"caching failed: {hooks.error}")
    elif hooks.silent:
        session.run.refuse("another node answered in place of the network's blocks")
    elif not hooks.complete:
        session.run.refuse("the network's blocks did not run once each, from first to last")


def session_in(model_options: dict[str, Any]) -> Session | None:
    return model_options.get("transformer_options", {}).get(KEY)
