"""The report on a variable: its parts as they came, in words, and as text, Markdown or JSON."""
