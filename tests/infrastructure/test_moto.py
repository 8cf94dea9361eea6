"""The stack as a second emulator makes it: what MiniStack alone would swallow shows here."""

import json

import pytest
from moto import mock_aws

from tests.support import moto_stack
from tests.support.moto_stack import LEFT_OUT, PASSED_OVER, STACK, MotoStack
from tests.support.template import routes, translated

pytestmark = pytest.mark.slow

PARAMETERS = {
    "AlarmEmail": "ops@example.com",
    "CorsAllowOrigins": "https://example.com",
    "FileRetentionDays": "9",
    "VideoMaxConcurrent": "3",
}
#: What moto shows of a function whatever the template says.
UNSEEN = {
    "Architectures": ["x86_64"],
    "Layers": [],
    "TracingConfig": {"Mode": "PassThrough"},
    "LoggingConfig": None,
}


@pytest.fixture(scope="module")
def stack(intact):
    with mock_aws():
        made = MotoStack(
            translated(intact.source, PARAMETERS), intact.deployed(**PARAMETERS), PARAMETERS
        )
        made.complete()
        yield made


@pytest.fixture
def functions(stack):
    """Return what Lambda says of each function by its logical id."""
    return {
        name: stack.aws["lambda"].get_function(FunctionName=stack.names[name])
        for name in stack.of("AWS::Lambda::Function")
    }


def attributes(stack, name):
    found = stack.aws["sqs"].get_queue_attributes(
        QueueUrl=stack.names[name], AttributeNames=["All"]
    )
    return found["Attributes"]


def test_every_resource_that_moto_knows_is_made(stack):
    known = {n for n, r in stack.deployment.resources.items() if r["Type"] not in LEFT_OUT}
    assert stack.made == known


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_kind_unknown_to_motos_cloudformation_is_left_out(stack, kind):
    """A kind is left out that moto's CloudFormation does not know."""
    others = {each["Type"] for each in stack.document["Resources"].values()} - {kind}
    alone = moto_stack.without(stack.document, others) | {"Outputs": {}}
    assert alone["Resources"]
    name = kind.replace("::", "-")
    with pytest.warns(UserWarning, match=f"^Tried to parse {kind} but it's not supported"):
        made = moto_stack.create(stack.aws, alone, name, PARAMETERS)
    assert not made


@pytest.mark.parametrize("key", PASSED_OVER, ids="-".join)
def test_property_that_moto_drops_is_handed_over(stack, key):
    assert stack.passed_over[key] is None


@pytest.mark.parametrize("key", UNSEEN)
def test_property_that_moto_does_not_take_is_skipped(stack, functions, key):
    for name, function in functions.items():
        assert stack.properties[name][key]
        assert function["Configuration"].get(key) == UNSEEN[key]


def test_table_has_its_key_indexes_and_ttl(stack):
    table = stack.aws["dynamodb"].describe_table(TableName=stack.names["TasksTable"])["Table"]
    wanted = stack.properties["TasksTable"]
    assert table["KeySchema"] == wanted["KeySchema"]
    assert table["AttributeDefinitions"] == wanted["AttributeDefinitions"]
    assert table["BillingModeSummary"]["BillingMode"] == wanted["BillingMode"]
    assert [
        {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
        for index in table["GlobalSecondaryIndexes"]
    ] == wanted["GlobalSecondaryIndexes"]
    assert moto_stack.time_to_live(stack)["AttributeName"] == "expires_at"
    assert moto_stack.recovery(stack)


def test_the_queues_hide_keep_and_hand_on_messages(stack):
    tasks, dead = (attributes(stack, name) for name in ("TasksQueue", "DeadLetterQueue"))
    for name, found in (("TasksQueue", tasks), ("DeadLetterQueue", dead)):
        wanted = stack.properties[name]
        assert int(found["VisibilityTimeout"]) == wanted["VisibilityTimeout"]
        assert int(found["MessageRetentionPeriod"]) == wanted["MessageRetentionPeriod"]
        assert found["SqsManagedSseEnabled"] == "true"
    redrive = json.loads(tasks["RedrivePolicy"])
    assert redrive == {"deadLetterTargetArn": dead["QueueArn"], "maxReceiveCount": 5}


def test_bucket_expires_by_prefix_and_demands_tls(stack):
    """The bucket deletes by prefix and lets pages in but nobody without TLS."""
    rules = {
        rule["ID"]: (rule["Filter"]["Prefix"], rule.get("Expiration", {}).get("Days"))
        for rule in moto_stack.lifecycle(stack)["Rules"]
    }
    assert rules == {
        "inputs": ("inputs/", 5),
        "images": ("images/", 5),
        "videos": ("videos/", 9),
        "thumbnails": ("thumbnails/", 9),
        "broken-uploads": ("", None),
    }
    (cors,) = moto_stack.cors(stack)["CORSRules"]
    assert set(cors["AllowedMethods"]) == {"GET", "HEAD", "POST"}
    assert set(moto_stack.public_access(stack)["PublicAccessBlockConfiguration"].values()) == {True}
    (get_owned_task,) = moto_stack.ownership(stack)["OwnershipControls"]["Rules"]
    assert get_owned_task == {"ObjectOwnership": "BucketOwnerEnforced"}
    s3, name = stack.aws["s3"], stack.names["FilesBucket"]
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    (rule,) = encryption["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]


@pytest.mark.parametrize("key", ["Runtime", "Handler", "Timeout", "MemorySize", "FunctionName"])
def test_a_function_is_as_the_template_says(stack, functions, key):
    assert {name: f["Configuration"][key] for name, f in functions.items()} == {
        name: stack.properties[name][key] for name in functions
    }


def test_a_function_s_environment_names_what_was_made(stack, functions):
    for name, function in functions.items():
        variables = function["Configuration"]["Environment"]["Variables"]
        assert {key: str(value) for key, value in variables.items()} == (
            stack.properties[name]["Environment"]["Variables"]
        )
        assert variables["TABLE_NAME"] == stack.names["TasksTable"]
        assert variables["QUEUE_URL"] == stack.names["TasksQueue"]
        assert variables["BUCKET_NAME"] == stack.names["FilesBucket"]


def test_executions_are_reserved_for_those_who_wait_for_others(functions):
    assert {
        name: function["Concurrency"]["ReservedConcurrentExecutions"]
        for name, function in functions.items()
        if "Concurrency" in function
    } == {"WorkerFunction": 3, "NotifierFunction": 5, "HookTestFunction": 5}


def test_function_runs_as_its_own_role(stack, functions):
    iam = stack.aws["iam"]
    roles = {name: f["Configuration"]["Role"].split("/")[-1] for name, f in functions.items()}
    assert len(set(roles.values())) == len(functions)
    for role in roles.values():
        trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        assert trust["Statement"][0]["Principal"] == {"Service": ["lambda.amazonaws.com"]}


def test_each_queue_s_messages_go_to_its_function(stack, functions):
    mappings = stack.aws["lambda"].list_event_source_mappings()["EventSourceMappings"]
    found = {each["EventSourceArn"]: each for each in mappings}
    for queue, function, size in (
        ("TasksQueue", "WorkerFunction", 1),
        ("DeadLetterQueue", "DeadLetterFunction", 10),
        ("WebhooksQueue", "NotifierFunction", 10),
    ):
        mapping = found.pop(attributes(stack, queue)["QueueArn"])
        assert mapping["FunctionArn"] == functions[function]["Configuration"]["FunctionArn"]
        assert mapping["BatchSize"] == size
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        capped = {"TasksQueue": 3, "WebhooksQueue": 5}.get(queue)
        assert mapping.get("ScalingConfig", {}).get("MaximumConcurrency") == capped
    assert not found


def test_the_sweeper_is_called_each_minute_and_not_again(stack, functions):
    events, sweeper = stack.aws["events"], functions["SweeperFunction"]["Configuration"]
    (rule,) = events.list_rules()["Rules"]
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"] == sweeper["FunctionArn"]
    retried = stack.aws["lambda"].get_function_event_invoke_config(
        FunctionName=sweeper["FunctionName"]
    )
    assert (retried["MaximumEventAgeInSeconds"], retried["MaximumRetryAttempts"]) == (60, 0)


def test_the_api_has_every_route_and_leads_it_to_its_function(stack, functions):
    api = {"ApiId": stack.names["HttpApi"]}
    client = stack.aws["apigatewayv2"]
    uris = {
        each["IntegrationId"]: each["IntegrationUri"]
        for each in client.get_integrations(**api)["Items"]
    }
    led = {
        each["RouteKey"]: uris[each["Target"].removeprefix("integrations/")]
        for each in client.get_routes(**api)["Items"]
    }
    wanted = routes(stack.deployment)
    wanted["X-AMAZON-APIGATEWAY-ANY-METHOD $default"] = wanted.pop("$default")  # moto's word
    assert led.keys() == wanted.keys()
    for route, name in wanted.items():
        function = functions[name]["Configuration"]["FunctionName"]
        assert f"/functions/{function}/invocations" in led[route]


def test_the_stage_logs_and_throttles(stack):
    client = stack.aws["apigatewayv2"]
    (stage,) = client.get_stages(ApiId=stack.names["HttpApi"])["Items"]
    assert stage["StageName"] == "$default"
    assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] == 200
    assert ":log-group:/aws/vendedlogs/" in stage["AccessLogSettings"]["DestinationArn"]


def test_an_alias_of_each_api_function_is_of_its_version(stack):
    aliases = stack.of("AWS::Lambda::Alias")
    for name in aliases:
        wanted = stack.properties[name]
        (alias,) = stack.aws["lambda"].list_aliases(FunctionName=wanted["FunctionName"])["Aliases"]
        assert (alias["Name"], alias["FunctionVersion"]) == ("live", "1")
    assert len(aliases) == len(set(routes(stack.deployment).values()))


def test_alarm_watches_what_was_made_and_notifies(stack):
    """Every alarm watches something that was made and tells the address."""
    alarms = stack.aws["cloudwatch"].describe_alarms()["MetricAlarms"]
    assert len(alarms) == len(stack.of("AWS::CloudWatch::Alarm"))
    (topic,) = stack.aws["sns"].list_topics()["Topics"]
    for alarm in alarms:
        assert alarm["AlarmActions"] == [topic["TopicArn"]]
        assert alarm["OKActions"] == [topic["TopicArn"]]
    (subscription,) = stack.aws["sns"].list_subscriptions()["Subscriptions"]
    assert subscription["Endpoint"] == PARAMETERS["AlarmEmail"]
    queues = [url.rsplit("/", 1)[-1] for url in map(stack.names.get, stack.of("AWS::SQS::Queue"))]
    functions = map(stack.names.get, stack.of("AWS::Lambda::Function"))
    made = {"FunctionName": set(functions), "QueueName": set(queues), "ApiId": {"HttpApi"}}
    watched = [each for alarm in alarms for each in dimensions(alarm) if each["Name"] in made]
    assert {each["Name"] for each in watched} == made.keys()
    for each in watched:
        assert each["Value"] in made[each["Name"]]


def dimensions(alarm):
    """Yield what an alarm's metrics are of, one or several metrics."""
    yield from alarm.get("Dimensions", [])
    for query in alarm.get("Metrics", []):
        yield from query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])


def test_log_groups_keep_their_days_and_the_dashboard_is_taken(stack):
    groups = stack.aws["logs"].describe_log_groups()["logGroups"]
    assert {each["logGroupName"]: each["retentionInDays"] for each in groups} == {
        stack.properties[name]["LogGroupName"]: int(stack.properties[name]["RetentionInDays"])
        for name in stack.of("AWS::Logs::LogGroup")
    }
    (entry,) = stack.aws["cloudwatch"].list_dashboards()["DashboardEntries"]
    assert entry["DashboardName"] == f"{STACK}-us-east-1"
