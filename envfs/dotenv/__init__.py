"""The dotenv language: text kept to the letter, values, references, dialects, forms for other tools. Pure.

May import: core, errors, tuples.
"""
