"""Every command that a hint, a note or a problem names can be pasted where it was printed: it runs, and helps.

Each case is a situation, the line that fails in it, and the commands that are then named, with `{}` where words come
from the situation. Together the cases name every command that the source can; what is not provoked here says why.
"""

import ast
import functools
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from envfs_cli import arguments, grammar
from tests.conftest import Homes
from tests.system.home import ENVFS, Home, Said, alive, eventually

ROOT = Path(__file__).parents[2]
_QUOTED = re.compile(r"`([^`]*)`")
_FIELDS = {
    "near": "get",
    "level": "/shop",
    "name": "shop",
    "project": "shop",
    "uid": "1",
    "dialect": "node",
    "capability": "write",
    "folder": ".",
    "path": "x",
}

# -- situations --------------------------------------------------------------------------------------------------------


class World(NamedTuple):
    """A home with a variable A at /shop, and a project's folder."""

    home: Home
    project: Path


def nothing(_world: World) -> None:
    """Leave things as they are."""


def mounted(world: World) -> None:
    world.home.mount()


def masked(world: World) -> None:
    mounted(world)
    world.home.envfs("grant", "/shop", "--uid", "1001", "--decision", "mask")


def killed(world: World) -> None:
    daemon = world.home.mount()
    os.kill(daemon.pid, signal.SIGKILL)
    eventually(lambda: not alive(daemon.pid) and not alive(daemon.keyholder), "the daemon is gone")


def locked(world: World) -> None:
    mounted(world)
    world.home.envfs("lock")


def without_a_vault(world: World) -> None:
    world.home.vault.rename(world.home.path / "elsewhere")
    world.home.settings.unlink()


def with_a_full_mount_point(world: World) -> None:
    world.home.mnt.mkdir()
    (world.home.mnt / "file").touch()


def served_by_another(world: World) -> None:
    world.home.mount()


def with_a_real_env(world: World) -> None:
    (world.project / ".env").write_text("B=2\n", encoding="utf-8")


def cloned(world: World) -> None:
    (world.project / ".envfs.toml").write_text('level = "/shop"\n', encoding="utf-8")


def linked_elsewhere(world: World) -> None:
    world.home.envfs("set", "/shop/other", "A", given="1")
    world.home.envfs("link", str(world.project), "/shop/other")
    cloned(world)


def with_a_backup(world: World) -> None:
    world.home.envfs("backup", str(world.project / "x.tar"))
    world.home.settle()


def with_a_backup_and_a_daemon(world: World) -> None:
    with_a_backup(world)
    mounted(world)


def with_two_files(world: World) -> None:
    for name in ("a.env", "b.env", ".env"):
        (world.project / name).write_text("A=1\n", encoding="utf-8")


def with_a_blog(world: World) -> None:
    world.home.envfs("set", "/blog", "A", given="1")


def with_a_level_without_text(world: World) -> None:
    world.home.envfs("set", "/app/prod", "A", given="1")


def with_a_level_below(world: World) -> None:
    world.home.envfs("set", "/shop/other", "A", given="1")


def with_a_cut_log(world: World) -> None:
    world.home.log_file.write_bytes(world.home.log_file.read_bytes()[:-20])


def with_a_moved_log(world: World) -> None:
    world.home.log_file.rename(f"{world.home.log_file}.1")


def without_the_index(world: World) -> None:
    shutil.rmtree(world.home.vault / "tree")


def restored(world: World) -> None:
    newest = max((world.home.vault / "level" / "shop").glob("@*.json"))
    newest.unlink()


def damaged(world: World) -> None:
    oldest = min((world.home.vault / "level" / "shop").glob("@*.json"))
    oldest.write_bytes(b"{}")


def trapped(world: World) -> None:
    world.home.envfs("set", "/shop", "TRAP", "--canary")
    mounted(world)
    world.home.envfs("get", "/shop", "TRAP")


def with_a_rotation_under_way(world: World) -> None:
    world.home.envfs("rotate", "/shop", "A", "--rotate-with", "false", status=100)


def with_an_overlap(world: World) -> None:
    world.home.envfs("rotate", "/shop", "A", "--overlap", "1h")


class Case(NamedTuple):
    """What fails, what is named then, whether the line works afterwards (`cures`), and who runs the line."""

    line: str
    names: tuple[str, ...]
    situation: Callable[[World], None] = nothing
    cures: bool = False
    uid: int = 0
    ends: int | None = None


CASES = {
    "no terminal to fill": Case("ui", ("envfs shell", "envfs ls --json")),
    "no daemon": Case("unlock", ("envfs mount",), cures=True),
    "no daemon to unlock a project": Case("unlock shop", ("envfs mount && envfs unlock {}",)),
    "a version behind the level of a rollback": Case("rollback /shop@1", ("envfs rollback /app 7",)),
    "no daemon to watch": Case("exec /shop --watch -- true", ("envfs mount",), cures=True),
    "no vault to mount": Case("mount", ("envfs init",), without_a_vault, cures=True),
    "a command without JSON": Case("json-schema mount", ("envfs json-schema",)),
    "no vault to read": Case("get /shop A", ("envfs init",), without_a_vault),
    "a new vault": Case(
        "init --identity-file id.txt", ("envfs mount", "envfs link /app --import"), without_a_vault, ends=0
    ),
    "a mount point in use": Case("mount", ("envfs mount {}",), with_a_full_mount_point),
    "a daemon runs": Case("mount", ("envfs status", "envfs unmount"), mounted, cures=True),
    "a dead mount": Case("status", ("envfs unmount",), killed, cures=True),
    "a dead mount, to the doctor": Case("doctor", ("envfs mount", "envfs unmount"), killed),
    "locked": Case("status", ("envfs unlock",), locked, cures=True),
    "no such variable": Case("get /shop NOPE", ("envfs show {}",)),
    "no such variable to explain": Case("explain /shop NOPE", ("envfs show {}",)),
    "no such variable to unset": Case("unset /shop NOPE", ("envfs show {} --own",)),
    "no such variable to rename": Case("rename /shop NOPE B", ("envfs show {} --own",)),
    "no such variable to copy": Case("cp /shop /new --only NOPE", ("envfs show {} --own",)),
    "no such variable to roll back": Case("rollback /shop 1 NOPE -y", ("envfs history {}",)),
    "no such level": Case("get /nope A", ("envfs ls",)),
    "no such level to write": Case("unset /nope A", ("envfs ls",)),
    "no such conflict": Case("sync resolve /shop --mine", ("envfs sync status",)),
    "no engine to rejoin": Case("sync rejoin", ("envfs sync status",)),
    "no loss to accept": Case("sync accept", ("envfs sync status",)),
    "no such author": Case("authors forget nobody", ("envfs authors",)),
    "no such version": Case("rollback /shop 99 -y", ("envfs history {}",)),
    "a level in the way": Case("mv /shop /blog", ("envfs cp {} {}",), with_a_blog),
    "nothing to copy": Case("cp /app /shop", ("envfs show {}",), with_a_level_without_text),
    "a home in the way of a backup": Case("restore x.tar", ("envfs restore {} --replace",), with_a_backup),
    "a daemon in the way": Case("restore x.tar", ("envfs unmount",), with_a_backup_and_a_daemon),
    "levels below": Case("rm /shop -y", ("envfs rm {} --below",), with_a_level_below),
    "names of removed levels": Case("ls --removed --names", ("envfs ls --removed",)),
    "the level above all": Case("rm / -y", ("envfs ls",)),
    "no level to forget": Case("forget /nope -y", ("envfs ls",)),
    "no such version to forget": Case("forget /shop --before 99 -y", ("envfs history {}",)),
    "no word for a version": Case("get /shop@nonsense A", ("envfs history {}",)),
    "two versions in one word": Case("diff /shop@1..@2", ("envfs diff {} {}",)),
    "no version so far back": Case("get /shop@-9 A", ("envfs history {}",)),
    "no version of then": Case("get /shop@2001-01-01T00:00 A", ("envfs history {}",)),
    "no such version to read": Case("show /shop --version 99", ("envfs history {}",)),
    "not approved": Case("get /shop A", ("envfs grant {} --uid {}",), mounted, cures=True, uid=1001),
    "not approved to write": Case(
        "unset /shop A", ("envfs grant {} --uid {} --can {}",), mounted, cures=True, uid=1001
    ),
    "an odd rule": Case("grant /shop --uid 7 --can fly", ("envfs grant --help",)),
    "no token": Case("token revoke", ("envfs token ls",)),
    "not a token": Case("token revoke g1", ("envfs token ls",)),
    "a move below itself": Case("mv /shop /shop/x", ("envfs cp {} {}",)),
    "nothing to forget": Case("forget / -y", ("envfs ls",)),
    "no text for placeholders": Case("export --own /shop", ("envfs export {}",), masked, uid=1001),
    "no such grant": Case("revoke /shop --uid 7", ("envfs grants",)),
    "a project that is there": Case("project new shop", ("envfs project ls", "envfs project custody {} --managed")),
    "no such project": Case("project recipients nope", ("envfs project ls",)),
    "no such project to lock": Case("unlock nope", ("envfs project ls",), mounted),
    "no passphrase of its own": Case("passwd shop", ("envfs passwd",)),
    "in no keyring": Case("keyring remove", ("envfs keyring add kernel",)),
    "which keyring": Case("keyring add", ("envfs keyring add kernel", "envfs keyring add secret-service")),
    "no such question": Case("approvals show q1", ("envfs approvals ls",), mounted),
    "no session of a proxy": Case("proxy stop p1", ("envfs proxy ls",), mounted),
    "no level for a proxy": Case("proxy start", ("envfs ls",), mounted),
    "nothing for a proxy to do": Case("exec /shop --proxy -- true", ("envfs proxy --help",), mounted),
    "which question": Case("approvals show", ("envfs approvals ls",)),
    "no answer": Case("approvals respond q1", ("envfs approvals respond {} no",)),
    "a question where none belongs": Case("approvals ls q1", ("envfs approvals --help",)),
    "two files to import": Case(
        "import a.env b.env", ("envfs import {} /app", "envfs import {} /app", "envfs import . /app"), with_two_files
    ),
    "no level for a link": Case("link", ("envfs link /shop",)),
    "no folder to link": Case("link nowhere /shop", ("envfs link . /shop",)),
    "not linked": Case("exec -- true", ("envfs link /shop",), cures=True),
    "a real .env": Case("link . /shop", ("{}", "envfs import {} {}"), with_a_real_env),
    "a clone": Case("exec -- true", ("{}",), cloned, cures=True),
    "a changed link": Case("exec -- true", ("{}",), linked_elsewhere, cures=True),
    "linked, not mounted": Case("link . /shop", ("envfs mount",), ends=0),
    "an unknown command": Case("xyzzy", ("envfs --help",)),
    "no action": Case("project", ("envfs {} --help",)),
    "a cut log": Case("get /shop A", ("envfs log verify", "envfs log restart"), with_a_cut_log, cures=True),
    "a cut log, to the doctor": Case("doctor", ("envfs mount", "envfs log verify"), with_a_cut_log),
    "a moved log": Case("status", ("envfs log rotate",), with_a_moved_log, cures=True),
    "a canary that was read": Case("status", ("envfs log --event canary",), trapped),
    "no index": Case("verify", ("envfs verify --repair",), without_the_index, cures=True),
    "an older vault": Case("get /shop A", ("envfs accept {}",), restored, cures=True),
    "a rotation under way": Case(
        "rotate /shop A", ("envfs rotate {} {} --resume", "envfs rotate {} {} --abort"), with_a_rotation_under_way
    ),
    "an overlap": Case("rotate /shop A --overlap 1h", ("envfs rotate {} {} --finish",), with_an_overlap, cures=True),
    "nothing to rotate": Case("rotate /shop NOPE", ("envfs explain {} {}",)),
    "no level for a new secret": Case("generate A", ("envfs generate --set /shop/prod DB_PASSWORD",)),
    "a damaged record": Case("get /shop A --version 1", ("envfs verify",), damaged),
}
# what the table does not provoke, and why
ELSEWHERE = {
    "envfs {}": "a near miss names a command alone: it is the word that was meant, not the whole line",
    "envfs COMMAND --help": "the last line of help, about any command",
    "envfs history LEVEL": "a log that was begun again beside an older vault: tests/system/test_log_elsewhere.py",
    "envfs link {} --import": "a .env that is a file, before an agent runs beside it; a note, and nothing is refused",
    "envfs sync rejoin": "an engine that lost records: tests/component/test_forks.py",
    "envfs sync accept": "an engine that lost records: tests/component/test_lost_records.py",
    "envfs store push {}": "an engine that has a record without a piece: tests/component/test_engine_damage.py",
    "envfs link": "a file that is left out of an import; nothing has to be done",
    "envfs project {}": "a text, whose hint says what is missing",
    "envfs key rotate": "a text, whose hint says what is missing",
    "envfs unlock {}": "a change of keys that broke off: tests/system/test_custody.py",
    "envfs edit {}": "a day that was about the old value: tests/transcripts/rotation.txt",
    "envfs history {} --name {}{}": "a value of another rotation in its place: tests/system/test_rotate.py",
    "envfs history {} --name {}": "a variable that went away while its command ran: tests/system/test_rotate.py",
    "envfs generate --set {} {}": "a variable that went away meanwhile: tests/component/test_rotations.py",
    "envfs unmount && envfs mount": "a client of another release: tests/component/test_connection.py",
    "envfs lock": "a machine that can hibernate without secret memory",
    "envfs check {}": "a write after which too many names are doubtful: tests/unit/core",
    "envfs check {} --dialect {}": "a dialect that cannot carry what is there: tests/system/test_forms.py",
    "envfs project ls --json": "a recipient that a project does not have: tests/system/test_recipients.py",
    "envfs proxy stop {}": "a session was started at a terminal: tests/system/test_proxy.py",
    "envfs proxy rules": "a refusal of the proxy: tests/unit/proxy/test_rules.py",
    "envfs proxy rules LEVEL": "another user asks for the rules of the settings",
    "envfs approvals watch": "nobody is there to ask: tests/transcripts/approvals.txt",
    "envfs approvals respond {} yes": "an answer from a young terminal: tests/system/test_self_approval.py",
    "envfs log": "a session of an agent with more hosts than its summary lists",
    "envfs doctor": "an identity file that is not a file: tests/system/test_bad_input.py",
    "envfs exec LEVEL -- COMMAND": "a line for a model: tests/system/test_agents_server.py",
    "envfs rollback {} {}": "a level that was removed: tests/transcripts/versions.txt",
    "envfs forget {}": "a level that was removed: tests/transcripts/versions.txt",
    "envfs unset LEVEL NAME": "a line with words that stand for others",
    "envfs history --json": "authors without a key in the settings: tests/unit/test_settings.py",
    "envfs set {} {}": "a yes to a petition for a value: tests/system/test_agents_server.py",
    "envfs sync resolve {} --mine": "two machines that changed one variable: tests/component/test_shared_vault.py",
    "envfs sync resolve {} --theirs": "two machines that changed comments alone: tests/component/test_shared_vault.py",
    "envfs member ls": "a name that no member has, in a shared vault: tests/component/test_members.py",
    "envfs exec {} -- COMMAND": "a line with words that stand for others: a machine that was invited",
    "envfs sync start ADDRESS": "a line with a word that stands for another: a machine, and no engine",
    "envfs store ca FOLDER --member {}": "a machine without a certificate: tests/engines/test_machines.py",
    "envfs member invite --machine": "a join secret that is none: tests/unit/cli/daemon/test_join_secret.py",
    "envfs keyring add": "a new key of a device whose identity is in a keyring: a note, and nothing is refused",
    "envfs member heads": "a code of another vault: tests/component/test_members.py",
    "envfs member invite": "an invitation that has ended: tests/component/test_members.py",
    "envfs member approve": "a device that nobody let in yet: tests/component/test_members.py",
    "envfs member approve {}": "somebody who waits to be let in: tests/system/test_members.py",
    "envfs member join {}": "an invitation to a vault with an engine: tests/engines/test_team_on_ssh.py",
    "envfs member join ADDRESS": "a line with a word that stands for another: no vault to share yet",
    "envfs member invite NAME": "a line with a word that stands for another: a vault that is shared from now on",
    "envfs log verify --all-machines": "a batch that is none: tests/component/test_shared_logs.py",
    "envfs sync start ssh://vault@server/srv/vault": "a key for no server of ssh: tests/transcripts/sharing.txt",
    "envfs sync log on": "a log that is not shared yet: tests/component/test_shared_logs.py",
    "envfs sync log": "a machine that nobody knows: tests/component/test_shared_logs.py",
    "envfs store invite KEY.pub {} --append": "a server that refuses a key: it takes a person with an account there",
    "envfs sync start": "an engine that has no vault yet: tests/transcripts/sharing.txt",
    "envfs store invite KEY.pub {}": "a server with no such line: tests/engines/test_team_on_ssh.py",
    "envfs member join": "an invitation was made: tests/system/test_members.py",
    "envfs member revoke": "a name that is invited already: tests/component/test_members.py",
    "envfs member revoke '{}'": "a revoke of a name that broke off: tests/component/test_members.py",
    "envfs member revoke {}": "a revoke that broke off: tests/component/test_members.py",
    "envfs member devices {}": "a key of no device: tests/component/test_members.py",
    "envfs key rotate {}": "a key file that is not for the members: tests/component/test_members.py",
    "envfs agent run {} -- {}": "an agent that is started with values: a hint, and nothing is refused",
    "envfs service uninstall": "a line of the unit file that names the command",
    "envfs service install": "no service is there to remove: tests/transcripts/mistakes.txt",
    "envfs service attach": "a service that nobody mounts for: tests/system/test_service.py",
    "envfs service --help": "an action that takes fewer words: tests/transcripts/mistakes.txt",
    "envfs store --help": "words that an action of store lacks: tests/transcripts/sharing.txt",
    "envfs store init": "a folder that is served and not there: tests/engines/test_store_server.py",
    "envfs store init {}": "a member's line for a folder that is not there yet: a note, and nothing is refused",
    "envfs store invite": "a server with no such line: tests/engines/test_ssh.py",
    "envfs store pull": "an engine with records that are not here: a note, and nothing is refused",
    "envfs web": "a browser that was not let in: tests/unit/cli/web/test_application.py",
    "envfs set /app NAME": "an empty table: a remark to a person, and nothing is refused",
    "envfs grant /LEVEL --user NAME": "an empty table: a remark to a person, and nothing is refused",
    "envfs token create /LEVEL": "an empty table: a remark to a person, and nothing is refused",
    "envfs import --from sops - /LEVEL": "a line with a word that stands for another: a machine without sops",
    "envfs member invite NAME --machine": "a line with a word that stands for another: a machine with a join secret",
    "envfs accept /": "a home that a backup was put back into",
}


_ONLY_LOOK = re.compile(
    r"envfs (\S+ )?(--help|json-schema|show|explain|history|ls|authors|grants|status|sync status|verify|log)\b.*"
)


def _only_looks(case: Case) -> bool:
    """Tell whether nothing is changed by what goes before, by the line, which fails, or by the commands named."""
    return case.situation in (nothing, mounted) and not case.cures and all(map(_ONLY_LOOK.fullmatch, case.names))


@pytest.fixture
def world(new_home: Homes, stocked_for_hints: Home, tmp_path: Path) -> Iterator[World]:
    """Give a copy of the home, and an empty folder."""
    home = new_home(stocked_for_hints)
    tmp_path.chmod(0o755)
    yield World(home, tmp_path)
    subprocess.run(["umount", "-l", f"{home.mnt}-views"], check=False, capture_output=True)


def _written(home: Home) -> list[Path]:
    return [path for path in home.records() if "log" not in path.relative_to(home.vault).parts]


@pytest.fixture(scope="module")
def looked_at(new_home: Homes, stocked_for_hints: Home) -> Iterator[Home]:
    """Give the module a copy of the home on a mount. It is as before at the end."""
    home = new_home(stocked_for_hints)
    before = (_written(home), home.settings.read_bytes())
    with home.served():
        yield home
    assert (_written(home), home.settings.read_bytes()) == before


@pytest.fixture(scope="module")
def stocked_for_hints(new_home: Homes) -> Home:
    """Give a home with two versions of /shop. To be copied."""
    home = new_home()
    home.envfs("set", "/shop", "A", given="1")
    home.envfs("set", "/shop", "A", given="2")
    home.settle()
    return home


def _run(world: World, line: str, uid: int) -> Said:
    first, joined, following = line.partition(" && ")
    if joined:
        said = _run(world, first, uid)
        return said if said.status else _run(world, following, uid)
    # a person would type the passphrase, and say yes
    environ = {**world.home.environ(world.home.knowing()), "PATH": f"{Path(ENVFS).parent}:{os.environ['PATH']}"}
    program, *words = shlex.split(f"{line} -y" if line.startswith(("envfs accept", "envfs rm")) else line)
    assert program == "envfs"
    return world.home.carry_out(words, uid, None, environ, world.project)


def _named(text: str) -> list[str]:
    lines = [line.partition("hint: ")[2] or line for line in text.splitlines() if not line.startswith("envfs: error:")]
    return [found for line in lines for found in _QUOTED.findall(line) if found.startswith("envfs ")]


def _matches(names: tuple[str, ...], commands: list[str]) -> bool:
    patterns = [re.escape(name).replace(r"\{\}", ".+") for name in names]
    return len(names) == len(commands) and all(map(re.fullmatch, patterns, commands))


def _is_kept(world: World, case: Case) -> None:
    """Fail, unless the line fails, names the commands, and each of them helps."""
    line = f"envfs {case.line}"
    failed = _run(world, line, case.uid)
    assert (failed.status == 0) is (case.ends == 0), failed
    commands = _named(failed.text + failed.complaint)
    assert _matches(case.names, commands), failed
    errors = [said for said in failed.complaint.splitlines() if said.startswith("envfs: error:")]
    for command in commands:
        pasted = _run(world, command, 0)
        assert pasted.status != 2, (command, pasted)
        again = command.endswith("log verify")  # it says at length what the error said
        assert again or not (errors and errors[0] in pasted.complaint), (command, pasted)
    if case.cures:
        cured = _run(world, line, case.uid)
        assert cured.status == 0, cured


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=name, marks=pytest.mark.soak if _only_looks(case) else ()) for name, case in CASES.items()],
)
def test_what_a_hint_names_runs_where_it_is_printed(world: World, case: Case) -> None:
    case.situation(world)
    _is_kept(world, case)
    if world.home.socket.exists():
        world.home.envfs("unmount", status=None)


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items() if _only_looks(case)])
def test_what_a_hint_names_runs_where_a_daemon_serves(looked_at: Home, tmp_path: Path, case: Case) -> None:
    tmp_path.chmod(0o755)
    _is_kept(World(looked_at, tmp_path), case)


# -- the source --------------------------------------------------------------------------------------------------------


def _read_texts(path: Path) -> Iterator[ast.Constant | ast.JoinedStr]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            skipped.add(id(body[0].value))
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in ast.walk(node) if part is not node}
    for node in ast.walk(tree):
        if id(node) not in skipped and isinstance(node, ast.Constant | ast.JoinedStr):
            yield node


@functools.cache
def _texts(path: Path) -> list[ast.Constant | ast.JoinedStr]:
    return list(_read_texts(path))


def _template(node: ast.Constant | ast.JoinedStr, fill: Callable[[ast.FormattedValue], str]) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else fill(part)
        for part in node.values
        if isinstance(part, ast.Constant | ast.FormattedValue)
    )


def _commands(fill: Callable[[ast.FormattedValue], str]) -> set[str]:
    paths = [*ROOT.glob("envfs/**/*.py"), *ROOT.glob("cli/**/*.py")]
    shown = [path for path in paths if not {"grammar", "completion"} & set(path.parts)]
    texts = [_template(node, fill) for path in shown for node in _texts(path)]
    return {command for text in texts for command in _QUOTED.findall(text) if command.startswith("envfs ")}


def _sample(part: ast.FormattedValue) -> str:
    words = re.findall(r"[a-z_]+", ast.unparse(part.value).replace("command.name", "word"))
    return next((_FIELDS[word] for word in reversed(words) if word in _FIELDS), "log")


def test_the_cases_name_all_that_the_source_can() -> None:
    named = {name for case in CASES.values() for name in case.names if name != "{}"}
    assert _commands(lambda _part: "{}") - set(ELSEWHERE) == named - {"envfs mount {}"}
    assert set(ELSEWHERE) <= _commands(lambda _part: "{}")


def test_every_named_command_is_of_the_grammar() -> None:
    commands = _commands(_sample) - {"envfs COMMAND --help"}
    for command in commands:
        for part in command.split(" && "):
            _envfs, *words = shlex.split(part)
            if words[0] == "--help" or "--help" in words:
                continue
            known = grammar.find_command(words[0])
            assert known is not None, command
            if command not in {"envfs get", "envfs link", "envfs key rotate", "envfs project log"}:
                assert isinstance(arguments.read_values(known, words[1:]), dict), command
