"""`exec --mask-output`: a command's output with placeholders where values of its variables would stand.

Laws: a value is replaced whatever the pieces in which it comes. Held back is no more than the beginning of a possible
value. A terminal stays a terminal, and a pipe stays a pipe.
"""
