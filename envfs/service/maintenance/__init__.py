"""Looking after a vault: made, described, verified, backed up."""
