"""The network's answers: asked, or extrapolated; nothing inside the network is touched.

An answer is what the network returns for one prompt, before the host turns it into the denoised latent. It is taken at
CALC_COND_BATCH, where the host asks for all prompts of an evaluation (of a context window, where there are several):
one level above the calls of the network, so that a reused step spares ControlNets, hooks and batching as well, and one
below guidance, so that whatever combines the prompts goes on as it does without us. The host makes a denoised latent of
an answer by a function that is affine in it (`comfy/model_sampling.py:calculate_denoised`); so do masks and areas,
which are weighted means. That can be undone, and is.

Where the sampler adds noise from step to step, the denoised latent itself is kept, and held: the answer to a latent
tells how to get from that latent's noise to the video, and knows nothing of noise that came later.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ...adacache.sampling.cache import Parts
from ...adacache.sampling.evaluation import AnswerCall
from ...adacache.trace.trace import ANSWER, DENOISED
from . import compat
from .guard import HostCall
from .session import Session
from .stream_keys import answer_keys


def answers(
    session: Session,
    host: HostCall,
    model: Any,
    conds: list,
    x: Tensor,
    timestep: Tensor,
    model_options: dict[str, Any],
) -> list:
    """CALC_COND_BATCH: the denoised latent of every list of conds, None among them where guidance is off."""
    if not session.on_answers(model.diffusion_model, model_options["transformer_options"]):
        return host(model, conds, x, timestep, model_options)
    asked, reused = None, None
    try:
        if session.caches:
            with compat.lasting_memory():
                asked = Answers(session, model, conds, x, timestep, model_options)
                reused = asked.reused()
    finally:
        all_reuse = session.agreed(reused is not None, x.device)
    if all_reuse and reused is not None:
        return reused
    before = session.calls.now
    denoised = host(model, conds, x, timestep, model_options)
    session.refuse_strangers()
    if session.calls.answered_elsewhere(before):
        session.refuse_answer(model_options)
    if asked is not None:
        with compat.lasting_memory():
            asked.keep(denoised)
    return denoised


class Answers:
    """The answers that one call for denoised latents is made of."""

    def __init__(
        self, session: Session, model: Any, conds: list, x: Tensor, timestep: Tensor, model_options: dict[str, Any]
    ) -> None:
        self.session = session
        self._sampling = model.model_sampling
        self._x, self._timestep = x, timestep
        self._conds = conds
        sigma = session.current.sigma
        keys = answer_keys(conds, sigma, timestep, model, model_options)
        self._asked = [index for index, key in enumerate(keys) if key is not None]
        parts = session.parts(x)
        frames = 2 if parts[0].ndim == 5 else 0
        wanted = [keys[index] for index in self._asked]
        like = [tuple(part.float() for part in parts)] * len(wanted)
        self._call: AnswerCall = session.current.answer(wanted, like, frames)

    def reused(self) -> list[Tensor] | None:
        """The denoised latents, where all answers are reused; None where the network must be asked."""
        if self._call.compute:
            return None
        compat.heed_cancel()
        self._call.compute = True  # until they are at hand
        made = self._put_together()
        self._call.compute = False
        return made

    def keep(self, denoised: Sequence[Tensor]) -> None:
        """Keep the answers of a call that was computed, be it since another worker must."""
        self._call.compute = True
        if any(one.shape != self._x.shape for one in denoised):
            self.session.run.refuse("the network's answer has another shape than the latent")
            return
        kept = [self.session.parts(self._answer(denoised[index])) for index in self._asked]
        holds = self.session.holds_denoised
        videos = [self.session.parts(denoised[index])[0] for index in self._asked]
        self._call.keep(kept, self.session.run.settings.forecast and not holds, videos)
        self.session.run.trace.probe = DENOISED if holds else ANSWER

    def _put_together(self) -> list[Tensor]:
        """The denoised latents of reused answers; nothing where no prompt was asked, as the host has it."""
        made: list[Tensor] = [torch.zeros_like(self._x) for _ in self._conds]
        for index, parts in zip(self._asked, self._call.reuse(), strict=True):
            answer = joined(parts, self._x)
            denoised = answer if self.session.holds_denoised else self._host_denoised(answer)
            made[index] = denoised.to(self._x.dtype)
        return made

    def _answer(self, denoised: Tensor) -> Tensor:
        """What is kept of a denoised latent, float32, in a tensor of its own."""
        if self.session.holds_denoised:
            return denoised.to(torch.float32, copy=True)
        return (denoised.float() - self._zero) / self._slope

    @cached_property
    def _zero(self) -> Tensor:
        """The denoised latent of an answer of zeros."""
        return self._host_denoised(torch.zeros_like(self._x, dtype=torch.float32))

    @cached_property
    def _slope(self) -> Tensor:
        """By how much the denoised latent grows with the answer."""
        return self._host_denoised(torch.ones_like(self._x, dtype=torch.float32)) - self._zero

    def _host_denoised(self, answer: Tensor) -> Tensor:
        return self._sampling.calculate_denoised(self._timestep, answer, self._x)


def joined(parts: Parts, x: Tensor) -> Tensor:
    """Parts as the sampler has them: one tensor of the latent's shape."""
    return parts[0] if len(parts) == 1 else torch.cat([part.flatten(1) for part in parts], 1).view_as(x)
