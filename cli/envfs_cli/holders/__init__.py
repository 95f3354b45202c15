"""The processes that have a value of a variable: listed, and restarted or signalled with the caller's own rights.

`holders` and `rotate` share this package. `restarting.restart_holders` is all that the second one calls.
"""
