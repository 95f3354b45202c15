"""A disk that is truly full, or read-only: what cannot be done is said, what there is is read, then all goes on."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.conftest import Homes
from tests.system.alone import Alone, Answer, reading
from tests.system.home import Home
from tests.system.peer import Body

_SET: Body = {"type": "set-variable", "level": "/shop/prod", "name": "A"}
_GRANT: Body = {"type": "grant-access", "level": "/shop", "uid": 4713}
_FORGET: Body = {"type": "forget-versions", "level": "/shop/prod"}
_RM: Body = {"type": "remove-level", "level": "/shop/prod"}
_ROTATE: Body = {"type": "rotate-log"}
_WRITING: tuple[tuple[Body, tuple[str, ...]], ...] = (
    (_SET, ("x" * 4000,)),
    (_GRANT, ()),
    (_FORGET, ()),
    (_RM, ()),
    ({"type": "rotate-key", "project": "shop"}, ()),
    (_ROTATE, ()),
)


@contextmanager
def _on_a_small_disk(place: Path) -> Iterator[None]:
    """Put a folder on a file system of its own, with all that is in it."""
    aside = place.with_name(f"{place.name}.aside")
    place.rename(aside)
    place.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "small", place], check=True)
    try:
        subprocess.run(["cp", "-a", f"{aside}/.", place], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)
        place.rmdir()
        aside.rename(place)


def _fill(place: Path) -> None:
    for number in range(20):  # each processor has a page or two in reserve
        with suppress(OSError), (place / f"filler-{number}").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(512))


def _remounted(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", place], check=True)


def _refused(answers: list[Answer], words: str) -> None:
    refused = [answer for answer in answers if answer.status]  # what is short may find room in a last page
    assert refused
    for answer in refused:
        assert answer.status in (112, 113), answer
        assert words in str(answer.reply["text"]), answer


def _goes_on(home: Home) -> None:
    with Alone(home) as alone:
        assert alone.ask({"type": "status"}).reply["problems"] == []
        assert alone.ask(reading("/shop/prod", "A")).reply["type"] == "view-sent"
        for body, secrets in ((_SET, ("2",)), (_GRANT, ()), (_FORGET, ()), (_RM, ())):
            assert alone.ask(body, *secrets).status == 0, body
        assert alone.ask({"type": "verify-vault"}).reply["failed"] == 0
        assert alone.ask({"type": "verify-log"}).reply["type"] == "checked"


def _refused_at(home: Home, changes: list[tuple[Body, tuple[str, ...]]], words: str) -> Answer:
    """See that all of these are refused; returns the answer to a read behind them."""
    with Alone(home) as alone:
        assert any(alone.ask(_SET, f"{number}").status for number in range(100))
        _refused([alone.ask(*_flat(each)) for each in changes], words)
        return alone.ask(reading("/shop/prod", "A"))


def test_what_the_vault_cannot_store_is_said_and_the_rest_is_read(new_home: Homes, stocked: Home) -> None:
    home = new_home(stocked)
    with Alone(home) as alone:
        assert alone.ask(_SET, "1").status == 0
    with _on_a_small_disk(home.vault):
        changes = [each for each in _WRITING if each[0] not in (_GRANT, _ROTATE)]
        _fill(home.vault)
        assert _refused_at(home, changes, "no space left on device").status == 0
        _remounted(home.vault, "ro")
        assert _refused_at(home, changes, "read-only file system").status == 0
        _remounted(home.vault, "rw")
        _free(home.vault)
        _goes_on(home)


def test_nothing_is_read_or_written_that_cannot_be_recorded(new_home: Homes, stocked: Home) -> None:
    home = new_home(stocked)
    with Alone(home) as alone:
        assert alone.ask(_SET, "1").status == 0
    with _on_a_small_disk(home.state):
        _fill(home.state)
        assert _refused_at(home, list(_WRITING), "no space left on device").status in (0, 112)
        _remounted(home.state, "ro")
        assert "read-only file system" in home.envfs("get", "/shop/prod", "A", status=113).complaint
        _remounted(home.state, "rw")
        _free(home.state)
        _goes_on(home)


def _free(place: Path) -> None:
    for filler in place.glob("filler-*"):
        filler.unlink()


def _flat(change: tuple[Body, tuple[str, ...]]) -> tuple[Body, *tuple[str, ...]]:
    return (change[0], *change[1])
