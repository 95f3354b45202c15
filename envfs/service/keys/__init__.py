"""Keys: the vault's identity, unlocking and locking, and changes of the keys of projects."""
