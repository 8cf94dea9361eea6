"""Generators and checks for this repository."""
