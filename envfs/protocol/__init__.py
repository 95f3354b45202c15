"""The messages between the processes: frames, and a type for every message. Pure: bytes in, values out.

May import: dotenv and below.
"""
