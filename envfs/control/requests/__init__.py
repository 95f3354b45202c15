"""The requests of clients, one module for each subject. `dispatch` says which function answers which."""
