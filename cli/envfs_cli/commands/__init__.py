"""The commands, each in the module of its name: what it is given, and the function that runs it.

`envfs_cli.run` loads one of them. No command imports another: what several need lies beside this folder.
"""
