"""The interactive shell: one command line after another at a level that `cd` moves.

lines           a line of text becomes a command of the grammar and its values
builtins        what only the shell has: cd, pwd, help, exit
children        each command runs in a child of its own
private_daemon  the one that the shell keeps when no other runs
offers          what may stand at a place of a line
history         the lines worth recalling
editor          the line editor, and the only importer of prompt_toolkit
loop            reads lines, from a terminal or a script, until the end
"""
