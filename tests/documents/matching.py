"""What a page shows and what a command showed are compared line by line.

Law: dates, numbers of processes, durations, keys and the like may differ, and nothing else.
"""

import re

_TIME = r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?: UTC|Z| [+-]\d{4}|[+-]\d\d:\d\d)?"
_SPAN = r"(?:\d+ (?:h|min|s|ms)(?: |(?=\W|$)))+"
_CODE = r"(?:[A-Z2-7]{6}-){3}[A-Z2-7]{6}"
_WORDS = r"[a-z]{5}(?: [a-z]{5}){4}"
_AUTHOR = r"(?<= )(?=[\w-]*\d)[\w-]{8}(?=  |$)"
_WILD = [  # what differs from run to run, as it stands in a page: what may stand there in a run
    (_TIME, _TIME),
    (r"pids? \d+(?:, \d+)*", r"pids? \d+(?:, \d+)*"),
    (r"(?<![\w.])\d+ /usr/bin", r"\d+ /usr/bin"),
    (r"uid \d{4,5}", r"uid \d{4,5}"),  # the machine may have users already
    (r"(?<=\w )\(\d{4,5}\)", r"\(\d{4,5}\)"),
    (r"python3\.\d+", r"python3\.\d+"),
    (r"127\.0\.0\.1:\d{4,5}", r"127\.0\.0\.1:\d{4,5}"),
    (r"age1[a-z0-9]{20,}", r"age1[a-z0-9]{20,}"),
    (r"AGE-SECRET-KEY-1[A-Z0-9]+", r"AGE-SECRET-KEY-1[A-Z0-9]+"),
    (_CODE, _CODE),
    (_WORDS, _WORDS),
    (_SPAN, _SPAN),
    (r"(?=[\w.-]*\d)[\w.-]{20,}", r"[\w.+/=-]{20,}"),  # a key, a hash, a placeholder
    (_AUTHOR, r"[\w-]{8}"),
    (r"…", r".*"),
]
_ANY = re.compile("|".join(f"(?P<w{at}>{page})" for at, (page, _) in enumerate(_WILD)))
_ANSWERED = re.compile(r"(\[y/N\]) (?=\S)")  # what is typed has no echo, nor its Enter
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\a]*\a|\x1b[=>]")


def clean_text(text: str) -> list[str]:
    """Return what a terminal shows in the end, as lines: without colours, and without what was written over."""
    text = _ANSWERED.sub(r"\1\n", _SEQUENCE.sub("", text).replace("\r\n", "\n"))
    lines = text.split("\n")
    return [line.rpartition("\r")[2].rstrip() for line in lines]


def line_pattern(line: str) -> re.Pattern[str]:
    """Return what a line of a page stands for."""
    pieces, at = [], 0
    for match in _ANY.finditer(line):
        pieces += [_literal(line[at : match.start()]), _WILD[int((match.lastgroup or "w0")[1:])][1]]
        at = match.end()
    return re.compile("".join([*pieces, _literal(line[at:])]) + r"\s*")


def _literal(text: str) -> str:
    return re.sub(r"(?:\\ )+", r"\\s+", re.escape(text))


def find_difference(page: list[str], shown: list[str]) -> str:
    """Return the first difference in words, or nothing. A line `…` of the page stands for any lines, even none."""
    page = _whole(page)
    shown = _whole(shown)
    reached = {0}
    for at, line in enumerate(page):
        if line == "…":
            reached = set(range(min(reached), len(shown) + 1))
            continue
        pattern = line_pattern(line)
        following = {place + 1 for place in reached if place < len(shown) and pattern.fullmatch(shown[place])}
        if not following:
            place = min(reached)
            there = shown[place] if place < len(shown) else "(nothing more)"
            return f"line {at + 1} of what the page shows\n  page:  {line}\n  shown: {there}"
        reached = following
    return "" if len(shown) in reached else f"more is shown than the page has: {shown[max(reached)]}"


def _whole(lines: list[str]) -> list[str]:
    return [line.rstrip() for line in lines if line.strip()]
