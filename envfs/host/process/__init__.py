"""What a process gives up at its start, and what protects it: dumps, system calls, files, inherited descriptors."""
