"""What the documents promise is what the code does: exit statuses, codes, errnos, members of JSON, settings."""

import errno
import re
from pathlib import Path

import pytest

from envfs.errors import BY_CODE
from envfs.fuse import faults
from envfs_cli import arguments, exit_status, grammar

ROOT = Path(__file__).parents[2]
CONTRACT = (ROOT / "docs" / "cli-contract.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip().strip("`") for cell in line.strip("|").split("|")]
    for line in CONTRACT.splitlines()
    if re.match(r"\| \d+(, \d+)* \|", line)
]
STATUSES = {int(number): row for row in ROWS for number in row[0].split(", ")}


def test_every_refusal_has_its_row_with_its_status_and_code() -> None:
    documented = {row[1]: number for number, row in STATUSES.items() if row[1]}
    assert documented == {**{kind.code: kind.status for kind in BY_CODE.values()}, "usage": arguments.Mistake.status}


@pytest.mark.parametrize(
    "status",
    [0, *(value for name, value in vars(exit_status).items() if name.isupper() and name != "SIGNALLED")],
)
def test_every_other_exit_status_is_documented(status: int) -> None:
    assert status in STATUSES


def test_no_status_in_the_code_is_a_number_that_the_document_does_not_know() -> None:
    used = set()
    for path in (ROOT / "cli" / "envfs_cli").rglob("*.py"):
        used |= {int(found) for found in re.findall(r"(?:return|exit\() ?(\d+)\b", path.read_text(encoding="utf-8"))}
    assert used <= set(STATUSES)


def test_every_row_says_when() -> None:
    assert all(row[2] for row in ROWS)
    assert list(STATUSES) == sorted(STATUSES)


@pytest.mark.parametrize("code", [code for code in BY_CODE if code != "unsafe-settings"])
def test_the_errno_in_the_mount_is_the_documented_one(code: str) -> None:
    row = STATUSES[BY_CODE[code].status]
    shown = errno.errorcode[faults.errno_of(BY_CODE[code]("x"))]
    assert row[3] in ("", shown)
    assert row[3] or shown == "EIO"


def test_every_command_is_in_a_document() -> None:
    texts = [path for path in (ROOT / "docs").rglob("*") if path.is_file() and path.suffix != ".png"]
    pages = "".join(path.read_text(encoding="utf-8") for path in texts)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = [command.name for command in grammar.all_commands() if command.group != grammar.HIDDEN]
    assert not [name for name in shown if f"envfs {name}" not in pages + readme and f"`{name}`" not in pages + readme]


def test_every_request_is_in_the_protocols_document() -> None:
    from envfs.protocol import control, keyholding

    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    missing = [name for name in (*control.REQUESTS, *keyholding.REQUESTS) if f"`{name}`" not in page]
    assert not missing


def test_the_limits_are_those_of_the_format() -> None:
    from envfs.core import limits

    page = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
    documented = {
        "a variable's name": f"{limits.NAME_BYTES} bytes",
        "a variable's value": f"{limits.VALUE_BYTES:,} bytes",
        "a level's text": f"{limits.TEXT_BYTES >> 20} MiB",
        "a component of a level path": f"{limits.COMPONENT_BYTES} bytes",
        "depth of a level": f"{limits.DEPTH} components",
        "a stored record": f"{limits.RECORD_BYTES >> 20} MiB",
        "a finished view": f"{limits.VIEW_BYTES >> 20} MiB",
        "all values of a view": f"{limits.VALUES_BYTES >> 20} MiB",
        "a request on the control socket": f"{limits.FRAME_BYTES >> 10} KiB",
    }
    for what, limit in documented.items():
        assert re.search(rf"\| {re.escape(what)} \| {re.escape(limit)}", page), what


def test_every_event_of_the_log_is_in_the_format() -> None:
    page = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
    events = set()
    for path in (ROOT / "envfs").rglob("*.py"):
        events |= set(re.findall(r'Event\(\s*"([a-z]+)"', path.read_text(encoding="utf-8")))
    row = next(line for line in page.splitlines() if line.startswith("| `event` |"))
    assert {event for event in events if f"`{event}`" not in row} == set()


_FILE = re.compile(r"(?<![\w/.])((?:[a-z_]+/)+[a-z_]+\.(?:py|c|toml))\b")


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))])
def test_a_file_that_a_document_names_is_there(page: str) -> None:
    names = set(_FILE.findall((ROOT / page).read_text(encoding="utf-8")))
    tops = ("", "envfs", "cli/envfs_cli", "tests/system", "tests")
    assert [name for name in sorted(names) if not any((ROOT / top / name).exists() for top in tops)] == []
