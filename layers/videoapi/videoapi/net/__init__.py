"""Requests to other people's servers: checked addresses, pinned connections, bounded downloads."""
