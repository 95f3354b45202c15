"""The unix socket: who may ask what, and the answers. Clients are not trusted. Each is known by its uid.

May import: service and below.
"""
