"""Levels moved, removed and forgotten. `service/writer.py` writes them."""
