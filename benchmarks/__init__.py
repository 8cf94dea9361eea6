"""Metrics of the service: what it calls, costs and how fast it is."""
