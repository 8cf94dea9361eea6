"""Settings are refused in words that name them, all at once, and before anything is built."""

import re

import pytest

from devstack import checks, template
from devstack.settings import ROOT, SettingsError
from videoapi.settings import Settings as FunctionSettings

TEMPLATE = template.load(ROOT / "template.yaml")
EXAMPLE = (ROOT / ".env.example").read_text()
KNOWN = checks.names(TEMPLATE, EXAMPLE)


@pytest.fixture
def check(tmp_path):
    def check(dotenv="", **environment):
        (tmp_path / ".env").write_text(dotenv)
        return checks.checked(environment, tmp_path / ".env")

    return check


@pytest.fixture
def problems(check):
    def problems(dotenv="", **environment):
        with pytest.raises(SettingsError) as excinfo:
            check(dotenv, **environment)
        assert all(problem in str(excinfo.value) for problem in excinfo.value.problems)
        return excinfo.value.problems

    return problems


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("VIDEO_MAX_CONCURENT", "VIDEO_MAX_CONCURRENT"),
        ("ALOW_ANONYMOUS", "ALLOW_ANONYMOUS"),
        ("VEO_API_KEY", "VEO3_API_KEY"),
        ("veo3_api_key", "VEO3_API_KEY"),
        ("Veo3BaseUrl", "VEO3_BASE_URL"),
        ("UPSTREAM_SECOND", "UPSTREAM_SECONDS"),
        ("CORS_ALLOWED_ORIGINS", "CORS_ALLOW_ORIGINS"),
    ],
)
def test_a_slip_of_the_pen_in_the_file_is_refused_with_its_line(problems, slip, meant):
    (problem,) = problems(f"API_PORT=9000\n\n{slip}=3\n")
    assert problem == f".env, line 3: {slip} is no setting; did you mean {meant}?"


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "DATABASE_URL", "AWS_PROFILE", "DEBUG"])
def test_another_programs_setting_in_the_file_is_only_told(check, name):
    _, warnings = check(f"{name}=1\n")
    assert [w for w in warnings if f".env, line 1: {name} is no setting and does nothing" in w]


def test_a_log_level_in_the_file_that_does_nothing_is_told(check):
    """In the environment it may be meant for another program."""
    for level, told in (("verbose", 1), ("WARNING", 1), ("debug", 0), ("INFO", 0)):
        _, warnings = check(f"LOG_LEVEL={level}\n")
        assert warnings == [f"LOG_LEVEL={level!r} does nothing: say DEBUG or INFO"] * told
    assert check(LOG_LEVEL="verbose")[1] == []


def test_slip_in_the_environment_is_named(check):
    """A slip in the environment is reported and other programs' variables are not."""
    _, warnings = check(VIDEO_MAX_CONCURENT="3", HOME="/", OPENAI_API_KEY="k", AWS_PROFILE="p")
    assert warnings == ["VIDEO_MAX_CONCURENT is no setting; did you mean VIDEO_MAX_CONCURRENT?"]


@pytest.mark.parametrize("secret", ["abc", "whsec_", "whsec_abc", "'a word'"])
def test_webhook_secret_that_signs_nothing_is_told_not_shown(problems, secret):
    (problem,) = problems(f"WEBHOOK_SECRET={secret}\n")
    assert problem == "WEBHOOK_SECRET holds no secret: say whsec_ and 32 random bytes in base64."


def test_a_webhook_secret_of_the_users_own_is_taken(check):
    settings, warnings = check("WEBHOOK_SECRET=whsec_AAAA+/8=\n")
    assert settings.values["WEBHOOK_SECRET"] == "whsec_AAAA+/8="
    assert warnings == []


def test_every_setting_of_the_example_is_known(check):
    _, warnings = check(re.sub(r"^#(?=[A-Z_0-9]+=)", "", EXAMPLE, flags=re.MULTILINE))
    assert warnings == []


def test_every_setting_that_the_local_stack_reads_is_known():
    code = "".join(path.read_text() for path in (ROOT / "devstack").glob("*.py"))
    read = set(re.findall(r'values(?:\.get\(|\[)"([A-Z][A-Z0-9_]+)"', code))
    assert "VEO3_API_KEY" in read
    assert read <= KNOWN


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("VIDEO_MAX_CONCURRENT", "three", "'three': say a whole number, 1 to 1000"),
        ("VIDEO_MAX_CONCURRENT", "2.5", "say a whole number"),
        ("VIDEO_MAX_CONCURRENT", "0", "1 to 1000"),
        ("VIDEO_GENERATION_RETRY_DELAY", "soon", "say a number, 0 to 600"),
        ("VIDEO_GENERATION_RETRY_DELAY", "nan", "say a number"),
        ("VEO3_SKIP_UPLOAD", "maybe", "say true or false"),
        ("VEO3_AMBIGUOUS_SUBMIT", "again", "say fail or retry"),
        ("RELOAD", "perhaps", "say true or false"),
        ("UPSTREAM_SECONDS", "-1", "0 or more"),
        ("API_PORT", "eighty", "say a port"),
        ("VEO3_BASE_URL", "relay:8101", "begin with https:// or http://"),
        ("VEO3_BASE_URL", "ftp://relay", "https:// or http://"),
        ("VEO3_BASE_URL", "https://relay/v1", "say https://relay; "),
        ("VEO3_BASE_URL", "https://relay/v1", "the path goes into VEO3_ENDPOINT=/v1/videos"),
        ("VEO3_BASE_URL", "https://r/a/videos/", "goes into VEO3_ENDPOINT=/a/videos"),
        ("VEO3_BASE_URL", "https://relay:99999", "a port is a number, 0 to 65535"),
        ("PUBLIC_URL", "https://relay:80a", "a port is a number, 0 to 65535"),
        ("PUBLIC_URL", "'https://a b'", "no blanks"),
        ("CORS_ALLOW_ORIGINS", "'http://a:1 http://b:2'", "no blanks; say several with commas"),
        ("VEO3_ENDPOINT", "v1/videos", "say /v1/videos"),
        ("CORS_ALLOW_ORIGINS", "localhost:5173", "begin with https:// or http://"),
        ("CORS_ALLOW_ORIGINS", "http://a,http://b/page", "say http://b"),
        ("IMAGE_BASE_URL", "images.example", "begin with"),
        ("IMAGE_BASE_URL", "https://x/?a=b", "must be an https:// address without a query"),
        ("PUBLIC_URL", "https://x/api", "say https://x"),
        ("VEO3_BASE_URL", "http://relay.example", "say https://"),
        ("VEO3_MODEL", "two words", "must be the name of one model"),
    ],
)
def test_a_wrong_value_is_told_in_words_with_its_setting(problems, name, text, words):
    (problem,) = problems(f"{name}={text}\n")
    assert problem.startswith(f"{name}=")
    assert words in problem


@pytest.mark.parametrize(
    ("name", "text", "taken"),
    [
        ("VEO3_BASE_URL", "https://Relay.example/", "https://relay.example"),
        ("VEO3_BASE_URL", "http://127.0.0.1:8101//", "http://127.0.0.1:8101"),
        ("VEO3_BASE_URL", "http://[::1]:8101", "http://[::1]:8101"),
        ("VEO3_ENDPOINT", "/v1/videos/", "/v1/videos"),
        ("CORS_ALLOW_ORIGINS", "http://localhost:5173/", "http://localhost:5173"),
        ("CORS_ALLOW_ORIGINS", " https://a:443/ , http://b:80 ", "https://a,http://b"),
        ("CORS_ALLOW_ORIGINS", "*", "*"),
        ("PUBLIC_URL", "https://example.com/", "https://example.com"),
        ("IMAGE_BASE_URL", "https://example.com/v1/", "https://example.com/v1"),
        ("VEO3_SKIP_UPLOAD", "False", "false"),
        ("ALLOW_ANONYMOUS", "0", "false"),
        ("VEO3_STRICT_LENGTHS", "yes", "true"),
        ("VEO3_AMBIGUOUS_SUBMIT", "Retry", "retry"),
        ("VIDEO_MAX_CONCURRENT", " 3 ", "3"),
        ("VEO3_MODEL", "", ""),
    ],
)
def test_a_value_is_brought_into_the_templates_form(check, name, text, taken):
    settings, _ = check(**{name: text})
    assert settings.values[name] == taken


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"VIDEO_PROVIDERS": "relay,vertx"}, "VIDEO_PROVIDERS='vertx': say one of relay, vertex"),
        ({"VIDEO_PROVIDERS": "relay,vertx"}, "did you mean vertex?"),
        ({"VIDEO_PROVIDERS": "Gemini,relay"}, "did you mean gemini?"),
        ({"VIDEO_PROVIDERS": "relay vertex"}, "several with commas: relay,vertex"),
        ({"VIDEO_PROVIDERS": "vertex"}, "has no relay, so VIDEO_ROUTES must say where"),
        ({"VIDEO_PROVIDERS": "relay", "VIDEO_ROUTES": "veo_3_1=vertex:veo"}, "needs vertex among"),
        ({"VIDEO_ROUTES": "veo_3_1=relai:veo_3_1"}, "did you mean relay?"),
        ({"VIDEO_ROUTES": "veo_3_1"}, "for example veo_3_1="),
        ({"VIDEO_ROUTES": "veo_3_1=relay:my veo"}, "'my veo': a model has letters"),
        ({"VIDEO_ROUTES": "veo=relay:veo_3_1"}, "VEO3_MODEL='veo_3_1': say one of veo"),
        (
            {"VIDEO_ROUTES": "veo_3_1=relay:veo_3_1", "VEO3_MODEL": "nix"},
            "VEO3_MODEL='nix': say one of veo_3_1",
        ),
        (
            {"VIDEO_ROUTES": "veo_3_1=relay:a;omni=relay:b", "VEO3_MODEL": "veo3.1"},
            "VEO3_MODEL='veo3.1': say one of veo_3_1, omni; did you mean veo_3_1?",
        ),
    ],
)
def test_settings_by_which_no_function_starts_are_told(problems, values, words):
    (problem,) = problems(**values)
    assert words in problem
    assert "|" not in problem  # no regular expression


def test_a_refused_model_is_told_once(problems):
    (problem,) = problems(VEO3_MODEL="two words", VIDEO_ROUTES="veo=relay:veo_3_1")
    assert problem.startswith("VEO3_MODEL='two words'")


def test_blanks_in_providers_and_routes_are_taken(check):
    settings, _ = check(
        VIDEO_PROVIDERS=" relay , vertex,",
        VIDEO_ROUTES=" veo_3_1 = relay:veo_3_1 , vertex:veo ; omni=relay:b; ",
    )
    assert settings.values["VIDEO_PROVIDERS"] == "relay,vertex"
    assert settings.values["VIDEO_ROUTES"] == "veo_3_1=relay:veo_3_1,vertex:veo;omni=relay:b"
    for name in ("VIDEO_PROVIDERS", "VIDEO_ROUTES"):
        parameter = TEMPLATE["Parameters"][template.variables(TEMPLATE)[name]]
        assert checks.value(settings.values[name], parameter) == settings.values[name]


def test_all_that_is_wrong_is_told_at_once(problems):
    found = problems(
        "hello world\nVIDEO_MAX_CONCURENT=3\nVEO3_BASE_URL=relay\n",
        API_PORT="eighty",
        VIDEO_TASK_TIMEOUT="never",
        UPSTREAM_PORT="9000",
        UPSTREAM_FILES_PORT="9000",
        VIDEO_PROVIDERS="relai",
    )
    assert len(found) == 7


@pytest.mark.parametrize("key", ["Bearer sk-secret", '"sk-secret"', "sk secret", "sk-secretü"])
def test_a_key_that_cannot_be_one_is_told_and_not_shown(problems, key):
    (problem,) = problems(VEO3_API_KEY=key)
    assert problem.startswith("VEO3_API_KEY: ")
    assert "secret" not in problem


def test_a_password_in_an_address_is_not_shown(problems):
    (problem,) = problems(VEO3_BASE_URL="https://me:secret@relay.example")
    assert "no password" in problem
    assert "secret" not in problem


def test_whole_numbers_are_those_that_the_functions_read_as_such():
    for name, parameter in template.variables(TEMPLATE).items():
        declared = TEMPLATE["Parameters"][parameter]
        default = getattr(FunctionSettings, name.lower(), None)
        if declared["Type"] == "Number" and default is not None:
            assert isinstance(declared["Default"], int) == isinstance(default, int), name
