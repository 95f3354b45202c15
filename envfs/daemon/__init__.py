"""The daemon: one nursery that starts and stops the keyholder, the socket and the mount. No keys, no crypto library.

May import: fuse, control and below. No other part imports it.
"""
