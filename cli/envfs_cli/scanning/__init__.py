"""`scan`: contents from many sources go to the daemon in memory, and the places of values come back.

Laws: files are read as this user. Unpacked data is bounded, and stays in memory. No value and nothing of its
surroundings is ever printed or kept.
"""
