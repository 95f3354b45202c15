"""The servers of engines, tried in short: `make engines` tries all that each of them promises."""

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from envfs.courier.engine import Engine
from envfs.errors import NotApproved
from tests.engines.places import Place, etcd, postgres
from tests.engines.using import connected, hints_of, run

KEY = "level/shop/@00000001.json"


@pytest.mark.parametrize("start", [postgres, etcd])
def test_a_record_of_one_member_is_there_for_another(
    ground: Path, start: Callable[[Path], AbstractContextManager[Callable[[], Place]]]
) -> None:
    async def use(place: Place) -> None:
        async with connected(place) as one, connected(place) as two, hints_of(two, "level/") as hints:
            assert await one.put_new(KEY, b"sealed") is True
            assert await anext(hints) == "level/shop"
            assert await two.heads("") == {"level/shop": 1}
            assert await two.put_new(KEY, b"other") is False
            assert await two.get([KEY]) == {KEY: b"sealed"}
            await check_erase(two, place)

    async def check_erase(engine: Engine, place: Place) -> None:
        if place.erases:
            await engine.erase(KEY)
        else:
            with pytest.raises(NotApproved):
                await engine.erase(KEY)

    with start(Path(tempfile.mkdtemp(prefix="short-", dir=ground))) as make_place:
        run(use, make_place())
