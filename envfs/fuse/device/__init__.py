"""The device /dev/fuse: how the kernel asks and is answered (linux/fuse.h), and nothing of what is shown.

`layout` has the messages' numbers and structures, `questions` reads them, `replies` writes them, `fuse_device` is one
mount's device, and `facts` has what handlers are given and return.
"""
