"""The proxy processes of a daemon: how one is held, and which sessions run."""
