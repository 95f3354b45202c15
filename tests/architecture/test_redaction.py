"""No way of showing an object shows a value that is in it."""

import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envfs.core import keyfile, record
from envfs.core.keyfile import Keys
from envfs.core.names import Project
from envfs.core.secret import Secret
from envfs.daemon.keyholder_process import KeyholderLink
from envfs.dotenv import merging
from envfs.dotenv.document import parse_document
from envfs.errors import EnvFSError
from envfs.host.memory import Region
from envfs.keyholder.crypto.identity import Identity
from envfs.keyholder.held.keyring import Keyring
from envfs.keyholder.requests.work import Work, WorkResult
from envfs.protocol.keyholding import Rendered
from tests.component.world import World, run

NEEDLE = "hunter2"
IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
KEY = NEEDLE.encode().ljust(32, b"!")
NAME = "n" * 43
TEXT = f"A={NEEDLE}\nB='{NEEDLE}'\n# {NEEDLE}\n"
DOCUMENT = parse_document(TEXT)


_regions: list[Region] = []
_handles: list[int] = []


@pytest.fixture(autouse=True)
def _no_region_is_left() -> Iterator[None]:
    yield
    while _regions:
        _regions.pop().close()
    while _handles:
        os.close(_handles.pop())


def region() -> Region:
    made = Region.create(len(NEEDLE))
    made.map[: len(NEEDLE)] = NEEDLE.encode()
    _regions.append(made)
    return made


def keyring() -> Keyring:
    made = Keyring()
    made.hold(Secret(IDENTITY))
    made.hold_project(Project("/shop"), NAME, (Secret(KEY),))
    _regions.append(made._region)
    return made


def passphrase() -> int:
    handle = os.memfd_create("passphrase", os.MFD_CLOEXEC)
    os.write(handle, NEEDLE.encode())
    _handles.append(handle)
    return handle


MADE: dict[str, Callable[[], object]] = {
    "a secret": lambda: Secret(NEEDLE),
    "a secret of bytes": lambda: Secret(NEEDLE.encode()),
    "keys": lambda: Keys((Secret(KEY), Secret(KEY)), ()),
    "an opened key file": lambda: keyfile.parse_keys(keyfile.render_keys(Keys((Secret(KEY),), ()), "", b"")),
    "what a keyring holds": lambda: (keyring().identity(), keyring().project("/shop", NAME)),
    "passphrases": lambda: Work(keyring(), (), (passphrase(),)).passphrase(0),
    "every spelling of a passphrase": lambda: Work(keyring(), (), (passphrase(),))._spellings(0),
    "a text": lambda: DOCUMENT,
    "an entry": lambda: DOCUMENT.entries[0],
    "a quoted entry": lambda: DOCUMENT.entries[1],
    "a comment": lambda: DOCUMENT.entries[2],
    "a layer": lambda: merging.Layer("/", DOCUMENT),
    "a merged view": lambda: merging.merge_layers([merging.Layer("/", DOCUMENT)]),
    "a region": region,
    "a keyring": keyring,
    "an identity": lambda: Identity(Secret(IDENTITY)),
    "work": lambda: Work(keyring(), (b"x",), ()),
    "an answer": lambda: WorkResult(Rendered((1, 1), 1, "portable"), (), region()),
    "a keyholder's link": lambda: KeyholderLink,
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_no_way_of_showing_it_shows_what_is_in_it(make: Callable[[], object]) -> None:
    made = make()
    shown = [repr(made), str(made), f"{made}", f"{made!s:>50}", repr([made]), repr({"x": made}), repr(Exception(made))]
    for text in shown:
        assert NEEDLE not in text
        assert IDENTITY[:25] not in text
        assert record.to_base64(KEY)[:12] not in text


@pytest.mark.parametrize(
    "change",
    [
        lambda: parse_document(f"A='{NEEDLE}"),
        lambda: parse_document(f"{NEEDLE}\n").check(),
        lambda: parse_document(f'A="x" {NEEDLE}\n').check(),
        lambda: DOCUMENT.set("A", f"{NEEDLE}\0"),
        lambda: DOCUMENT.set(f"{NEEDLE}-", "x"),
        lambda: DOCUMENT.set("A", NEEDLE * 50_000),
        lambda: DOCUMENT.unset(NEEDLE),
        lambda: Identity(Secret(NEEDLE)),
        lambda: Identity(Secret(IDENTITY[:-1])),
    ],
    ids=[
        "an open quote",
        "no assignment",
        "text after",
        "a nul",
        "a bad name",
        "too long",
        "no such",
        "no key",
        "half a key",
    ],
)
def test_no_refusal_and_no_traceback_shows_what_was_refused(change: Callable[[], object]) -> None:
    with pytest.raises(EnvFSError) as caught:
        change()
    error = caught.value
    said = f"{error.text} {error.hint} {error!r} {error.args}"
    assert NEEDLE not in said
    assert IDENTITY[:25] not in said
    messages = [line for line in traceback.format_exception(error) if "Error" in line or "envfs.errors" in line]
    assert messages
    assert not [line for line in messages if line.strip().endswith(NEEDLE)]
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


def test_nothing_that_is_kept_beside_a_vault_shows_a_value(tmp_path: Path) -> None:
    link = KeyholderLink()
    world = World(tmp_path, link)

    async def main() -> None:
        await world.fill()
        view = await world.open_vault.views.get("/shop/prod")
        assert b"hunter3" in bytes(view.look(view.part("dotenv")))
        assert "hunter3" not in f"{view} {view!r} {vars(view)} {vars(world.open_vault.views)}"

    run(main)
    world.close()
    link.close()
    kept = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert len(kept) > 8
    for path in kept:
        data = path.read_bytes()
        assert not [word for word in (b"hunter", b"postgres", b"DATABASE_URL", b"AGE-SECRET") if word in data], path
