"""The interactive shell: one command line after another at a level that `cd` moves.

lines           a line of text becomes a command of the grammar and its values
builtins        the commands that only the shell has, and those that take more here
habits          `rm A`, `mv A B` and their kin as lines of the grammar
listing         `ls`: the levels below and the variables, with where each comes from
undoing         what this shell changed, and what takes it back
children        each command runs in a child of its own
private_daemon  the one that the shell keeps when no other runs
offers          what may stand at a place of a line
daemon_stream   rows that the daemon sends as they happen
questions       questions of programs, and
answering       the keys that answer them
daemon_state    the state of the daemon, told by it
shell_news      both of these, while the shell waits for a line
status_line     the line below the prompt, in words
history         the lines worth recalling
remembering     which lines these are
plain_prompt    lines from a terminal that can draw nothing
endings         the end by a signal
editor          the line editor, and the only importer of prompt_toolkit
help_page       `help`
interpreter     runs a line at a level
loop            reads lines, from a terminal or a script, until the end
"""
