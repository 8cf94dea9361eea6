"""What the docs function serves for the playground, and what the page may load."""

import re

import pytest

from videoapi.api import playground

PARTS = sorted(name for name in playground.files() if name != playground.PAGE)
PATHS = ["/", *(f"/playground/{name}" for name in PARTS)]
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def policy(answer):
    """Return the sources of each directive of the page's Content-Security-Policy."""
    directives = answer.headers["content-security-policy"].split("; ")
    return {name: sources.split(" ") for name, _, sources in (d.partition(" ") for d in directives)}


def test_the_root_is_the_playground_for_everybody(deploy):
    for anonymous in ("true", "false"):
        answer = deploy(ALLOW_ANONYMOUS=anonymous).get("/")
        assert (answer.status, answer.calls) == (200, [])
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.text.startswith("<!doctype html>")
        assert "{{" not in answer.text


@pytest.mark.parametrize("name", PARTS)
def test_each_part_has_its_media_type(client, name):
    answer = client.get(f"/playground/{name}")
    assert (answer.status, answer.calls) == (200, [])
    assert answer.headers["content-type"].split(";")[0] == TYPES[name.rpartition(".")[2]]
    assert answer.text == (playground.FOLDER / name).read_text("utf-8")


def test_page_and_scripts_name_parts_that_are_there(client):
    texts = [client.get(path).text for path in PATHS]
    named = {name for text in texts for name in re.findall(r"\"/playground/([^\"]+)\"", text)}
    imported = {name for text in texts for name in re.findall(r"from \"\./([^\"]+)\"", text)}
    assert named | imported == set(PARTS)


def test_the_page_has_no_script_or_style_in_it(client):
    text = client.get("/").text
    assert re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL) == [""]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)


def test_scripts_have_no_way_to_make_markup_of_text():
    for name in PARTS:
        text = (playground.FOLDER / name).read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", text)


def test_scripts_stay_small():
    scripts = [playground.files()[name].content for name in PARTS if name.endswith(".js")]
    assert sum(len(script.encode()) for script in scripts) < 60_000


def test_policy_allows_own_parts_and_known_files_alone(deploy):
    client = deploy(VEO3_SKIP_UPLOAD="false", AWS_ENDPOINT_URL="")
    answer = client.get("/")
    bucket = playground_bucket(answer)
    own = ["'self'", bucket]
    assert policy(answer) == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": [*own, "blob:"],
        "media-src": [*own, "blob:"],
        "connect-src": own,
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
    }
    assert answer.headers["referrer-policy"] == "no-referrer"


def playground_bucket(answer):
    """Return the bucket's origin, as the page is told of it."""
    return re.search(r'name="files" content="(\S+)"', answer.text)[1]


def test_a_relays_own_links_may_play_from_anywhere(deploy):
    sources = policy(deploy(VEO3_BASE_URL="https://relay.example").get("/"))
    assert sources["media-src"][-2:] == ["https:", "blob:"]
    for other in ("img-src", "connect-src", "script-src"):
        assert "https:" not in sources[other]
    assert "https://relay.example" in sources["connect-src"]


def test_a_private_relay_and_named_origins_are_known(deploy):
    sources = policy(
        deploy(
            VEO3_BASE_URL="http://127.0.0.1:8001",
            VEO3_RESULT_ORIGINS="http://127.0.0.1:8002,https://cdn.example",
            PUBLIC_URL="https://videos.example/",
        ).get("/")
    )
    known = ["http://127.0.0.1:8001", "http://127.0.0.1:8002", "https://cdn.example"]
    assert sources["media-src"][-4:] == [*known, "blob:"]
    assert "https://videos.example" in sources["connect-src"]


def test_google_alone_hands_out_no_links_but_the_buckets(deploy):
    sources = policy(
        deploy(
            VIDEO_PROVIDERS="vertex",
            VIDEO_ROUTES="veo_3_1=vertex:veo-3.1-generate-001",
            GOOGLE_PROJECT="our-project",
        ).get("/")
    )
    assert "https:" not in sources["media-src"]
    assert sources["media-src"][2:] == ["blob:"]


def test_a_setting_cannot_add_to_the_policy(deploy):
    sources = policy(deploy(VEO3_RESULT_ORIGINS="https://a.example;script-src *").get("/"))
    assert sources["script-src"] == ["'self'"]
    assert not [each for each in sources["media-src"] if "a.example" in each]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_what_a_browser_has_is_not_sent_again(client, path, form):
    tag = client.get(path).headers["etag"]
    answer = client.get(path, headers={"if-none-match": form.format(tag)})
    assert (answer.status, answer.text, answer.headers["etag"]) == (304, "", tag)


@pytest.mark.parametrize("path", PATHS)
def test_what_has_changed_is_sent_anew(client, path):
    answer = client.get(path, headers={"if-none-match": '"of-another-deploy"'})
    assert answer.status == 200
    assert answer.text


def test_page_of_other_settings_has_another_tag(deploy):
    one, other = (deploy(PUBLIC_URL=url).get("/") for url in ("", "https://videos.example"))
    assert one.headers["etag"] != other.headers["etag"]


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_a_body(client, path):
    got, head = client.get(path), client.request("HEAD", path)
    assert (head.status, head.text) == (200, "")
    assert head.headers["etag"] == got.headers["etag"]
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "index.html",
        "..",
        "../openapi.json",
        "%2e%2e%2fopenapi.json",
        "..%2Fopenapi.json",
        "..\\openapi.json",
        "main.js/x",
        "main.js%00",
        "MAIN.JS",
        "",
        "/etc/passwd",
    ],
)
def test_there_is_nothing_but_the_parts(client, name):
    answer = client.get(f"/playground/{name}")
    assert answer.status == 404
    assert answer.error["code"] == "route_not_found"


def test_documentation_leads_to_the_playground(deploy):
    assert '<a href="/">Playground</a>' in deploy().get("/docs").text


def test_without_a_playground_the_root_leads_to_docs(deploy):
    client = deploy(PLAYGROUND="false")
    answer = client.get("/")
    assert (answer.status, answer.headers["location"]) == (307, "/docs")
    assert 'href="/"' not in client.get("/docs").text, "would lead back to itself"
    for name in PARTS:
        assert client.get(f"/playground/{name}").status == 404
