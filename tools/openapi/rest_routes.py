"""The routes under `/api/v1`: what each does, takes and returns."""

from tools.openapi import examples
from tools.openapi.parts import JSON, LIMITS, Body, Reply, Route, ref

REST_ROUTES = (
    Route(
        route_key="POST /api/v1/videos/generate",
        operation="generateVideo",
        summary="Generate a video",
        text="Takes a task and answers at once; the video is made afterwards. Poll "
        "`/api/v1/tasks/{task_id}` until the status is `completed`, `failed` or `cancelled`. An "
        "unknown field is refused by its name, because a typo must not cost money.",
        parameters=("IdempotencyKey", "DryRun"),
        bodies={JSON: Body(schema="GenerateVideo", examples=examples.REST_VIDEO)},
        reply=Reply(
            status=202,
            text="The task, accepted.",
            schema=ref("Submitted"),
            headers=("TaskLocation", "NoStore", "Vary", "Replayed", *LIMITS),
            links=("getTask", "cancelTask", "getVideoStatus", "getVideo"),
        ),
        other_replies=(Reply(text="A dry run.", schema=ref("DryRun")),),
        errors=(400, 401, 402, 409, 413, 415, 422),
    ),
    Route(
        route_key="GET /api/v1/tasks/{task_id}",
        operation="getTask",
        summary="Get a task",
        text="Where the task stands, and the video once it is completed. `Retry-After` says when "
        "to look again.",
        parameters=("TaskId",),
        reply=Reply(text="The task.", schema=ref("Task"), headers=("NoStore", "Vary", "PollAfter")),
        errors=(401, 404),
    ),
    Route(
        route_key="GET /api/v1/tasks",
        operation="listTasks",
        summary="List tasks",
        text="Newest first. The `Link` header leads to the next page; without it, this is the "
        "last one.",
        parameters=("Limit", "Status", "Cursor"),
        reply=Reply(
            text="A page of tasks.",
            schema={"type": "array", "items": ref("TaskSummary")},
            headers=("NoStore", "Vary", "NextPage"),
        ),
        errors=(401, 422),
    ),
    Route(
        route_key="DELETE /api/v1/tasks/{task_id}",
        operation="cancelTask",
        summary="Cancel a task",
        text="A pending task then costs nothing. What was already sent upstream may be charged "
        "nevertheless; the task says so in `maybe_charged`, and can be read as before.",
        parameters=("TaskId",),
        reply=Reply(text="Cancelled.", schema=ref("CancelledTask")),
        errors=(401, 404, 409),
    ),
    Route(
        route_key="GET /api/v1/videos/{task_id}",
        operation="getVideoStatus",
        summary="Get the status of a video",
        text="Kept for old clients. Use `/api/v1/tasks/{task_id}` instead.",
        parameters=("TaskId",),
        reply=Reply(
            text="The flat status.",
            schema=ref("VideoStatus"),
            headers=("Deprecation", "Successor", "NoStore", "Vary", "PollAfter"),
        ),
        errors=(401, 404),
        deprecated=True,
    ),
    Route(
        route_key="POST /api/v1/images/generate",
        operation="generateImage",
        summary="Generate an image",
        text="Draws an input image; its `image_url` goes into the `image` of a submit. Answers "
        "when the image is there, which takes up to 30 seconds. Counts in your key's minute and "
        "day.",
        bodies={JSON: Body(schema="GenerateImage", examples=examples.DRAWING)},
        reply=Reply(
            text="The image.", schema=ref("GeneratedImage"), headers=("NoStore", "Vary", *LIMITS)
        ),
        errors=(400, 401, 413, 415, 422),
    ),
    Route(
        route_key="POST /api/v1/uploads",
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
            schema=ref("Upload"),
            headers=("NoStore", "Vary", *LIMITS),
        ),
        errors=(400, 401, 413, 415, 422),
    ),
    Route(
        route_key="POST /api/v1/webhooks/test",
        operation="testWebhook",
        summary="Test a webhook",
        text="Sends a signed event of the type `video.test` to an address, once, and tells what "
        "came back within 10 seconds. Counts in your key's minute.",
        bodies={JSON: Body(schema="WebhookTest", examples=examples.WEBHOOK_TEST)},
        reply=Reply(
            text="What the address answered.",
            schema=ref("WebhookAnswer"),
            headers=("NoStore", "Vary", *LIMITS),
        ),
        errors=(400, 401, 413, 415, 422),
    ),
    Route(
        route_key="GET /api/v1/usage",
        operation="getUsage",
        summary="Get what was spent",
        text="What your key made and spent, a row for each UTC day on which its tasks were "
        "accepted; this month so far, unless `from` and `to` say otherwise. Kept for 400 days.",
        parameters=("FirstDay", "LastDay"),
        reply=Reply(text="The days.", schema=ref("Usage")),
        errors=(401, 422),
    ),
    Route(
        route_key="GET /api/v1/models",
        operation="listModelsInRest",
        summary="List models",
        text="The same as `/v1/models`.",
        reply=Reply(text="The models.", schema=ref("ModelList")),
        errors=(401,),
    ),
)
