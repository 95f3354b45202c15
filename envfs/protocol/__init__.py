"""What the processes say to each other: frames, and a type for every message. Pure: bytes in, values out."""
