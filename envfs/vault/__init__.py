"""Streams and their heads: find, read, append, and notice when a vault went back in time. No key ever comes here.

May import: store, settings, rules_file and below.
"""
