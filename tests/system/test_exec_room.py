"""`exec` of a view for which an environment has no room: the longest values come by files."""

import os
import stat
from pathlib import Path

import pytest

from envfs.errors import BadName, TooLarge
from envfs_cli.process import large_environment, large_values, replacement
from tests.conftest import Homes
from tests.system.home import Home

_LENGTH = 110_000
_LEVELS = ("/big", "/big/a", "/big/a/b")
_SCRIPT = (
    'for name in $(env | sed -n "s/^\\(V[0-9_]*\\)_FILE=.*/\\1/p"); do '
    'eval "wc -c < \\$${name}_FILE"; eval "echo \\$${name}_FILE"; done'
)


@pytest.fixture(scope="module")
def big(new_home: Homes, bare: Home) -> Home:
    home = new_home(bare)
    for depth, level in enumerate(_LEVELS):
        text = "".join(f"V{depth}_{number}={'x' * (_LENGTH + number)}\n" for number in range(9))
        home.envfs("import", "-", level, given=text)
    return home


def _files(home: Home) -> list[tuple[int, str]]:
    lines = home.envfs("exec", _LEVELS[-1], "--", "sh", "-c", _SCRIPT).text.split()
    return [(int(size), path) for size, path in zip(lines[::2], lines[1::2], strict=True)]


def test_the_longest_values_come_by_files_of_the_mount_or_of_memory(big: Home) -> None:
    in_memory = _files(big)
    assert in_memory
    assert all(size >= _LENGTH and path.startswith("/proc/") for size, path in in_memory)
    with big.mounted():
        in_mount = _files(big)
    assert len(in_mount) == len(in_memory)
    folder = f"{big.mnt}{_LEVELS[-1]}/.vars/"
    assert all(size >= _LENGTH and path.startswith(folder) for size, path in in_mount)


def test_what_has_room_stays_in_the_environment(big: Home) -> None:
    assert big.envfs("exec", "/big", "--", "sh", "-c", 'echo ${#V0_8} "$V0_8_FILE"').text == f"{_LENGTH + 8} \n"


def test_an_entry_that_is_too_long_by_itself_goes_and_no_other(own_ground: Path) -> None:
    folder = own_ground / "vars"
    folder.mkdir()
    (folder / "IN_MOUNT").write_text("m" * 140_000)
    (folder / "OTHER").write_text("something else")
    entries = [b"A=1", b"IN_MOUNT=" + b"m" * 140_000, b"OTHER=" + b"o" * 140_000]
    given = large_values.with_files(b"".join(entry + b"\0" for entry in entries), [], str(folder)).split(b"\0")
    assert given[:2] == [b"A=1", b"IN_MOUNT_FILE=" + os.fsencode(folder / "IN_MOUNT")]
    name, _, path = given[2].partition(b"=")
    assert name == b"OTHER_FILE"
    assert Path(os.fsdecode(path)).read_bytes() == b"o" * 140_000
    assert stat.S_IMODE(Path(os.fsdecode(path)).stat().st_mode) & 0o222 == 0


def test_a_name_that_is_taken_is_said_and_no_value() -> None:
    entries = b"KEY=" + b"hunter2" * 20_000 + b"\0KEY_FILE=/elsewhere\0"
    with pytest.raises(TooLarge) as refused:
        large_values.with_files(entries, [], "")
    assert "KEY_FILE" in refused.value.text
    assert "hunter2" not in refused.value.text + refused.value.hint


@pytest.mark.parametrize("name", ["PIP_CONFIG", "CMAKE_TOOLCHAIN", "GIT_INDEX"])
def test_no_file_is_named_by_a_name_that_runs_other_code_unless_it_is_let_pass(name: str) -> None:
    variables = f"{name}={'x' * 140_000}\0".encode()
    with pytest.raises(BadName, match=f"{name}_FILE"):
        large_values.with_files(variables, [], "")
    given = large_values.with_files(variables, [], "", allow_dangerous=True)
    assert given.startswith(f"{name}_FILE=".encode())


def _environment(inherited: list[bytes], *, keeps: bool, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    monkeypatch.setattr(replacement, "inherited_entries", lambda: inherited)
    given = large_environment.Given(keeps, is_clean=False, folder="")
    variables = b"KEY=" + b"x" * 140_000 + b"\0"
    shown, entries_of = large_environment.with_files(["true"], variables, given, allow_dangerous=False)
    return entries_of(inherited, shown)


def test_the_file_takes_the_place_of_what_the_caller_has_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = _environment([b"A=1", b"KEY=stale"], keeps=False, monkeypatch=monkeypatch)
    assert [entry.partition(b"=")[0] for entry in entries] == [b"A", b"KEY_FILE"]


def test_what_the_caller_keeps_gets_no_file_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _environment([b"KEY=mine"], keeps=True, monkeypatch=monkeypatch) == [b"KEY=mine"]
    with pytest.raises(TooLarge, match="KEY_FILE"):
        _environment([b"KEY_FILE=/mine"], keeps=True, monkeypatch=monkeypatch)
