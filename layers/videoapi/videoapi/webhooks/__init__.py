"""Webhooks: an ended task is sent to its caller's address as a signed event, at least once."""
