"""Vaults that machines share: the courier of an engine."""
