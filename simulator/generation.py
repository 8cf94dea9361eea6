"""From an order to a job, whatever the wire that it came by."""

import re
from dataclasses import replace
from functools import partial
from hashlib import sha256

from simulator import faults, stills
from simulator.camera import Motion, Shot
from simulator.failures import Failure, failure
from simulator.fault_words import BAD, STOPPED, Stage
from simulator.faults import Fault, Plan
from simulator.jobs import Job
from simulator.orders import RELAY, VEO_FPS, VEO_SECONDS, Order
from simulator.render import Spec
from simulator.state import State

_TINY = Spec(Shot(Motion.ZOOM, 0.5, 64, 36), fps=24, frames=24, source="tiny")


def accept(state: State, order: Order, plan: Plan, job_id: str) -> Job:
    """Start the job of an order, which is paid for from here on; its tokens may have it fail."""
    spec, image = _spec(state, order, plan), order.image
    draw = partial(stills.draw, faults.without_tokens(order.prompt), order.width, order.height)
    still = draw if image is None or spec is _TINY else partial(stills.decode, image)
    failing = state.ledger.fault_of_job(plan)
    fails = failing is not None or plan.word(BAD | STOPPED) is not None
    usd = state.settings.price if order.provider == RELAY else order.usd
    job = Job(
        id=job_id,
        plan=plan,
        order=replace(order, image=None, usd=usd),
        input_bytes=len(image or b""),
        spec=spec,
        seconds=float(plan.option(Stage.TIME, str(state.settings.seconds))),
        failure=_failure(failing),
        video=None if fails else state.renders.start(spec, still),
    )
    if state.archive:
        state.archive.add(job, image)
    state.ledger.add(job)
    return job


def _failure(failing: Fault | None) -> Failure | None:
    known = failure(failing.what) if failing else None
    if known and failing and failing.number is not None:
        code = f"{failing.number:.0f}"
        return replace(known, message=re.sub(r"(?<=codes: )\d+", code, known.message))
    return known


def _spec(state: State, order: Order, plan: Plan) -> Spec:
    match plan.option(Stage.RENDER, "tiny" if state.settings.tiny else "asked"):
        case "tiny":
            return _TINY
        case "veo":
            order = replace(order, width=1280, height=720, seconds=VEO_SECONDS, fps=VEO_FPS)
    words = faults.without_tokens(order.prompt).encode()
    source = sha256(b"text" + words if order.image is None else b"file" + order.image)
    return Spec(
        shot=Shot(order.motion, order.strength, order.width, order.height),
        fps=order.fps,
        frames=order.seconds * order.fps,
        source=source.hexdigest(),
    )
