"""Engines that machines share, as commands use them: a courier for each, keys of members, copies."""
