"""Some properties are held against moto's DynamoDB."""

from tests.support.moto import moto, services

__all__ = ["moto", "services"]
