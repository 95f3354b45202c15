"""The `envfs` command: a thin client that starts at the speed of the interpreter."""
