"""What several commands make of a daemon's replies.

damage     parts of the vault that do not open
written    a new version
facts      which levels set what, and what refers to nothing
variables  names and values
projects   one project among all
"""
