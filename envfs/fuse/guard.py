"""What stands around every handler: a surprise of ours is EIO for the one who asked, and ends nobody's mount."""

import errno
import functools
from collections.abc import Callable, Coroutine
from typing import ParamSpec, TypeVar

from pyfuse3 import FUSEError, RequestContext

from envfs.errors import EnvFSError
from envfs.fuse import faults
from envfs.gate.turns import asker
from envfs.host import surprises

P = ParamSpec("P")
R = TypeVar("R")


def guarded(handler: Callable[P, Coroutine[object, object, R]]) -> Callable[P, Coroutine[object, object, R]]:
    """Turn what a handler raises into the errno of `faults`; what nobody foresaw is EIO."""

    @functools.wraps(handler)
    async def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        context = args[-1] if args else None
        if isinstance(context, RequestContext):
            asker.set(context.uid)
        try:
            return await handler(*args, **kwargs)
        except FUSEError:
            raise
        except EnvFSError as error:
            raise FUSEError(faults.number(error)) from None
        except Exception as error:  # noqa: BLE001 - one surprise must not end the mount for everybody
            surprises.report(error)
            raise FUSEError(errno.EIO) from None

    return asked
