"""APPLY_MODEL: one call of the network, with its blocks hooked for the paper's presets, or only counted."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ...adacache import FrameGrid
from . import compat
from .guard import HostCall
from .session import Session
from .stream_keys import stream_keys
from .trunk.families.table import Family, family_of
from .trunk.hooks import TrunkHooks


def network(
    session: Session,
    host: HostCall,
    x: Tensor,
    t: Tensor,
    c_concat: Tensor | None = None,
    c_crossattn: Tensor | None = None,
    control: Any = None,
    transformer_options: dict[str, Any] = {},  # noqa: B006 the host's own signature
    **kwargs: Any,
) -> Tensor:
    """One network call. On the trunk: hooks its blocks, checks that they ran, and keeps what was captured."""
    model = host.call.class_obj

    def run(options: dict[str, Any], given: dict[str, Any] = kwargs) -> Tensor:
        return host(x, t, c_concat, c_crossattn, control, options, **given)

    if not session.caches:
        return run(transformer_options)
    family = session.on_trunk(model.diffusion_model, transformer_options)
    transformer_options = session.calls.watched(model.diffusion_model, transformer_options)
    if family is None or family_of(model.diffusion_model) is not family:
        return run(transformer_options)
    keys = stream_keys(transformer_options, session.current.sigma, x.device, compat.scheduled_hooks(model), control)
    call = session.current.trunk(keys, frames_of(family, model.diffusion_model, x, kwargs))
    hooks = TrunkHooks(family, model.diffusion_model, call, session.guard)
    try:
        result = run(hooks.install(transformer_options), hooks.left_out(kwargs))
    except Exception:
        if not hooks.again:
            raise
    if hooks.again:
        host.forget()
        call.compute = True
        if session.guard.failure:
            return run(transformer_options)
        hooks = TrunkHooks(family, model.diffusion_model, call, session.guard)
        result = run(hooks.install(transformer_options))
    conclude(session, hooks, transformer_options)
    return result


def frames_of(family: Family, module: Any, x: Tensor, kwargs: dict[str, Any]) -> FrameGrid | None:
    """The frame grid of a call; without one, motion is left out."""
    try:
        return family.grid(module, x, kwargs) if family.grid else None
    except Exception:
        # It reads a network's insides, which a later host may name otherwise; the run must not notice.
        return None


def conclude(session: Session, hooks: TrunkHooks, transformer_options: dict[str, Any]) -> None:
    """Keep what a finished call captured, or give up caching where its blocks did not run as expected."""
    session.refuse_strangers()
    if hooks.complete:
        if hooks.probed and any(
            session.probed.setdefault(key, hooks.probed) != hooks.probed for key in hooks.call.streams
        ):
            why = f"the {hooks.probed} cannot be compared with what was measured before"
            session.run.refuse(f"caching failed: {why}")
        hooks.keep()
        session.run.trace.probe = hooks.probed or session.run.trace.probe
    elif hooks.silent:
        session.refuse_answer({"transformer_options": transformer_options})
    else:
        session.run.refuse("the network's blocks did not run once each, from first to last")
