"""A program that reads one path again and again, and says what it met: `python -c THIS path reads`.

It prints a line of JSON: how many reads were refused, how many had a size that `stat` did not tell, and the different
texts. A line on standard input starts it, so that several start together.
"""

import json
import os
import sys


def read_once(path: str, counts: dict[str, int], texts: set[str]) -> None:
    """Look the path up, open it, and read it to its end."""
    try:
        named = os.stat(path).st_size
        handle = os.open(path, os.O_RDONLY)
    except OSError as error:
        name = type(error).__name__
        counts[name] = counts.get(name, 0) + 1
        return
    data = b""
    while piece := os.read(handle, 1 << 16):
        data += piece
    if not len(data) == os.fstat(handle).st_size == named:
        counts["size"] = counts.get("size", 0) + 1
    os.close(handle)
    texts.add(data.decode())


def main() -> None:
    """Read as often as told."""
    path, reads = sys.argv[1], int(sys.argv[2])
    counts: dict[str, int] = {}
    texts: set[str] = set()
    sys.stdin.readline()
    for _ in range(reads):
        read_once(path, counts, texts)
    print(json.dumps([counts, sorted(texts)]), flush=True)


main()
