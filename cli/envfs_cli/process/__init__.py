"""This process: what the caller gave it, and the command that it becomes.

signals                 how the caller had them
replacement             the process becomes a command, with the view over the caller's environment
environment_references  values that refer to that environment
"""
