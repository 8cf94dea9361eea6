"""`make screenshots`: the pictures of the playground in docs/, of videos that are really made."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from devstack.settings import ROOT
from tests.support.running_stack import running_stack

TARGET = ROOT / "docs" / "images"
CLIENTS = ROOT / "tests" / "e2e" / "clients"
PYTHON = ROOT / ".venv" / "browser" / "bin" / "python"
STILL = ROOT / "examples" / "mountains.jpg"
#: What each way of the driver shows, by the name that docs/ has for it.
PICTURES = {
    "mouse-1280-light-filled": "playground-form",
    "mouse-1280-light-running": "playground-progress",
    "mouse-1280-light-done": "playground-video",
    "mouse-390-dark-running": "playground-phone",
}
WIDTH, COLORS = 1080, 256
WAIT_SECONDS = 300


def main() -> None:
    """Use the playground of a stack of its own, and keep what it looks like."""
    with (
        running_stack(UPSTREAM_SECONDS="6", VIDEO_PRICE_USD="1") as stack,
        tempfile.TemporaryDirectory() as folder,
    ):
        settings = {
            "chromium": shutil.which("chromium"),
            "url": f"{stack.api_url}/",
            "home": folder,
            "shots": folder,
            "axe": str(CLIENTS / "node" / "node_modules" / "axe-core" / "axe.min.js"),
            "photo": str(STILL),
            "key": "",
            "ways": sorted({name.rpartition("-")[0] for name in PICTURES}),
        }
        command = [str(PYTHON), str(CLIENTS / "playground.py"), json.dumps(settings)]
        subprocess.run(command, check=True, timeout=WAIT_SECONDS, stdout=subprocess.DEVNULL)
        for name, kept in PICTURES.items():
            _keep(Path(folder) / f"{name}.png", TARGET / f"{kept}.png")


def _keep(shot: Path, target: Path) -> None:
    with Image.open(shot) as whole:
        picture = whole.convert("RGB")
    picture.thumbnail((WIDTH, WIDTH))
    palette = picture.quantize(COLORS, method=Image.Quantize.MAXCOVERAGE)
    picture.quantize(palette=palette).save(target, optimize=True)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
