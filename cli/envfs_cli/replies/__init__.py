"""Replies of a daemon that several commands print or look at.

damage     parts of the vault that do not open
written    a new version
facts      which levels set what, and what refers to nothing
variables  names and values
projects   one project among all
"""
