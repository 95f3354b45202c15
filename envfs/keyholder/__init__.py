"""The one process that holds keys: ciphertext in, sealed records and finished views out.

Laws: it opens no file and no network. It talks to the daemon alone. Each request runs in a forked child that ends, so
that nothing plain stays behind in a heap. The only importer of cryptography and pyrage.

May import: host, protocol, dotenv, core, errors, safe_open, tuples. No other part imports it.
"""
