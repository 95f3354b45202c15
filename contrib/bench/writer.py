"""Sets one variable over and over through one connection, so that the client's start is not in the figure.

writer.py LEVEL COUNT [NAME]      prints: median_seconds of one set, and the seconds of all
"""

import os
import statistics
import sys
import time

from envfs.protocol import control
from envfs_cli import secrets
from envfs_cli.daemon import client


def main() -> None:
    """Set, and print how long it took."""
    level, count, name = sys.argv[1], int(sys.argv[2]), (*sys.argv[3:], "TURN")[0]
    daemon = client.need_running()
    times = []
    for turn in range(count):
        value = secrets.from_bytes(f"{time.time_ns()}-{turn}".encode())
        before = time.perf_counter()
        daemon.ask(control.SetVariable(level, name, trim=False), (value,))
        times.append(time.perf_counter() - before)
        os.close(value)
    print(statistics.median(times), sum(times))


if __name__ == "__main__":
    main()
