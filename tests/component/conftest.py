"""Keyholders are processes, so a module shares one; each world makes an identity of its own in it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from envfs.daemon.keyholder_process import KeyholderLink
from envfs.gate.audit_log.log import AccessLog
from envfs.gate.audit_log.refusals import Refusals
from envfs.gate.rule_book import RuleBook
from envfs.gate.rule_uses import RuleUses
from envfs.protocol.keyholding import CreateIdentity, IdentityMade
from envfs.rules_file import RulesFile
from envfs.service.keys.identity import load_identity
from envfs.service.service import OpenVault
from envfs.settings import SettingsFile
from tests.component.keyholders import Chain, Kept
from tests.component.sharing_engine import EngineInMemory, copied, joined, set_engine
from tests.component.states import GRANTS, STATES, State, make_ready
from tests.component.team import NAMES, Team, invitation, reopened
from tests.component.two_machines import Two
from tests.component.world import ME, World, run
from tests.system import forked


@pytest.fixture(scope="module")
def keyholder() -> Iterator[KeyholderLink]:
    """Give a module one keyholder."""
    link = KeyholderLink(started=forked.nursery().start_keyholder())
    yield link
    link.close()


@pytest.fixture(scope="module")
def locked_keyholder() -> Iterator[KeyholderLink]:
    """Give a module a keyholder that holds nothing."""
    link = KeyholderLink(started=forked.nursery().start_keyholder())
    yield link
    link.close()


@pytest.fixture
def empty(tmp_path: Path, keyholder: KeyholderLink) -> Iterator[World]:
    """Give one test a home without a vault."""
    world = World(tmp_path, keyholder)
    yield world
    world.close()


@pytest.fixture
def made(empty: World) -> World:
    """Give one test an empty vault."""
    run(empty.make)
    return empty


@pytest.fixture(scope="module")
def stocked(keyholder: KeyholderLink, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a module the folder of a home with texts, to be copied."""
    world = World(tmp_path_factory.mktemp("stocked"), keyholder)
    run(world.fill)
    world.close()
    return world.folder


@pytest.fixture
def world(empty: World, stocked: Path) -> World:
    """Give one test a vault with texts, and everything approved for this uid."""
    shutil.copytree(stocked, empty.folder, dirs_exist_ok=True)
    run(lambda: load_identity(empty.service, ()))
    return empty


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a module a vault with texts and a keyholder of its own; its tests leave it as it is."""
    link = KeyholderLink(started=forked.nursery().start_keyholder())
    world = World(tmp_path_factory.mktemp("shared"), link)
    run(world.fill)
    yield world
    world.close()
    link.close()


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyholderLink]:
    """Give the module a keyholder that holds an identity."""
    found = KeyholderLink(started=forked.nursery().start_keyholder())
    with (tmp_path_factory.mktemp("identity") / "id.txt").open("wb") as file:
        run(lambda: found.ask(CreateIdentity(plain=True), tuple, (), (file.fileno(),)))
    yield found
    found.close()


@pytest.fixture
def chain(link: KeyholderLink) -> Chain:
    found = Chain(link)
    found.write("replace", b"# kept\nA=1\nB='two words'\n")
    return found


@pytest.fixture
def fresh() -> Iterator[KeyholderLink]:
    """Give one test a keyholder that holds nothing."""
    found = KeyholderLink(started=forked.nursery().start_keyholder())
    yield found
    found.close()


@pytest.fixture
def owner(fresh: KeyholderLink, tmp_path: Path) -> KeyholderLink:
    """Give one test a keyholder with an identity of its own, without the second that a passphrase costs."""
    with (tmp_path / "id.txt").open("wb") as file:
        run(lambda: fresh.ask(CreateIdentity(plain=True), tuple, (), (file.fileno(),)))
    return fresh


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    found = KeyholderLink(started=forked.nursery().start_keyholder())
    path = tmp_path_factory.mktemp("kept") / "id.txt"
    with path.open("wb") as file:
        message = run(lambda: found.ask(CreateIdentity(plain=True), tuple, (), (file.fileno(),))).message
    found.close()
    assert isinstance(message, IdentityMade)
    return Kept(path.read_bytes(), message)


@pytest.fixture(scope="module")
def states(
    shared: World, locked_keyholder: KeyholderLink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, State]]:
    """Give the same vault in five states; `partly` is approved for /shop/prod alone."""
    found: dict[str, State] = {}
    logs, open_vaults = [], []
    for name in STATES:
        folder = tmp_path_factory.mktemp("state")
        level = GRANTS[name]
        settings = folder / "envfs.toml"
        settings.write_text(f'[[grant]]\nlevel = "{level}"\nuid = {ME.uid}\n' if level else "")
        settings.chmod(0o600)
        log = AccessLog(folder / "access.jsonl")
        logs.append(log)
        keyholder = locked_keyholder if name == "locked" else shared.service.keyholder
        refusals = Refusals(lambda log=log: log)
        open_vault = OpenVault(
            shared.open_vault.vault,
            RuleBook(SettingsFile(settings), RulesFile(folder / "grants.toml")),
            RuleUses(folder / "uses"),
            log,
            refusals,
            keyholder,
        )
        open_vaults.append(open_vault)
        found[name] = State(shared.operations(open_vault), log.path)
        if name != "locked":
            run(lambda open_vault=open_vault: make_ready(open_vault))
        if name == "log broken":
            log.path.unlink()
    yield found
    for open_vault in open_vaults:
        open_vault.views.wipe()
    for log in logs:
        log.close()


@pytest.fixture(scope="module")
def links() -> Iterator[dict[str, KeyholderLink]]:
    """Give the module a keyholder for each home."""
    links = {name: KeyholderLink(started=forked.nursery().start_keyholder()) for name in NAMES}
    yield links
    for link in links.values():
        link.close()


@pytest.fixture(scope="module")
def stocked_team(links: dict[str, KeyholderLink], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the module three homes of one vault: ana owns it, ben writes below /shop, cai is an admin."""
    folder = tmp_path_factory.mktemp("team")
    team = Team(folder, links)
    team.found(ben=invitation("ben", "writer", "/shop"), cai=invitation("cai", "admin"))
    team.close()
    return folder


@pytest.fixture
def team(stocked_team: Path, links: dict[str, KeyholderLink], tmp_path: Path) -> Iterator[Team]:
    """Give one test the three homes, unlocked."""
    team = reopened(stocked_team, tmp_path, links)
    yield team
    team.close()


@pytest.fixture
def two(world: World, tmp_path: Path) -> Iterator[Two]:
    """Give one test two machines that share a vault."""
    engine = EngineInMemory()
    set_engine(world)
    other = copied(world, tmp_path / "other")
    joined(other, engine)
    yield Two(engine, world, other, joined(world, engine))
    other.close()
