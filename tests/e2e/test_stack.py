"""The local stack itself: its doors, its end, and that MiniStack has what the template says."""

import gzip
import signal
import subprocess
import time

import boto3
import httpx
import pytest

from devstack import template
from devstack.build import TOOLS
from devstack.settings import ROOT
from tests.e2e.conftest import PAGE
from tests.support import web
from tests.support.free_ports import free_ports
from tests.support.running_stack import PORTS, running_stack, start
from tests.support.simulator_process import running
from videoapi.accounts.api_keys import ApiKeyStore, Limits

ROOT_KEYS = {  # of the account
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
    "region_name": "us-east-1",
}


@pytest.fixture
def aws(stack):
    return lambda service: boto3.client(service, endpoint_url=stack.aws_url, **ROOT_KEYS)


def wait_for_the_end(api, task_id, *, seconds=60):
    until = time.monotonic() + seconds
    while (task := api.get(f"/api/v1/tasks/{task_id}").json())["status"] != "completed":
        assert task["status"] in {"pending", "processing"}, task
        assert time.monotonic() < until, task
        time.sleep(0.2)


def templates_routes():
    for resource in template.load(ROOT / "template.yaml")["Resources"].values():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] == "HttpApi":
                properties = event["Properties"]
                path = properties.get("Path")
                yield f"{properties['Method']} {path}" if path else "$default"


def processes():
    listed = subprocess.run(["/bin/ps", "-Ao", "pid=,ppid=,stat="], capture_output=True, check=True)
    for line in listed.stdout.decode().splitlines():
        pid, parent, state = line.split()
        if not state.startswith("Z"):
            yield int(pid), int(parent)


def children(pid):
    return {child for child, parent in processes() if parent == pid}


def ended(pids, within_seconds=5):
    until = time.monotonic() + within_seconds
    while pids & {pid for pid, _ in processes()}:
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def made_key(stack):
    tables = boto3.client("dynamodb", endpoint_url=stack.aws_url, **ROOT_KEYS)
    (table,) = tables.list_tables()["TableNames"]
    return ApiKeyStore(tables, table, time.time).make("alice", Limits())


def test_every_route_of_the_template_is_served(aws):
    gateway = aws("apigatewayv2")
    (api,) = gateway.get_apis()["Items"]
    routes = gateway.get_routes(ApiId=api["ApiId"])["Items"]
    assert sorted(r["RouteKey"] for r in routes) == sorted(templates_routes())


@pytest.mark.parametrize("path", ["/api/v1/health", "/openapi.json", "/docs"])
def test_the_api_answers_at_the_root_of_its_own_port(api, path):
    assert api.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/_ministack/health", "/_localstack/health"])
def test_no_path_of_the_api_is_ministacks_own(api, path):
    assert api.get(path).status_code == 404


def test_a_host_that_is_not_this_machine_is_refused(stack):
    for url in (stack.api_url, stack.aws_url):
        assert web.get(url, headers={"Host": "evil.example"}).status_code == 403


def test_a_page_from_elsewhere_cannot_write(stack):
    for url in (stack.api_url, stack.aws_url):
        assert web.post(url, headers={"Origin": "https://evil.example"}).status_code == 403


def test_page_of_an_allowed_origin_may_call_with_a_key(api):
    """A page of the setting may call the API with a key and read its headers."""
    wanted = "authorization,content-type,idempotency-key,x-api-key"
    page = {"Origin": PAGE}
    asks = page | {
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": wanted,
    }
    preflight = api.options("/v1/videos/vid_1", headers=asks)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == PAGE
    assert "DELETE" in preflight.headers["access-control-allow-methods"]
    assert set(wanted.split(",")) <= set(
        preflight.headers["access-control-allow-headers"].split(",")
    )
    for response in (
        api.get("/v1/videos", headers=page),
        api.post("/v1/videos", headers=page, json={}),
        api.get("/v1/nothing", headers=page),
    ):
        assert response.headers["access-control-allow-origin"] == PAGE
        assert "x-request-id" in response.headers["access-control-expose-headers"]


def test_a_page_of_no_setting_may_not_call_the_api(api):
    foreign = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in api.options("/v1/videos", headers=foreign).headers
    assert "access-control-allow-origin" not in api.get("/v1/videos", headers=foreign).headers


def test_text_that_is_not_utf_8_is_refused(api):
    """Text that is not UTF-8 is refused although the gateway repairs it."""
    for path in ("/v1/videos", "/api/v1/videos/generate", "/api/v1/uploads"):
        response = api.post(
            path, content=b'{"prompt": "caf\xe9"}', headers={"Content-Type": "application/json"}
        )
        assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_encoding")


def test_the_worker_runs_as_often_at_once_as_the_settings_say(aws):
    functions = aws("lambda")
    reserved = functions.get_function_concurrency(FunctionName="video-api-worker")
    assert reserved["ReservedConcurrentExecutions"] == 4
    mappings = functions.list_event_source_mappings(FunctionName="video-api-worker")
    (mapping,) = mappings["EventSourceMappings"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 4}


def test_a_role_may_write_its_own_items_and_no_api_key(aws, stack):
    """AWS's IAM knows the keys of items; MiniStack's is told of them by `devstack.permissions`."""
    (table,) = aws("dynamodb").list_tables()["TableNames"]
    function = aws("lambda").get_function(FunctionName="video-api-submit")["Configuration"]
    role = {"RoleArn": function["Role"], "RoleSessionName": "test"}
    session = aws("sts").assume_role(**role)["Credentials"]
    submit = boto3.client(
        "dynamodb",
        endpoint_url=stack.aws_url,
        region_name="us-east-1",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    for key in ("vid_of_nobody", "limits#nobody#1", "fingerprint#nobody#1"):
        submit.put_item(TableName=table, Item={"task_id": {"S": key}})
        aws("dynamodb").delete_item(TableName=table, Key={"task_id": {"S": key}})
    item = {"task_id": {"S": "key#0123"}}
    with pytest.raises(submit.exceptions.ClientError, match="AccessDenied"):
        submit.put_item(TableName=table, Item=item)
    put = {"TableName": table, "Item": item}
    with pytest.raises(submit.exceptions.ClientError, match="AccessDenied"):
        submit.transact_write_items(TransactItems=[{"Put": put}])


def test_ended_tasks_expire(aws):
    tables = aws("dynamodb")
    (table,) = tables.list_tables()["TableNames"]
    described = tables.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_functions_see_the_templates_environment_alone(aws):
    """Functions see nothing of the user's environment but what the template gives."""
    functions = aws("lambda")
    found = functions.get_function_configuration(FunctionName="video-api-worker")
    assert "VEO3_API_KEY" not in found["Environment"]["Variables"]


def test_a_stop_ends_every_process_and_leaves_no_file():
    with running_stack(RELOAD="true") as running:
        web.get(f"{running.api_url}/api/v1/health")
        pid = running.process.pid
        below = children(pid)
        assert below
        seconds = running.stop()
        assert seconds < 5
        assert running.process.returncode == 0
        assert ended(below, within_seconds=5 - seconds)
        assert not (ROOT / ".local" / "run" / str(pid)).exists()


def test_killed_stack_leaves_no_process():
    """A killed stack leaves no process and the next one clears up."""
    with running_stack() as running:
        web.get(f"{running.api_url}/api/v1/health")
        left = ROOT / ".local" / "run" / str(running.process.pid)
        orphans = children(running.process.pid)
        assert left.exists()
        running.process.kill()
        running.process.wait()
        assert ended(orphans)
    with running_stack():
        assert not left.exists()


def started_in_vain(folder, **settings):
    """Return what a stack says that must not start."""
    with (folder / "log").open("wb") as log:
        process = start(settings, log)
        assert process.wait(timeout=20) == 1
    output = (folder / "log").read_text()
    assert "Traceback" not in output
    assert "Building" not in output
    return output


def test_all_taken_ports_are_named_at_once(tmp_path):
    with free_ports(len(PORTS)) as taken:
        ports = dict(zip(PORTS, map(str, taken), strict=True))
        output = started_in_vain(tmp_path, **ports)
    for setting, number in ports.items():
        assert f"port {number} is taken" in output
        assert f"{setting}=" in output.splitlines()[-1]


def test_wrong_settings_are_named_before_the_build(tmp_path):
    """Wrong settings are told at once before anything is built."""
    (tmp_path / ".env").write_text("VIDEO_MAX_CONCURENT=3\nVEO3_BASE_URL=https://relay/v1\n")
    output = started_in_vain(tmp_path, ENV_FILE=str(tmp_path / ".env"), LEASE_SECONDS="soon")
    for words in (
        "did you mean VIDEO_MAX_CONCURRENT?",
        "VEO3_ENDPOINT=/v1/videos",
        "LEASE_SECONDS",
    ):
        assert words in output


def test_missing_relay_is_named_before_the_build(tmp_path):
    """A relay that is not there is reported before anything is built."""
    with free_ports(1) as (nobody,):
        pass
    relay = f"http://127.0.0.1:{nobody}"
    output = started_in_vain(tmp_path, VEO3_API_KEY="sk-x", VEO3_BASE_URL=relay)
    assert "127.0.0.1 cannot be reached" in output
    assert "VEO3_BASE_URL" in output


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGHUP])
def test_nothing_is_lost_however_a_run_ends(end, tmp_path):
    kept = {"KEEP_IN": str(tmp_path / "kept"), "UPSTREAM_SECONDS": "2", "ALLOW_ANONYMOUS": "false"}
    body = {"prompt": "A fox [[render:tiny]]", "size": "64x64", "seconds": 1}

    def client(stack, key):
        bearer = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=stack.api_url, headers=bearer, timeout=30)

    with running_stack(**kept) as first:
        key = made_key(first)
        with client(first, key) as api:
            done = api.post("/v1/videos", json=body).json()["id"]
            wait_for_the_end(api, done)
            slow = body | {"prompt": "A hare [[time:20]]"}
            flies = api.post("/v1/videos", json=slow).json()["id"]
            until = time.monotonic() + 30
            # Its progress is told once the provider's answer to the order is saved.
            while not api.get(f"/v1/videos/{flies}").json()["progress"]:
                assert time.monotonic() < until
                time.sleep(0.1)
        first.process.send_signal(end)
        first.process.wait(timeout=30)
    with running_stack(**kept) as second, client(second, key) as api:
        output = second.log.read_text()
        assert ("without a stop" in output) == (end == signal.SIGKILL)
        assert f"{flies} continues: the relay's job video_" in output
        video = api.get(f"/v1/videos/{done}/content", follow_redirects=True)
        assert (video.status_code, video.content[4:8]) == (200, b"ftyp")
        wait_for_the_end(api, flies)
        assert web.get(f"{second.upstream_url}/_control").json()["creates_received"] == 0


def test_stop_during_a_paid_post_waits_for_its_answer(tmp_path):
    """A stop amid a paid POST waits for its answer and the job goes on."""
    body = {"prompt": "A fox [[submit:slow=4]] [[render:tiny]]", "size": "64x64", "seconds": 1}
    local = str(TOOLS / "local/bin/python")
    with running("--key=paid", "--seconds=6", python=local) as relay:
        real = {
            "VEO3_API_KEY": "paid",
            "VEO3_BASE_URL": relay.api,
            "VEO3_RESULT_ORIGINS": relay.files,
            "KEEP_IN": str(tmp_path / "kept"),
        }
        with running_stack(**real) as first:
            made = web.post(f"{first.api_url}/v1/videos", json=body).json()["id"]
            until = time.monotonic() + 30
            while not relay.report()["creates_received"]:
                assert time.monotonic() < until
                time.sleep(0.05)
            first.stop()
            assert "1 submits wait for the relay's answer" in first.log.read_text()
        with (
            running_stack(**real) as second,
            httpx.Client(base_url=second.api_url, timeout=30) as api,
        ):
            assert f"{made} continues: the relay's job video_" in second.log.read_text()
            wait_for_the_end(api, made)
        assert relay.report()["creates_accepted"] == 1


def test_tasks_keys_and_files_outlive_a_restart(tmp_path):
    """Tasks, keys and files outlive a restart and what waits is not paid twice."""
    kept = {"KEEP_IN": str(tmp_path / "kept"), "UPSTREAM_SECONDS": "1", "VEO3_SKIP_UPLOAD": "false"}
    body = {"prompt": "A fox [[render:tiny]]", "size": "64x64", "seconds": 1}
    with running_stack(**kept) as first, httpx.Client(base_url=first.api_url, timeout=30) as api:
        done = api.post("/v1/videos", json=body).json()["id"]
        wait_for_the_end(api, done)
        video = api.get(f"/v1/videos/{done}/content", follow_redirects=True).content
        tables = boto3.client("dynamodb", endpoint_url=first.aws_url, **ROOT_KEYS)
        (table,) = tables.list_tables()["TableNames"]
        mappings = boto3.client("lambda", endpoint_url=first.aws_url, **ROOT_KEYS)
        for mapping in mappings.list_event_source_mappings()["EventSourceMappings"]:
            mappings.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        waits = api.post("/v1/videos", json=body).json()["id"]
        tables.update_item(  # as if it had waited for its message for two minutes
            TableName=table,
            Key={"task_id": {"S": waits}},
            AttributeUpdates={"due_at": {"Value": {"S": "2020-01-01T00:00:00.000Z"}}},
        )
        assert first.stop() < 15
    with running_stack(**kept) as second, httpx.Client(base_url=second.api_url, timeout=30) as api:
        again = api.get(f"/v1/videos/{done}/content", follow_redirects=True)
        assert again.content == video
        wait_for_the_end(api, waits)
        relay = web.get(f"{second.upstream_url}/_control").json()
        assert relay["creates_accepted"] == 1


def test_the_gateway_hands_odd_requests_to_functions_of_ours(api):
    """HEAD, wrong methods, slashes and a compressed form, through the real door."""
    made = api.post("/v1/videos", json={"prompt": "A fox"}).json()
    video = f"/v1/videos/{made['id']}"
    for path in ("/docs", "/v1/videos", video, "/v1/models", f"/api/v1/tasks/{made['id']}"):
        looked = api.head(path)
        assert (looked.status_code, looked.content) == (200, b""), path
    assert api.head(f"{video}/content").status_code in (307, 404)
    for method, path in (("PUT", f"{video}/content"), ("PATCH", video), ("DELETE", "/docs")):
        refused = api.request(method, path)
        assert refused.status_code == 405, path
        assert "GET, HEAD" in refused.headers["allow"]
    for path in ("/v1/videos/", "//v1/videos", "/v1//videos"):
        moved = api.get(httpx.URL(api.base_url, raw_path=path.encode()), follow_redirects=False)
        assert (moved.status_code, moved.headers["location"]) == (308, "/v1/videos")
    packed = httpx.Request("POST", "http://x", data={"prompt": "A fox"}, files={"a": b""})
    headers = {"content-type": packed.headers["content-type"], "content-encoding": "gzip"}
    response = api.post("/v1/videos", content=gzip.compress(packed.read()), headers=headers)
    assert response.json()["error"]["param"] == "input_reference", "read, and its file not known"
    packed_json = gzip.compress(b'{"prompt": "A fox"}')
    headers["content-type"] = "application/json"
    response = api.post("/v1/videos", content=packed_json, headers=headers)
    assert (response.status_code, response.json()["error"]["param"]) == (415, "Content-Encoding")
