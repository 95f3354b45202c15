"""The client without the program that usually starts it: `python -m envfs_cli`, and the script `envfs-python`.

Law: the interpreter is one that ignores the caller's variables and folder, or it is replaced by one before anything
of ours is imported. By then the caller's code has run in this first one. The program `envfs` has no first one.
"""

import sys


def main() -> int:
    """Run the command line in an isolated interpreter. Returns the exit status."""
    if not sys.flags.isolated:
        import os

        command = [sys.executable, "-I", "-Xutf8", "-m", "envfs_cli", *sys.argv[1:]]
        os.execv(sys.executable, command)  # noqa: S606
    from envfs_cli import main as client

    return client.main()


if __name__ == "__main__":
    raise SystemExit(main())
