"""Evidence of a process beside the numbers that the kernel gives, read from /proc while the process waits."""
