"""What is said of a bug: where it happened, and of which type it is.

Laws: no text of an exception, which may hold what it stumbled over; nothing is loaded and no source is read, as the
process is confined by then and `traceback` would meet a second error on the way (Python 3.13 loads `tokenize` for it).
"""

import sys
import traceback


def report(error: BaseException) -> None:
    """Write an error's type and the places that it came through to standard error, then those of what led to it."""
    lines = ["Traceback (most recent call last):"]
    for frame, line in traceback.walk_tb(error.__traceback__):
        lines.append(f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}')
    sys.stderr.write("\n".join([*lines, type(error).__name__, ""]))
    sys.stderr.flush()
    if error.__context__ is not None and not error.__suppress_context__:
        report(error.__context__)
