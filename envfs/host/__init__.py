"""What only the operating system can tell or do: who is calling, memory that stays put, private files, clocks."""
