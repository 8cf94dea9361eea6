"""What the document promises is held against moto's services."""

from tests.support.drawer import drawer
from tests.support.moto import moto

__all__ = ["drawer", "moto"]
