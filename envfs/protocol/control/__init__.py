"""The messages between a client and the daemon (docs/protocol.md §2): one vocabulary under one name.

A file for each subject has its requests, their rows and replies.

Laws: a secret never stands in a message: it comes in a descriptor beside the request, and goes out as a blob behind
the reply. Every request ends in exactly one reply that is not a Row. Rows may come before it. The messages of a command
that reads a view are loaded at once, and the other subjects with the first of their names: they cost 1.4 ms.
"""

from envfs.protocol import wire
from envfs.protocol.control.basics import *  # noqa: F403
from envfs.protocol.control.basics import Done, Failed, Hello, WorkingRow
from envfs.protocol.control.views import *  # noqa: F403
from envfs.protocol.control.views import ViewSent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs.protocol.control.vocabulary import *  # noqa: F403
else:

    def __getattr__(name: str) -> object:
        """Return what another subject has under a name."""
        import envfs.protocol.control.vocabulary as vocabulary  # noqa: PLC0415, PLR0402 - `from` would ask here again

        value = globals()[name] = getattr(vocabulary, name)
        return value


FIRST_REPLIES = wire.message_table(Hello, WorkingRow, Failed, Done, ViewSent)  # of all, those that are loaded at once
