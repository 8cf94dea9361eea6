"""Edits of our own code into the running stack, without a build, from the next invocation on."""

import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devstack import template
from devstack.deploy import zipped

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_POLL_SECONDS = 0.4
#: What is not brought over by itself, and what its writer says to have it.
_NEEDS_MORE = {
    "template.yaml": "start again",
    "layers/dependencies/requirements.txt": "start again",
    ".env": "start again",
    "tools/openapi/page.html": "say `make openapi`",
    "tools/openapi/page.css": "say `make openapi`",
}


@dataclass(frozen=True)
class Part:
    """A function or a layer, and the folder that its code is written in."""

    logical_id: str
    folder: Path
    is_layer: bool

    def files(self) -> dict[str, Path]:
        """Name in the archive and file; no bytecode, which is the build's and would be stale."""
        prefix = "python/" if self.is_layer else ""
        return {
            prefix + path.relative_to(self.folder).as_posix(): path
            for path in self.folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }


def parts(source: template.Template, root: Path) -> list[Part]:
    """Return what the build only copies; of a folder with requirements it makes more."""
    return [
        Part(logical_id, root / folder, resource["Type"] == "AWS::Serverless::LayerVersion")
        for logical_id, resource in source["Resources"].items()
        if (folder := template.code_folder(resource))
        and not (root / folder / "requirements.txt").exists()
    ]


class Reloader:
    """Watches by asking for modification times: a few dozen files, and no dependency for it."""

    def __init__(
        self,
        root: Path,
        source: template.Template,
        physical_ids: dict[str, str],
        functions: "LambdaClient",
        say: Callable[[str], None],
    ) -> None:
        self._root = root
        self._say = say
        self._parts = parts(source, root)
        self._physical_ids = physical_ids
        self._lambda = functions
        self._seen = {part: _times(part.files().values()) for part in self._parts}
        self._fixed = self._fixed_times()

    def start(self) -> None:
        """Watch from now on, in a thread, for as long as the process lives."""
        threading.Thread(target=self._watch, daemon=True, name="reload").start()

    def look(self) -> None:
        """Bring over what changed since the last look."""
        for part in self._parts:
            times = _times(part.files().values())
            if times != self._seen[part]:
                self._seen[part] = times
                self._bring(part)
        fixed = self._fixed_times()
        for path, when in fixed.items():
            if when != self._fixed.get(path):
                more = _NEEDS_MORE[path.relative_to(self._root).as_posix()]
                self._say(f"{path.name} changed: {more} to apply it")
        self._fixed = fixed

    def _watch(self) -> None:
        while True:
            time.sleep(_POLL_SECONDS)
            try:
                self.look()
            except Exception as exc:  # noqa: BLE001 — a half-saved file must not end the watching
                self._say(f"not reloaded: {exc}")

    def _bring(self, part: Part) -> None:
        name = part.folder.relative_to(self._root)
        if wrong := self._wrong(part):
            self._say(f"{name} is not reloaded; the code before stays:\n{wrong}")
            return
        code = zipped(part.files().items())
        if part.is_layer:
            self._publish(part, code)
        else:
            self._lambda.update_function_code(
                FunctionName=self._physical_ids[part.logical_id], ZipFile=code
            )
        self._say(f"reloaded {name}")

    def _wrong(self, part: Part) -> str:
        """Return what Python says of the first file that does not compile; empty without one."""
        for path in part.files().values():
            if path.suffix == ".py":
                try:
                    compile(path.read_bytes(), str(path.relative_to(self._root)), "exec")
                except (SyntaxError, ValueError) as exc:  # a null byte is a ValueError in some
                    return "".join(traceback.format_exception_only(exc)).rstrip()
        return ""

    def _publish(self, part: Part, code: bytes) -> None:
        # SAM's translator adds a hash to a layer's logical id.
        old = next(v for k, v in self._physical_ids.items() if k.startswith(part.logical_id))
        layer = old.rsplit(":", 1)[0]
        new = self._lambda.publish_layer_version(
            LayerName=layer.rsplit(":", 1)[1], Content={"ZipFile": code}
        )["LayerVersionArn"]
        for function in self._lambda.list_functions()["Functions"]:
            arns = [attached["Arn"] for attached in function.get("Layers", [])]
            if any(arn.startswith(f"{layer}:") for arn in arns):
                self._lambda.update_function_configuration(
                    FunctionName=function["FunctionName"],
                    Layers=[new if arn.startswith(f"{layer}:") else arn for arn in arns],
                )

    def _fixed_times(self) -> dict[Path, int]:
        return _times(self._root / name for name in _NEEDS_MORE)


def _times(paths: Iterable[Path]) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in paths if path.exists()}
