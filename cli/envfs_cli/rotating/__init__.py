"""The rotation of a value: where the new one comes from, the command that makes it count, and the steps.

Law: a value passes through memory of this process and pipes or descriptors of a command that the person saw. It stands
in no command line, and in no environment.
"""
