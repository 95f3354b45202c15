"""The operating system: callers, memory that stays put, private files, clocks, mounts, system calls to give up.

May import: protocol and below.
"""
