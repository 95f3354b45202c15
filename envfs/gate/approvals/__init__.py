"""Approvals at work: questions that wait, and what their answers allow."""
