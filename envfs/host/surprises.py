"""Reports of bugs: the places and the type of an error.

Laws: no text of an exception, which may hold what it stumbled over. Nothing is loaded and no source is read, as the
keyholder is confined by then and `traceback` would meet a second error on the way (Python 3.13 loads `tokenize` for
it). A report that cannot be written (a full disk, a closed descriptor, a limit) is no second error.
"""

import contextlib
import sys
import time

_AGAIN = 60.0  # the same fault is told once in so many seconds: it must not fill the disk that the log needs
_MOST = 256
_told: dict[str, float] = {}


def report_bug(error: BaseException) -> None:
    """Write an error's type and the places that it came through to standard error, then those of what led to it."""
    text = "\n".join([*_lines(error), ""])
    with contextlib.suppress(OSError, ValueError, AttributeError):  # full, closed, or not there at all
        if _is_news(text):
            sys.stderr.write(text)
            sys.stderr.flush()


def _is_news(text: str) -> bool:
    now = time.monotonic()
    if now - _told.get(text, -_AGAIN) < _AGAIN:
        return False
    if len(_told) >= _MOST:
        _told.clear()
    _told[text] = now
    return True


def _lines(error: BaseException) -> list[str]:
    lines = ["Traceback (most recent call last):"]
    place = error.__traceback__
    while place is not None:
        code = place.tb_frame.f_code
        lines.append(f'  File "{code.co_filename}", line {place.tb_lineno}, in {code.co_name}')
        place = place.tb_next
    lines.append(type(error).__name__)
    if isinstance(error, BaseExceptionGroup):
        lines += [line for inner in error.exceptions for line in _lines(inner)]
    if error.__context__ is not None and not error.__suppress_context__:
        lines += _lines(error.__context__)
    return lines
