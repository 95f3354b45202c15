"""The server for coding agents (`envfs mcp`): names, presence, checks, history. No value goes in or out.

Law: what the `mcp` library needs is imported here alone, and in no other command.
"""
