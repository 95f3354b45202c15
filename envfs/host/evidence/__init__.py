"""Facts of processes, each read from /proc in one place, by the folder of a process, which dies with it.

What a rule can rest on is evidence, gathered while the process waits. What cannot be told for certain is not told.
"""
