"""Levels as they are written in the shell: relative to the current one, like paths.

Law: what comes out is the one spelling that `names.parse_level` gives, so nothing relative leaves the shell.
"""

from envfs.core import names


def resolve_level(current: str, text: str) -> str:
    """Return the level that `text` means at the level `current`: `/a` is absolute, `a` below, `..` above.

    Raises:
        BadName: a component is none. Above the top there is nothing, so `..` stays there
    """
    parts = [] if text.startswith("/") or current == names.ROOT else current[1:].split("/")
    inner = text.removeprefix("/").removesuffix("/")
    if not inner:
        return names.parse_level(text)
    for part in inner.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            names.check_component(part)
            parts.append(part)
    return names.parse_level("/" + "/".join(parts))


def resolve_dated_level(current: str, text: str) -> str:
    """As `resolve_level`, for `LEVEL@VERSION` too. `@7` alone is a version of the level `current`.

    Raises:
        BadName: as `resolve_level`
    """
    level, at, version = text.partition("@")
    return resolve_level(current, level or "." if at else level) + at + version


def levels_below(levels: tuple[str, ...], current: str, typed: str) -> list[str]:
    """Return how `typed` may go on, one component further. A slash ends those that have levels below.

    Raises:
        BadName: what stands before the last slash is no level
    """
    head, slash, tail = typed.rpartition("/")
    top = resolve_level(current, head or "/") if slash else current
    prefix = top if top == names.ROOT else top + "/"
    children: dict[str, bool] = {}
    for level in levels:
        if level != top and level.startswith(prefix):
            child, more, _ = level.removeprefix(prefix).partition("/")
            children[child] = children.get(child, False) or bool(more)
    return [
        f"{head}{slash}{child}{'/' if children[child] else ''}" for child in sorted(children) if child.startswith(tail)
    ]
