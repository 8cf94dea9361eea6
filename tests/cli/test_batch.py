"""What a batch file may look like, what its rows are called, and which names are safe."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fake_api import JPEG
from videoapi_cli.batch import orders_of, rows_of
from videoapi_cli.downloads import MAX_NAME, safe_name
from videoapi_cli.errors import UsageError
from videoapi_cli.orders import FIELDS


@pytest.fixture
def read(tmp_path):
    """Return what reads a batch file of some text into orders."""
    for name in ("a.jpg", "b.jpg", "c.PNG"):
        (tmp_path / name).write_bytes(JPEG + name.encode())

    def orders(text, name="jobs.csv", **shared):
        source = tmp_path / name
        source.write_bytes(text if isinstance(text, bytes) else text.encode())
        return orders_of(rows_of(source), shared, batch=name, base=tmp_path)

    return orders


def test_cells_are_read_as_the_api_takes_them(read, tmp_path):
    (order,) = read(
        "image,prompt,seconds,size,seed,audio,motion_strength,reference_images,metadata,model\n"
        'a.jpg,"Pan, slowly",4,720p,0,no,0.5,b.jpg; https://x.test/c.png,"{""a"": ""b""}",\n'
    )
    assert order.fields == {
        "image": str(tmp_path / "a.jpg"),
        "prompt": "Pan, slowly",
        "duration": 4,
        "resolution": "720p",
        "seed": 0,
        "generate_audio": False,
        "motion_strength": 0.5,
        "reference_images": [str(tmp_path / "b.jpg"), "https://x.test/c.png"],
        "metadata": {"a": "b"},
    }


@pytest.mark.parametrize(
    "text",
    [
        "image;prompt\r\na.jpg;Pan, slowly\r\n",
        "image\tprompt\na.jpg\tPan, slowly",
        " Image ;PROMPT\na.jpg;Pan, slowly",
        '\ufeffimage,prompt\n"a.jpg","Pan, slowly"\n\n,\n',
    ],
)
def test_spreadsheets_of_any_country_are_read(read, text):
    (order,) = read(text)
    assert order.fields["prompt"] == "Pan, slowly"


def test_json_lines_keep_their_types(read):
    first, second = read(
        '{"image": "a.jpg", "duration": 4, "seed": null}\n\n{"prompt": "A fox", "fps": "24"}\n',
        "jobs.jsonl",
    )
    assert first.fields["duration"] == 4
    assert "seed" not in first.fields
    assert second.fields == {"prompt": "A fox", "fps": 24}


def test_row_says_more_than_the_options(read):
    first, second = read("image,prompt\na.jpg,Pan\nb.jpg,\n", prompt="Tilt", duration=8)
    assert (first.fields["prompt"], second.fields["prompt"]) == ("Pan", "Tilt")
    assert second.fields["duration"] == 8


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,promt\na.jpg,Pan\n", "promt"),
        ("image,seconds\na.jpg,four\n", "line 2: duration should be a whole number"),
        ("image,audio\na.jpg,maybe\n", "true or false"),
        ("image,seconds,duration\na.jpg,4,4\n", "twice"),
        ("image,prompt\na.jpg,Pan, slowly\n", "line 2: more cells"),
        ("image,prompt,prompt\na.jpg,Pan,Tilt\n", "2 columns are called 'prompt'"),
        ('image,prompt\na.jpg,Pan\nb.jpg,"Tilt\nc.PNG,Zoom\n', "the row after line 2"),
        ('image,prompt\na.jpg,"Pan" left\n', "the row after line 1"),
        ("image,motion_strength\na.jpg,nan\n", "line 2: motion_strength holds what cannot be sent"),
        ("image,prompt\n", "nothing to make"),
        ("", "nothing to make"),
        (b"image,prompt\na.jpg,\xff\n", "UTF-8"),
    ],
)
def test_file_with_a_mistake_is_refused_as_a_whole(read, text, words):
    with pytest.raises(UsageError, match=words):
        read(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1: no JSON"),
        ("[1]", "object"),
        ('\n{"prompt": "\\ud800"}', "line 2: prompt holds what cannot be sent"),
        ('{"prompt": "x", "metadata": {"a": NaN}}', "metadata holds"),
        ('{"prompt": "x", "output": ["a"]}', "output should be a file's name"),
    ],
)
def test_line_that_is_no_object_is_refused(read, text, words):
    with pytest.raises(UsageError, match=words):
        read(text, "jobs.jsonl")


def test_separators_of_lines_in_a_text_are_kept(read):
    (order,) = read('{"prompt": "Pan\u2028left\x85"}\r\n', "jobs.jsonl")
    assert order.fields["prompt"] == "Pan\u2028left\x85"


def test_spaces_around_an_image_are_none_of_its_name(read, tmp_path):
    for name in (" d.jpg", "~e.jpg"):
        (tmp_path / name).write_bytes(JPEG)
    orders = read("prompt, image\nPan, a.jpg \nPan, d.jpg\nPan,~e.jpg\nPan, https://x.test/f.png\n")
    names = [str(tmp_path / each) for each in ("a.jpg", " d.jpg", "~e.jpg")]
    assert [each.fields["image"] for each in orders] == [*names, "https://x.test/f.png"]
    assert not any(each.problem for each in orders)


def test_image_that_no_system_can_name_is_a_problem_of_its_row(read):
    orders = read('{"image": "a\\u0000.jpg"}\n{"image": "https://x/\\ud800"}\n', "jobs.jsonl")
    assert all("names no image" in each.problem for each in orders)


def test_folder_is_a_batch_of_its_images(tmp_path):
    for name in ("c.PNG", "b.jpg", "a.jpeg", "d.webp"):
        (tmp_path / name).touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".a.jpg").touch()
    rows = rows_of(tmp_path)
    assert [where for where, _ in rows] == ["a.jpeg", "b.jpg", "c.PNG", "d.webp"]


def test_files_are_called_after_images_or_as_said(read):
    orders = read(
        "image,prompt,output\na.jpg,1,\nA.jpg,2,\na.jpg,3,../x/my clip.mp4\n"
        "https://t/y.png?z,4,\n,A fox,\n"
    )
    assert [each.name for each in orders] == ["a", "A-2", "x my clip", "y", "A fox"]


def test_output_makes_no_other_order(read):
    (named,) = read("image,output\na.jpg,clip\n")
    (plain,) = read("image\na.jpg\n")
    assert named.key == plain.key


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(), min_size=1), st.integers(0, 3))
def test_key_is_of_the_content_alone(fields, number):
    """The order of fields does not count, each value does."""
    fields = {
        name: what for name, what in fields.items() if "image" not in name and name != "last_frame"
    }
    row, other = ("line 2", fields), ("line 9", dict(reversed(fields.items())))

    def keys(rows):
        try:
            return [each.key for each in orders_of(rows, {}, batch="b", base=Path())]
        except UsageError:
            return []

    found = keys([row] * (number + 1))
    assert found == keys([other] * (number + 1))
    assert len(set(found)) == len(found)
    changed = fields | {"prompt": f"{fields.get('prompt', '')}!"}
    assert not set(found) & set(keys([("", changed)]))


@given(st.text(max_size=300))
def test_safe_name_stays_in_its_folder_on_any_system(text):
    name = safe_name(text)
    assert name
    assert Path(name).name == name
    assert len(name) <= MAX_NAME + 1
    assert len(name.encode()) < 250
    assert not set(name) & set('\\/:*?"<>|\0\n')
    assert name[0] not in " ."
    assert name[-1] not in " ."


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../etc/passwd", "etc passwd"),
        ("CON", "_CON"),
        ("clip.MP4", "clip"),
        ("..", "video"),
        ("", "video"),
        ("Überfahrt 1", "Überfahrt 1"),
    ],
)
def test_safe_name_of_what_is_tried(text, name):
    assert safe_name(text) == name


def test_metadata_is_an_object_in_json_lines(read):
    (order,) = read(json.dumps({"prompt": "A fox", "metadata": {"a": "b"}}), "jobs.ndjson")
    assert order.fields["metadata"] == {"a": "b"}
