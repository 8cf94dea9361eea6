"""The domain of the video API: imports point one way (docs/architecture.md)."""

__version__ = "0.1.0"
