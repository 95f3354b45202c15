"""Hooks of git that EnvFS is called by.

Laws: a hook that is there is never replaced, but for one that is just as EnvFS wrote it. A folder of hooks in the work
tree is the project's, and is not written to. Where another program runs the hooks, the line for its settings is told.
"""
