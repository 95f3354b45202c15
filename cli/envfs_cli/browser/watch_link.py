"""A request to a running daemon that never ends: each row is handed on at once, and nothing is polled."""

import asyncio

from envfs.errors import EnvFSError
from envfs_cli.daemon import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NamedTuple

    from envfs_cli.daemon.client import Link

    OnRows = Callable[[Sequence[object]], None]
    OnEnd = Callable[[EnvFSError | None], None]

_PATIENCE = 15.0  # seconds. A daemon that lives says so every three


class WatchLink:
    """One such request at a time. `on_rows` gets what comes. `on_end` hears why no more does, None: the daemon left."""

    def __init__(self, on_rows: "OnRows", on_end: "OnEnd", on_silence: "Callable[[bool], None]") -> None:
        """Watch nothing yet. `on_silence` hears that the daemon says nothing any more, and that it does again."""
        self._on_rows = on_rows
        self._on_end = on_end
        self._on_silence = on_silence
        self._link: Link | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_silent = False

    def begin(self, request: "NamedTuple") -> bool:
        """Watch this and nothing else. Tell whether there is a daemon that can be asked."""
        self.close()
        try:
            self._link = client.running_daemon()
            if self._link is not None:
                self._link.begin(request)
        except EnvFSError as error:
            self.close()
            self._on_end(error)
            return True
        if self._link is not None:
            asyncio.get_running_loop().add_reader(self._link.fileno(), self._read)
            self._wind_up()
        return self._link is not None

    def close(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._link is not None:
            asyncio.get_running_loop().remove_reader(self._link.fileno())
            self._link.close()
            self._link = None

    def _read(self) -> None:
        if self._link is None:
            return
        error: EnvFSError | None = None
        try:
            messages = self._link.come()
        except EnvFSError as refusal:
            messages, error = None, refusal
        if messages is None:
            self.close()
            self._on_end(error)
            return
        self._wind_up()
        if self._is_silent:
            self._is_silent = False
            self._on_silence(False)
        if messages:
            self._on_rows(messages)

    def _wind_up(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self._say_silent)

    def _say_silent(self) -> None:
        self._timer = None
        self._is_silent = True
        self._on_silence(True)
