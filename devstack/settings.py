"""The settings of `make run`, from the environment and from `.env` in the project's root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from devstack import env_file, video_providers
from devstack.ports import Port

ROOT = Path(__file__).resolve().parent.parent
_ANY = {"0.0.0.0", "::"}  # noqa: S104 — recognised, not bound
_SWITCHES = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


class SettingsError(ValueError):
    """Settings are wrong; `problems` has a sentence for each, and the message all of them."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = problems
        super().__init__("\n  ".join(["settings are wrong:", *problems]))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The stack's own settings, each the variable of its name in capitals; times in seconds."""

    # --- The local stack alone
    #: Addresses at which the API listens, with commas. `0.0.0.0` lets other machines in.
    api_host: str = "localhost"
    #: The API's port.
    api_port: int = 8000
    #: Addresses at which MiniStack listens, with commas.
    aws_host: str = "127.0.0.1"
    #: MiniStack's port.
    aws_port: int = 4566
    #: The simulator's port.
    upstream_port: int = 8001
    #: The port of the simulator's files.
    upstream_files_port: int = 8002
    #: Seconds that the simulator takes for a video.
    upstream_seconds: float = 8.0
    #: Whether a saved file is reloaded.
    reload: bool = True
    #: Where tasks, keys and files are kept for the next start. Empty: nowhere.
    keep_in: Path | None = ROOT / ".local/kept"
    #: Whether the start asks a real relay once if it answers and takes the key.
    check_relay: bool = True

    #: All variables that have a value, for the settings that belong to the functions.
    values: Mapping[str, str]

    @classmethod
    def read(cls, environment: Mapping[str, str], dotenv: Path) -> Self:
        """Read both, the environment first; raise `SettingsError` with all that is wrong."""
        return cls.of({**env_file.read(dotenv).values, **environment})

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        """Read values by variable; raise `SettingsError` with all that is wrong."""
        reader = _Reader(values)
        settings = cls(
            values=values,
            api_host=values.get("API_HOST") or cls.api_host,
            api_port=reader.port("API_PORT", cls.api_port),
            aws_host=values.get("AWS_HOST") or cls.aws_host,
            aws_port=reader.port("AWS_PORT", cls.aws_port),
            upstream_port=reader.port("UPSTREAM_PORT", cls.upstream_port),
            upstream_files_port=reader.port("UPSTREAM_FILES_PORT", cls.upstream_files_port),
            upstream_seconds=reader.seconds("UPSTREAM_SECONDS", cls.upstream_seconds),
            keep_in=_folder(values, "KEEP_IN", cls.keep_in),
            check_relay=reader.switch("CHECK_RELAY", default=cls.check_relay),
            reload=reader.switch("RELOAD", default=cls.reload),
        )
        by_number: dict[int, list[str]] = {}
        for port in settings.ports():
            by_number.setdefault(port.number, []).append(port.setting)
        for number, names in by_number.items():
            if len(names) > 1:
                reader.problems.append(f"{' and '.join(names)} are both {number}: say two ports")
        if reader.problems:
            raise SettingsError(reader.problems)
        return settings

    @property
    def simulated(self) -> bool:
        """Whether the simulator is the relay, because there is no key to a real one."""
        return not self.values.get("VEO3_API_KEY")

    @property
    def needs_simulator(self) -> bool:
        """Whether the simulator runs; as the relay it plays chat and images too."""
        return self.simulated or bool(video_providers.simulated(self.values))

    @property
    def kept(self) -> Path | None:
        """Where these providers' tasks are kept: no other is paid for what waits for one."""
        if self.keep_in is None:
            return None
        if name := video_providers.folder_name(self.values):
            return self.keep_in / name
        earlier = self.keep_in / "stand-in"  # its name in earlier versions
        return earlier if earlier.is_dir() else self.keep_in / "simulator"

    @property
    def api_url(self) -> str:
        """Where a person on this machine finds the API."""
        host = next((host for host in self.api_hosts if host not in _ANY), "localhost")
        return f"http://{f'[{host}]' if ':' in host else host}:{self.api_port}"

    @property
    def api_hosts(self) -> list[str]:
        """Names and addresses that the API listens at; with commas several."""
        return [host.strip(" []") for host in self.api_host.split(",") if host.strip()]

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """What the `Host` of a request may be besides this machine's own names.

        All that is listened at, PUBLIC_URL's host, and ALLOWED_HOSTS as Django reads it:
        `.example.com` is a domain with all below it, `*` any host.
        """
        hosts = [
            self.values.get("PUBLIC_URL", ""),
            *self.values.get("ALLOWED_HOSTS", "").split(","),
        ]
        named = (_host(each.strip()) for each in hosts)
        return frozenset({*self.api_hosts, *self.aws_hosts, *named} - {"", *_ANY})

    @property
    def debug(self) -> bool:
        """Whether the steps are logged; another LOG_LEVEL may be meant for something else."""
        return self.values.get("LOG_LEVEL", "").upper() == "DEBUG"

    @property
    def aws_hosts(self) -> list[str]:
        """Addresses of the AWS APIs and the simulator: loopback, Docker's bridge for containers."""
        return [host.strip() for host in self.aws_host.split(",")]

    def ports(self) -> list[Port]:
        """Return all ports that a stack needs; the simulator opens its own."""
        ports = [
            Port(setting="API_PORT", hosts=self.api_hosts, number=self.api_port),
            Port(setting="AWS_PORT", hosts=self.aws_hosts, number=self.aws_port),
        ]
        if self.needs_simulator:
            own = {
                "UPSTREAM_PORT": self.upstream_port,
                "UPSTREAM_FILES_PORT": self.upstream_files_port,
            }
            ports += [
                Port(setting=name, hosts=self.aws_hosts, number=number, bound_here=False)
                for name, number in own.items()
            ]
        return ports

    @property
    def aws_url(self) -> str:
        """Where the functions find AWS: an address, for which boto3 puts buckets in the path."""
        return f"http://127.0.0.1:{self.aws_port}"

    @property
    def cors_origins(self) -> list[str]:
        """Pages that may call the API, of this machine or not; `*` is any."""
        return [origin for origin in self.values.get("CORS_ALLOW_ORIGINS", "").split(",") if origin]

    @property
    def writing_origins(self) -> list[str]:
        """Pages that may order: those of `cors_origins`, and the API's own behind a proxy.

        A proxy may send another `Host` than a browser's address bar has, which is PUBLIC_URL.
        """
        own = self.values.get("PUBLIC_URL", "").strip().rstrip("/")
        return [*self.cors_origins, *([own] if own else [])]


def _host(address: str) -> str:
    """Return the host of a URL, of host and port, or of an address; empty without one."""
    if address.count(":") > 1 and "[" not in address and "/" not in address:
        return address.lower()  # an IPv6 address
    return urlsplit(address if "//" in address else f"//{address}").hostname or ""


def _folder(values: Mapping[str, str], name: str, default: Path | None) -> Path | None:
    if name not in values:
        return default
    return ROOT / Path(values[name]).expanduser() if values[name] else None


class _Reader:
    """Reads values by name; one that cannot be read is a problem, and the default is used."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.problems: list[str] = []

    def port(self, name: str, default: int) -> int:
        text = self._text(name)
        if not text:
            return default
        if text.isascii() and text.isdecimal() and 0 < int(text) < 2**16:
            return int(text)
        self.problems.append(f"{name}={text!r}: say a port, 1 to 65535")
        return default

    def seconds(self, name: str, default: float) -> float:
        text = self._text(name)
        try:
            number = float(text or default)
        except ValueError:
            number = -1
        if 0 <= number < float("inf"):
            return number
        self.problems.append(f"{name}={text!r}: say a number of seconds, 0 or more")
        return default

    def switch(self, name: str, *, default: bool) -> bool:
        text = self._text(name)
        found = _SWITCHES.get(text.lower(), None if text else default)
        if found is None:
            self.problems.append(f"{name}={text!r}: say true or false")
            return default
        return found

    def _text(self, name: str) -> str:
        return self._values.get(name, "").strip()
