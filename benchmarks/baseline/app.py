"""The same submit and status as most would write them: FastAPI, Mangum and boto3.

It does less (no keys, no limits, one dialect, a plain error) and is measured in the same run.
"""

import os
import time
import uuid
from typing import Annotated, Literal

import boto3
from fastapi import FastAPI, HTTPException
from mangum import Mangum
from pydantic import BaseModel, ConfigDict, Field

app = FastAPI()
dynamodb = boto3.client("dynamodb")
sqs = boto3.client("sqs")
table, queue_url = os.environ["TABLE_NAME"], os.environ["QUEUE_URL"]


class GenerateVideo(BaseModel):
    """The fields and limits of the REST dialect."""

    model_config = ConfigDict(extra="forbid")

    image: Annotated[str, Field(min_length=1)]
    prompt: Annotated[str | None, Field(max_length=5000)] = None
    duration: Annotated[int | None, Field(ge=1, le=10)] = None
    fps: Annotated[int, Field(ge=24, le=60)] = 30
    resolution: Annotated[str, Field(pattern=r"^\d{2,4}x\d{2,4}$")] = "1920x1080"
    motion_strength: Annotated[float, Field(ge=0, le=1)] = 0.5
    camera_motion: Literal["pan", "tilt", "zoom", "static"] | None = None
    optimize_prompt: bool = False
    model: str = "veo_3_1"
    metadata: Annotated[dict[str, str] | None, Field(max_length=16)] = None


class Submitted(BaseModel):
    """The answer to a submit."""

    task_id: str
    status: str
    message: str


@app.post("/api/v1/videos/generate", status_code=202)
def generate(body: GenerateVideo) -> Submitted:
    """Put the task, send its id."""
    task_id = f"vid_{uuid.uuid4().hex}"
    item = {
        "task_id": {"S": task_id},
        "status": {"S": "pending"},
        "created_at": {"N": str(time.time())},
        "request": {"S": body.model_dump_json()},
    }
    dynamodb.put_item(
        TableName=table, Item=item, ConditionExpression="attribute_not_exists(task_id)"
    )
    sqs.send_message(QueueUrl=queue_url, MessageBody=task_id)
    return Submitted(task_id=task_id, status="pending", message="Video generation task submitted.")


@app.get("/api/v1/tasks/{task_id}")
def task(task_id: str) -> dict[str, object]:
    """Read the task."""
    item = dynamodb.get_item(TableName=table, Key={"task_id": {"S": task_id}}).get("Item")
    if item is None:
        raise HTTPException(404, "No such task")
    return {name: next(iter(value.values())) for name, value in item.items() if "S" in value}


handler = Mangum(app, lifespan="off")
