"""The mount: the kernel's questions answered from the gate. The only importer of pyfuse3.

May import: service and below.
"""
