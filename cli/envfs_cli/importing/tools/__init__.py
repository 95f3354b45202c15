"""The secrets that other tools keep or export, as names and values: one module for each way in which they do."""
