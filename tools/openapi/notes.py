"""What the document says of each field of a request."""

_LENGTH = "Seconds. When omitted the model decides; Veo itself makes 4, 6 or 8."
_SIZE = "Width x height: both even, 64 at least, 1920x1080 or 1080x1920 at most."
_LINES = "Or `720p`, `1080p`, in the shape that `aspect_ratio` says."
NOTES = {
    "image": "The picture that the video starts from: a URL, base64, or an upload's `reference`. "
    "Needed, except beside `reference_images`.",
    "input_reference": "The picture that the video starts from; without one it is text-to-video.",
    "last_frame": "The picture that the video ends with; it needs a first one.",
    "reference_images": "What the video is to show, instead of a first frame: one to three.",
    "frame_images": "The first and the last frame in OpenRouter's words.",
    "prompt": "Guidance: what moves, and how the camera does.",
    "duration": _LENGTH,
    "seconds": _LENGTH,
    "fps": "Frames per second. Veo itself makes 24.",
    "resolution": f"{_SIZE} {_LINES}",
    "size": _SIZE,
    "aspect_ratio": "Landscape or portrait. Must agree with `size` where both are given.",
    "motion_strength": "Motion intensity.",
    "camera_motion": "`pan`: horizontal, `tilt`: vertical, `zoom`: in or out, `static`: none.",
    "optimize_prompt": "Have the prompt improved by an LLM first, where the service has one.",
    "negative_prompt": "What the video is not to show.",
    "seed": "0 is a seed, too. The same seed may make the same video.",
    "generate_audio": "Whether the video has sound; a silent one may cost less.",
    "model": "`veo_3_1` unless the service says otherwise, or another that it offers.",
    "metadata": "Your own notes; REST answers repeat them.",
    "webhook_url": "Where the end of the task is sent, as a signed event; by default your key's.",
    "callback_url": "Another name for `webhook_url`.",
}
UPLOAD_NOTES = {
    "content_type": "The file's; S3 takes no other.",
    "size_bytes": "The file's, if you know it: S3 then takes no other. At most 20 MB.",
}
IMAGE_NOTES = {
    "prompt": "What to draw.",
    "width": "Pixels; the image service may draw the nearest size it has.",
    "height": "Pixels; the image service may draw the nearest size it has.",
    "quality": "How much work it is worth.",
    "negative_prompt": "What to leave out, where the image service knows of that.",
    "seed": "The same seed may draw the same image.",
    "model": "The service's own choice when omitted.",
}
WEBHOOK_NOTES = {"url": "Where the test event is sent."}
OTHER_NAMES = (
    "A prompt, images, or both. What other services call the image (`image`, `image_url`, "
    "`first_frame`), further images (`end_image`, `input_references`), the length (`duration`) and "
    "the size (`width` and `height`) is understood; any other name is refused, because what it "
    "asks for would be paid for. `user`, `n: 1` and `stream: false` change nothing and are taken."
)
