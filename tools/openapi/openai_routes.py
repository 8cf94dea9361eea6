"""The routes under `/v1`, for OpenAI's SDKs: what each does, takes and returns."""

from tools.openapi import examples
from tools.openapi.parts import FORM, JSON, LIMITS, Body, Reply, Route, ref

OPENAI_ROUTES = (
    Route(
        route_key="POST /v1/videos",
        operation="createVideo",
        summary="Generate a video",
        text="For OpenAI's SDKs and clients like them, as JSON or as a form. Without "
        "`input_reference` the prompt alone decides.",
        parameters=("IdempotencyKey", "DryRun"),
        bodies={
            JSON: Body(schema="CreateVideo", examples=examples.OPENAI_VIDEO),
            FORM: Body(schema="CreateVideoForm", examples=examples.OPENAI_FORM),
        },
        reply=Reply(
            text="The video object. In the words of the REST dialect for plain JSON, in OpenAI's "
            "for its SDKs, for forms and for an `input_reference` that is an object.",
            schema={"anyOf": [ref("OpenAiVideo"), ref("DryRun")]},
            headers=("NoStore", "Vary", "PollAfterMs", "Replayed", *LIMITS),
            links=("getVideo", "deleteVideo", "downloadVideo", "getTask"),
        ),
        errors=(400, 401, 402, 409, 413, 415),
    ),
    Route(
        route_key="GET /v1/videos/{task_id}",
        operation="getVideo",
        summary="Get a video",
        text="The video object, with the status as of now. `openai-poll-after-ms` says when to "
        "look again.",
        parameters=("TaskId",),
        reply=Reply(
            text="The video object.",
            schema=ref("OpenAiVideo"),
            headers=("NoStore", "Vary", "PollAfterMs"),
        ),
        errors=(401, 404),
    ),
    Route(
        route_key="GET /v1/videos/{task_id}/content",
        operation="downloadVideo",
        summary="Download a video",
        text="Redirects to the file. Takes the key as `Authorization: Bearer …` alone: clients "
        "leave that out at the redirect to another host, and would hand an `X-API-Key` on to it.",
        parameters=("TaskId", "Variant"),
        bearer_alone=True,
        reply=Reply(
            status=307,
            text="Where the file is. The address needs no key and expires.",
            headers=("FileLocation", "NoStore", "Vary"),
        ),
        errors=(400, 401, 404),
    ),
    Route(
        route_key="GET /v1/videos",
        operation="listVideos",
        summary="List videos",
        text="A page of video objects, always in OpenAI's status words.",
        parameters=("Limit", "After", "Order"),
        reply=Reply(text="A page of videos.", schema=ref("OpenAiVideoList")),
        errors=(400, 401),
    ),
    Route(
        route_key="DELETE /v1/videos/{task_id}",
        operation="deleteVideo",
        summary="Delete a video",
        text="Removes the video and its files. One that is still being made is cancelled with it.",
        parameters=("TaskId",),
        reply=Reply(text="Deleted.", schema=ref("OpenAiDeletedVideo")),
        errors=(401, 404),
    ),
    Route(
        route_key="GET /v1/models",
        operation="listModels",
        summary="List models",
        text="What a submit may name as its `model`, the default first. Where the service has no "
        "list, it takes other names too.",
        reply=Reply(text="The models.", schema=ref("ModelList")),
        errors=(401,),
    ),
    Route(
        route_key="GET /v1/models/{model}",
        operation="getModel",
        summary="Get a model",
        text="One of them.",
        parameters=("Model",),
        reply=Reply(text="The model.", schema=ref("Model")),
        errors=(401, 404),
    ),
)
