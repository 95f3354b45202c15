"""An entry of the access log, in words."""

import json

from envfs_cli import line_wrap, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envfs_cli.output import Style

_ANCESTORS = 3
_COLUMNS = 2  # behind the event: the level, and what was asked for
_GAP = "  "
_SUBJECT = ("channel", "format", "operation")
_STYLES: "dict[str, Style]" = {"refuse": "bad", "canary": "bad", "read": "good"}


def parse_entry(line: str) -> "dict[str, object] | None":
    """Return the members of an entry, or None if the line is none."""
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None


def entry_sentence(facts: "dict[str, object]") -> str:
    """Return an entry as a line, coloured if it goes to a terminal, and there as several where it is too long."""
    parts = entry_parts(facts)
    if output.on_terminal() and len(_joined(parts).rstrip()) > line_wrap.table_width():
        return _broken_lines(parts, line_wrap.table_width())
    return _painted(parts).rstrip()


def _broken_lines(parts: "list[tuple[str, Style | None]]", width: int) -> str:
    # columns as long as there is room behind them, and the rest broken between words below the event
    behind = next(at for at, (_, style) in enumerate(parts) if style) + 1
    head, tail = parts[: behind + _COLUMNS], _joined(parts[behind + _COLUMNS :])
    if len(f"{_joined(head)}{_GAP}{tail.partition(' ')[0]}") > width:  # a level with a long name leaves no room
        head, tail = parts[:behind], _joined(parts[behind:])
    first = f"{_painted(head)}{_GAP}"
    blank = " " * len(f"{_joined(head)}{_GAP}")
    lines = line_wrap.wrap_paragraph(tail, width, blank, " " * len("2026-11-21 08:00:00  "))
    return "\n".join([(first + lines[0][len(blank) :]).rstrip(), *lines[1:]])


def _joined(parts: "list[tuple[str, Style | None]]") -> str:
    return _GAP.join(text for text, _ in parts)


def _painted(parts: "list[tuple[str, Style | None]]") -> str:
    return _GAP.join(output.paint(text, style) if style else text for text, style in parts)


def entry_parts(facts: "dict[str, object]") -> "list[tuple[str, Style | None]]":
    """Return the parts of that line, each with its style."""
    entry = {name: output.clean(str(value)) for name, value in facts.items()}
    event = entry.get("event", "")
    where = f"{entry.get('level', '')}{'@' + str(entry['version']) if 'version' in entry else ''}"
    caller = f"uid {entry['uid']} pid {entry['pid']} {_program(facts)}" if "uid" in entry else ""
    text_parts: list[tuple[str, Style | None]] = [
        (output.shown_time(entry.get("time", "")), None),
        (f"{entry['member']}@{entry.get('machine', '')}".ljust(12) if "member" in entry else "", None),
        (event.ljust(8), _STYLES.get(event, "dim")),
        (where.ljust(16), None),
        (" ".join(str(entry[key]) for key in _SUBJECT if entry.get(key)).ljust(14), None),
        (caller, None),
        (f"{'masked: ' * (entry.get('decision') == 'mask')}{entry.get('rule', '')}", "dim"),
        (f"{entry['entries']} times since {output.shown_time(entry['since'])}" if "since" in entry else "", None),
    ]
    return [(text, style) for text, style in text_parts if text]


def _program(facts: "dict[str, object]") -> str:
    parts = [str(facts[name]) for name in ("executable", "script") if name in facts]
    if "command" in facts and "script" not in facts:
        parts.append(f"({facts['command']})")
    ancestors = facts.get("ancestors")
    if isinstance(ancestors, list) and ancestors:
        parts.append(f"< {' < '.join(map(str, ancestors[:_ANCESTORS]))}")
    return output.clean(" ".join(parts))
