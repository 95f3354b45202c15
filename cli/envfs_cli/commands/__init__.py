"""One module a group of commands; each function takes the values that the grammar read and returns the exit status."""
