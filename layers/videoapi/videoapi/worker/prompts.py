"""The words that go upstream. Camera motion and strength do not exist there: they are said here.

The terms are those of Google's Veo prompt guide (camera first): pan and tilt rotate the camera
from a fixed position, zoom changes the focal length while the camera stays.
"""

from videoapi.domain.tasks import GenerationRequest

CAMERA = {
    "pan": "The camera pans: it rotates horizontally from a fixed position",
    "tilt": "The camera tilts: it rotates vertically from a fixed position",
    "zoom": "The lens zooms: the focal length changes while the camera does not move",
    "static": "Locked-off static shot: the camera does not move at all",
}
STRENGTH = ((0.25, "subtle, slow"), (0.5, "gentle"), (0.75, "pronounced"), (1.0, "strong, fast"))
NEUTRAL_IMAGE = "Bring this image to life with natural, subtle motion that fits the scene."
NEUTRAL_TEXT = "A calm, natural scene with subtle motion."


def compose(request: GenerationRequest, *, has_image: bool, prompt: str | None = None) -> str:
    """Return the prompt as it is sent: camera, motion, then the caller's words (or better ones).

    Says only what the caller said; relays refuse an empty prompt, so a neutral sentence stands in.
    """
    text = (prompt or request.prompt or "").strip()
    words = text or (NEUTRAL_IMAGE if has_image else NEUTRAL_TEXT)
    sentences = [CAMERA[request.camera_motion]] if request.camera_motion else []
    if request.motion_strength is not None and request.camera_motion != "static":
        sentences.append(f"The motion is {_strength(request.motion_strength)}")
    return ". ".join([*sentences, words])


def _strength(value: float) -> str:
    return next(word for limit, word in STRENGTH if value <= limit)
