"""What is deployed, laid out as Lambda mounts it: the layers at /opt, the function at /var/task.

Everything comes from what `sam build` made, and the variables from template.yaml.
"""

import compileall
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from py_compile import PycInvalidationMode

from devstack.build import BUILT, TOOLS
from devstack.settings import ROOT
from devstack.template import load

PYTHON = TOOLS / "runtime" / "bin" / "python"
SITE_PACKAGES = "lib/python3.13/site-packages"
LIBRARIES = ["DependenciesLayer", "VideoApiLayer"]
#: What Lambda itself tells every function.
LAMBDA = {
    "AWS_ACCESS_KEY_ID": "made-up",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "bench",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_FORMAT": "JSON",
    "AWS_LAMBDA_LOG_GROUP_NAME": "bench",
    "AWS_LAMBDA_LOG_LEVEL": "INFO",
    "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
    "LANG": "en_US.UTF-8",
    "TZ": ":UTC",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    # Not Lambda's: without them instruction counts do not repeat, or bytecode would be kept.
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
}
#: What the template takes from its resources, and the switches that let every role do its work.
STACK = {
    "TABLE_NAME": "tasks",
    "BUCKET_NAME": "files",
    "ALLOW_ANONYMOUS": "true",
    "IMAGE_API_KEY_SECRET": "video-api/image-api-key",
}


@dataclass(frozen=True)
class Program:
    """A handler as a process: where it imports from, in Lambda's order, and its variables."""

    role: str
    path: tuple[Path, ...]
    environment: Mapping[str, str]

    @cached_property
    def trusted(self) -> Path:
        """The certificates that its AWS clients read at each new connection."""
        named = self.environment.get("AWS_CA_BUNDLE")
        if named is None:
            return self.path[-1] / "botocore" / "cacert.pem"
        return self.path[1] / Path(named).relative_to("/opt/python")

    @cached_property
    def variables(self) -> dict[str, str]:
        """The whole environment of the process."""
        return {
            **LAMBDA,
            **self.environment,
            **STACK,
            "LAMBDA_TASK_ROOT": str(self.path[0]),
            "PYTHONPATH": os.pathsep.join(map(str, self.path)),
        }


def lay_out(folder: Path) -> dict[str, Program]:
    """Return each role's program. The worker has two layers more."""
    runtime = _copy([TOOLS / "runtime" / SITE_PACKAGES], folder / "runtime")
    compileall.compile_dir(runtime, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    libraries = [BUILT / layer / "python" for layer in LIBRARIES]
    opt = _copy(libraries, folder / "opt")
    more = [BUILT / layer / "python" for layer in ("ThumbnailsLayer", "GoogleLayer")]
    opt_of_worker = _copy([*libraries, *more], folder / "worker-opt")
    programs = {}
    for source in sorted((ROOT / "functions").iterdir()):
        role = source.name
        task = BUILT / f"{role.title().replace('_', '')}Function"
        layers = opt_of_worker if role == "worker" else opt
        programs[role] = Program(role, (task, layers, runtime), _template_variables())
    return programs


def baseline(folder: Path, *, compiled: bool) -> Program:
    """Return the baseline as `sam build` ships it: all in one folder, nothing compiled."""
    name = "baseline-compiled" if compiled else "baseline"
    task = _copy([TOOLS / "bench" / SITE_PACKAGES, ROOT / "benchmarks" / "baseline"], folder / name)
    if compiled:
        compileall.compile_dir(task, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return Program(name, (task, folder / "runtime"), {})


def _copy(sources: list[Path], target: Path) -> Path:
    leave_out = shutil.ignore_patterns("__pycache__") if TOOLS in sources[0].parents else None
    for source in sources:
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=leave_out)
    return target


def _template_variables() -> dict[str, str]:
    template = load(ROOT / "template.yaml")
    declared = template["Globals"]["Function"]["Environment"]["Variables"]
    defaults = {name: each.get("Default") for name, each in template["Parameters"].items()}
    values = {
        name: defaults.get(value["Ref"]) if isinstance(value, dict) else value
        for name, value in declared.items()
    }
    return {name: str(value) for name, value in values.items() if value is not None}
