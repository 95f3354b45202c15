"""Draw terminals as SVG, one NAME.svg each in a folder: standard input is what tests/documents/film.py printed.

Law: the same input gives the same bytes. A picture needs nothing else: no font and no style from elsewhere.
"""

import html
import json
import os
import re
import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import pyte

_WIDTH, _HEIGHT, _SIZE = 8.0, 19, 13.3
_LEFT, _TOP, _BAR = 16, 14, 30
_ROWS = 200
_DARK, _LIGHT, _DIM = "#17202b", "#d8dee6", "#8a97a6"
_COLOURS = {
    "default": _LIGHT,
    "black": "#8a97a6",
    "red": "#ff8f86",
    "green": "#8fd6a0",
    "brown": "#e8c46f",
    "blue": "#8db8f2",
    "magenta": "#d9a3e8",
    "cyan": "#7fd2d8",
    "white": "#f2f5f8",
}
_FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"


class Style(NamedTuple):
    """How a run of characters looks."""

    colour: str
    ground: str
    is_bold: bool


def main() -> None:
    """Write each picture."""
    folder = sys.argv[1]
    for name, picture in json.load(sys.stdin).items():
        with open(os.path.join(folder, f"{name}.svg"), "w", encoding="utf-8") as file:
            file.write(_draw(picture["title"], _screen(picture)))


def _screen(picture: dict[str, Any]) -> pyte.Screen:
    screen = pyte.Screen(picture["columns"], picture["rows"] or _ROWS)
    stream = pyte.Stream(screen)
    for command, written in picture["commands"]:
        if command:
            stream.feed(f"\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m\r\n")
        stream.feed(written.replace("\r\n", "\n").replace("\n", "\r\n"))
        if screen.cursor.x and not picture["rows"]:
            stream.feed("\r\n")
    return screen


def _draw(title: str, screen: pyte.Screen) -> str:
    rows = [list(_runs(screen, row)) for row in range(screen.lines)]
    while not rows[-1]:
        rows.pop()
    columns = max(start + len(text) for row in rows for start, text, _ in row)
    width, height = round(columns * _WIDTH) + 2 * _LEFT, len(rows) * _HEIGHT + 2 * _TOP + _BAR
    size = f'width="{width}" height="{height}"'
    label, middle = html.escape(title), f"{width / 2:g}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {size} role="img">',
        f"<title>{label}</title>",
        f'<rect {size} rx="9" fill="{_DARK}"/>',
        *(f'<circle cx="{_LEFT + 4 + 18 * at}" cy="18" r="5" fill="#3a4756"/>' for at in range(3)),
        f'<g font-family="{_FONT}" font-size="{_SIZE}">',
        f'<text x="{middle}" y="22" text-anchor="middle" fill="{_DIM}" font-size="12">{label}</text>',
    ]
    for at, row in enumerate(rows):
        y = _BAR + _TOP + at * _HEIGHT
        for start, text, style in row:
            lines += _run(start, y, text, style)
    return "\n".join([*lines, "</g>", "</svg>"]) + "\n"


def _run(start: int, y: int, text: str, style: Style) -> Iterator[str]:
    x, length = _LEFT + start * _WIDTH, len(text) * _WIDTH
    if style.ground:
        yield f'<rect x="{x:g}" y="{y}" width="{length:g}" height="{_HEIGHT}" fill="{style.ground}"/>'
    if not text.strip():
        return
    look = f'fill="{style.colour}"' + (' font-weight="600"' if style.is_bold else "")
    yield f'<text x="{x:g}" y="{y + 14}" textLength="{length:g}" {look}>{html.escape(text, quote=False)}</text>'


def _runs(screen: pyte.Screen, row: int) -> Iterator[tuple[int, str, Style]]:
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    at = 0
    for style, group in groupby(cells, _style):
        text = "".join(cell.data for cell in group)
        if style.ground:
            yield at, " " * len(text), style
        for piece in re.finditer(r"\S+(?: \S+)*", text):  # SVG would narrow wider gaps
            yield at + piece.start(), piece[0], style._replace(ground="")
        at += len(text)


def _style(cell: pyte.screens.Char) -> Style:
    colour, ground = _colour(cell.fg, _LIGHT), "" if cell.bg == "default" else _colour(cell.bg, _DARK)
    if cell.reverse:
        colour, ground = ground or _DARK, colour
    return Style(colour, ground, cell.bold)


def _colour(name: str, usual: str) -> str:
    if name == "brightblack":  # the ground of a bar
        return "#33404f"
    return _COLOURS.get(name.removeprefix("bright")) or (f"#{name}" if len(name) == len("ffffff") else usual)


if __name__ == "__main__":
    main()
