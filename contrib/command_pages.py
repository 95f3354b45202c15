"""Write a page of docs/reference/ for each command, from the command line's grammar; `contrib/man` calls it.

Laws: the same grammar and the same table of exit statuses give the same bytes. A page of a command that is gone is
removed, and no page that a person wrote: those of commands begin with a mark.
"""

import os
import re

from envfs_cli import grammar
from envfs_cli.grammar import Command, Option
from envfs_cli.help_text import argument_form
from envfs_cli.shell.builtins import BUILTINS

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_MARK = "<!-- made by contrib/man from cli/envfs_cli/grammar; changes belong there -->"
_GROUPS = {
    "use": "The commands of every day: run a program with its variables, mount the views, see what runs.",
    "values": "Variables and their values: set, read, find, check, import, export and replace them.",
    "versions": "Every change is a version. These commands show, compare and bring back what was.",
    "access": "Who gets what: rules, questions to a person, tokens, the proxy, agents, and the log of all of it.",
    "vault": "The vault itself: keys, backups, sharing it with others, the service.",
}
_BY_KIND = {  # what a command of a level, of a variable or of a project can end with
    "level": ("102", "103", "105", "108"),
    "name": ("104", "105"),
    "names": ("104", "105"),
    "project": ("103", "108"),
}
_USUAL = (
    ("0", "it was done"),
    ("1", "a fault in EnvFS itself: please report it"),
    ("2", "the command line has a mistake"),
)


def write_pages(folder: str) -> None:
    """Write all pages into `folder`, and remove those of commands that are gone."""
    os.makedirs(folder, exist_ok=True)
    pages = make_pages()
    for name in set(os.listdir(folder)) - set(pages):
        path = os.path.join(folder, name)
        if name.endswith(".md") and _is_made(path):
            os.unlink(path)
    for name, text in pages.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


def make_pages() -> dict[str, str]:
    """Return the pages by the names of their files."""
    commands = [command for command in grammar.all_commands() if command.group != grammar.HIDDEN]
    statuses, shapes = _read_statuses(), _read_shapes()
    return {
        "commands.md": _overview(commands),
        **{f"{command.name}.md": _page(command, commands, statuses, shapes) for command in commands},
    }


def _is_made(path: str) -> bool:
    with open(path, encoding="utf-8") as file:
        return file.readline().rstrip("\n") == _MARK


def _overview(commands: list[Command]) -> str:
    lines = [_MARK, "# Commands", ""]
    lines += ["Each page has the arguments, the options, examples and the exit statuses. `envfs COMMAND --help`", ""]
    lines[-2] += " and the manual pages say the same."
    for group, title in grammar.GROUPS:
        lines += [f"## {title}", "", _GROUPS[group], "", "| command | what it does |", "|---|---|"]
        for command in commands:
            if command.group == group:
                also = "".join(f", `{word}`" for word in command.synonyms)
                lines.append(f"| [`{command.name}`]({command.name}.md){also} | {_cell(command.summary)} |")
        lines.append("")
    names = "\n".join(command.name for command in commands)
    lines += ["```{toctree}", ":hidden:", "", names, "```"]
    return _text(lines)


def _page(command: Command, commands: list[Command], statuses: dict[str, str], shapes: list[tuple[str, str]]) -> str:
    lines = [_MARK, f"# envfs {command.name}", "", f"{command.summary[0].upper()}{command.summary[1:]}.", ""]
    lines += ["```text", *_forms(command), "```", ""]
    if command.details:
        lines += [_prose(command.details), ""]
    lines += _arguments(command)
    if command.name == "shell":
        lines += _builtins()
    lines += _options(command)
    if command.examples:
        lines += ["## Examples", "", "```sh", *command.examples, "```", ""]
    lines += ["## Exit statuses", "", "| status | when |", "|---|---|"]
    lines += [f"| {number} | {text} |" for number, text in _own_statuses(command, statuses)]
    lines += ["", "Each refusal has [a number of its own](../cli-contract.md#1-exit-statuses), 100 and above.", ""]
    if any("--json" in option.flags for option in command.options):
        lines += ["## JSON", "", *_json(command, shapes)]
    near = [other for other in commands if other.group == command.group and other is not command]
    lines += ["## See also", "", ", ".join(f"[{other.name}]({other.name}.md)" for other in near)]
    return _text(lines)


def _forms(command: Command) -> list[str]:
    words = ["[OPTION ...]"] if command.options else []
    words += [argument_form(argument) for argument in command.arguments]
    return [" ".join(["envfs", name, *words]) for name in (command.name, *command.synonyms)]


def _arguments(command: Command) -> list[str]:
    if not command.arguments:
        return []
    lines = ["## Arguments", "", "| argument | meaning |", "|---|---|"]
    for argument in command.arguments:
        choices = "" if argument.meanings else ", ".join(f"`{choice}`" for choice in argument.choices)
        lines.append(f"| `{argument.name.upper()}` | {_cell(argument.help)}{choices and f': {choices}'} |")
        pairs = zip(argument.choices, argument.meanings, strict=True) if argument.meanings else ()
        lines += [f"| `{choice}` | {_cell(meaning)} |" for choice, meaning in pairs]
    return [*lines, ""]


def _json(command: Command, shapes: list[tuple[str, str]]) -> list[str]:
    """Return what `--json` prints, as the contract has it."""
    own = [row for names, row in shapes if re.search(rf"`{re.escape(command.name)}[ `]", names)]
    promise = "Members are [only ever added](../cli-contract.md#4-json). `envfs json-schema` prints the schema."
    return ["| command | prints | members |", "|---|---|---|", *own, "", promise, ""]


def _options(command: Command) -> list[str]:
    lines = ["## Options", "", "| option | meaning |", "|---|---|"]
    lines += [f"| {_flags(option)} | {_cell(option.help)} |" for option in command.options]
    return [*lines, "| `-h`, `--help` | explain the command |", ""]


def _flags(option: Option) -> str:
    value = f" {option.metavar}" if option.metavar else ""
    return ", ".join(f"`{flag}{value}`".replace("|", r"\|") for flag in option.flags)


def _builtins() -> list[str]:
    lines = ["## Commands of the shell itself", "", "| command | meaning |", "|---|---|"]
    for command in BUILTINS:
        form = " ".join([command.name, *map(argument_form, command.arguments)])
        lines.append(f"| `{form}` | {_cell(command.summary)} |")
    return [*lines, ""]


# -- exit statuses -----------------------------------------------------------------------------------------------------


def _read_statuses() -> dict[str, str]:
    """Return what the contract says of each number, or of two that stand in one row."""
    with open(os.path.join(ROOT, "docs", "cli-contract.md"), encoding="utf-8") as file:
        section = file.read().partition("\n## 1.")[2].partition("\n### ")[0]
    rows = [[cell.strip() for cell in line.split("|")] for line in section.splitlines() if re.match(r"\| \d", line)]
    return {row[1]: row[3].replace("](", "](../") for row in rows}


def _read_shapes() -> list[tuple[str, str]]:
    """Return the rows of the contract's table of JSON, each with its first cell."""
    with open(os.path.join(ROOT, "docs", "cli-contract.md"), encoding="utf-8") as file:
        section = file.read().partition("\n## 4.")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [(row.split(" | ")[0], row.replace("](", "](../")) for row in rows]


def _own_statuses(command: Command, statuses: dict[str, str]) -> list[tuple[str, str]]:
    """Return the statuses that every command has, and those that the contract has for this one."""
    kinds = {argument.kind for argument in command.arguments}
    usual = {number for kind, numbers in _BY_KIND.items() if kind in kinds for number in numbers}
    named = {number: _parts_about(command.name, text) for number, text in statuses.items()}
    rows = [(number, "; ".join([*named.pop(number, []), text])) for number, text in _USUAL]
    if command.name == "exec":
        rows.append(("the command's own", "it was run"))
    for number, parts in named.items():
        if parts or number in usual:
            rows.append((number, statuses[number] if number in usual else "; ".join(parts)))
    return rows


def _parts_about(name: str, text: str) -> list[str]:
    parts = re.split(r"(?<=[.;]) ", text)
    about = [part for part in parts if re.search(rf"`{re.escape(name)}[ `]", part)]
    own = rf"^(?:Of )?`{re.escape(name)}`: "
    return [re.sub(own, "", part.strip(" .;").removesuffix(" (below)")) for part in about]


# -- Markdown ----------------------------------------------------------------------------------------------------------


def _prose(text: str) -> str:
    """Return the text with a paragraph for each option that it speaks of, and flags and files as code."""
    paragraphs = re.split(r"(?<=\.) (?=(?:With )?--[a-z])", text)
    return "\n\n".join(map(_marked, paragraphs))


def _cell(text: str) -> str:
    return _marked(text).replace("|", r"\|")


def _marked(text: str) -> str:
    """Return prose of the grammar as Markdown: what stands in backticks stays, what a person types is code."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part[:1] == "`" else _code_in(part) for part in parts)


_TYPED = re.compile(r"(?<![\w/.-])(--?[a-zA-Z][\w=-]*|~?/[\w@/.*:-]*[\w*/]|\$?[A-Z]+_[A-Z_]*\*?(?:=\w+)?)")


def _code_in(text: str) -> str:
    pieces = _TYPED.split(text)
    return "".join(
        f"`{piece}`" if at % 2 else re.sub(r"[\\<>*\[\]]", r"\\\g<0>", piece) for at, piece in enumerate(pieces)
    )


def _text(lines: list[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"
