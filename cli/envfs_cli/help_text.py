"""How help looks: wrapped at words to the terminal's width, with what is to be pasted left whole.

Law: an example that is too long for a line goes on behind a backslash, where a shell reads it as one line.
"""

import argparse
import re

from envfs_cli import line_wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from envfs_cli.grammar import Argument, Command

_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+""")
_ON = " \\"
_COLUMN = 14


class Wrapped(argparse.HelpFormatter):
    """argparse's help, in which paragraphs stay apart, indented lines are examples, and no word is cut."""

    def __init__(self, prog: str) -> None:
        """Use the terminal's width."""
        super().__init__(prog, width=line_wrap.terminal_width())

    def _fill_text(self, text: str, width: int, indent: str) -> str:  # noqa: ARG002 - argparse's own form
        lines = text.splitlines()
        return "\n".join(
            part for line in lines for part in (_example(line) if line[:1] == " " else fill_paragraph(line))
        )

    def _split_lines(self, text: str, width: int) -> list[str]:
        return line_wrap.wrap_paragraph(text, width)


def typed_name(command: "Command") -> str:
    """Return how a command is typed: behind `envfs`, or alone if only the interactive shell has it."""
    return command.name if command.group == "shell" else f"envfs {command.name}"


def command_usage(command: "Command") -> str:
    """Return the form of a command, after argparse's `usage: `. The options are explained further down."""
    words = [typed_name(command), "[OPTION ...]", *map(argument_form, command.arguments)]
    lines = line_wrap.wrap_paragraph(" ".join(words), line_wrap.terminal_width() - len("usage: "), "", "  ")
    return "\n".join(lines)


def argument_form(argument: "Argument") -> str:
    """Return an argument as the form of a command shows it."""
    word = "|".join(argument.choices) or argument.name.upper()
    if argument.kind == "words":
        return f"[-- {word} ...]" if argument.optional else f"-- {word} ..."
    if argument.kind == "paths":
        return f"[{word} ...]"
    return f"[{word}]" if argument.optional or argument.linked else word


def command_description(command: "Command") -> str:
    """Return what a command does, its summary first."""
    return f"{command.summary[0].upper()}{command.summary[1:]}. {command.details}".strip()


def command_epilog(command: "Command") -> str:
    """Return what follows a command's options: its actions, its other names, and its examples."""
    lines = []
    for argument in command.arguments:
        if argument.meanings:
            pairs = list(zip(argument.choices, argument.meanings, strict=True))
            lines += [f"{argument.name}s:", *two_columns(pairs, max(_COLUMN, 4 + max(map(len, argument.choices)))), ""]
    if command.synonyms:
        others = [typed_name(command._replace(name=word)) for word in command.synonyms]
        lines += [f"also: {', '.join(others)}", ""]
    examples = ["examples:", *(f"  {example}" for example in command.examples)] if command.examples else []
    return "\n".join([*lines, *examples])


def two_columns(pairs: "Iterable[tuple[str, str]]", column: int = _COLUMN) -> list[str]:
    """Return a list of words and what they mean, in two columns."""
    lines = []
    for word, meaning in pairs:
        first = f"  {word}".ljust(column - 1) + " "
        lines += line_wrap.wrap_paragraph(meaning, line_wrap.terminal_width(), first, " " * column)
    return lines


def fill_paragraph(text: str) -> list[str]:
    """Wrap one paragraph to the terminal's width."""
    return line_wrap.wrap_paragraph(text, line_wrap.terminal_width())


def _example(line: str) -> list[str]:
    if len(line) <= line_wrap.terminal_width():
        return [line]
    lines, current = [], " "
    for word in _WORD.findall(line):
        if current.strip() and len(f"{current} {word}{_ON}") > line_wrap.terminal_width():
            lines.append(f"{current}{_ON}")
            current = "     "
        current = f"{current} {word}"
    return [*lines, current]
