import pytest

from tests.support.template import ACCOUNT, properties

PREFIXES = {"inputs/", "images/", "videos/", "thumbnails/"}


def keys(schema):
    return {part["KeyType"]: part["AttributeName"] for part in schema}


@pytest.mark.fails_when(
    another_key=lambda s: properties(s, "TasksTable")["KeySchema"][0].update(AttributeName="owner"),
    an_index_is_lost=lambda s: properties(s, "TasksTable")["GlobalSecondaryIndexes"].pop(),
    the_sweeper_pays_for_whole_tasks=lambda s: properties(s, "TasksTable")[
        "GlobalSecondaryIndexes"
    ][1].update(Projection={"ProjectionType": "ALL"}),
)
def test_table_is_read_by_task_owner_and_shard(template):
    table = template.deployed()["TasksTable"]
    indexes = {
        index["IndexName"]: (keys(index["KeySchema"]), index["Projection"]["ProjectionType"])
        for index in table["GlobalSecondaryIndexes"]
    }
    assert keys(table["KeySchema"]) == {"HASH": "task_id"}
    assert indexes == {
        "by_owner": ({"HASH": "owner", "RANGE": "listed_at"}, "ALL"),
        "open": ({"HASH": "open", "RANGE": "due_at"}, "KEYS_ONLY"),
    }
    assert table["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.fails_when(
    tasks_are_kept_for_ever=lambda s: properties(s, "TasksTable").pop("TimeToLiveSpecification")
)
def test_ended_tasks_expire(template):
    table = template.deployed()["TasksTable"]
    assert table.get("TimeToLiveSpecification") == {"AttributeName": "expires_at", "Enabled": True}


@pytest.mark.fails_when(
    it_goes_with_the_stack=lambda s: s["Resources"]["TasksTable"].pop("DeletionPolicy"),
    it_goes_with_a_change=lambda s: s["Resources"]["FilesBucket"].pop("UpdateReplacePolicy"),
    no_way_back=lambda s: properties(s, "TasksTable").pop("PointInTimeRecoverySpecification"),
)
def test_no_mistake_with_the_stack_loses_what_was_paid_for(template):
    deployment = template.deployed()
    for name in ("TasksTable", "FilesBucket"):
        assert deployment.resources[name].get("DeletionPolicy") == "RetainExceptOnCreate"
        assert deployment.resources[name].get("UpdateReplacePolicy") == "Retain"
    recovery = deployment["TasksTable"].get("PointInTimeRecoverySpecification")
    assert recovery == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.fails_when(
    a_policy_may_open_it=lambda s: properties(s, "FilesBucket")[
        "PublicAccessBlockConfiguration"
    ].update(BlockPublicPolicy=False),
    others_may_own_files=lambda s: properties(s, "FilesBucket").pop("OwnershipControls"),
    it_is_plain=lambda s: properties(s, "FilesBucket").pop("BucketEncryption"),
)
def test_the_bucket_is_private_and_encrypted(template):
    bucket = template.deployed()["FilesBucket"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket.get("OwnershipControls") == {
        "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]
    }
    (rule,) = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [None])
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


@pytest.mark.fails_when(
    there_is_no_policy=lambda s: s["Resources"].pop("FilesBucketPolicy"),
    it_asks_for_plain_http=lambda s: properties(s, "FilesBucketPolicy")["PolicyDocument"][
        "Statement"
    ][0].update(Condition={"Bool": {"aws:SecureTransport": "true"}}),
    it_shuts_out_the_local_stack=lambda s: s["Resources"]["FilesBucketPolicy"].pop("Condition"),
    a_word_turns_it_off=lambda s: s["Conditions"].update(
        Deployed={"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "local"]}]}
    ),
)
def test_plain_http_with_the_bucket_is_local_alone(template):
    """Only the local stack may speak plain HTTP with the bucket."""
    assert template.deployed(Stage="local").of_type("S3::BucketPolicy") == {}
    for stage in ("dev", "prod", "local"):
        in_aws = {"Stage": stage, "AWS::AccountId": ACCOUNT}
        policies = template.deployed(**in_aws).of_type("S3::BucketPolicy")
        assert list(policies) == ["FilesBucketPolicy"]
        (statement,) = policies["FilesBucketPolicy"]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
        assert statement["Action"] == "s3:*"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert statement["Resource"] == [
            {"Fn::GetAtt": ["FilesBucket", "Arn"]},
            {"Fn::Sub": "${FilesBucket.Arn}/*"},
        ]


def days_kept(deployment):
    rules = deployment["FilesBucket"]["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules)
    return {r["Prefix"]: int(r["ExpirationInDays"]) for r in rules if "Prefix" in r}


@pytest.mark.fails_when(
    one_is_kept_for_ever=lambda s: properties(s, "FilesBucket")["LifecycleConfiguration"][
        "Rules"
    ].pop(0),
    a_fixed_number=lambda s: properties(s, "FilesBucket")["LifecycleConfiguration"]["Rules"][
        2
    ].update(ExpirationInDays=30),
)
def test_every_file_expires(template):
    """Every file is deleted and videos after the days that the parameter says."""
    kept = days_kept(template.deployed(FileRetentionDays="9"))
    assert kept.keys() == PREFIXES
    assert kept["videos/"] == kept["thumbnails/"] == 9


@pytest.mark.fails_when(
    gone_before_the_message=lambda s: properties(s, "TasksQueue").update(
        MessageRetentionPeriod=14 * 24 * 3600
    )
)
def test_an_image_outlives_the_message_that_wants_it(template):
    deployment = template.deployed()
    waits = deployment["TasksQueue"]["MessageRetentionPeriod"] / 86400
    assert days_kept(deployment)["inputs/"] > waits
    assert days_kept(deployment)["images/"] > waits


@pytest.mark.fails_when(
    gone_before_the_task=lambda s: s["Parameters"]["TaskRetentionHours"].update(Default=72)
)
def test_a_video_outlives_its_task(template):
    deployment = template.deployed()
    hours = int(deployment.parameters["TaskRetentionHours"])
    assert days_kept(deployment)["videos/"] * 24 > hours


@pytest.mark.fails_when(
    a_page_may_write=lambda s: properties(s, "FilesBucket")["CorsConfiguration"]["CorsRules"][
        0
    ].update(AllowedMethods=["GET", "HEAD", "POST", "PUT"]),
    no_uploads=lambda s: properties(s, "FilesBucket")["CorsConfiguration"]["CorsRules"][0].update(
        AllowedMethods=["GET", "HEAD"]
    ),
    no_seeking=lambda s: properties(s, "FilesBucket")["CorsConfiguration"]["CorsRules"][0].update(
        ExposedHeaders=["ETag"]
    ),
)
def test_a_page_may_seek_a_video_post_a_signed_form_and_no_more(template):
    (rule,) = template.deployed()["FilesBucket"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedMethods"] == ["GET", "HEAD", "POST"]
    assert {"Accept-Ranges", "Content-Length", "Content-Range"} <= set(rule["ExposedHeaders"])
