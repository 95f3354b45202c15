"""The rights that a process gives up at its start, and its protection: dumps, system calls, files, descriptors."""
