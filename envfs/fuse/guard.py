"""A guard around every handler: its turn in a crowd, and a bug of ours is EIO and ends no mount.

Where answers are remembered they come first. They look at the crowd themselves, and wait for nothing.
"""

import errno
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import trio
from pyfuse3 import FUSEError, RequestContext

from envfs.errors import EnvFSError
from envfs.fuse import faults
from envfs.fuse.sharing import Sharing
from envfs.fuse.warm_answers import WarmAnswers
from envfs.gate.turns import asker
from envfs.host import surprises
from envfs.host.evidence.unfinished import Unfinished

P = ParamSpec("P")
R = TypeVar("R")


class Shared(Protocol):
    """Handlers of a mount that its readers share."""

    sharing: Sharing


class Remembering(Shared, Protocol):
    """Handlers that remember what they answered."""

    warm: WarmAnswers


S = TypeVar("S", bound=Shared)
W = TypeVar("W", bound=Remembering)
Handler = Callable[Concatenate[S, P], Coroutine[Any, Any, R]]


def guarded(handler: Handler[S, P, R]) -> Handler[S, P, R]:
    """Turn what a handler raises into the errno of `faults`; what nobody foresaw is EIO."""

    @functools.wraps(handler)
    async def asked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        context = args[-1]
        try:
            try:
                if isinstance(context, RequestContext):
                    asker.set(context)
                    sharing = self.sharing
                    if context.pid not in sharing.recent:
                        sharing.note(context.uid, context.pid)
                    if sharing.is_crowded:
                        await sharing.wait_turn(context.uid, context.pid)
                return await handler(self, *args, **kwargs)
            except Unfinished as unfinished:
                question = functools.partial(handler, self, *args, **kwargs)
                return await self.sharing.gathering.repeat(question, unfinished, asker.get().uid)
        except trio.Cancelled:  # the loop ends or begins again, and it cancels again at the next await
            raise FUSEError(errno.EIO) from None  # a question without an answer would hold up its asker for ever
        except Exception as error:  # noqa: BLE001 - one surprise must not end the mount for everybody
            raise _refusal(error) from None

    return asked


def answered_at_once(answer: Callable[Concatenate[S, P], R]) -> Handler[S, P, R]:
    """As `guarded`, for what needs no turn, since it waits for nothing."""

    @functools.wraps(answer)
    async def asked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return answer(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - as above
            raise _refusal(error) from None

    return asked


def warm_first(
    recall: Callable[Concatenate[WarmAnswers, P], R | None],
) -> Callable[[Handler[W, P, R]], Handler[W, P, R]]:
    """As `guarded`, for a handler that is asked only where no answer can be recalled."""

    def over(handler: Handler[W, P, R]) -> Handler[W, P, R]:
        answer_anew = guarded(handler)

        @functools.wraps(handler)
        async def asked(self: W, /, *args: P.args, **kwargs: P.kwargs) -> R:
            try:
                answer = recall(self.warm, *args, **kwargs)
                return await answer_anew(self, *args, **kwargs) if answer is None else answer
            except Exception as error:  # noqa: BLE001 - as above
                raise _refusal(error) from None

        return asked

    return over


def _refusal(error: Exception) -> FUSEError:
    if isinstance(error, FUSEError):
        return error
    if isinstance(error, EnvFSError):
        return FUSEError(faults.errno_of(error))
    surprises.report_bug(error)
    return FUSEError(errno.EIO)
