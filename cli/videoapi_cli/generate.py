"""`videoapi generate`: one image, several, a folder, or the rows of a file, into videos."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from videoapi_cli import batch
from videoapi_cli.errors import UsageError
from videoapi_cli.images import is_url, path_of
from videoapi_cli.ordering import Choices, make
from videoapi_cli.orders import value_of
from videoapi_cli.output import AsJson, Url, connect, in_words

PARALLEL = 32


def option(*names: str, about: str, panel: str = "The video") -> Any:
    """Return an option of one of the API's fields."""
    return typer.Option(*names, help=about, rich_help_panel=panel, show_default=False)


@in_words
def generate(
    ctx: typer.Context,
    images: Annotated[
        list[str] | None, typer.Argument(help="Files or URLs, a video of each.")
    ] = None,
    prompt: Annotated[str, option("-p", "--prompt", about="What happens.")] = "",
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A folder, or for one video a file.mp4.")
    ] = Path(),
    batch_source: Annotated[
        str | None,
        typer.Option(
            "--batch", help="CSV or JSON lines with `image,prompt`, or a folder of images."
        ),
    ] = None,
    model: Annotated[str, option("-m", "--model", about="See `videoapi models`.")] = "",
    seconds: Annotated[
        int | None, option("-s", "--seconds", "--duration", about="Its length.")
    ] = None,
    size: Annotated[
        str, option("--size", "--resolution", about="720p, 1080p or WIDTHxHEIGHT.")
    ] = "",
    aspect_ratio: Annotated[str, option("--aspect-ratio", about="16:9 or 9:16.")] = "",
    last_frame: Annotated[str, option("--last-frame", about="The image it ends with.")] = "",
    reference: Annotated[
        list[str] | None, option("--reference", about="An image of what it is to show; up to 3.")
    ] = None,
    negative_prompt: Annotated[
        str, option("--negative-prompt", about="What it is not to show.")
    ] = "",
    seed: Annotated[int | None, option("--seed", about="0 to 4294967295.")] = None,
    audio: Annotated[
        bool | None, option("--audio/--no-audio", about="With or without sound.")
    ] = None,
    camera: Annotated[str, option("--camera-motion", about="pan, tilt, zoom or static.")] = "",
    strength: Annotated[float | None, option("--motion-strength", about="0 to 1.")] = None,
    fps: Annotated[int | None, option("--fps", about="24 to 60.")] = None,
    optimize: Annotated[
        bool | None,
        option("--optimize-prompt/--no-optimize-prompt", about="Let a model rewrite the prompt."),
    ] = None,
    webhook: Annotated[str, option("--webhook", about="Where to send an event at the end.")] = "",
    metadata: Annotated[
        list[str] | None, option("--metadata", about="name=value, kept with the task.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the price, order nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Order whatever it costs.")] = False,
    max_price: Annotated[
        float | None,
        typer.Option(
            min=0, help="Ask before orders of more dollars in all than this; 1 unless said."
        ),
    ] = None,
    parallel: Annotated[
        int, typer.Option("--parallel", min=1, help="Videos at a time; limits of the key are kept.")
    ] = PARALLEL,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Order what failed in an earlier run once more.")
    ] = False,
    batch_name: Annotated[
        str,
        typer.Option("--batch-name", help="Another name is another batch: all is ordered anew."),
    ] = "",
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Make videos, show what they cost first, and download them.

    The same command goes on where a batch was stopped, and orders nothing twice.
    """
    options = {
        "prompt": prompt,
        "model": model,
        "duration": seconds,
        "resolution": size,
        "aspect_ratio": aspect_ratio,
        "last_frame": _absolute(last_frame),
        "reference_images": [_absolute(each) for each in reference or ()],
        "negative_prompt": negative_prompt,
        "seed": seed,
        "generate_audio": audio,
        "camera_motion": camera,
        "motion_strength": strength,
        "fps": fps,
        "optimize_prompt": optimize,
        "webhook_url": webhook,
        "metadata": _pairs(metadata or ()),
    }
    shared = {
        name: value_of(name, what)
        for name, what in options.items()
        if what not in ("", None, [], {})
    }
    if "" in (batch_source, *(images or ())):
        raise UsageError("An image or --batch is an empty word.", "Is a variable not set?")
    if batch_source and images:
        raise UsageError("Images or --batch: one of them.")
    source = Path(batch_source) if batch_source else _folder(images or [])
    if source:
        name = batch_name or source.resolve().name
        wanted = batch.orders_of(
            batch.rows_of(source),
            shared,
            batch=name,
            base=source if source.is_dir() else source.parent,
        )
    else:
        title = batch_name or f"to {output.resolve()}"
        wanted = batch.orders_from(images or [], shared, batch=title)
    several = source is not None or len(wanted) > 1
    make(
        connect(ctx, url),
        wanted,
        Choices(
            output=output,
            several=several,
            max_price=max_price,
            dry_run=dry_run,
            yes=yes,
            parallel=parallel,
            overwrite=overwrite,
            retry_failed=retry_failed,
        ),
        as_json=as_json,
    )


def _folder(images: list[str]) -> Path | None:
    """Return a folder that stands where images do."""
    if len(images) == 1 and Path(images[0]).is_dir():
        return Path(images[0])
    return None


def _absolute(image: str) -> str:
    """Return an option's image, which is not relative to a batch's file."""
    return image if not image or is_url(image) else str(path_of(image).absolute())


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = dict(each.partition("=")[::2] for each in texts)
    if not all("=" in each for each in texts):
        raise UsageError("--metadata wants name=value.")
    return pairs
