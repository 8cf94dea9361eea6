from fnmatch import fnmatchcase

import pytest

from tests.support.template import properties

SECRET = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"

# What each role calls, and nothing else. SAM adds the two managed policies below.
GRANTS = {
    "SubmitFunction": {
        "TasksTable": "dynamodb:GetItem dynamodb:BatchGetItem dynamodb:PutItem dynamodb:UpdateItem",
        "TasksQueue": "sqs:SendMessage",
        "FilesBucket/inputs/*": "s3:PutObject",
        "FilesBucket/inputs/*/uploads/*": "s3:GetObject",
        "FilesBucket/videos/*": "s3:GetObject",
        "FilesBucket": "s3:ListBucket",
    },
    "UploadsFunction": {
        "TasksTable": "dynamodb:GetItem dynamodb:BatchGetItem dynamodb:UpdateItem",
        "FilesBucket/inputs/*/uploads/*": "s3:PutObject",
    },
    "StatusFunction": {
        "TasksTable": "dynamodb:GetItem",
        "FilesBucket/videos/*": "s3:GetObject",
        "FilesBucket/thumbnails/*": "s3:GetObject",
    },
    "ListFunction": {
        "TasksTable": "dynamodb:GetItem dynamodb:BatchGetItem",
        "TasksTable/index/by_owner": "dynamodb:Query",
        "FilesBucket/videos/*": "s3:GetObject",
        "FilesBucket/thumbnails/*": "s3:GetObject",
    },
    "ContentFunction": {
        "TasksTable": "dynamodb:GetItem",
        "FilesBucket/videos/*": "s3:GetObject",
        "FilesBucket/thumbnails/*": "s3:GetObject",
    },
    "CancelFunction": {
        "TasksQueue": "sqs:SendMessage",
        "WebhooksQueue": "sqs:SendMessage",
        "TasksTable": "dynamodb:GetItem dynamodb:UpdateItem",
        "FilesBucket/inputs/*": "s3:DeleteObject",
        "FilesBucket/videos/*": "s3:DeleteObject",
        "FilesBucket/thumbnails/*": "s3:DeleteObject",
    },
    "McpFunction": {
        "TasksTable": "dynamodb:GetItem dynamodb:BatchGetItem dynamodb:PutItem dynamodb:UpdateItem",
        "TasksTable/index/by_owner": "dynamodb:Query",
        "WebhooksQueue": "sqs:SendMessage",
        "TasksQueue": "sqs:SendMessage",
        "FilesBucket/inputs/*": "s3:PutObject",
        "FilesBucket/inputs/*/uploads/*": "s3:GetObject",
        "FilesBucket/videos/*": "s3:GetObject",
        "FilesBucket/thumbnails/*": "s3:GetObject",
        "FilesBucket": "s3:ListBucket",
    },
    "ImagesFunction": {
        "TasksTable": "dynamodb:GetItem dynamodb:BatchGetItem dynamodb:UpdateItem",
        "FilesBucket/images/*": "s3:GetObject s3:PutObject",
        SECRET + "${ImageApiKeySecret}-??????": "secretsmanager:GetSecretValue",
    },
    "DocsFunction": {},
    "WorkerFunction": {
        "TasksTable": "dynamodb:GetItem dynamodb:UpdateItem",
        "TasksTable/index/open": "dynamodb:Query",
        "TasksQueue": "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes "
        "sqs:ChangeMessageVisibility sqs:SendMessage",
        "WebhooksQueue": "sqs:SendMessage",
        "FilesBucket/inputs/*": "s3:GetObject",
        "FilesBucket/images/*": "s3:GetObject",
        "FilesBucket": "s3:ListBucket",
        "FilesBucket/videos/*": "s3:PutObject s3:DeleteObject",
        "FilesBucket/thumbnails/*": "s3:PutObject s3:DeleteObject",
        SECRET + "${Veo3ApiKeySecret}-??????": "secretsmanager:GetSecretValue",
        SECRET + "${FastLlmApiKeySecret}-??????": "secretsmanager:GetSecretValue",
        SECRET + "${GoogleCredentialsSecret}-??????": "secretsmanager:GetSecretValue",
        SECRET + "${GeminiApiKeySecret}-??????": "secretsmanager:GetSecretValue",
    },
    "DeadLetterFunction": {
        "TasksTable": "dynamodb:GetItem dynamodb:UpdateItem",
        "DeadLetterQueue": "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes",
        "TasksQueue": "sqs:SendMessage",
        "WebhooksQueue": "sqs:SendMessage",
    },
    "NotifierFunction": {
        "TasksTable": "dynamodb:GetItem dynamodb:UpdateItem dynamodb:PutItem",
        "WebhooksQueue": (
            "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes sqs:SendMessage"
        ),
        "FilesBucket/videos/*": "s3:GetObject",
        SECRET + "${WebhookSecret}-??????": "secretsmanager:GetSecretValue",
    },
    "HookTestFunction": {
        "TasksTable": (
            "dynamodb:GetItem dynamodb:BatchGetItem dynamodb:UpdateItem dynamodb:PutItem"
        ),
        SECRET + "${WebhookSecret}-??????": "secretsmanager:GetSecretValue",
    },
    "SweeperFunction": {
        "TasksTable/index/open": "dynamodb:Query",
        "TasksTable": "dynamodb:GetItem dynamodb:UpdateItem",
        "TasksQueue": "sqs:SendMessage sqs:GetQueueAttributes",
        "WebhooksQueue": "sqs:SendMessage sqs:GetQueueAttributes",
    },
}
# The keys of the table that a role may write; API keys (`key#…`) are the operator's alone.
WRITES = {
    "SubmitFunction": {"vid_*", "limits#*", "fingerprint#*", "usage#*"},
    "CancelFunction": {"vid_*", "usage#*"},
    "McpFunction": {"vid_*", "limits#*", "usage#*"},
    "UploadsFunction": {"limits#*"},
    "ImagesFunction": {"limits#*"},
    "WorkerFunction": {"vid_*", "routes-at-rest", "forecast", "usage#*"},
    "DeadLetterFunction": {"vid_*", "usage#*"},
    "SweeperFunction": {"vid_*", "usage#*"},
    "NotifierFunction": {"vid_*", "webhook#*"},
    "HookTestFunction": {"limits#*", "webhook#*"},
}
TRUE = {"Fn::Equals": ["", ""]}
MANAGED = {
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
    "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess",
}


def statement(source, name, sid):
    statements = properties(source, name)["Policies"][0]["Statement"]
    return next(s for s in statements if s["Sid"] == sid)


def as_list(value):
    return value if isinstance(value, list) else [value]


def resource_name(resource):
    match resource:
        case {"Fn::GetAtt": [name, "Arn"]}:
            return name
        case {"Fn::Sub": text}:
            return text.replace("${TasksTable.Arn}", "TasksTable").replace(
                "${FilesBucket.Arn}", "FilesBucket"
            )
    return str(resource)


def grants(role):
    found = {}
    for policy in role.get("Policies", []):
        for allowed in policy["PolicyDocument"]["Statement"]:
            assert allowed["Effect"] == "Allow"
            for resource in as_list(allowed["Resource"]):
                found.setdefault(resource_name(resource), set()).update(as_list(allowed["Action"]))
    return found


@pytest.mark.fails_when(
    an_action_is_added=lambda s: statement(s, "StatusFunction", "Tasks").update(
        Action=["dynamodb:GetItem", "dynamodb:Scan"]
    ),
    an_action_is_a_wildcard=lambda s: statement(s, "WorkerFunction", "Queue").update(
        Action="sqs:*"
    ),
    a_resource_is_a_wildcard=lambda s: statement(s, "SubmitFunction", "Queue").update(Resource="*"),
    a_prefix_is_lost=lambda s: statement(s, "SubmitFunction", "KeepImages").update(
        Resource={"Fn::Sub": "${FilesBucket.Arn}/*"}
    ),
    a_form_may_overwrite_inputs=lambda s: statement(s, "UploadsFunction", "SignUploads").update(
        Resource={"Fn::Sub": "${FilesBucket.Arn}/inputs/*"}
    ),
    a_statement_is_lost=lambda s: properties(s, "DeadLetterFunction").pop("Policies"),
)
def test_each_role_is_allowed_what_it_calls_and_nothing_else(template):
    deployment = template.deployed(
        FastLlmApiKeySecret="llm",
        ImageApiKeySecret="images",
        GoogleCredentialsSecret="google",
        GeminiApiKeySecret="gemini",
        WebhookSecret="webhooks",
    )
    found = {
        name: grants(deployment[f"{name}Role"]) for name in deployment.of_type("Lambda::Function")
    }
    assert found == {
        name: {resource: set(actions.split()) for resource, actions in allowed.items()}
        for name, allowed in GRANTS.items()
    }


def keys_of(role, *, actions):
    """Return the patterns of keys under which a role may do these; None among them is any key."""
    found = set()
    for policy in role.get("Policies", []):
        for allowed in policy["PolicyDocument"]["Statement"]:
            if actions & {action.partition(":")[2] for action in as_list(allowed["Action"])}:
                held = allowed.get("Condition", {}).get("ForAllValues:StringLike", {})
                found.update(held.get("dynamodb:LeadingKeys", [None]))
    return found


@pytest.mark.fails_when(
    a_condition_is_lost=lambda s: statement(s, "CancelFunction", "WriteTasks").pop("Condition"),
    submit_may_make_keys=lambda s: statement(s, "SubmitFunction", "WriteTasks").update(
        Condition={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["*"]}}
    ),
    another_operator=lambda s: statement(s, "WorkerFunction", "Tasks").update(
        Condition={"ForAllValues:StringNotLike": {"dynamodb:LeadingKeys": ["vid_*"]}}
    ),
)
def test_roles_write_no_api_key_and_their_items_alone(template):
    deployment = template.deployed()
    writes = {"PutItem", "UpdateItem", "DeleteItem"}
    found = {name: keys_of(deployment[f"{name}Role"], actions=writes) for name in GRANTS}
    assert {name: keys for name, keys in found.items() if keys} == WRITES


@pytest.mark.fails_when(
    any_item_is_read=lambda s: statement(s, "StatusFunction", "Tasks").pop("Condition"),
    the_list_reads_them=lambda s: statement(s, "ListFunction", "Tasks").update(
        Condition={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["webhook#*"]}}
    ),
)
def test_secrets_of_webhooks_are_read_by_those_who_sign(template):
    """A signature needs the secret itself, so it lies in the table as it is."""
    deployment, reads = template.deployed(), {"GetItem", "BatchGetItem", "Scan"}
    found = {name: keys_of(deployment[f"{name}Role"], actions=reads) for name in GRANTS}
    assert {
        name
        for name, keys in found.items()
        if any(key is None or fnmatchcase("webhook#anna", key) for key in keys)
    } == {"NotifierFunction", "HookTestFunction"}


@pytest.mark.fails_when(
    sam_adds_one_for_an_event=lambda s: properties(s, "WorkerFunction").update(
        Events={
            "Task": {
                "Type": "SQS",
                "Properties": {"Queue": {"Fn::GetAtt": ["TasksQueue", "Arn"]}},
            }
        }
    ),
    one_is_named=lambda s: properties(s, "DocsFunction").update(Policies="AmazonS3FullAccess"),
)
def test_no_role_has_a_managed_policy_beyond_logs_and_traces(template):
    for role in template.deployed().of_type("IAM::Role").values():
        assert set(role["ManagedPolicyArns"]) == MANAGED


@pytest.mark.fails_when(
    the_llm_s_is_always_granted=lambda s: s["Conditions"].update(WithLlmKey=TRUE),
    the_image_api_s_is_always_granted=lambda s: s["Conditions"].update(WithImageKey=TRUE),
    google_s_is_always_granted=lambda s: s["Conditions"].update(WithGoogleCredentials=TRUE),
    gemini_s_is_always_granted=lambda s: s["Conditions"].update(WithGeminiKey=TRUE),
)
def test_no_role_may_read_a_secret_that_has_no_name(template):
    roles = template.deployed().of_type("IAM::Role").values()
    secrets = [resource for role in roles for resource in grants(role) if ":secret:" in resource]
    assert secrets == [SECRET + "${Veo3ApiKeySecret}-??????"]
