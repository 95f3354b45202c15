"""Editing a text in a program of the person's choice, without a copy of it on a disk.

`memory_folder` has the file, `editors` the programs, and `three_way` what others changed meanwhile.
"""
