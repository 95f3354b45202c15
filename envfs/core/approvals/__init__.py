"""Approvals: a program asks, a person answers (docs/design.md §6). Pure."""
