"""Videos as files: safe names, whole files or none, and nothing overwritten."""

import errno
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import httpx

from videoapi_cli.client import Api, Stopped
from videoapi_cli.errors import ApiError, CliError, Unwritable, UsageError, api_error

ENDING = ".mp4"
MAX_NAME = 120  # characters, so that they and an ending fit into any file system
MAX_TRIES = 5  # of a download that breaks off
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # of every other file, too
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # on Windows
_naming = threading.Lock()


def safe_name(text: str) -> str:
    """Return a file's name, without its ending, that leads nowhere else on any system."""
    if text.lower().endswith(ENDING):
        text = text[: -len(ENDING)]
    kept = "".join(letter if letter.isprintable() else " " for letter in text)
    kept = re.sub(r'[\\/:*?"<>|\s]+', " ", kept)[:MAX_NAME].strip(" .")
    while len(kept.encode()) > 2 * MAX_NAME:
        kept = kept[:-1]
    return f"_{kept}" if RESERVED.fullmatch(kept) else kept or "video"


def free_path(folder: Path, name: str) -> Path:
    """Return a path that no file has: the name's, or with the next free number."""
    path, number = folder / f"{name}{ENDING}", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}{ENDING}"
    return path


def require_folder(folder: Path) -> None:
    """Make the folder of the videos, before anything is ordered. Raise `UsageError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".videoapi-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as exc:
        raise UsageError(f"Nothing can be written to {folder}: {exc.strerror}") from exc


def download(
    api: Api,
    task_id: str,
    place: Callable[[], tuple[Path, bool]],
    progress: Callable[[int, int | None], None] = lambda _done, _all: None,
) -> Path:
    """Download a task's video; return its path. Raise `CliError`, `Stopped`.

    `place` says the path, and whether a file there is to be replaced, once the video has arrived
    whole; `progress` hears the bytes that came, and how many there are.
    """
    path, _ = place()
    partial = path.with_name(f".{task_id}.part")  # a killed run's is written over by the next
    try:
        _fetched(api, task_id, partial, progress)
        with _naming:
            path, replace = place()
            if not replace and path.exists():
                raise UsageError(f"{path} is there already.", "Say --overwrite, or another -o.")
            partial.replace(path)
    except OSError as exc:
        kind = Unwritable if exc.errno in FULL else CliError
        raise kind(f"{path} cannot be written: {exc.strerror}.") from exc
    finally:
        partial.unlink(missing_ok=True)
    return path


def _fetched(
    api: Api, task_id: str, into: Path, progress: Callable[[int, int | None], None]
) -> None:
    """Write the video to a file; ask for a fresh address where a download breaks off."""
    for number in range(MAX_TRIES):
        address = api.get(f"/v1/videos/{task_id}/content").headers.get("location", "")
        try:
            _written(api, httpx.URL(api.url).join(address), into, progress)
        except (ApiError, httpx.RequestError, httpx.InvalidURL) as exc:
            if number == MAX_TRIES - 1:
                message = f"The video of {task_id} cannot be downloaded: {exc}"
                raise CliError(message, f"Try later: videoapi download {task_id}") from exc
            api.clock.pause(2.0**number)
        else:
            return


def _written(
    api: Api, address: httpx.URL, into: Path, progress: Callable[[int, int | None], None]
) -> None:
    with api.files.stream("GET", address, follow_redirects=True) as response:
        if response.is_error:
            response.read()
            raise api_error(response)
        length = response.headers.get("content-length", "")
        done, size = 0, int(length) if length.isdecimal() else None
        with into.open("wb") as file:
            for chunk in response.iter_bytes(1 << 18):
                if api.clock.stop.is_set():
                    raise Stopped
                file.write(chunk)
                done += len(chunk)
                progress(done, size)
