"""The domain of the video API: one noun a module, imports pointing one way (see the README)."""

__version__ = "0.1.0"
