"""A view in the forms that other tools read: shells, docker, systemd, YAML, Kubernetes, GitHub Actions, Terraform.

Law: what is written is read back as the same values by the tool it is for; what a form cannot carry is refused, with
the variable's name and never its value.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from envfs.dotenv import dialects, kubernetes, writing

Variables = Mapping[str, str]
SHORTEST_MASK: Final = 8  # bytes, as for `exec --mask-output`
_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")
_MARK = re.compile("ENVFS_END_*")
_SHORT = re.compile(r"\\.")
_LONG: Final = {r"\b": r"\u0008", r"\f": r"\u000c"}  # Terraform does not know the short ones


def shell(_level: str, variables: Variables) -> str:
    """Return lines for `eval`: each value in single quotes, in which nothing is run or expanded."""
    return "".join(f"export {name}={_single(value)}\n" for name, value in variables.items())


def docker(_level: str, variables: Variables) -> str:
    """Return lines for `docker --env-file` and podman, which take them to the letter.

    Raises:
        Malformed: a value has a line break
    """
    return dialects.dialect_text(variables, "docker")


def systemd(_level: str, variables: Variables) -> str:
    """Return lines for EnvironmentFile= (systemd.exec(5))."""
    return dialects.dialect_text(variables, "systemd")


def yaml(_level: str, variables: Variables) -> str:
    """Return a YAML mapping. Names are quoted too, as YAML 1.1 takes NO and ON for truth values."""
    return "".join(f"{_quoted(name)}: {_quoted(value)}\n" for name, value in variables.items())


def json_object(_level: str, variables: Variables) -> str:
    """Return a JSON object, indented."""
    rows = ",\n".join(f"  {_as_json(name)}: {_as_json(value)}" for name, value in variables.items())
    return f"{{\n{rows}\n}}\n" if rows else "{}\n"


def example_text(_level: str, variables: Variables) -> str:
    """Return dotenv text with the names and no value."""
    return "".join(f"{name}=\n" for name in variables if writing.is_portable_name(name))


def kubernetes_secret(level: str, variables: Variables) -> str:
    """Return a Secret's manifest, named after the level."""
    return kubernetes.secret_manifest(kubernetes.secret_name(level), variables)


def github(_level: str, variables: Variables) -> str:
    """Return lines for $GITHUB_ENV. `github_masks` is to be printed before they are used."""
    return "".join(_heredoc(name, value) for name, value in variables.items())


def github_masks(variables: Variables) -> str:
    """Return the workflow commands that make a runner hide these values in its logs, line by line.

    A runner replaces each occurrence in each line of the log, so a short value such as `2` or `true` would hide most of
    it. Values and lines of fewer than SHORTEST_MASK bytes are left out (`unmasked_names`).
    """
    rows = {row.strip() for value in variables.values() for row in value.splitlines()}
    return "".join(f"::add-mask::{row.replace('%', '%25')}\n" for row in sorted(rows) if _is_maskable(row))


def unmasked_names(variables: Variables) -> list[str]:
    """List the variables that have a value, of which no part is long enough for a mask."""
    return [name for name, value in variables.items() if value and not any(map(_is_maskable, value.splitlines()))]


def _is_maskable(row: str) -> bool:
    return len(row.strip().encode()) >= SHORTEST_MASK


def op_item(level: str, variables: Variables) -> str:
    """Return an item of 1Password, as `op item create --template` takes it, named after the level."""
    fields = [{"label": name, "type": "CONCEALED", "value": value} for name, value in variables.items()]
    return _as_json({"title": level, "category": "SECURE_NOTE", "fields": fields}) + "\n"


def bitwarden(level: str, variables: Variables) -> str:
    """Return an export of Bitwarden with one note, as `bw import bitwardenjson` takes it."""
    fields = [{"name": name, "value": value, "type": 1} for name, value in variables.items()]
    item = {"type": 2, "name": level, "secureNote": {"type": 0}, "fields": fields}
    return _as_json({"encrypted": False, "folders": [], "items": [item]}) + "\n"


def tfvars(_level: str, variables: Variables) -> str:
    """Return Terraform's variable definitions, without templates in them."""
    return "".join(f"{name} = {_terraform(value)}\n" for name, value in variables.items())


FORMATS: Final[dict[str, Callable[[str, Variables], str]]] = {
    "json": json_object,
    "example": example_text,
    "shell": shell,
    "docker": docker,
    "systemd": systemd,
    "yaml": yaml,
    "k8s": kubernetes_secret,
    "github": github,
    "tfvars": tfvars,
    "direnv": shell,
    "op": op_item,
    "bitwarden": bitwarden,
}


def _single(value: str) -> str:
    return value if value and writing.is_plain(value) else "'" + value.replace("'", "'\\''") + "'"


def _quoted(text: str) -> str:
    # a string of JSON, which YAML and Terraform read too; what an editor would not show is escaped
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", _as_json(text))


_as_json = json.JSONEncoder(ensure_ascii=False).encode  # made once: `json.dumps` makes one for each text


def _heredoc(name: str, value: str) -> str:
    longest = max(map(len, _MARK.findall(value)), default=0)
    mark = "ENVFS_END" if not longest else "ENVFS_END".ljust(longest + 1, "_")
    return f"{name}<<{mark}\n{value}\n{mark}\n"


def _terraform(value: str) -> str:
    return (
        _SHORT.sub(lambda found: _LONG.get(found[0], found[0]), _quoted(value))
        .replace("${", "$${")
        .replace("%{", "%%{")
    )
