"""What is ours may fail; the artist's run goes on as if we were not there.

Whatever of ours the host calls stands around a call of the host's own: the next wrapper, a block, a callback. `around`
makes it so that this call's result, or its error, is what comes out when anything of ours fails.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import comfy.model_management

log = logging.getLogger("adacache")

KEY = "adacache"
"""Of the session among the host's transformer options, and of our wrappers."""

CANCELS = (comfy.model_management.InterruptProcessingException, KeyboardInterrupt)
"""What the host raises where the user cancelled; the first became a BaseException in later hosts."""


class HostCall:
    """The host's call that something of ours stands around. It may be made several times: the last one counts.

    Attributes:
        call: the call itself, past this record of it.
        done: whether it gave a result; `result`: what it gave; `error`: what it raised.
    """

    def __init__(self, call: Any) -> None:
        self.call = call
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.forget()
        try:
            self.result = self.call(*args, **kwargs)
        except BaseException as error:
            self.error = error
            raise
        self.done = True
        return self.result

    def forget(self) -> None:
        """What came of it is no answer to anything."""
        self.done, self.result, self.error = False, None, None


class Guard:
    """Stands around all that is ours in one sampling.

    Attributes:
        failure: what went wrong first, or "". It is logged once.
        give_up: called with a sentence at every failure, so that nothing is cached from there on.
    """

    def __init__(self) -> None:
        self.failure = ""
        self.give_up: Callable[[str], None] = lambda why: None

    def around(self, ours: Callable[..., Any], call: Callable[..., Any]) -> Callable[..., Any]:
        """`ours(host, *args)` in place of a call of the host's, `host` being that call (`HostCall`).

        Errors of the host's call come through, and so does the user's interrupt. Where ours fails, the host's call is
        made as it would be without us, unless it was.
        """

        def guarded(*args: Any, **kwargs: Any) -> Any:
            host = HostCall(call)
            try:
                return ours(host, *args, **kwargs)
            except CANCELS:
                raise
            except Exception as error:
                if error is host.error:
                    raise
                self.failed(error)
                if host.error is not None:
                    raise host.error from None
                if host.done:
                    return host.result
            finally:
                host.forget()  # an error holds the frames that it came through, and so all tensors in them
            return call(*args, **kwargs)

        return guarded

    def wrapper(self, ours: Callable[..., Any]) -> Callable[..., Any]:
        """A wrapper of the host's own kind, which is given the call that it stands around."""
        return lambda executor, *args, **kwargs: self.around(ours, executor)(*args, **kwargs)

    def attempt(self, ours: Callable[[], Any]) -> bool:
        """Do something of ours beside the host's calls; False where it failed."""
        try:
            ours()
        except CANCELS:
            raise
        except Exception as error:
            self.failed(error)
            return False
        return True

    def failed(self, error: Exception) -> None:
        """Say so once, and give up caching."""
        if not self.failure:
            self.failure = f"{type(error).__name__}: {error}"
            log.error("AdaCache failed; the run goes on without it", exc_info=error)
        try:
            self.give_up(f"caching failed: {self.failure}")
        except Exception:
            log.debug("AdaCache could not give up caching", exc_info=True)


def beside(ours: Callable[..., Any]) -> Callable[..., None]:
    """A callback of the host's kind, which stands around nothing."""

    def called(*args: Any) -> None:
        Guard().attempt(partial(ours, *args))

    return called


def original_block(args: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """A block as the host runs it where no node has replaced it."""
    return extra["original_block"](args)


def at_start(ours: Callable[..., Any]) -> Callable[..., Any]:
    """A wrapper of the host's kind around a whole sampling, with a guard of its own: `ours(guard, host, *args)`."""

    def wrapper(executor: Any, *args: Any, **kwargs: Any) -> Any:
        guard = Guard()
        return guard.around(partial(ours, guard), executor)(*args, **kwargs)

    return wrapper


def in_session(ours: Callable[..., Any]) -> Callable[..., Any]:
    """A wrapper of the host's kind around a call that may belong to a session: `ours(session, host, *args)`.

    Without a session, nothing of ours is in the way.
    """

    def wrapper(executor: Any, *args: Any, **kwargs: Any) -> Any:
        session = session_of(getattr(executor, "class_obj", None), *args, *kwargs.values())
        if session is None:
            return executor(*args, **kwargs)
        return session.guard.around(partial(ours, session), executor)(*args, **kwargs)

    return wrapper


def session_of(*holders: Any) -> Any:
    """The session that a call of the host's belongs to, or None.

    It lies among transformer options, which the host hands on as they are, in model options, or in those of a guider.
    """
    for one in holders:
        options = getattr(one, "model_options", one)
        options = options.get("transformer_options", options) if isinstance(options, dict) else None
        if isinstance(options, dict) and KEY in options:
            return options[KEY]
    return None
