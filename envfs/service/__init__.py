"""The application behind the socket and the mount: it changes levels and keys, locks, and looks after the vault.

May import: gate and below.
"""
