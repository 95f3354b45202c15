"""Cryptography: age files, the identity, sealed records, and the helper that runs plugins of age."""
