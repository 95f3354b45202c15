"""The processes that have values: by the mount, by what the log says, and by descent."""
