"""The two applications of a stand-in, made from one state."""

from starlette.applications import Starlette

from local.upstream.ai import Ai
from local.upstream.control import Control
from local.upstream.errors import Refusal, refuse
from local.upstream.files import Files
from local.upstream.relay import Relay
from local.upstream.state import State


def api(state: State) -> Starlette:
    """Return what listens on the API port."""
    parts = (Relay(state), Files(state), Control(state), Ai(state))
    routes = [route for part in parts for route in part.routes()]
    return Starlette(routes=routes, exception_handlers={Refusal: refuse})


def files(state: State) -> Starlette:
    """Return what listens on the files port."""
    return Starlette(routes=Files(state).routes(), exception_handlers={Refusal: refuse})
