"""Access: rules are given and taken back, and a person answers questions."""
