"""Makes a vault to keep for ever: `.venv/bin/python -m tests.compatibility.make FOLDER`, as root, once before a change.

What it must hold is written down here by hand, version by version; expected.json repeats it for the tests.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.system.home import SECONDS, Home
from tests.system.terminal import Terminal

PASSPHRASE = "a passphrase that everybody knows"
_PRICE = 'it\'s $5 "or so" \\'
_KEY = "-----BEGIN KEY-----\nMHcCAQEEIOzeldvF\n-----END KEY-----"

# command, level, what is given; then the level's text after it
_STEPS = [
    ("replace", "/", "# the company\nCOLOUR=red\nexport OWNER='Crane & Sons'   # who pays\n", None),
    ("replace", "/shop", f'NAME=shop\nKEY="{_KEY}"\nEMPTY=\n', None),
    ("replace", "/shop/prod", "COLOUR=green\nDB=postgres://u:p@db/shop?a=b#c\n", None),
    ("set COLOUR", "/", "blue", "# the company\nCOLOUR=blue\nexport OWNER='Crane & Sons'   # who pays\n"),
    ("set GREETING", "/shop", "Grüß Gott 🦩", f"NAME=shop\nKEY=\"{_KEY}\"\nEMPTY=\nGREETING='Grüß Gott 🦩'\n"),
    ("unset DB", "/shop/prod", "", "COLOUR=green\n"),
    ("rollback 1", "/shop/prod", "", "COLOUR=green\nDB=postgres://u:p@db/shop?a=b#c\n"),
    ("set PRICE", "/shop/prod", _PRICE, None),
    ("rename PRICE COST", "/shop/prod", "", None),
    ("rotate", "/shop", "", None),
    ("set LATER", "/shop/prod", "yes", None),
]

_ROOT_1 = {"COLOUR": "red", "OWNER": "Crane & Sons"}
_ROOT_2 = _ROOT_1 | {"COLOUR": "blue"}
_SHOP_1 = {"NAME": "shop", "KEY": _KEY, "EMPTY": ""}
_SHOP_2 = _SHOP_1 | {"GREETING": "Grüß Gott 🦩"}
_DB = {"DB": "postgres://u:p@db/shop?a=b#c"}
VIEWS: dict[str, list[dict[str, str]]] = {
    "/": [_ROOT_1, _ROOT_2],
    "/shop": [_ROOT_1 | _SHOP_1, _ROOT_2 | _SHOP_2, _ROOT_2 | _SHOP_2],
    "/shop/prod": [
        _ROOT_1 | _SHOP_1 | {"COLOUR": "green"} | _DB,
        _ROOT_2 | _SHOP_2 | {"COLOUR": "green"},
        _ROOT_2 | _SHOP_2 | {"COLOUR": "green"} | _DB,
        _ROOT_2 | _SHOP_2 | {"COLOUR": "green"} | _DB | {"PRICE": _PRICE},
        _ROOT_2 | _SHOP_2 | {"COLOUR": "green"} | _DB | {"COST": _PRICE},
        _ROOT_2 | _SHOP_2 | {"COLOUR": "green"} | _DB | {"COST": _PRICE},
        _ROOT_2 | _SHOP_2 | {"COLOUR": "green"} | _DB | {"COST": _PRICE, "LATER": "yes"},
    ],
}


def texts() -> dict[str, list[str | None]]:
    """Return each level's text, version by version; None where only the values are promised."""
    found: dict[str, list[str | None]] = {level: [] for level in VIEWS}
    for command, level, given, text in _STEPS:
        for each in ("/shop", "/shop/prod") if command == "rotate" else (level,):  # each level is sealed anew
            found[each].append(given if command == "replace" else text)
    return found


def histories() -> dict[str, list[list[str]]]:
    """Return what `history` says of each level, version by version: what wrote it, and why."""
    said: dict[str, list[list[str]]] = {level: [] for level in VIEWS}
    for number, (command, level, _, _) in enumerate(_STEPS):
        verb = command.partition(" ")[0]
        for each in ("/shop", "/shop/prod") if verb == "rotate" else (level,):
            said[each].append(["reseal", ""] if verb == "rotate" else [verb, _reason(number)])
    return said


def _reason(number: int) -> str:
    return f"step {number},\nfor „good“ reasons"


def fill(home: Home) -> None:
    """Carry out every step."""
    for number, (command, level, given, _) in enumerate(_STEPS):
        verb, _, word = command.partition(" ")
        why = ("-m", _reason(number))
        match verb:
            case "replace":
                home.envfs("import", "-", level, "--replace", *why, given=given)
            case "set":
                home.envfs("set", level, word, *why, given=given)
            case "unset" | "rename":
                home.envfs(verb, level, *word.split(), *why)
            case "rotate":
                home.envfs("key", "rotate", level)
            case _:
                home.envfs("rollback", level, word, "-y", *why)


def make(target: Path) -> None:
    """Fill `target` with a vault, its identity in the clear and under a passphrase, and what is expected of it."""
    with tempfile.TemporaryDirectory(prefix="envfs-sys-") as folder:
        home = Home(Path(folder) / "home")
        passphrase = Path(folder) / "passphrase"
        passphrase.write_text(PASSPHRASE, encoding="utf-8")
        home.envfs("init", "--passphrase-file", str(passphrase))
        environ = home.environ({"ENVFS_PASSPHRASE_FILE": str(passphrase)})
        home.settle()
        daemon = home.mount(environ=environ)
        try:
            fill(home)
        finally:
            home.end(daemon)
        shutil.copytree(home.vault, target / "vault")
        shutil.copy(home.path / "identity.age", target / "identity.age")
        with Terminal(["age", "-d", "-o", str(target / "identity.txt"), str(target / "identity.age")], environ) as age:
            age.expect("passphrase")
            age.type(PASSPHRASE)
            if age.end(2 * SECONDS):
                raise SystemExit(age.shown)
    expected = {"passphrase": PASSPHRASE, "texts": texts(), "views": VIEWS, "histories": histories()}
    (target / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]).resolve())
