"""One profile: no deadline, for machines are shared and a slow example is no wrong one."""

from hypothesis import settings

settings.register_profile("envfs", deadline=None)
settings.load_profile("envfs")
