import json
import re
from dataclasses import asdict, fields
from itertools import permutations, product

import pytest

from tests.support.template import properties
from videoapi.aws.files import SESSION_SECONDS
from videoapi.settings import Settings

# Not settings: what a function learns from the resources, and what libraries read themselves.
FROM_RESOURCES = {"TABLE_NAME", "QUEUE_URL", "WEBHOOKS_QUEUE_URL", "BUCKET_NAME"}
WORKER_ALONE = re.compile("GOOGLE_|GEMINI_|VERTEX_")
LIBRARIES = {
    "AWS_CA_BUNDLE": "/opt/python/amazon-roots.pem",
    "PYDANTIC_DISABLE_PLUGINS": "true",
    "POWERTOOLS_SERVICE_NAME": {"Ref": "AWS::StackName"},
    "POWERTOOLS_LOG_LEVEL": "INFO",
}


def environment(deployment):
    """Return the worker's variables; all other functions have the same without Google's."""
    variables = {
        name: function["Environment"]["Variables"]
        for name, function in deployment.of_type("Lambda::Function").items()
    }
    worker = variables.pop("WorkerFunction")
    others = {name: value for name, value in worker.items() if not WORKER_ALONE.match(name)}
    assert others != worker
    assert all(each == others for each in variables.values())
    return worker


def variables_of(source):
    return source["Globals"]["Function"]["Environment"]["Variables"]


def variables_of_worker(source):
    return properties(source, "WorkerFunction")["Environment"]["Variables"]


@pytest.mark.fails_when(
    one_is_missing=lambda s: variables_of(s).pop("VEO3_MODEL"),
    one_is_fixed=lambda s: variables_of(s).update(LEASE_SECONDS="40"),
    one_reads_another=lambda s: variables_of(s).update(VEO3_ENDPOINT={"Ref": "Veo3BaseUrl"}),
    one_is_read_by_nobody=lambda s: variables_of(s).update(VEO3_APIKEY="x"),
    the_worker_has_one_less=lambda s: variables_of_worker(s).pop("GOOGLE_PROJECT"),
)
def test_each_setting_is_a_parameter_of_the_same_name(template):
    names = {f.name.upper() for f in fields(Settings)} - FROM_RESOURCES
    parameters = {name: name.title().replace("_", "") for name in names}
    declared = variables_of(template.source) | variables_of_worker(template.source)
    for name, parameter in parameters.items():
        assert declared.get(name) == {"Ref": parameter}
    assert declared.keys() == names | FROM_RESOURCES | LIBRARIES.keys()


@pytest.mark.fails_when(
    a_number=lambda s: s["Parameters"]["VideoTaskTimeout"].update(Default=900),
    a_word=lambda s: s["Parameters"]["Veo3SkipUpload"].update(Default="false"),
    a_text=lambda s: s["Parameters"]["Veo3ResultOrigins"].update(Default="http://a.example"),
)
def test_default_is_the_same_in_template_and_code(template):
    """A setting that nobody gives is the same in the template and in the code."""
    deployed = environment(template.deployed())
    variables = {k: v for k, v in deployed.items() if k not in FROM_RESOURCES | LIBRARIES.keys()}
    assert asdict(Settings.from_environment(variables)) == asdict(Settings())


@pytest.mark.fails_when(
    the_table_is_another=lambda s: variables_of(s).update(TABLE_NAME="tasks"),
    anything_is_trusted=lambda s: variables_of(s).pop("AWS_CA_BUNDLE"),
    powertools_is_silent=lambda s: variables_of(s).update(POWERTOOLS_LOG_LEVEL="ERROR"),
)
def test_functions_know_resources_and_powertools_the_service(template):
    deployed = environment(template.deployed())
    assert deployed["TABLE_NAME"] == {"Ref": "TasksTable"}
    assert deployed["QUEUE_URL"] == {"Ref": "TasksQueue"}
    assert deployed["BUCKET_NAME"] == {"Ref": "FilesBucket"}
    assert {k: deployed[k] for k in LIBRARIES} == LIBRARIES


@pytest.mark.fails_when(
    a_key_is_a_parameter=lambda s: s["Parameters"].update(Veo3ApiKey={"Default": ""}),
    a_key_is_a_variable=lambda s: variables_of(s).update(VEO3_API_KEY="{{resolve:secret}}"),
)
def test_template_knows_a_key_by_its_secrets_name_alone(template):
    source = template.source
    names = [*source["Parameters"], *variables_of(source), *variables_of_worker(source)]
    keys = [n for n in names if re.search(r"key|token|password", n, re.IGNORECASE)]
    assert all(re.search(r"api_?key_?secret$", name, re.IGNORECASE) for name in keys)
    # the relay's, the LLM's, the images API's and Gemini's, as parameter and variable
    assert len(keys) == 2 * 4


@pytest.mark.fails_when(
    it_says_nothing=lambda s: s["Parameters"]["LeaseSeconds"].pop("Description"),
    anything_goes=lambda s: s["Parameters"]["Veo3BaseUrl"].pop("AllowedPattern"),
    any_number_goes=lambda s: s["Parameters"]["VideoMaxConcurrent"].pop("MinValue"),
    it_must_be_given=lambda s: s["Parameters"]["Stage"].pop("Default"),
    a_pattern_speaks_for_itself=lambda s: s["Parameters"]["PublicUrl"].pop("ConstraintDescription"),
)
def test_each_parameter_is_described_bounded_and_has_a_default(template):
    for parameter in template.source["Parameters"].values():
        assert {"Description", "Default"} <= parameter.keys()
        assert {"AllowedValues", "AllowedPattern", "MinValue"} & parameter.keys()
        if "AllowedPattern" in parameter:  # else CloudFormation refuses by the pattern
            assert parameter["ConstraintDescription"].startswith("must ")


@pytest.mark.fails_when(
    it_takes_one=lambda s: s["Parameters"]["GoogleStsUrl"].update(
        ConstraintDescription="must be an origin without a path"
    ),
    it_takes_none=lambda s: s["Parameters"]["PublicUrl"].update(
        ConstraintDescription="must be an https:// address"
    ),
)
def test_a_refusal_says_without_a_path_where_none_is_taken(template):
    for name, parameter in template.source["Parameters"].items():
        pattern = parameter.get("AllowedPattern", "")
        if re.fullmatch(pattern, "https://a.example"):
            takes_path = re.fullmatch(pattern, "https://a.example/v1")
            words = parameter["ConstraintDescription"]
            assert ("without a path" in words) is not bool(takes_path), name


@pytest.mark.fails_when(
    nobody_asks=lambda s: properties(s, "HttpApi")["DefaultRouteSettings"].pop(
        "ThrottlingBurstLimit"
    )
)
def test_each_parameter_decides_something(template):
    deciding = template.source.keys() - {"Parameters", "Metadata"}
    source = json.dumps({section: template.source[section] for section in deciding})
    for parameter in template.source["Parameters"]:
        assert f'"{parameter}"' in source or f"${{{parameter}}}" in source


@pytest.mark.fails_when(
    the_pattern_refuses=lambda s: s["Parameters"]["Veo3Endpoint"].update(Default="v1/videos"),
    the_list_refuses=lambda s: s["Parameters"]["LogLevel"].update(Default="VERBOSE"),
    the_bounds_refuse=lambda s: s["Parameters"]["VideoMaxConcurrent"].update(Default=0),
)
def test_each_default_keeps_the_parameter_s_own_bounds(template):
    for parameter in template.source["Parameters"].values():
        default = parameter["Default"]
        assert default in parameter.get("AllowedValues", [default])
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), str(default))
        if "MinValue" in parameter:
            assert parameter["MinValue"] <= default <= parameter.get("MaxValue", default)


@pytest.mark.fails_when(
    any_origin=lambda s: s["Parameters"]["Veo3BaseUrl"].update(AllowedPattern=".*")
)
@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("Veo3BaseUrl", "http://127.0.0.1:8001", "https://a.example/v1"),
        ("Veo3BaseUrl", "https://a.example", "https://key@a.example"),
        ("Veo3BaseUrl", "https://a.example:8443", "ftp://a.example"),
        ("Veo3BaseUrl", "http://relay:8001", "http://a.example"),
        ("Veo3BaseUrl", "http://host.docker.internal:8001", "http://localhost.a.example"),
        ("Veo3BaseUrl", "http://[::1]:8001", "http://[2001:db8::1]"),
        ("Veo3BaseUrl", "http://172.17.0.1:8001", "http://172.32.0.1"),
        ("Veo3BaseUrl", "http://10.0.0.9", "http://10.a.example"),
        ("Veo3BaseUrl", "http://192.168.1.2:80", "http://8.8.8.8"),
        ("Veo3BaseUrl", "http://localhost:8001", "http://134744072"),
    ],
)
def test_key_goes_to_no_relay_in_clear_over_a_network(template, name, good, bad):
    pattern = template.source["Parameters"][name]["AllowedPattern"]
    assert re.fullmatch(pattern, good)
    assert not re.fullmatch(pattern, bad)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("Veo3Endpoint", "/v1/videos", "/v1/videos/"),
        ("Veo3AllowedModels", "veo_3_1, veo_3_1-fast", "veo_3_1,"),
        ("VideoProviders", "relay,vertex", "relay,sora"),
        ("VideoProviders", "relay, vertex,gemini", "relay vertex"),
        ("VideoRoutes", "a=relay:b,vertex:c;d=gemini:e", "a=relay"),
        ("ImageAllowedModels", "gpt-image-1, gpt-image-1-mini", "gpt-image-1,"),
        ("Veo3ResultOrigins", "http://127.0.0.1:8002,https://b.example", "b.example"),
        ("PublicUrl", "https://video.example", "https://video.example/"),
        ("PublicUrl", "http://localhost:8000", "https://video.example/api"),
        ("PublicUrl", "", "https://anna@video.example"),
        ("CorsAllowOrigins", "https://a.example,http://localhost:3000", "a.example"),
        ("CorsAllowOrigins", "*", "*,https://a.example"),
        ("FastLlmApiUrl", "https://llm.example/v1", "llm.example"),
        ("FastLlmApiUrl", "http://127.0.0.1:8001/v1", "http://llm.example/v1"),
        ("ImageBaseUrl", "https://images.example/v1", "https://key@images.example/v1"),
        ("ImageBaseUrl", "http://localhost:8001", "http://images.example"),
        ("ImageBaseUrl", "", "http://8.8.8.8/v1"),
        ("Veo3ApiKeySecret", "video-api/veo3-api-key", "sk-*"),
    ],
)
def test_parameter_takes_what_is_meant_alone(source, name, good, bad):
    pattern = source["Parameters"][name]["AllowedPattern"]
    assert re.fullmatch(pattern, good)
    assert not re.fullmatch(pattern, bad)


@pytest.mark.fails_when(
    anywhere=lambda s: s["Rules"].pop("PrivateImagesAreForLocalWork"),
    nowhere=lambda s: s["Rules"]["PrivateImagesAreForLocalWork"].pop("RuleCondition"),
)
def test_private_image_urls_are_local_alone(template):
    """Image URLs lead to private addresses on the local stack alone."""
    assert template.allows(Stage="prod")
    assert template.allows(Stage="local", ImageUrlAllowPrivate="true")
    for stage in ("dev", "prod"):
        assert not template.allows(Stage=stage, ImageUrlAllowPrivate="true")


@pytest.mark.fails_when(
    a_week=lambda s: s["Parameters"]["PresignedUrlSeconds"].update(MaxValue=604800)
)
def test_no_link_outlasts_a_roles_session(template):
    """No link is promised for longer than a role's session lasts."""
    assert template.source["Parameters"]["PresignedUrlSeconds"]["MaxValue"] == SESSION_SECONDS


@pytest.mark.fails_when(
    one_stands_alone=lambda s: groups_of(s)[0]["Parameters"].pop(),
    one_stands_twice=lambda s: groups_of(s)[0]["Parameters"].append("AlarmEmail"),
)
def test_each_parameter_is_in_one_console_group(template):
    """Each parameter stands in one group of the console's form."""
    grouped = [name for group in groups_of(template.source) for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template.source["Parameters"])


def lists(source, rule):
    """Return the lists of providers that a rule leaves alone."""
    return source["Rules"][rule]["RuleCondition"]["Fn::Not"][0]["Fn::Contains"][0]


def groups_of(source):
    return source["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]


POOL = "projects/1/locations/global/workloadIdentityPools/pool/providers/aws"
VEO = {"VideoProviders": "relay,vertex", "GoogleProject": "my-project"}
OTHERS = {  # what the other one of Google's needs
    "vertex": {"GeminiApiKeySecret": "gemini"},
    "gemini": {"GoogleProject": "my-project", "GoogleCredentialsSecret": "google"},
}
BOTH = {"GoogleWorkloadIdentityProvider": POOL, "GoogleCredentialsSecret": "google"}


@pytest.mark.fails_when(
    veo_is_missed=lambda s: lists(s, "VeoNeedsAProjectAndAnIdentity").append("relay,vertex"),
    no_project=lambda s: s["Rules"]["VeoNeedsAProjectAndAnIdentity"]["Assertions"].pop(0),
    no_identity=lambda s: s["Rules"]["VeoNeedsAProjectAndAnIdentity"]["Assertions"].pop(1),
    omni_is_missed=lambda s: s["Rules"].pop("OmniNeedsAKey"),
)
def test_listed_provider_needs_its_credentials(template):
    assert template.allows()
    assert template.allows(**VEO, GoogleWorkloadIdentityProvider=POOL)
    assert template.allows(**VEO, GoogleCredentialsSecret="google")
    assert template.allows(VideoProviders="relay,gemini", GeminiApiKeySecret="gemini")
    assert not template.allows(**VEO)
    assert not template.allows(**VEO, **BOTH)
    assert not template.allows(VideoProviders="relay,vertex", GoogleCredentialsSecret="google")
    assert not template.allows(VideoProviders="relay,gemini")


@pytest.mark.parametrize("provider", ["vertex", "gemini"])
@pytest.mark.fails_when(
    an_order_is_missed=lambda s: [
        lists(s, rule).append("vertex, gemini,relay")
        for rule in ("VeoNeedsAProjectAndAnIdentity", "OmniNeedsAKey")
    ]
)
def test_rules_know_providers_in_any_order(template, provider):
    for count in (1, 2, 3):
        for listed in permutations(("relay", "vertex", "gemini"), count):
            for spaces in product(("", " "), repeat=count - 1):
                text = listed[0] + "".join(map(",{}{}".format, spaces, listed[1:]))
                others = {"VideoRoutes": "a=relay:b"} | OTHERS[provider]
                assert template.allows(VideoProviders=text, **others) is (provider not in listed)


@pytest.mark.fails_when(
    it_is_allowed=lambda s: s["Rules"].pop("RoutesWhereThereIsNoRelay"),
    a_list_is_missed=lambda s: s["Rules"]["RoutesWhereThereIsNoRelay"]["RuleCondition"][
        "Fn::Contains"
    ][0].remove("gemini, vertex"),
)
def test_routes_are_needed_where_there_is_no_relay(template):
    credentials = {"GeminiApiKeySecret": "gemini"} | OTHERS["gemini"]
    for listed in ("vertex", "gemini", "vertex,gemini", "gemini, vertex", "relay,vertex"):
        routes = {"VideoProviders": listed, "VideoRoutes": "veo_3_1=vertex:veo"}
        assert template.allows(**credentials, **routes)
        has_relay = "relay" in listed
        assert template.allows(**credentials, **routes | {"VideoRoutes": ""}) is has_relay


@pytest.mark.fails_when(
    anything_goes=lambda s: [
        parameter.update(AllowedPattern=".*")
        for name, parameter in s["Parameters"].items()
        if name.startswith(("Google", "Gemini", "Vertex"))
    ],
)
@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("GoogleStsUrl", "https://sts.googleapis.com/v1/token", "ftp://sts.example/v1/token"),
        ("GoogleStsUrl", "http://127.0.0.1:8001/v1/token", "http://sts.example/v1/token"),
        ("VertexBaseUrl", "", "https://a.example/v1"),
        ("VertexBaseUrl", "http://127.0.0.1:8001", "http://a.example"),
        ("GeminiBaseUrl", "https://a.example", "https://key@a.example"),
        ("GoogleIamUrl", "https://a.example:8443", "https://a.example?key=1"),
        ("GoogleStorageUrl", "http://localhost:8001", "http://8.8.8.8"),
        ("GoogleWorkloadIdentityProvider", POOL, "//iam.googleapis.com/" + POOL),
        ("GoogleServiceAccount", "veo@my-project.iam.gserviceaccount.com", "me@gmail.com"),
        ("GoogleProject", "my-project", "my/project"),
        ("GoogleLocation", "us-central1", "evil.example"),
    ],
)
def test_google_parameters_are_bounded(template, name, good, bad):
    pattern = template.source["Parameters"][name]["AllowedPattern"]
    assert re.fullmatch(pattern, good)
    assert not re.fullmatch(pattern, bad)
