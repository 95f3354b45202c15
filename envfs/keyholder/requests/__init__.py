"""The requests of the daemon, one module for each subject. `table` says which function answers which."""

from envfs.keyholder.crypto import library_start

library_start.load_serialization()  # before any request brings all of it
