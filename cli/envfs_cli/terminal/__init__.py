"""The person at the terminal.

prompts       hidden entry, questions, a sign of life
raw_mode      the terminal's modes for as long as a hidden entry lasts
hidden_entry  bytes from the terminal become a text, without a terminal and without a clock
"""
