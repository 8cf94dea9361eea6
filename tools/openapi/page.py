"""The documentation page: HTML made from the OpenAPI document, readable without script.

`page.html` holds what people wrote, `page.css` its style; the rest comes from the document.
"""

import base64
import hashlib
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from tools.openapi.examples import ID
from tools.openapi.markup import Schemas, coloured, curl, figure, foldable, labelled, prose
from tools.openapi.parts import FORM, JSON, MCP, OPENAI, REST, SERVICE

type Json = Any

HERE = Path(__file__).parent
INTRODUCTIONS = {
    REST: "Its own dialect. Field names and limits are checked strictly: a typo is refused by name "
    "instead of being paid for.",
    OPENAI: "The video API of OpenAI's SDKs. Numbers may be text, and the fields of the REST "
    "dialect are understood too; an unknown field is refused by its name.",
    MCP: "The Model Context Protocol over streamable HTTP, without sessions, for agents: Claude, "
    "Cursor, VS Code and others. Its tools are the routes above under other names, with the same "
    "fields, limits and costs.",
    SERVICE: "Routes without a task.",
}
NARROW = {"delete": "del"}
EVERYWHERE = {"401", "429", "500", "503"}
SDK = """\
from openai import OpenAI

client = OpenAI(base_url="{{base}}/v1", api_key="{{api_key}}")
video = client.videos.create_and_poll(prompt="Gentle camera pan", seconds="4")
client.videos.download_content(video.id).write_to_file("video.mp4")
"""


def style() -> str:
    """Return the style as it stands in the page."""
    return (HERE / "page.css").read_text("utf-8")


def style_source() -> str:
    """Return the style's hash, as the Content-Security-Policy allows it."""
    digest = hashlib.sha256(style().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def text(document: dict[str, Json]) -> str:
    """Return the page."""
    html = Template((HERE / "page.html").read_text("utf-8")).substitute(
        style=style(),
        version=escape(document["info"]["version"]),
        id=ID,
        contents=_contents(document),
        routes="\n".join(_section(document, tag) for tag in INTRODUCTIONS),
        shapes="\n".join(_shape(document, tag) for tag in (REST, OPENAI)),
        errors="\n".join(_error_rows(document)),
    )
    return labelled(html)


def _operations(document: dict[str, Json], tag: str) -> list[tuple[str, str, Json]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag in operation["tags"]
    ]


def _contents(document: dict[str, Json]) -> str:
    parts = []
    for tag in INTRODUCTIONS:
        links = "".join(
            f'<li><a href="#{operation["operationId"]}">{_verb(method, NARROW.get(method, method))}'
            f"{escape(operation['summary'])}</a></li>"
            for method, _, operation in _operations(document, tag)
        )
        parts.append(f'<h2>{tag}</h2>\n<ul class="routes">{links}</ul>')
    return "\n".join(parts)


def _verb(method: str, shown: str) -> str:
    return f'<span class="verb {method}">{shown.upper()}</span>'


def _section(document: dict[str, Json], tag: str) -> str:
    routes = "\n".join(_route(document, *each) for each in _operations(document, tag))
    sdk = figure("Python, openai package", escape(SDK.rstrip())) if tag == OPENAI else ""
    return (
        f'<section id="{tag.lower()}">\n<h2>{tag}</h2>\n<p>{prose(INTRODUCTIONS[tag])}</p>\n'
        f"{sdk}{routes}\n</section>"
    )


def _route(document: dict[str, Json], method: str, path: str, operation: Json) -> str:
    old = '<span class="old">Deprecated</span>' if operation.get("deprecated") else ""
    shown_path = escape(path).replace("{", "<b>{").replace("}", "}</b>")
    details = _parameters(document, operation) + _bodies(document, operation)
    return f"""\
<article class="op" id="{operation["operationId"]}">
<header><h3>{escape(operation["summary"])}</h3>
<div class="path">{_verb(method, method)}<span>{shown_path}</span>{old}</div></header>
<div class="details"><p>{prose(operation["description"])}</p>
{details}{_statuses(document, operation)}</div>
<div class="shown">{_commands(method, path, operation)}{_replies(operation)}</div>
</article>"""


def _parameters(document: dict[str, Json], operation: Json) -> str:
    components = document["components"]["parameters"]
    found = [
        components[each["$ref"].rpartition("/")[2]] for each in operation.get("parameters", [])
    ]
    if not found:
        return ""
    shape = {
        "properties": {
            each["name"]: {**each["schema"], "description": each["description"]} for each in found
        },
        "required": [each["name"] for each in found if each.get("required")],
    }
    places = {"path": "Path", "query": "Query", "header": "Header"}
    title = " and ".join(dict.fromkeys(places[each["in"]] for each in found))
    return f"<h4>{title}</h4>{Schemas(document['components']['schemas']).fields(shape)}"


def _bodies(document: dict[str, Json], operation: Json) -> str:
    schemas = Schemas(document["components"]["schemas"])
    content = operation.get("requestBody", {}).get("content", {})
    parts = []
    for kind, body in content.items():
        fields = schemas.fields(body["schema"])
        if kind == FORM:
            parts.append(
                f'<details class="more"><summary>The same as {kind}</summary>{fields}</details>'
            )
        else:
            parts.append(f"<h4>Body, {kind}</h4>{fields}")
    return "".join(parts)


def _statuses(document: dict[str, Json], operation: Json) -> str:
    schemas = Schemas(document["components"]["schemas"])
    rows, fields = [], ""
    for status, reply in operation["responses"].items():
        if status in EVERYWHERE:
            continue
        if "$ref" in reply:
            known = document["components"]["responses"][reply["$ref"].rpartition("/")[2]]
            rows.append(f"<li><b>{status}</b><span>{prose(known['description'])}</span></li>")
            continue
        rows.append(
            f'<li class="ok"><b>{status}</b><span>{prose(reply["description"])}</span></li>'
        )
        schema = next(iter(reply["content"].values()))["schema"]
        fields = fields or schemas.fields(schema.get("items", schema))
    common = ", ".join(sorted(EVERYWHERE & operation["responses"].keys()))
    errors = f'As everywhere also {common}: see <a href="#errors">errors</a>.'
    rows.append(f'<li class="rest"><span>{errors}</span></li>')
    more = f'<details class="more"><summary>Fields of the answer</summary>{fields}</details>'
    return f'<h4>Answers</h4><ul class="codes">{"".join(rows)}</ul>{more if fields else ""}'


def _commands(method: str, path: str, operation: Json) -> str:
    place = path.replace("{task_id}", ID)
    content = operation.get("requestBody", {}).get("content", {})
    shown = {kind: next(iter(body["examples"].values()))["value"] for kind, body in content.items()}
    if not shown:
        return figure("Request", curl(method, place, asks=SERVICE not in operation["tags"]))
    commands = {"Request": curl(method, place, body=shown[JSON])}
    if FORM in shown:
        commands["Request with a file"] = curl(method, place, form=shown[FORM])
    return foldable(commands)


def _replies(operation: Json) -> str:
    status, reply = next(iter(operation["responses"].items()))
    media = next(iter(reply["content"].values()))
    shown = {
        f"{status} {name}": coloured(example["value"])
        for name, example in media.get("examples", {}).items()
    }
    return foldable(shown) if shown else ""


def _shape(document: dict[str, Json], tag: str) -> str:
    name = "Rest422" if tag == REST else "OpenAi400"
    examples = document["components"]["responses"][name]["content"][JSON]["examples"]
    return figure(f"{tag}, {name[-3:]}", coloured(list(examples.values())[-1]["value"]))


def _error_rows(document: dict[str, Json]) -> list[str]:
    known = document["components"]["responses"]
    rows = []
    for status in sorted({name[-3:] for name in known if not name.startswith("Mcp")}):
        replies = [known[name] for name in (f"Rest{status}", f"OpenAi{status}") if name in known]
        rest, openai = (_types(known.get(f"{prefix}{status}")) for prefix in ("Rest", "OpenAi"))
        codes = [code for reply in replies for code in reply["content"][JSON]["examples"]]
        shown = ", ".join(f"<code>{code}</code>" for code in dict.fromkeys(codes))
        meanings = dict.fromkeys(prose(reply["description"]) for reply in replies)
        cells = [f"{status if openai else 400}<br>{openai}", "<br>".join(meanings), shown]
        others = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{status}<br>{rest}</th>{others}</tr>')
    return rows


def _types(reply: Json | None) -> str:
    if reply is None:
        return ""
    examples = reply["content"][JSON]["examples"].values()
    types = dict.fromkeys(each["value"]["error"]["type"] for each in examples)
    return ", ".join(f"<code>{each}</code>" for each in types)
