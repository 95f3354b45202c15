"""The figures of a running daemon, for those who watch it."""
