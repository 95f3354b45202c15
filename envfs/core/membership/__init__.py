"""Members: the stream `member` of a vault, folded. It says whose records count, and whom keys are for (format §10)."""
