"""Which views a change reaches, and who is told of it."""
