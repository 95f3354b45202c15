"""The access log: its files, its chain, its checkpoints, and what this machine and the vault remember of it."""
