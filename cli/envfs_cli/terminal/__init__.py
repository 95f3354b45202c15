"""The person at the terminal.

prompts        hidden entry, questions, a sign of life
raw_mode       the terminal's modes for as long as a hidden entry lasts
unseen_typing  the terminal without echo while something is done, since a question may follow
hidden_entry   bytes from the terminal become a text, without a terminal and without a clock
"""
