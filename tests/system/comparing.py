"""Comparing what a fresh daemon shows of a home with what it must hold, after something was broken off.

What was acknowledged is there. The one change that was asked for and not told any more is done or not, or is finished
by asking again. Nothing else may be so.
"""

from tests.system.expected import Body, Change, Expected, Text, Version, parsed
from tests.system.home import Home, eventually
from tests.system.load import SHARED
from tests.system.peer import Peer

_MORE = 4  # versions that are looked at again: what was not told any more makes two at most
OF_KEYS = ("rotate-key", "change-recipients", "add-recovery")


def check_start(peer: Peer) -> None:
    """See that there is nothing to repair by hand."""
    assert peer.ask({"type": "status"})["problems"] == []
    eventually(lambda: is_finished(peer), "what broke off is finished")


def check_whole(peer: Peer, home: Home) -> None:
    """See that vault and log verify, and that no file is half written."""
    rows, checked = peer.ask_all({"type": "verify-vault"})
    assert (checked["type"], checked["failed"], [row for row in rows if "key" in row]) == ("checked", 0, [])
    assert peer.ask_all({"type": "verify-log"})[1]["type"] == "checked"
    eventually(lambda: _strays(home) == [], f"no file is half written: {_strays(home)}")


def is_finished(peer: Peer) -> bool:
    """Tell whether no change of keys was broken off."""
    rows, reply = peer.ask_all({"type": "list-projects"})
    return reply["type"] == "done" and not any(row["unfinished"] for row in rows)


def own_text(peer: Peer, level: str, version: int = 0) -> Text | None:
    wish: Body = {"type": "read-view", "level": level, "format": "own", "channel": "export", "version": version}
    reply = peer.ask(wish)
    if reply["type"] == "failed":
        assert reply["code"] == "no-such-level", reply
        return None
    return parsed(peer.blob.decode().removesuffix("."))


def check_levels(peer: Peer, before: Expected, change: Change | None) -> None:
    """Compare each level with what it must hold. What was asked for and not told is asked for again where it helps."""
    after = before.copy()
    if change is not None:
        if change.level == SHARED:
            there = (own_text(peer, SHARED) or {}).get(str(change.body["name"]), "")
            before.shared = change.secrets[0] if there == change.secrets[0] else before.shared
            change = None
        elif change.kind == "move-level":
            _finish_move(peer, before, change)
        elif change.kind == "forget-versions":
            _look_what_is_forgotten(peer, before, change)
        else:
            after.apply(change)
    touched = set() if change is None else {change.level, str(change.body.get("source", ""))}
    for level in before.levels:
        if level in touched or (change is not None and change.kind in OF_KEYS):
            _adopt(peer, before, after, level)
        else:
            _adopt(peer, before, before, level)
    listed = {row["level"] for row in peer.ask_all({"type": "list-levels"})[0]}
    assert listed & set(before.levels) == set(before.present())


def _look_what_is_forgotten(peer: Peer, expected: Expected, change: Change) -> None:
    """See that all versions are forgotten that were to be, or none. It was finished by the daemon, or by `verify`."""
    peer.ask_all({"type": "verify-vault"})
    rows, due = _history(peer, change.level), range(1, int(str(change.body["before"])))
    versions = expected.levels[change.level]
    fresh = {rows[number]["operation"] == "forgotten" for number in due if not versions[number - 1].forgotten}
    assert len(fresh) < 2, (change, rows)
    if fresh == {True}:
        expected.apply(change)


def _finish_move(peer: Peer, expected: Expected, change: Change) -> None:
    """Ask for the move again: it goes on, or says that it is done. Then take the history of both as it is."""
    source, target = change.level, str(change.body["target"])
    texts = [each.text for each in expected.levels[source]]
    current = expected.text(source)
    if own_text(peer, source) is not None:
        reply = peer.ask_all(change.body)[1]
        assert reply["type"] == "written", reply
    assert own_text(peer, source) is None
    assert own_text(peer, target) == current
    for level in (source, target):
        rows = _history(peer, level)
        versions = expected.levels[level]
        for number in range(len(versions) + 1, len(rows) + 1):
            text = own_text(peer, level, number) or {}
            assert text in texts or text == {}, (level, number)
            versions.append(Version(text, str(rows[number]["operation"]), removed=number < len(rows)))
    expected.levels[source][-1] = expected.levels[source][-1]._replace(removed=True)
    # a killed move may be asked for twice, and each version be there once or twice: the newest is what counts


def _adopt(peer: Peer, before: Expected, after: Expected, level: str) -> None:
    """Compare one level with what it may hold, and take what it does."""
    there = own_text(peer, level)
    old, new, seen = before.levels[level], after.levels[level], before.compared.get(level, 0)
    rows = _history(peer, level, newest=len(old) - seen + _MORE)
    count = max(rows, default=0)
    assert there in (before.text(level), after.text(level)), (level, there, before.text(level), after.text(level))
    assert list(rows) == list(range(count, count - len(rows), -1)), (level, list(rows))
    assert count - len(rows) <= seen, (level, seen, list(rows))
    assert len(old) <= count <= max(len(new), len(old)) + 1, (level, len(old), count, len(new))
    for number in range(len(old) + 1, count + 1):  # what was not told any more, or a key that was rotated
        operation = str(rows[number]["operation"])
        text = own_text(peer, level, number) or {} if there is not None else {}  # of a removed level none is shown
        assert text in (old[-1].text if old else {}, new[-1].text if new else {}, {}), (level, number, text)
        old.append(Version(text, operation, removed=operation == "remove"))
    # no version changes unless it is forgotten, which `verify` sees: what was looked at before is left out
    for number in range(max(1, min(seen + 1, len(old) - 1)), len(old) + 1):
        each, row = old[number - 1], rows[number]
        assert row["operation"] == ("forgotten" if each.forgotten else each.operation), (level, number, row, each)
        if there is not None and not each.forgotten and not each.removed:
            assert own_text(peer, level, number) == each.text, (level, number)
    before.compared[level] = len(old)


def _history(peer: Peer, level: str, newest: int = 0) -> dict[int, Body]:
    rows, reply = peer.ask_all({"type": "list-history", "level": level, "newest": newest})
    if reply["type"] == "failed":
        assert reply["code"] == "no-such-level", reply
        return {}
    assert all(row["type"] == "version-row" for row in rows), rows
    return {int(str(row["version"])): row for row in rows}


def check_rules(peer: Peer, before: Expected, change: Change | None) -> None:
    rows, _ = peer.ask_all({"type": "list-grants"})
    here = {(str(row["level"]), int(str(row["uid"]))) for row in rows if row["level"] in before.levels}
    after = before.copy()
    if change is not None and change.kind in ("grant-access", "revoke"):
        after.apply(change)
    assert here in (before.rules, after.rules), (here, before.rules, after.rules)
    before.rules = here


def _strays(home: Home) -> list[str]:
    paths = (*home.path.glob("*"), *(path for place in (home.vault, home.state) for path in place.rglob("*")))
    return [str(path) for path in paths if path.name.startswith(".") or ".new" in path.name]
