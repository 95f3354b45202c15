"""The model of docs/scale.md (contrib/scale/model.py) counts the requests that the code makes, no more and no fewer."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
import trio
import trio.testing

from envfs.core.shared_logs import audit_stream
from envfs.courier.engines import folder_watch
from envfs.courier.engines.etcd import watching
from envfs.service.sharing.partition import Partition
from tests.component.sharing_engine import EngineInMemory, begin, copied, joined, set_engine, until, until_equal
from tests.component.world import World, run

MODEL = Path(__file__).parents[2] / "contrib" / "scale" / "model.py"
HOUR, _TRIES = 3600, 20


@pytest.fixture(scope="module")
def model() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scale_model", MODEL)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["scale_model"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_write_takes_the_requests_of_the_model(world: World, tmp_path: Path, model: ModuleType) -> None:
    engine = EngineInMemory()
    set_engine(world)
    others = [copied(world, tmp_path / name) for name in ("b", "c")]
    first, *lines = [joined(one, engine) for one in (world, *others)]
    expected = [(first, dict(model.WRITER)), *((line, dict(model.READER)) for line in lines)]

    async def settled() -> None:
        await until_equal(engine, world, *others)
        await trio.testing.wait_all_tasks_blocked(0.5)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            await begin(nursery, world, *others)
            await settled()
            counts: list[dict[str, int]] = []
            for number in range(_TRIES):  # on a busy machine what came before may take its time
                for line in (first, *lines):
                    line.asked.clear()
                await world.write("/shop/prod", f"A={number}\n", "merge")
                await until(lambda: all(Counter(line.asked) >= Counter(due) for line, due in expected))
                await settled()
                counts = [dict(Counter(line.asked)) for line in (first, *lines)]
                if counts == [due for _, due in expected]:
                    break
            assert counts == [due for _, due in expected]
            nursery.cancel_scope.cancel()

    run(main)
    for other in others:
        other.close()


def test_the_engines_look_as_often_as_the_model_says(model: ModuleType) -> None:
    listening = pytest.importorskip("envfs.courier.engines.postgres.listening")
    assert model.ENGINES["ssh"].looks == HOUR / (folder_watch._LOOK_SECONDS * folder_watch._LOOKS_OF_A_MINUTE)
    assert model.ENGINES["etcd"].looks == HOUR / watching._QUIET_SECONDS
    assert model.ENGINES["postgres"].questions == HOUR / listening._QUIET_SECONDS


def test_a_part_has_the_prefixes_and_channels_of_the_model(model: ModuleType) -> None:
    parts = pytest.importorskip("envfs.courier.engines.postgres.parts")
    logs = audit_stream("b83616da-e0d9-45ac-a54a-b73f09b274b1", "author")
    prefixes = Partition(frozenset({"/", "/shop"}), logs).prefixes()  # type: ignore[arg-type]
    assert len(prefixes) == model.PREFIXES_OF_A_PROJECT + model.PREFIXES_OF_ALL == model.ENGINES["etcd"].watches
    assert len(parts.channels("envfs", prefixes)) == model.ENGINES["postgres"].watches


def test_more_machines_of_other_projects_add_no_request_to_a_write(model: ModuleType) -> None:
    measured = model.Measured(*([1.0] * len(model.Measured._fields)))
    small, large = (
        model.cost_of(model.Fleet(100 * projects, projects, 100.0), model.ENGINES["etcd"], measured)
        for projects in (1, 50)
    )
    assert small.requests_a_write == large.requests_a_write == 103
    assert large.connections == 50 * small.connections
