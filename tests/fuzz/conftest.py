"""One profile: no deadline, for machines are shared and a slow example is no wrong one.

`make test` tries each law with some examples, `make soak` with many times as many.
"""

from hypothesis import settings

from tests.selection import TIMES

settings.register_profile("envfs", deadline=None, max_examples=25 * TIMES)
settings.load_profile("envfs")
