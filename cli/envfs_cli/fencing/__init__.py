"""The fence of `exec --fence`: a command in namespaces of bubblewrap, and the process outside that serves it."""
