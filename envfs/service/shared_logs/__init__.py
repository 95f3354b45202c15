"""The access logs of the machines of a shared vault: this one's is sent, others' are read (docs/format.md §12)."""
