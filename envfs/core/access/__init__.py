"""Access: a caller and the rules in, a verdict out (docs/design.md §6). Pure."""
