"""Facts of processes, each read from /proc in one place, by the folder of a process, which dies with it.

Evidence is a fact that a rule can rest on, gathered while the process waits. A fact that is not certain is not told.
"""
