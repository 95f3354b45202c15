"""Which levels set a variable, what it refers to, and what refers to nothing. `explain` and `check` say it."""

from envfs.protocol import control

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.daemon.session import Session
    from envfs_cli.level_versions import DatedLevel
    from envfs_cli.output import Style

    FactLine = tuple[str, str, Style | None]


def view_facts(
    asking: "Session", dated: "DatedLevel", dialect: str = ""
) -> "tuple[list[control.FactsRow], list[control.DanglingRow], list[control.WrongDirectiveRow]]":
    """Return what is known of each variable of a view, the references that lead nowhere, and wrong directives."""
    rows = asking.rows(control.DescribeView(dated.level, dated.version, dialect, dated.moment))
    facts = [row for row in rows if isinstance(row, control.FactsRow)]
    dangling = [row for row in rows if isinstance(row, control.DanglingRow)]
    return facts, dangling, [row for row in rows if isinstance(row, control.WrongDirectiveRow)]


def fact_lines(facts: control.FactsRow, chains: "list[control.DanglingRow]") -> "list[FactLine]":
    """Return what is known of a variable as lines: a label, a text, and the label's style."""
    lines: list[FactLine] = [
        ("set at", f"{place}{'' if place == facts.levels[-1] else '  (overridden)'}", None)
        for place in reversed(facts.levels)
    ]
    lines += [("refers to", f"{use.name or place_words(use)}  ({use.level or 'not set'})", None) for use in facts.uses]
    lines += [(row.kind, chain_words(row), "bad") for row in chains]
    lines += [("refused", facts.refused, "bad")] if facts.refused else []
    return lines + [("doubt", text, "warn") for text in facts.doubts]


def is_of_variable(row: control.DanglingRow, name: str) -> bool:
    """Tell whether a reference that leads nowhere is one of a variable's, or of one that it refers to."""
    return name in (row.chain if row.kind == "undefined" else row.chain[:-1])


def chain_words(row: control.DanglingRow) -> str:
    """Return the way that a reference takes, in words."""
    text = " → ".join(row.chain)
    if row.kind == "later":
        return f"{text}, which is set further down: move it up"
    return f"{text}: no level sets the name at {place_words(row)} of {row.level}" if row.kind == "undefined" else text


def place_words(row: "control.DanglingRow | control.UseFact") -> str:
    """Return a place in a level's text, in words. A caller that gets placeholders is told no column."""
    return f"line {row.line}, column {row.column}" if row.column else f"line {row.line}"
