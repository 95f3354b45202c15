"""`exec --watch`: a command that is started again whenever its view has changed.

watcher     the loop, which holds no value
child       children that fetch the view by themselves
news        what a daemon tells of a view
foreground  the terminal, lent to a child
"""
