"""The block hooks of one network call: capture what the trunk adds, or add it without running the trunk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from inspect import signature
from typing import Any

from torch import Tensor, nn

from ....adacache.sampling.cache import Parts
from ....adacache.sampling.evaluation import TrunkCall
from .. import compat
from ..guard import Guard, HostCall, original_block
from .attention_probe import AttentionProbe
from .families.table import Family, Stack
from .patching import called, calling

Patch = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
State = tuple[Any, ...]
"""What runs through the blocks of a stack, the video first."""


class TrunkHooks:
    """Hooks for every block of a network, for one call only.

    Blocks that the host lets nodes replace are hooked through `patches_replace["dit"]`, where a patch that another
    node put on a block runs as that block; the others by their `forward`. A reused call returns each block's input
    unchanged, and from the last block the trunk's input plus the cached residual.

    Should anything of ours fail (memory, most likely), the blocks run as if we were not there.
    """

    def __init__(self, family: Family, network: nn.Module, call: TrunkCall, guard: Guard) -> None:
        self.family = family
        self.call = call
        self.probed = ""
        self._guard = guard
        self._places = [(stack, key) for stack in family.stacks for key in range(len(getattr(network, stack.blocks)))]
        self._last = len(self._places) - 1
        self._middle = len(self._places) // 2
        self._reuses = not call.compute
        self._tokens = 0
        self._start = 0
        self._reused: Parts | None = None
        self._missing = False
        self._attention: AttentionProbe | None = None
        self._entered = 0
        self._left = 0

    @property
    def complete(self) -> bool:
        """Whether the first and the last block ran exactly once, and the trunk gave back what it was given."""
        return self._entered == 1 and self._left == 1

    @property
    def again(self) -> bool:
        """Whether a call that was to be reused cannot be: what it gave is no answer, and it must be made again, with
        all that was left out of it.
        """
        return self._reuses and (self._missing or bool(self._guard.failure))

    @property
    def silent(self) -> bool:
        """Whether no block asked us."""
        return self._entered == 0 and self._left == 0

    def left_out(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The call's keyword arguments without those that only computing needs."""
        return {name: value for name, value in kwargs.items() if not (self._reuses and name in self.family.drops)}

    def keep(self) -> None:
        """Keep what the call captured, once it has returned."""
        with compat.lasting_memory():
            self.call.commit()

    def install(self, transformer_options: dict[str, Any]) -> dict[str, Any]:
        """A copy of the options with our hooks over whatever is there.

        What needs the very modules that run waits for a wrapper around the network, the innermost one: by then
        compiled modules are in their places, and on several devices it is that device's network.
        """
        replaced, wrappers = (transformer_options.get(name, {}) for name in ("patches_replace", "wrappers"))
        patches = dict(replaced.get("dit", {}))
        for position, (stack, index) in enumerate(self._places):
            if stack.kind:
                place = (stack.kind, index)
                patches[place] = self._patch(position, stack, patches.get(place) or original_block)
        around = wrappers.get("diffusion_model", {})
        ours = {"adacache.blocks": [self._guard.wrapper(self._around)]}
        return {
            **transformer_options,
            "patches_replace": {**replaced, "dit": patches},
            "wrappers": {**wrappers, "diffusion_model": {**around, **ours}},
        }

    def _around(self, host: HostCall, *args: Any, **kwargs: Any) -> Any:
        """DIFFUSION_MODEL: hook the forwards and the measured attention, and leave side blocks out."""
        network = host.call.class_obj
        blocks = [block for stack in self.family.stacks for block in _blocks(network, stack)]
        own = {
            block: self._forward(position, stack, block)
            for position, ((stack, _), block) in enumerate(zip(self._places, blocks, strict=True))
            if not stack.kind
        }
        with ExitStack() as hooked:
            if own:
                hooked.enter_context(calling(own))
            if self.family.gate and self.call.compute and self.call.measures:
                probe = AttentionProbe(blocks[self._middle], self.family.attention, self._guard)
                self._attention = hooked.enter_context(probe.attached())
            if self._reuses:
                hooked.enter_context(self.family.quiet(network))
            return host(*args, **kwargs)

    def _patch(self, position: int, stack: Stack, inner: Patch) -> Patch:
        def block(host: HostCall, args: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
            def run(ask: Callable[..., Any] = host) -> State:
                out = ask(args, extra)
                return tuple(out[name] for name in stack.state)

            state = self._pass(position, stack, tuple(args[name] for name in stack.state), args, run, host)
            return {**(host.result or {}), **dict(zip(stack.state, state, strict=True))}

        return self._guard.around(block, inner)

    def _forward(self, position: int, stack: Stack, block: nn.Module) -> Callable[..., Any]:
        # By its class: another pack may have given this block a forward of any signature.
        made: Any = type(getattr(block, "_orig_mod", block))
        parameters = signature(made.forward)
        if not set(stack.state) <= set(parameters.parameters):
            raise TypeError(f"blocks that take no {' and '.join(stack.state)}: another node put its own in their place")

        def forward(host: HostCall, *args: Any, **kwargs: Any) -> Any:
            given = parameters.bind(block, *args, **kwargs).arguments

            def run(ask: Callable[..., Any] = host) -> State:
                out = ask(*args, **kwargs)
                return out if len(stack.state) > 1 else (out,)

            state = self._pass(position, stack, tuple(given[name] for name in stack.state), given, run, host)
            return state if len(stack.state) > 1 else state[0]

        return self._guard.around(forward, called(block))

    def _pass(
        self,
        position: int,
        stack: Stack,
        state: State,
        args: Mapping[str, Any],
        run: Callable[..., State],
        host: HostCall,
    ) -> State:
        """One block, by `run`: run it and look on, or let the state pass."""
        if self._guard.failure:
            return run()
        if position == 0:
            self._entered += 1
            self._enter(state[0])
        if stack.joined:
            self._start = _video_start(stack, args, state[0].shape[1] - self._tokens)
        if self._reuses:
            if position == self._last and self._reused is not None:
                self._left += 1
                return (self._instead(stack, state[0], self._reused), *state[1:])
            if position == 0 and self.family.copies:
                return (state[0].clone(), *state[1:])
            return state
        measured = position == self._middle and self.call.measures
        if measured:
            before = self._video(stack, state[0])
            before = before.clone() if self.family.writes else before
            if self._attention:
                self._attention.run_uncompiled(lambda: run(host.call))  # beside the call that counts
        out = run()
        with compat.lasting_memory():
            if measured:
                self._measure(args, before, self._video(stack, out[0]))
            if position == self._last:
                video, *others = self.family.layout.parts(out[0])
                self._left += self.call.leave(self._cut(stack, video), *others)
        return out

    def _enter(self, hidden: Any) -> None:
        # A reused output is made here already: if there is no memory for it, the blocks can still run.
        parts = self.family.layout.parts(hidden)
        self._tokens = parts[0].shape[1]
        with compat.lasting_memory():
            self.call.enter(*parts)
            if not self.call.compute:
                self._reused = self.call.reuse(*parts)
        self._missing = self._reuses and self._reused is None

    def _instead(self, stack: Stack, hidden: Any, parts: Parts) -> Any:
        """The last block's output on a reused call; text that ran along with the video stays as it is."""
        reused = self.family.layout.joined(parts)
        if not stack.joined:
            return reused
        hidden = hidden.clone()
        self._cut(stack, hidden).copy_(reused)
        return hidden

    def _video(self, stack: Stack, hidden: Any) -> Tensor:
        return self._cut(stack, self.family.layout.parts(hidden)[0])

    def _cut(self, stack: Stack, tokens: Tensor) -> Tensor:
        """The video's tokens of a sequence that may hold text as well."""
        return tokens[:, self._start : self._start + self._tokens] if stack.joined else tokens

    def _measure(self, args: Mapping[str, Any], before: Tensor, after: Tensor) -> None:
        """The gated attention residual, or all that the block added where the attention was not captured."""
        probe, attention = None, self._attention
        if attention and attention.output is not None:
            probe, attention.output = self._gated(attention.block, args, attention.output), None
        self.probed = f"{'block' if probe is None else 'attention'} residual of block {self._middle + 1}"
        self.call.measure(after - before if probe is None else probe)

    def _gated(self, block: nn.Module, args: Mapping[str, Any], attention: Tensor) -> Tensor | None:
        try:
            return self.family.gate(block, args, attention) if self.family.gate else None
        except Exception:
            # The measure reads a block's insides, which a later host may name otherwise; the run must not notice.
            return None


def _blocks(network: nn.Module, stack: Stack) -> list[nn.Module]:
    blocks = getattr(network, stack.blocks)
    return list(blocks.values() if isinstance(blocks, nn.ModuleDict) else blocks)


def _video_start(stack: Stack, args: Mapping[str, Any], text: int) -> int:
    """The video's first token where video and text are joined; newer hosts tell, as they changed the order."""
    told = args.get("transformer_options", {}).get("img_slice")
    return told[0] if told else 0 if stack.joined == "first" else text
