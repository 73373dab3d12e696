"""APPLY_MODEL: one call of the network, with its blocks hooked for the paper's presets, or only counted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from ...adacache import FrameGrid
from . import compat
from .session import KEY, Session
from .stream_keys import stream_keys
from .trunk.families.table import Family, family_of
from .trunk.hooks import Again, TrunkHooks


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
    """One network call. On the trunk: hooks its blocks, checks that they ran, and keeps what was captured."""
    session: Session | None = transformer_options.get(KEY)
    model = executor.class_obj

    def run(options: dict[str, Any], given: dict[str, Any] = kwargs) -> Tensor:
        return executor(x, t, c_concat, c_crossattn, control, options, **given)

    if session is None or session.evaluation is None or session.run.refused:
        return run(transformer_options)
    family = session.on_trunk(model.diffusion_model, transformer_options)
    transformer_options = session.calls.watched(model.diffusion_model, transformer_options)
    if family is None or family_of(model.diffusion_model) is not family:
        return run(transformer_options)
    keys = stream_keys(transformer_options, session.evaluation.sigma, x.device, compat.scheduled_hooks(model), control)
    call = session.evaluation.trunk(keys, frames_of(family, model.diffusion_model, x, kwargs))
    hooks = partial(TrunkHooks, family, model.diffusion_model, call)
    return as_trunk(session, hooks, transformer_options, kwargs, run)


def frames_of(family: Family, module: Any, x: Tensor, kwargs: dict[str, Any]) -> FrameGrid | None:
    """The frame grid of a call; without one, motion is left out."""
    try:
        return family.grid(module, x, kwargs) if family.grid else None
    except (AttributeError, IndexError, TypeError, ValueError):
        # It reads a network's insides, which a later host may name otherwise; the run must not notice.
        return None


def as_trunk(
    session: Session,
    hooked: Callable[[], TrunkHooks],
    transformer_options: dict[str, Any],
    kwargs: dict[str, Any],
    run: Callable[..., Tensor],
) -> Tensor:
    """A call of a network whose blocks are hooked."""
    hooks = hooked()
    try:
        result = run(hooks.install(transformer_options), hooks.left_out(kwargs))
    except Again:
        if hooks.error:
            conclude(session, hooks, transformer_options)
            return run(transformer_options)
        hooks = hooked()
        result = run(hooks.install(transformer_options))
    conclude(session, hooks, transformer_options)
    return result


def conclude(session: Session, hooks: TrunkHooks, transformer_options: dict[str, Any]) -> None:
    """Keep what a finished call captured, or give up caching where its blocks did not run as expected."""
    session.refuse_strangers()
    if hooks.complete:
        hooks.keep()
        session.run.trace.probe = hooks.probed or session.run.trace.probe
    if hooks.error:
        session.run.refuse(f"caching failed: {hooks.error}")
    elif hooks.silent:
        session.refuse_answer({"transformer_options": transformer_options})
    elif not hooks.complete:
        session.run.refuse("the network's blocks did not run once each, from first to last")
