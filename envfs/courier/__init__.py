"""The courier: a process of its own that speaks an engine's protocol, so that the daemon never has to.

May import: host, protocol, core, errors, interpreter, safe_open, tuples.

It carries sealed bytes between a daemon and the engine that machines share: a folder, a server over ssh, PostgreSQL or
etcd. It has no key and opens nothing. An engine is not believed: the daemon checks each record that comes from there as
if it had been found on the street.
"""
