"""The values of the port."""

import pytest

from videoapi.providers.provider import Content, InputImage


def test_where_a_video_is_kept_is_not_printed():
    assert "sig" not in repr(Content(url="https://cdn.example/a?sig=1"))


@pytest.mark.parametrize(
    ("content_type", "name"),
    [("image/png", "input.png"), ("image/jpeg", "input.jpg"), ("image/webp", "input.webp")],
)
def test_image_is_named_after_its_type(content_type, name):
    assert InputImage(data=b"", content_type=content_type).file_name == name
