"""The pure heart: names, dotenv text, views, grants, records and the log, as values in and values out.

Law: no clock, no disk, no network, no randomness and no third party in here.
"""
