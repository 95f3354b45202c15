"""The mount: the kernel's questions answered from the gate. The only package that speaks to /dev/fuse.

May import: service and below.
"""
