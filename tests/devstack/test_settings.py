from itertools import chain, combinations
from pathlib import Path

import pytest
from dotenv import dotenv_values

from devstack import template, video_providers
from devstack.checks import names
from devstack.function_settings import function_settings
from devstack.settings import ROOT, Settings


@pytest.fixture
def read(tmp_path):
    def read(environment=None, dotenv=""):
        (tmp_path / ".env").write_text(dotenv)
        return Settings.read(environment or {}, tmp_path / ".env")

    return read


def test_without_a_word_the_documents_address_is_served(read):
    assert read().api_url == "http://localhost:8000"
    assert Settings.read({}, ROOT / "no such file").api_port == 8000


def test_the_environment_wins_over_the_file(read):
    assert read({"API_PORT": "9000"}, "API_PORT=9001\nAWS_PORT=9002").api_port == 9000
    assert read({"API_PORT": "9000"}, "API_PORT=9001\nAWS_PORT=9002").aws_port == 9002


def test_a_key_with_a_dollar_is_taken_literally(read):
    assert read(dotenv="VEO3_API_KEY=a$b${HOME}").values["VEO3_API_KEY"] == "a$b${HOME}"


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_wrong_port_is_named(read, port):
    with pytest.raises(ValueError, match="UPSTREAM_PORT"):
        read({"UPSTREAM_PORT": port})


def test_wrong_seconds_are_named(read):
    with pytest.raises(ValueError, match="UPSTREAM_SECONDS"):
        read({"UPSTREAM_SECONDS": "soon"})


def test_simulator_is_the_relay_without_a_key(read):
    """Without a key the simulator is the relay whatever its address."""
    settings = read({"UPSTREAM_PORT": "9001", "VEO3_BASE_URL": "https://relay.example"})
    assert settings.simulated
    values = function_settings(settings)
    assert values["VEO3_BASE_URL"] == "http://127.0.0.1:9001"
    assert values["VEO3_EXTRA_FIELDS"] == "true"
    assert values["VEO3_RESULT_ORIGINS"] == "http://127.0.0.1:8002"


def test_with_a_key_the_relay_is_the_users_and_nothing_is_added(read):
    settings = read({"VEO3_API_KEY": "k", "VEO3_BASE_URL": "https://relay.example"})
    assert not settings.simulated
    values = function_settings(settings)
    assert values["VEO3_BASE_URL"] == "https://relay.example"
    assert "VEO3_EXTRA_FIELDS" not in values


def test_without_credentials_the_simulator_plays_google_too(read):
    settings = read({"VIDEO_PROVIDERS": "relay, vertex,gemini", "UPSTREAM_PORT": "9001"})
    assert video_providers.simulated(settings.values) == ["relay", "vertex", "gemini"]
    values = function_settings(settings)
    origin = "http://127.0.0.1:9001"
    assert values["GOOGLE_STS_URL"] == f"{origin}/v1/token"
    for name in ("VERTEX_BASE_URL", "GEMINI_BASE_URL", "GOOGLE_IAM_URL", "GOOGLE_STORAGE_URL"):
        assert values[name] == origin
    assert values["GOOGLE_PROJECT"]
    assert values["GOOGLE_WORKLOAD_IDENTITY_PROVIDER"].startswith("projects/")
    assert values["GEMINI_API_KEY"] == values["VEO3_API_KEY"]


@pytest.mark.parametrize(
    "own",
    [
        {"GOOGLE_WORKLOAD_IDENTITY_PROVIDER": "projects/1"},
        {"GOOGLE_CREDENTIALS_FILE": "pyproject.toml"},
        {"VERTEX_BASE_URL": "https://proxy.example"},
    ],
)
def test_a_provider_of_the_users_own_is_left_as_it_is(read, own):
    settings = read({"VIDEO_PROVIDERS": "vertex,gemini", "VEO3_API_KEY": "k"} | own)
    assert video_providers.simulated(settings.values) == ["gemini"]
    assert settings.needs_simulator
    values = function_settings(settings)
    assert "GOOGLE_STS_URL" not in values
    assert values | own == values
    assert {port.setting for port in settings.ports()} >= {"UPSTREAM_PORT"}


def test_the_simulator_plays_no_provider_that_is_not_named(read):
    assert not read({"VEO3_API_KEY": "k"}).needs_simulator
    assert "GEMINI_API_KEY" not in function_settings(read())


def test_what_was_said_wins_over_what_fits_this_machine(read):
    values = function_settings(read({"VEO3_EXTRA_FIELDS": "false", "PUBLIC_URL": "https://x"}))
    assert (values["VEO3_EXTRA_FIELDS"], values["PUBLIC_URL"]) == ("false", "https://x")


def test_pages_that_may_call_the_api_are_named_with_commas(read):
    both = "https://a.example,http://localhost:5173"
    assert read({"CORS_ALLOW_ORIGINS": both}).cors_origins == both.split(",")
    assert read({"CORS_ALLOW_ORIGINS": ""}).cors_origins == read().cors_origins == []


@pytest.mark.parametrize("said", ["https://video.example", "https://video.example/"])
def test_a_page_behind_a_proxy_may_order_at_its_own_address(read, said):
    found = read({"PUBLIC_URL": said, "CORS_ALLOW_ORIGINS": "https://a.example"})
    assert found.writing_origins == ["https://a.example", "https://video.example"]
    assert found.cors_origins == ["https://a.example"]
    assert read().writing_origins == []


def test_an_empty_setting_is_none(read):
    assert "VEO3_MODEL" not in function_settings(read(dotenv="VEO3_MODEL="))


@pytest.mark.parametrize(
    ("hosts", "url"),
    {
        "::": "http://localhost:8000",
        "localhost, 10.0.0.7": "http://localhost:8000",
        "10.0.0.7": "http://10.0.0.7:8000",
        "0.0.0.0,mybox": "http://mybox:8000",
        "fd00::7": "http://[fd00::7]:8000",
    }.items(),
)
def test_links_lead_to_the_first_host_that_has_a_name(read, hosts, url):
    assert read({"API_HOST": hosts}).api_url == url


def test_the_api_listens_at_several_hosts(read):
    assert read({"API_HOST": "localhost, 10.0.0.7"}).api_hosts == ["localhost", "10.0.0.7"]


@pytest.mark.parametrize(
    ("values", "host"),
    [
        ({"API_HOST": "0.0.0.0,10.0.0.7"}, "10.0.0.7"),
        ({"AWS_HOST": "127.0.0.1,172.17.0.1"}, "172.17.0.1"),
        ({"PUBLIC_URL": "https://Videos.example:8443/api"}, "videos.example"),
        ({"ALLOWED_HOSTS": "a.example, b.example:8000"}, "b.example"),
        ({"ALLOWED_HOSTS": ".home.arpa"}, ".home.arpa"),
        ({"ALLOWED_HOSTS": "fd00::7"}, "fd00::7"),
        ({"ALLOWED_HOSTS": "[fd00::7]:8000"}, "fd00::7"),
        ({"ALLOWED_HOSTS": "*"}, "*"),
    ],
)
def test_a_host_is_allowed_that_is_listened_at_public_or_named(read, values, host):
    assert host in read(values).allowed_hosts


def test_address_for_all_is_no_host_to_be_asked_for(read):
    allowed = read({"API_HOST": "0.0.0.0,::", "ALLOWED_HOSTS": "", "PUBLIC_URL": ""}).allowed_hosts
    assert allowed == {"127.0.0.1"}


@pytest.mark.parametrize(("level", "steps"), [("debug", "DEBUG"), ("DEBUG", "DEBUG")])
def test_the_steps_are_logged_at_debug(read, level, steps):
    values = function_settings(read({"LOG_LEVEL": level}))
    assert values["POWERTOOLS_LOG_LEVEL"] == steps


@pytest.mark.parametrize("level", ["", "warning", "error", "trace"])
def test_ambiguous_log_level_is_not_handed_on(read, level):
    """A level that may be meant for something else is not handed on."""
    assert "POWERTOOLS_LOG_LEVEL" not in function_settings(read({"LOG_LEVEL": level}))


def test_the_example_names_only_settings_that_exist(tmp_path):
    uncommented = (ROOT / ".env.example").read_text().replace("\n#", "\n")
    (tmp_path / ".env").write_text(uncommented)
    known = names(template.load(ROOT / "template.yaml"), example="")
    named = {name for name, value in dotenv_values(tmp_path / ".env").items() if value is not None}
    assert named
    assert named <= known


def test_tasks_are_kept_in_the_project_by_default(read):
    """Tasks are kept in the project unless another place or none is named."""
    assert read().keep_in == ROOT / ".local/kept"
    assert read({"KEEP_IN": ""}).keep_in is None
    assert read(dotenv="KEEP_IN=/elsewhere").keep_in == Path("/elsewhere")
    assert read(dotenv="KEEP_IN=~/videos").keep_in == Path.home() / "videos"


def test_folder_of_an_earlier_version_is_still_used(tmp_path):
    settings = Settings(values={}, keep_in=tmp_path)
    assert settings.kept == tmp_path / "simulator"
    (tmp_path / "stand-in").mkdir()
    assert settings.kept == tmp_path / "stand-in"


def test_what_is_kept_for_one_relay_is_not_given_to_another(read):
    key = {"VEO3_API_KEY": "k"}
    assert read({"KEEP_IN": ""}).kept is None
    assert read().kept == ROOT / ".local/kept/simulator"
    assert read(key).kept == ROOT / ".local/kept/relay"
    everything = {"VIDEO_PROVIDERS": "relay,vertex,gemini"}
    assert read(everything).kept == read().kept
    named = read(key | {"VEO3_BASE_URL": "https://Relay.example:8443"}).kept
    assert named == ROOT / ".local/kept/https-relay.example-8443"
    assert read(key | {"VEO3_BASE_URL": "/../.."}).kept.parent == ROOT / ".local/kept"


REAL = {
    "relay": {"VEO3_API_KEY": "k"},
    "vertex": {"GOOGLE_WORKLOAD_IDENTITY_PROVIDER": "pool", "GOOGLE_PROJECT": "my-project"},
    "gemini": {"GEMINI_API_KEY": "k"},
}


def test_each_mixture_of_real_and_simulated_keeps_elsewhere(read):
    """What waits for the simulator is in no folder of a run that pays for the same model."""
    folders = {}
    for count in (1, 2, 3):
        for used in combinations(REAL, count):
            for real in chain.from_iterable(combinations(used, n) for n in range(count + 1)):
                values = {"VIDEO_PROVIDERS": ",".join(used)}
                for name in real:
                    values |= REAL[name]
                kept = (used, real) if real else "simulated"
                folders.setdefault(read(values).kept, set()).add(kept)
    assert all(len(kept) == 1 for kept in folders.values())
    assert len(folders) == 3**3 - 2**3 + 1  # each is out, simulated or real; all simulated are one


def test_each_project_and_address_keeps_elsewhere(read):
    values = REAL["vertex"] | {"VIDEO_PROVIDERS": "vertex,relay"}
    mixed = read(values).kept
    assert mixed.name == "vertex-my-project+simulated-relay"
    assert read(values | {"VIDEO_PROVIDERS": "relay, vertex"}).kept == mixed
    others = [
        values | {"GOOGLE_PROJECT": "other"},
        values | {"VERTEX_BASE_URL": "https://proxy.example"},
        values | REAL["relay"],
        values | REAL["relay"] | {"VEO3_BASE_URL": "https://relay.example"},
    ]
    assert len({mixed, *(read(other).kept for other in others)}) == 5


def test_a_key_of_a_relay_that_is_not_in_use_pays_nobody(read):
    values = REAL["relay"] | {"VIDEO_PROVIDERS": "vertex"}
    assert read(values).kept == read().kept
