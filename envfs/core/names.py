"""Level paths and variable names: one grammar, parsed strictly, written one way (docs/format.md §2)."""

import re
from typing import NewType

from envfs.core import limits
from envfs.errors import BadName, TooLarge

Project = NewType("Project", str)  # the path of its top level: `/shop`, or `/` for that of level `/` alone

_COMPONENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ROOT = "/"


def parse_level(text: str) -> str:
    """Return the one spelling of a level path, `/` or `/a/b`. The leading slash may be left out.

    Raises:
        BadName: a component is empty, starts with a dot, is `..`, or has a character outside A-Z a-z 0-9 _ . -
        TooLarge: a component or the depth is over its limit
    """
    if "@" in text:
        raise BadName("a version is named where a level is read, and not here", "leave out the @ and what follows it")
    inner = text.removeprefix("/").removesuffix("/")
    if not inner:
        if text in ("", "//"):
            raise BadName("an empty level path", "the top level is written /")
        return ROOT
    parts = inner.split("/")
    if len(parts) > limits.DEPTH:
        raise TooLarge(f"the level path has {len(parts)} components", f"at most {limits.DEPTH} are allowed")
    for part in parts:
        check_component(part)
    return "/" + "/".join(parts)


def check_component(part: str) -> None:
    """Refuse what cannot be one component of a level path.

    Raises:
        BadName: not of the grammar
        TooLarge: longer than limits.COMPONENT_BYTES
    """
    if len(part) > limits.COMPONENT_BYTES:
        raise TooLarge("a component of the level path is too long", f"at most {limits.COMPONENT_BYTES} characters")
    if not _COMPONENT.fullmatch(part):
        raise BadName(
            "not a level path",
            "components use A-Z a-z 0-9 _ . - and start with a letter, a digit or _, as in /shop/prod",
        )


def is_component(part: str) -> bool:
    """Tell whether a text can be one component of a level path."""
    return len(part) <= limits.COMPONENT_BYTES and _COMPONENT.fullmatch(part) is not None


def parse_variable(text: str) -> str:
    """Return the name if it may be a variable's name.

    Raises:
        BadName: not `[A-Za-z_][A-Za-z0-9_]*`
        TooLarge: longer than limits.NAME_BYTES
    """
    if len(text) > limits.NAME_BYTES:
        raise TooLarge("the variable name is too long", f"at most {limits.NAME_BYTES} characters")
    if not is_variable(text):
        raise BadName("not a variable name", "names use A-Z a-z 0-9 _ and do not start with a digit")
    return text


def is_variable(text: str) -> bool:
    """Tell whether a text can be a variable's name."""
    return len(text) <= limits.NAME_BYTES and _VARIABLE.fullmatch(text) is not None


def chain(path: str) -> tuple[str, ...]:
    """List a level and its ancestors, the top first: `/a/b` gives `/`, `/a`, `/a/b`."""
    if path == ROOT:
        return (ROOT,)
    parts = path[1:].split("/")
    return (ROOT, *("/" + "/".join(parts[: n + 1]) for n in range(len(parts))))


def project(path: str) -> Project:
    """Return the project that a level belongs to: `/shop` for `/shop/prod`, and `/` for `/`."""
    end = path.find("/", 1)
    return Project(path if end < 0 else path[:end])


def project_named(text: str) -> Project:
    """Return the project that `shop`, `/shop` or `/` means.

    Raises:
        BadName: it is no project
    """
    path = parse_level(text)
    if path.count("/") > 1:
        raise BadName(f"{path} is no project", f"its project is {project(path)}")
    return Project(path)


def within(path: str, top: str) -> bool:
    """Tell whether `path` is `top` or lies below it."""
    return top in (ROOT, path) or path.startswith(top + "/")


def child(path: str, component: str) -> str:
    """Return the level one step below `path`."""
    return f"/{component}" if path == ROOT else f"{path}/{component}"
