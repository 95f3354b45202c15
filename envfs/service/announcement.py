"""An event that happens again and again, for any number of tasks that wait for the next one."""

import trio


class Announcement:
    """A task takes `event` before it looks at the facts, and waits for it after: so it misses no change between."""

    def __init__(self) -> None:
        """Start with nothing announced."""
        self.event = trio.Event()

    def make(self) -> None:
        """Wake all that wait."""
        self.event.set()
        self.event = trio.Event()
