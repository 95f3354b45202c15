"""The requests of the daemon, one module for each subject. `table` says which function answers which."""
