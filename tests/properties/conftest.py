"""Some properties are held against moto's DynamoDB."""

from tests.support.moto import cloud, moto

__all__ = ["cloud", "moto"]
