"""What reader.c does, for machines without a compiler. The interpreter's own time is then in every figure.

reader.py PATH READERS MILLISECONDS [fresh]      prints: reads elapsed_ns p50_ns p99_ns least
"""

import os
import sys
import time


def time_read(path: str) -> int:
    """Open, read, close. Returns how long it took in ns."""
    before = time.monotonic_ns()
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    text = os.read(file, 1 << 16)
    os.close(file)
    if not text:
        sys.exit(1)
    return time.monotonic_ns() - before


def time_fresh_read(path: str) -> int:
    """As time_read, by a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, str(time_read(path)).encode())
        os._exit(0)
    os.close(writing)
    took = os.read(reading, 100)
    os.close(reading)
    os.waitpid(child, 0)
    return int(took)


def read_for(path: str, start: int, length: int, fresh: bool) -> str:
    """Read for a time. Returns all times but those of the first tenth."""
    one = time_fresh_read if fresh else time_read
    times: list[str] = []
    while (at := time.monotonic_ns()) < start + length:
        took = one(path)
        if at >= start + length // 10:
            times.append(str(took))
    return " ".join(times)


def main() -> None:
    """Start the readers and gather their times."""
    path, readers, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) * 1_000_000
    start = time.monotonic_ns() + 5_000_000 + 1_000_000 * readers
    pipes = []
    for _ in range(readers):
        reading, writing = os.pipe()
        if os.fork() == 0:
            with os.fdopen(writing, "w") as answer:
                answer.write(read_for(path, start, length, len(sys.argv) > 4))  # noqa: PLR2004 - the word `fresh`
            os._exit(0)
        os.close(writing)
        pipes.append(os.fdopen(reading))
    each = [pipe.read().split() for pipe in pipes]
    times = sorted(int(word) for words in each for word in words)
    print(len(times), length * 9 // 10, times[len(times) // 2], times[len(times) * 99 // 100], min(map(len, each)))


if __name__ == "__main__":
    main()
