"""The routes about the service itself: health, OpenAPI and documentation."""

from tools.openapi.parts import HTML, SCRIPT, Reply, Route, ref

SERVICE_ROUTES = (
    Route(
        route_key="GET /api/v1/health",
        operation="getHealth",
        summary="Health",
        text="Answers when functions run.",
        reply=Reply(text="Alive.", schema=ref("Health")),
    ),
    Route(
        route_key="GET /openapi.json",
        operation="getOpenApi",
        summary="This description",
        text="OpenAPI 3.1.",
        reply=Reply(
            text="The OpenAPI document.", schema={"type": "object"}, headers=("MayBeKept",)
        ),
    ),
    Route(
        route_key="GET /docs",
        operation="getDocs",
        summary="Documentation",
        text="The same for people.",
        reply=Reply(
            text="A page whose commands speak to the address that it was asked for at.",
            schema={"type": "string"},
            media_type=HTML,
            headers=("ContentSecurity", "MayBeKept"),
        ),
    ),
    Route(
        route_key="GET /docs.js",
        operation="getDocsScript",
        summary="The page's script",
        text="Copies a command at a click. The page can be read without it.",
        reply=Reply(
            text="A script.", schema={"type": "string"}, media_type=SCRIPT, headers=("MayBeKept",)
        ),
    ),
    Route(
        route_key="GET /examples/mountains.jpg",
        operation="getExamplePicture",
        summary="A picture to begin with",
        text="1280x720 pixels, for a first video.",
        reply=Reply(text="A picture.", schema={}, media_type="image/jpeg", headers=("MayBeKept",)),
    ),
    Route(
        route_key="GET /",
        operation="getRoot",
        summary="Playground",
        text="A page on which people make videos. With `PLAYGROUND=false`: 307, to `/docs`.",
        reply=Reply(
            text="The page.",
            schema={"type": "string"},
            media_type=HTML,
            headers=("ContentSecurity", "AskedAgain", "EntityTag"),
        ),
    ),
    Route(
        route_key="GET /playground/{file}",
        operation="getPlaygroundFile",
        summary="The playground's files",
        text="Its scripts, style and icon. With `PLAYGROUND=false` there are none.",
        parameters=("File",),
        reply=Reply(
            text="A script, or another file in its own media type.",
            schema={"type": "string"},
            media_type=SCRIPT,
            headers=("AskedAgain", "EntityTag"),
        ),
        errors=(404,),
    ),
)
