"""A daemon as the client has it: one that runs, or one that is started for this command alone.

client      reach it, ask, be answered
session     ask again with a passphrase where one is needed
launch      start one for this command alone
background  start one that serves, and wait until it does
vault_lock  the lock that such a daemon works under
"""
