import pytest

from videoapi.api import paths

TASK = "vid_" + "a" * 26


@pytest.mark.parametrize(
    ("path", "answers"),
    [
        ("/v1/videos", "GET, HEAD, POST"),
        (f"/v1/videos/{TASK}", "GET, HEAD, DELETE"),
        (f"/v1/videos/{TASK}/content", "GET, HEAD"),
        ("/api/v1/videos/generate", "POST"),
        ("/v1/videos/edits", ""),
        ("/v1/videos/characters/char_1", ""),
        (f"/v1/videos/{TASK}/remix", ""),
        ("/v1/videos/vid_a%2Fb", ""),
        ("/v1/videos/", ""),
        ("", ""),
    ],
)
def test_a_documented_path_answers_its_methods(path, answers):
    assert set(paths.allowed(path).split(", ")) == set(answers.split(", "))


@pytest.mark.parametrize(
    "path", ["", "/", "/v1/videos", "/nothing/", "//example.com", "/v1/videos/x/"]
)
def test_only_needless_slashes_are_removed_from_a_path(path):
    assert paths.straight(path) == ""


@pytest.mark.parametrize("path", ["//", "///"])
def test_slashes_alone_mean_the_root(path):
    assert paths.straight(path) == "/"
