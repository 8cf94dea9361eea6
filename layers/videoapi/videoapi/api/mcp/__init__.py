"""The Model Context Protocol: the same service for agents."""
