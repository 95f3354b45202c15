"""A mount in each state that it can be in: approved, not, in part, locked, its log broken."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from envfs.fuse.operations import Operations
from envfs.service.service import House
from tests.component.world import LEVELS

STATES = ("approved", "unapproved", "partly", "locked", "log broken")
GRANTS = {"approved": "/", "unapproved": "", "partly": "/shop/prod", "locked": "/", "log broken": "/"}
FILES = (".env", ".env.example", ".env.json", ".environ", ".vars")
Asked = Callable[[Operations], Awaitable[object]]


class State(NamedTuple):
    """One way in which a mount can be: its handlers, and its access log."""

    operations: Operations
    log: Path


async def make_ready(house: House) -> None:
    for level in LEVELS:
        await house.views.get(level)
    await house.views.get_past("/shop", 1)
