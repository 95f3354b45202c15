"""Kills in the place of a step that lasts: a change of the disk, or a record that an engine is given.

Whatever runs in the process ends there, since each step behind it is a kill as well.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.component.sharing_engine import Line


class Killed(BaseException):
    """The machine was killed here."""


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, step: int) -> Iterator[list[int]]:
    """Kill in the place of change `step` of the disk, and of each one behind it. Yields how many there were."""
    steps = [0]

    def stepping(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            steps[0] += 1
            if steps[0] >= step:
                raise Killed
            return function(*arguments, **named)

        return call

    with monkeypatch.context() as patch:
        for name in ("link", "unlink", "replace", "rename", "rmdir"):
            patch.setattr(os, name, stepping(getattr(os, name)))
        put_new = Line.put_new

        async def put(line: Line, key: str, data: bytes) -> bool:
            is_new = await put_new(line, key, data)
            stepping(int)()  # after it: the engine has it, and its answer is not heard
            return is_new

        patch.setattr(Line, "put_new", put)
        yield steps
