"""Finished views in secret memory, those that are ready now, and when each of them changed."""
