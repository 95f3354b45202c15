"""A report as text for a terminal or a pipe, and as Markdown."""

from envfs_cli import line_wrap, output
from envfs_cli.incidents.sections import Section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def print_text(title: str, sections: "Sequence[Section]") -> None:
    """Print a report in lines that fit the terminal."""
    columns = line_wrap.terminal_width() if output.on_terminal() else None
    for line in _wrapped(title, columns, "", ""):
        output.print_line(output.paint(line, "head"))
    for section in sections:
        if section.items or section.empty:
            output.print_line("")
            output.print_line(output.paint(section.title, "head"))
            for line in _section_lines(section, None if section.commands else columns):
                output.print_line(line)


def _section_lines(section: Section, columns: "int | None") -> "Iterator[str]":
    for item in section.items:
        yield from _wrapped(item.head, columns, "  ", "    ")
        for line in item.lines:
            yield from _wrapped(line, columns, "     ", "       ")
    if not section.items:
        yield f"  {section.empty}"


def _wrapped(text: str, columns: "int | None", first: str, others: str) -> "list[str]":
    text = output.clean(text)
    return [first + text] if columns is None else line_wrap.wrap_paragraph(text, columns, first, others)


def print_markdown(title: str, sections: "Sequence[Section]") -> None:
    """Print a report as Markdown (CommonMark)."""
    output.print_line(f"# {_escaped(title)}")
    for section in sections:
        if not (section.items or section.empty):
            continue
        output.print_line(f"\n## {section.title}\n")
        if section.commands:
            output.print_line("\n".join(("```sh", *(output.clean(item.head) for item in section.items), "```")))
            continue
        for item in section.items:
            output.print_line(f"- {_escaped(item.head)}")
            for line in item.lines:
                output.print_line(f"  - {_escaped(line)}")
        if not section.items:
            output.print_line(section.empty)


def _escaped(text: str) -> str:
    # names of programs and users are others' words
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]<>#|!~&" else sign for sign in output.clean(text))
