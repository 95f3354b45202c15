"""A guard around every handler: its turn in a crowd, and a bug of ours is EIO and ends no mount."""

import errno
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from pyfuse3 import FUSEError, RequestContext

from envfs.errors import EnvFSError
from envfs.fuse import faults
from envfs.fuse.sharing import Sharing
from envfs.gate.turns import asker
from envfs.host import surprises
from envfs.host.evidence.unfinished import Unfinished

P = ParamSpec("P")
R = TypeVar("R")


class Shared(Protocol):
    """Handlers of a mount that its readers share."""

    sharing: Sharing


S = TypeVar("S", bound=Shared)
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
        except FUSEError:
            raise
        except EnvFSError as error:
            raise FUSEError(faults.errno_of(error)) from None
        except Exception as error:  # noqa: BLE001 - one surprise must not end the mount for everybody
            surprises.report_bug(error)
            raise FUSEError(errno.EIO) from None

    return asked
