"""What a thousand videos cost: counted calls times list prices, with the template's own sizes.

`aws_prices.toml` has the prices, their pages, and the few figures that no count tells.
"""

import json
import re
import tomllib
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

from benchmarks import waits
from benchmarks.bench import REQUEST_ID, TRACE
from benchmarks.calls import operations
from benchmarks.meter import Operation
from benchmarks.polling import stepped
from tests.support.moto import template
from videoapi.catalog import models

MILLION, GB, MB = 1e6, 1e9, 1e6
MONTH_DAYS = 365 / 12
VEO = {"Veo 3.1 Fast": "veo-3.1-fast-generate-001", "Veo 3.1": "veo-3.1-generate-001"}
DAY = 86_400  # seconds
LONG_POLL = 20  # seconds
RELAY, COPIED = "worker, video at the relay", "worker, video copied"
# What Lambda writes of each invocation at SystemLogLevel INFO, with its longest usual values.
_TIME = "2026-01-11T10:30:00.000Z"
_TRACING = {"type": "X-Amzn-Trace-Id", "value": TRACE, "spanId": "0123456789abcdef"}
PLATFORM_LINES = [
    {
        "time": _TIME,
        "type": "platform.start",
        "record": {"requestId": REQUEST_ID, "tracing": _TRACING, "version": "$LATEST"},
    },
    {
        "time": _TIME,
        "type": "platform.report",
        "record": {
            "requestId": REQUEST_ID,
            "tracing": _TRACING,
            "metrics": {
                "durationMs": 61000.123,
                "billedDurationMs": 61001,
                "memorySizeMB": 1024,
                "maxMemoryUsedMB": 128,
            },
            "status": "success",
        },
    },
]
PLATFORM_BYTES = sum(len(json.dumps(line)) for line in PLATFORM_LINES)
# Values of the access log as long as they usually are; of the rest, ten characters.
ACCESS_VALUES = {
    "requestId": "JKJaXmPLvHcESHA=",
    "requestTime": "11/Jan/2026:10:30:00 +0000",
    "identity.sourceIp": "203.0.113.195",
    "routeKey": "GET /api/v1/tasks/{task_id}",
}


@cache
def prices() -> dict[str, Any]:
    """Return aws_prices.toml."""
    return tomllib.loads((Path(__file__).parent / "aws_prices.toml").read_text())


def parameter(name: str) -> Any:
    """Return a template parameter's default."""
    return template()["Parameters"][name]["Default"]


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the template's resources of a type, by logical id."""
    found = template()["Resources"].items()
    return {name: each["Properties"] for name, each in found if each["Type"] == f"AWS::{kind}"}


def slot_seconds(worker: Operation) -> float:
    """Return how long a video holds its slot; in made-up time all but the relay is quick."""
    return float(worker.seconds + prices()["assumed"]["worker_seconds"])


def client_polls(worker: Operation) -> int:
    """Return how often a client that heeds `Retry-After` asks while the video is made."""
    seconds = slot_seconds(worker)
    return ceil(waits.simulate(seconds, seconds, stepped(1), jobs=100).reads)


def per_video(*, copied: bool) -> dict[str, float]:
    """Return the dollars that one video costs, by service."""
    price, assumed = prices(), prices()["assumed"]
    worker = operations()[COPIED if copied else RELAY]
    submit, status, content = (
        operations()[name] for name in ("submit, inline image", "status, processing", "content")
    )
    polls = client_polls(worker)
    all_calls = [submit, worker, content, *[status] * polls]
    requests, body = 2 + polls, assumed["image_mb"] * MB * 4 / 3  # base64
    return {
        "Lambda, the worker": invocation("WorkerFunction", slot_seconds(worker)),
        "Lambda, the API": invocation("SubmitFunction", assumed["submit_seconds"])
        + polls * invocation("StatusFunction", assumed["api_seconds"])
        + invocation("ContentFunction", assumed["api_seconds"]),
        "API Gateway": (requests - 1 + ceil(body / price["api_gateway"]["request_bytes"]))
        * price["api_gateway"]["million_requests"]
        / MILLION,
        "DynamoDB": sum(map(dynamodb, all_calls)),
        "SQS": sum(each.count("sqs:") for each in all_calls)
        * price["sqs"]["million_requests"]
        / MILLION,
        "S3 and data out": _files(submit, worker, copied=copied)
        + sum(each.answer for each in all_calls) / GB * price["data_out"]["gb"],
        "CloudWatch Logs": logs(
            sum(len(line) for each in all_calls for line in each.log_lines)
            + PLATFORM_BYTES * (requests + 1)
            + access_line_bytes() * requests
        ),
        "X-Ray": (requests + 1) * price["xray"]["million_traces"] / MILLION,
        # The worker asks for the relay's key again after five minutes: once a video at most.
        "Secrets Manager": price["secrets_manager"]["thousand_calls"] / 1000,
    }


def per_month() -> dict[str, float]:
    """Return the dollars of a month in which nothing is made, by what they are for."""
    price, assumed = prices(), prices()["assumed"]
    cloudwatch = price["cloudwatch"]
    alarms = resources("CloudWatch::Alarm").values()
    watched = sum(
        sum("MetricStat" in each for each in alarm.get("Metrics", [])) or 1 for alarm in alarms
    )
    sweeps = MONTH_DAYS * DAY / 60
    sweep = operations()["sweep, nothing to do"]
    mappings = len(resources("Lambda::EventSourceMapping"))
    receives = mappings * assumed["pollers"] * MONTH_DAYS * DAY / LONG_POLL
    dashboards = len(resources("CloudWatch::Dashboard"))
    found = {
        f"{watched} alarm metrics": watched * cloudwatch["alarm_metric_month"],
        f"{dashboards} dashboard": dashboards * cloudwatch["dashboard_month"],
        f"{len(custom_metrics())} metrics of our own, in hours with tasks": len(custom_metrics())
        * cloudwatch["custom_metric_month"],
        "the relay's key in Secrets Manager": price["secrets_manager"]["secret_month"],
        f"Lambda's pollers at {mappings} empty queues": receives
        * price["sqs"]["million_requests"]
        / MILLION,
        "the sweeper, every minute": sweeps
        * (
            invocation("SweeperFunction", assumed["sweep_seconds"])
            + dynamodb(sweep)
            + sweep.count("sqs:") * price["sqs"]["million_requests"] / MILLION
            + logs(PLATFORM_BYTES)
            + price["xray"]["million_traces"] / MILLION
        ),
    }
    return {name: dollars for name, dollars in found.items() if dollars}


def veo_per_video() -> dict[str, float]:
    """Return the dollars that Google lists for one video in 1080p with sound, by model."""
    seconds = prices()["assumed"]["video_seconds"]
    return {name: seconds * _second(model) for name, model in VEO.items()}


def _second(model: str) -> float:
    row = models.find("vertex", model)
    pricing = row.pricing if row else ()
    return next(each.usd for each in pricing if (each.resolution, each.audio) == ("1080p", True))


def invocation(function: str, seconds: float) -> float:
    """Return what Lambda asks for one invocation of so many billed seconds."""
    price = prices()["lambda"]
    gigabytes = resources("Serverless::Function")[function]["MemorySize"] / 1024
    rate = price["gb_second"][parameter("Architecture")]
    return float(gigabytes * seconds * rate + price["million_requests"] / MILLION)


def dynamodb(done: Operation) -> float:
    """Return what an operation's units cost; a day's storage of 3 KB is a millionth of a cent."""
    price = prices()["dynamodb"]
    written, read = price["million_write_units"], price["million_read_units"]
    return float((done.written.total() * written + done.read * read) / MILLION)


def logs(size: float) -> float:
    """Return what so many bytes of log cost, kept as long as the template says."""
    price, months = prices()["cloudwatch"], parameter("LogRetentionDays") / MONTH_DAYS
    return float(size / GB * (price["log_gb"] + months * price["log_gb_month"]))


def access_line_bytes() -> int:
    """Return about how long a line of the template's access log is."""
    (api,) = resources("Serverless::HttpApi").values()
    line = api["AccessLogSettings"]["Format"]
    return len(re.sub(r"\$context\.([\w.]+)", lambda m: ACCESS_VALUES.get(m[1], "x" * 10), line))


def custom_metrics() -> set[tuple[str, ...]]:
    """Return each metric that the log lines of all operations carry (EMF), with its dimensions."""
    found = set()
    for done in operations().values():
        for line in map(json.loads, done.log_lines):
            for group in line.get("_aws", {}).get("CloudWatchMetrics", []):
                for names in group["Dimensions"]:
                    values = [str(line[name]) for name in names]
                    found |= {(group["Namespace"], m["Name"], *values) for m in group["Metrics"]}
    return found


def _files(submit: Operation, worker: Operation, *, copied: bool) -> float:
    price, out, assumed = prices()["s3"], prices()["data_out"]["gb"], prices()["assumed"]
    puts = sum(each.count("s3:PutObject") for each in (submit, worker))
    requests = puts * price["thousand_puts"] + worker.count("s3:GetObject") * price["thousand_gets"]
    kept = assumed["image_mb"] * _days("inputs")
    if copied:
        kept += assumed["video_mb"] * _days("videos")
        requests += price["thousand_gets"]
    leaves = assumed["video_mb"] if copied else 0
    stored = kept * MB / GB * price["gb_month"] / MONTH_DAYS
    return float(requests / 1000 + stored + leaves * MB / GB * out)


def _days(folder: str) -> int:
    (bucket,) = resources("S3::Bucket").values()
    rules = bucket["LifecycleConfiguration"]["Rules"]
    days = next(rule["ExpirationInDays"] for rule in rules if rule["Id"] == folder)
    return int(parameter(days["Ref"]) if isinstance(days, dict) else days)


def table() -> list[str]:
    """Return the two tables in Markdown."""
    relay, copied = per_video(copied=False), per_video(copied=True)
    fixed, veo = per_month(), veo_per_video()
    lines = ["| 1,000 videos | at the relay | copied |", "|---|--:|--:|"]
    lines += [f"| {name} | {_cents(relay[name])} | {_cents(copied[name])} |" for name in relay]
    total = [_cents(sum(each.values())) for each in (relay, copied)]
    lines += [f"| **AWS** | **{total[0]}** | **{total[1]}** |"]
    length = f"{prices()['assumed']['video_seconds']} s of 1080p each, at Google"
    lines += [
        f"| {model}, {length} | ${each * 1000:,.0f} | ${each * 1000:,.0f} |"
        for model, each in veo.items()
    ]
    lines += ["", "| a month, whatever the number of videos | |", "|---|--:|"]
    lines += [f"| {name} | ${each:.2f} |" for name, each in fixed.items()]
    return [*lines, f"| **AWS** | **${sum(fixed.values()):.2f}** |"]


def _cents(dollars_a_video: float) -> str:
    return f"${dollars_a_video * 1000:.2f}".replace("$0.00", "< $0.01")
