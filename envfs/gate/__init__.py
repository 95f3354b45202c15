"""The one way out for plaintext: identify the caller, decide, record, serve. Whichever channel it is asked by.

May import: vault and below.
"""
