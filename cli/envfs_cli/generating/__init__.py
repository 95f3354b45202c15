"""New secrets: texts of random characters or words, and key pairs.

Law: what is random comes from the operating system's own generator, by `secrets` and by the library of the keys.
"""
