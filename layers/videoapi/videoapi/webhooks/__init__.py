"""Webhooks: an ended task is told to its caller's address, signed, at least once."""
