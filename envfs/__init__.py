"""EnvFS: `.env` views from memory, for approved callers, over a vault of ciphertext."""

__version__ = "0.1.0"
