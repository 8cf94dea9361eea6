"""Cold and warm starts of every role beside the baseline."""

import io
import zipfile
from pathlib import Path

from benchmarks.cases import BASELINE, COMPILED, cases
from benchmarks.cold_start import Case, counts_of, why_no_instructions
from benchmarks.tables import Table
from devstack.build import BUILT

STARTS = 3  # processes whose median time is reported
WARM, WARM_BY_TIME = 20, 100  # requests of a warm process
#: Those whose warm requests are counted in instructions too.
COUNTED_WARM = ["submit", "status", "content", COMPILED]
LAYERS = ["DependenciesLayer", "VideoApiLayer", "ThumbnailsLayer", "GoogleLayer"]


def tables() -> list[Table]:
    """Measure; a minute or two with valgrind on a quiet machine."""
    with cases() as found:
        times = _times(found)
        counts = {} if why_no_instructions() else _counts(found)
    reason = why_no_instructions()
    note = f"No instructions: {reason}." if reason else ""
    base = counts.get((BASELINE, 1))
    rows = []
    for title, row in times.items():
        cold, warm = counts.get((title, 1)), counts.get((title, 1 + WARM))
        more = [
            f"{cold / 1e9:.2f}" if cold else "",
            f"{cold / base:.2f}" if cold and base else "",
            *row,
            f"{(warm - cold) / WARM / 1e6:.2f}" if warm and cold else "",
        ]
        rows.append([title, *more[:-2], more[-1], more[-2]])
    head = [
        "",
        "cold, G instr.",
        "of the baseline",
        "CPU, ms",
        "in the handler",
        "wall, ms",
        "peak, MB",
        "modules",
    ]
    return [Table("Starts", [*head, "warm, M instr.", "warm CPU, ms"], rows, note), _sizes()]


def _times(found: dict[str, Case]) -> dict[str, list[str]]:
    rows = {}
    for title, case in found.items():
        cold = case.measure(starts=STARTS)
        warm = case.measure(times=1 + WARM_BY_TIME)
        rows[title] = [
            f"{cold.cpu * 1000:.0f}",
            f"{cold.first * 1000:.0f}",
            f"{cold.wall * 1000:.0f}",
            f"{cold.peak / 1024:.0f}" if cold.peak else "",
            f"{len(cold.modules)}",
            f"{max(warm.cpu - cold.cpu, 0) / WARM_BY_TIME * 1000:.2f}",
        ]
    return rows


def _counts(found: dict[str, Case]) -> dict[tuple[str, int], int]:
    wanted = [(title, 1) for title in found] + [(title, 1 + WARM) for title in COUNTED_WARM]
    counts = counts_of((found[title], times) for title, times in wanted)
    return dict(zip(wanted, counts, strict=True))


def _sizes() -> Table:
    rows = [[name, f"{_zipped(BUILT / name) / 1e6:.1f}"] for name in LAYERS]
    return Table("Layers, zipped with their bytecode for both processors", ["", "MB"], rows)


def _zipped(folder: Path) -> int:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(folder))
    return len(buffer.getvalue())
