"""The two applications of a simulator, made from one state; each wire adds its routes here."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from simulator.control import Control
from simulator.failures import Refusal
from simulator.files import Files
from simulator.google import errors
from simulator.google.gemini_files import GeminiFiles
from simulator.google.interactions import Interactions
from simulator.google.operations import Operations
from simulator.google.storage import Storage
from simulator.google.token_service import TokenService
from simulator.guard import Guard
from simulator.openai_compatible.chat_and_images import ChatAndImages
from simulator.openai_compatible.errors import body, refuse
from simulator.openai_compatible.videos import Videos
from simulator.received import Webhooks
from simulator.state import State


def api(state: State) -> Starlette:
    """Return what listens on the API port."""
    parts = (
        Videos(state, body),
        ChatAndImages(state, body),
        TokenService(state),
        Operations(state, errors.body),
        Storage(state, errors.body),
        Interactions(state, errors.interactions_body),
        GeminiFiles(state, errors.body),
        Files(state, body),
        Webhooks(state),
        Control(state),
    )
    routes = [route for part in parts for route in part.routes()]
    return Starlette(
        routes=routes, exception_handlers={Refusal: refuse}, middleware=[_guard(state)]
    )


def files(state: State) -> Starlette:
    """Return what listens on the files port; web pages may read there, as at a CDN."""
    readable = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD"],
        allow_headers=["*"],
        expose_headers=["Accept-Ranges", "Content-Length", "Content-Range", "ETag"],
    )
    return Starlette(
        routes=Files(state, body).routes(),
        exception_handlers={Refusal: refuse},
        middleware=[_guard(state), readable],
    )


def _guard(state: State) -> Middleware:
    return Middleware(Guard, state.settings.host.split(","))
