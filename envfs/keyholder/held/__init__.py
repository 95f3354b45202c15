"""Keys that are held: one region of secret memory, and the lock between forked children."""
