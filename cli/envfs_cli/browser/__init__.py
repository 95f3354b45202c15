"""The full-screen browser: the tree of levels, what is known of each, and keys for all that can be done.

listing, level_tree, columns, signs  lists and the tree, without a terminal
pane, names_pane, history_pane, readers_pane, approvals_pane  what stands at the right
state            what is shown at a moment
asker, watch_link, loader  what is read, and read again when the daemon says that it changed
runner           commands, each in a child
key_table        the keys, for bindings, help and documents
walking, changing, command_line, entry  what the keys do
lists_on_screen, screen, bindings, application  the terminal, by prompt-toolkit
terminal_kind, running  how it is started
"""
