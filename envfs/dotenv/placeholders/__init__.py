"""Placeholders: what a reader of a masked view gets in the place of each value (docs/format.md, "Masked views")."""
