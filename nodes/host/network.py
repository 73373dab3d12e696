"""One call of the network: as a trunk whose blocks are hooked, as one piece, or as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ...adacache import FrameGrid
from ...adacache.evaluation import Call
from . import compat, grids
from .families import Family, family_of
from .guard import attempt
from .hooks import Again, TrunkHooks
from .output import PROBE, Output
from .session import KEY, Session
from .streams import stream_keys


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
        # Of x as it is: latents that came packed into one have no frames that could be told here.
        call = session.evaluation.call(keys, grids.one_token_each(model.diffusion_model, x, {}))
        return as_one_piece(session, model.model_sampling, t, x, call, lambda: run(transformer_options))
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


def as_one_piece(
    session: Session, sampling: Any, sigma: Tensor, x: Tensor, call: Call, run: Callable[[], Tensor]
) -> Tensor:
    """A call of a network that is cached as one piece, or that turns out not to be fit for it."""
    output: Output | None = None

    def prepare() -> None:
        nonlocal output
        output = Output(sampling, sigma, x, call)

    def keep() -> None:
        if session.fits is None:
            session.fits = output.fits()
        session.fits = session.fits and output.keep(result)

    if error := attempt(prepare):
        call.compute = True
    elif output.reused is not None:
        return output.reused
    result = run()
    if error := error or attempt(keep):
        session.run.refuse(f"caching failed: {error}")
    elif session.fits:
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
