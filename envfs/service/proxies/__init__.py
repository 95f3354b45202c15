"""Sessions of the proxy: how one is started for a caller, and what its process may have."""
