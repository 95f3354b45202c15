"""The members of a shared vault: who is in, who comes in, who goes (docs/format.md §10)."""
