"""Some properties are held against moto's DynamoDB."""

from tests.functional.cloud import cloud, moto

__all__ = ["cloud", "moto"]
