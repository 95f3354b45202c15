"""A vault that machines share by an engine: fetching and checking, the outbox, and merging.

The store of this machine is a whole copy, the mirror, and every read is answered from it. Records that an engine sends
are checked before they are put there. Versions that were written while the engine was away wait in the outbox, and
readers see them.
"""
