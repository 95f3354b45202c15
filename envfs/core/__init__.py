"""The pure heart: names, callers and rules, questions to a person, records and the log, as values in and values out.

Law: no clock, no disk, no network, no randomness and no third party in here.

May import: errors, tuples.
"""
