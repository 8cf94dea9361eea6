"""The OpenAPI document and the documentation page, built from the models that the API runs on.

`python -m tools.openapi` writes both into the layer, where the functions read them.
"""

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "layers" / "videoapi" / "videoapi" / "api" / "assets"
