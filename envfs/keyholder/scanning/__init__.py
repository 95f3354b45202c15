"""Finding values in text that came from outside: which ones are looked for, how each may be written, where it stands.

Law: a value goes into these modules, and a place in the text comes out.
"""
