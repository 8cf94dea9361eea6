"""Every route: what it does, takes and answers. `document` turns this table into OpenAPI."""

from tools.openapi import examples
from tools.openapi.parts import FORM, HTML, JSON, OPENAI, REST, SCRIPT, SERVICE, Body, Reply, Route


def _one(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


LIMITS = ("LimitPolicy", "LimitState")
ROUTES = (
    Route(
        method="post",
        path="/api/v1/videos/generate",
        tag=REST,
        operation="generateVideo",
        summary="Generate a video",
        text="Takes a task and answers at once; the video is made afterwards. Poll "
        "`/api/v1/tasks/{task_id}` until the status is `completed`, `failed` or `cancelled`. An "
        "unknown field is refused by its name, because a typo must not cost money.",
        parameters=("IdempotencyKey",),
        bodies={JSON: Body(schema="GenerateVideo", examples=examples.REST_VIDEO)},
        reply=Reply(
            status=202,
            text="The task, accepted.",
            schema=_one("Submitted"),
            headers=("TaskLocation", "NoStore", "Vary", "Replayed", *LIMITS),
            links=("getTask", "cancelTask", "getVideoStatus", "getVideo"),
        ),
        errors=(400, 401, 409, 413, 415, 422, 429, 500, 503),
    ),
    Route(
        method="get",
        path="/api/v1/tasks/{task_id}",
        tag=REST,
        operation="getTask",
        summary="Get a task",
        text="Where the task stands, and the video once it is completed. `Retry-After` says when "
        "to look again.",
        parameters=("TaskId",),
        reply=Reply(
            text="The task.",
            schema=_one("Task"),
            headers=("NoStore", "Vary", "PollAfter"),
        ),
        errors=(401, 404, 429, 500, 503),
    ),
    Route(
        method="get",
        path="/api/v1/tasks",
        tag=REST,
        operation="listTasks",
        summary="List tasks",
        text="Newest first. The `Link` header leads to the next page; without it, this is the "
        "last one.",
        parameters=("Limit", "Status", "Cursor"),
        reply=Reply(
            text="A page of tasks.",
            schema={"type": "array", "items": _one("TaskSummary")},
            headers=("NoStore", "Vary", "NextPage"),
        ),
        errors=(401, 422, 429, 500, 503),
    ),
    Route(
        method="delete",
        path="/api/v1/tasks/{task_id}",
        tag=REST,
        operation="cancelTask",
        summary="Cancel a task",
        text="A pending task then costs nothing. What was already sent upstream may be charged "
        "all the same; the task says so in `maybe_charged`, and can be read as before.",
        parameters=("TaskId",),
        reply=Reply(
            text="Cancelled.",
            schema=_one("CancelledTask"),
            headers=("NoStore", "Vary"),
        ),
        errors=(401, 404, 409, 429, 500, 503),
    ),
    Route(
        method="get",
        path="/api/v1/videos/{task_id}",
        tag=REST,
        operation="getVideoStatus",
        summary="Get the status of a video",
        text="Kept for old clients. Use `/api/v1/tasks/{task_id}` instead.",
        parameters=("TaskId",),
        reply=Reply(
            text="The flat status.",
            schema=_one("VideoStatus"),
            headers=("Deprecation", "Successor", "NoStore", "Vary", "PollAfter"),
        ),
        errors=(401, 404, 429, 500, 503),
        deprecated=True,
    ),
    Route(
        method="post",
        path="/api/v1/images/generate",
        tag=REST,
        operation="generateImage",
        summary="Generate an image",
        text="Draws an input image; its `image_url` goes into the `image` of a submit. Answers "
        "when the image is there, which takes up to 30 seconds. Counts in your key's minute and "
        "day.",
        bodies={JSON: Body(schema="GenerateImage", examples=examples.DRAWING)},
        reply=Reply(
            text="The image.",
            schema=_one("GeneratedImage"),
            headers=("NoStore", "Vary", *LIMITS),
        ),
        errors=(400, 401, 413, 415, 422, 429, 500, 503),
    ),
    Route(
        method="post",
        path="/api/v1/uploads",
        tag=REST,
        operation="createUpload",
        summary="Upload an image",
        text="For images that are too large for a request's body. POST the file to `url`, with the "
        "answer's `fields` before it; then a submit in either dialect takes the `reference` as its "
        "image. S3 holds the file to its type and size, and the form to its 10 minutes. Counts in "
        "your key's minute.",
        bodies={JSON: Body(schema="NewUpload", examples=examples.NEW_UPLOAD)},
        reply=Reply(
            status=201,
            text="The form, and the reference.",
            schema=_one("Upload"),
            headers=("NoStore", "Vary", *LIMITS),
        ),
        errors=(400, 401, 413, 415, 422, 429, 500, 503),
    ),
    Route(
        method="post",
        path="/v1/videos",
        tag=OPENAI,
        operation="createVideo",
        summary="Generate a video",
        text="For OpenAI's SDKs and whoever speaks like them, as JSON or as a form. Without "
        "`input_reference` the prompt alone decides.",
        parameters=("IdempotencyKey",),
        bodies={
            JSON: Body(schema="CreateVideo", examples=examples.OPENAI_VIDEO),
            FORM: Body(schema="CreateVideoForm", examples=examples.OPENAI_FORM),
        },
        reply=Reply(
            text="The video object. In the words of the REST dialect for plain JSON, in OpenAI's "
            "for its SDKs, for forms and for an `input_reference` that is an object.",
            schema=_one("OpenAiVideo"),
            headers=("NoStore", "Vary", "PollAfterMs", "Replayed", *LIMITS),
            links=("getVideo", "deleteVideo", "downloadVideo", "getTask"),
        ),
        errors=(400, 401, 409, 413, 415, 429, 500, 503),
    ),
    Route(
        method="get",
        path="/v1/videos/{task_id}",
        tag=OPENAI,
        operation="getVideo",
        summary="Get a video",
        text="The video object, with the status as of now. `openai-poll-after-ms` says when to "
        "look again.",
        parameters=("TaskId",),
        reply=Reply(
            text="The video object.",
            schema=_one("OpenAiVideo"),
            headers=("NoStore", "Vary", "PollAfterMs"),
        ),
        errors=(401, 404, 429, 500, 503),
    ),
    Route(
        method="get",
        path="/v1/videos/{task_id}/content",
        tag=OPENAI,
        operation="downloadVideo",
        summary="Download a video",
        text="Redirects to the file. Takes the key as `Authorization: Bearer …` alone: clients "
        "leave that out at the redirect to another host, and would hand an `X-API-Key` on to it.",
        parameters=("TaskId", "Variant"),
        bearer_alone=True,
        reply=Reply(
            status=307,
            text="The file is there, for everybody who knows the address and for a while.",
            headers=("FileLocation", "NoStore", "Vary"),
        ),
        errors=(400, 401, 404, 429, 500, 503),
    ),
    Route(
        method="get",
        path="/v1/videos",
        tag=OPENAI,
        operation="listVideos",
        summary="List videos",
        text="A page of video objects, always in OpenAI's status words.",
        parameters=("Limit", "After", "Order"),
        reply=Reply(
            text="A page of videos.",
            schema=_one("OpenAiVideoList"),
            headers=("NoStore", "Vary"),
        ),
        errors=(400, 401, 429, 500, 503),
    ),
    Route(
        method="delete",
        path="/v1/videos/{task_id}",
        tag=OPENAI,
        operation="deleteVideo",
        summary="Delete a video",
        text="Removes the video and its files. One that is still being made is cancelled with it.",
        parameters=("TaskId",),
        reply=Reply(
            text="Deleted.",
            schema=_one("OpenAiDeletedVideo"),
            headers=("NoStore", "Vary"),
        ),
        errors=(401, 404, 429, 500, 503),
    ),
    Route(
        method="get",
        path="/v1/models",
        tag=OPENAI,
        operation="listModels",
        summary="List models",
        text="What a submit may name as its `model`, the default first. Where the service has no "
        "list, it takes other names too.",
        reply=Reply(text="The models.", schema=_one("ModelList"), headers=("NoStore", "Vary")),
        errors=(401, 429, 500, 503),
    ),
    Route(
        method="get",
        path="/v1/models/{model}",
        tag=OPENAI,
        operation="getModel",
        summary="Get a model",
        text="One of them.",
        parameters=("Model",),
        reply=Reply(text="The model.", schema=_one("Model"), headers=("NoStore", "Vary")),
        errors=(401, 404, 429, 500, 503),
    ),
    Route(
        method="get",
        path="/api/v1/models",
        tag=REST,
        operation="listModelsInRest",
        summary="List models",
        text="The same as `/v1/models`.",
        reply=Reply(text="The models.", schema=_one("ModelList"), headers=("NoStore", "Vary")),
        errors=(401, 429, 500, 503),
    ),
    Route(
        method="get",
        path="/api/v1/health",
        tag=SERVICE,
        operation="getHealth",
        summary="Health",
        text="Answers when functions run.",
        reply=Reply(
            text="Alive.",
            schema=_one("Health"),
            headers=("NoStore", "Vary"),
        ),
        errors=(429, 500, 503),
    ),
    Route(
        method="get",
        path="/openapi.json",
        tag=SERVICE,
        operation="getOpenApi",
        summary="This description",
        text="OpenAPI 3.1.",
        reply=Reply(
            text="The OpenAPI document.", schema={"type": "object"}, headers=("MayBeKept",)
        ),
        errors=(429, 500, 503),
    ),
    Route(
        method="get",
        path="/docs",
        tag=SERVICE,
        operation="getDocs",
        summary="Documentation",
        text="The same for people.",
        reply=Reply(
            text="A page whose commands speak to the address that it was asked for at.",
            schema={"type": "string"},
            media_type=HTML,
            headers=("ContentSecurity", "MayBeKept"),
        ),
        errors=(429, 500, 503),
    ),
    Route(
        method="get",
        path="/docs.js",
        tag=SERVICE,
        operation="getDocsScript",
        summary="The page's script",
        text="Copies a command at a click. The page can be read without it.",
        reply=Reply(
            text="A script.",
            schema={"type": "string"},
            media_type=SCRIPT,
            headers=("MayBeKept",),
        ),
        errors=(429, 500, 503),
    ),
    Route(
        method="get",
        path="/examples/mountains.jpg",
        tag=SERVICE,
        operation="getExamplePicture",
        summary="A picture to begin with",
        text="1280x720 pixels, for a first video.",
        reply=Reply(text="A picture.", schema={}, media_type="image/jpeg", headers=("MayBeKept",)),
        errors=(429, 500, 503),
    ),
    Route(
        method="get",
        path="/",
        tag=SERVICE,
        operation="getRoot",
        summary="Start",
        text="Leads to the documentation.",
        reply=Reply(
            status=307, text="The way to `/docs`.", headers=("DocsLocation", "NoStore", "Vary")
        ),
        errors=(429, 500, 503),
    ),
)
