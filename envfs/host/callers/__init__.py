"""Callers: who asks by the mount or a socket, what a person is shown of them, and where they come from, for the log."""
