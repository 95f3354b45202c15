"""Folders whose `.env` is a link to the view of a level.

state         what a folder is linked to: its `.envfs.toml`, and the user's own list, which is what counts
state_writer  both written down
gitignore     what git makes of such a `.env`
"""
