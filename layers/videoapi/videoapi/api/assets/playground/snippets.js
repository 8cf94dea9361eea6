// The order of the form as code: it runs as copied, against the address that this page came from.

import { byId, el, key, on } from "./api.js";
import { values } from "./form.js";

const LANGUAGES = { curl, python, javascript };
const SDK = ["prompt", "model", "seconds", "size"]; // what the OpenAI SDK has a name for
const SAMPLE = "mountains.jpg";

const q = JSON.stringify; // what it writes means the same in Python and JavaScript
const shell = (text) => (/^[\w.:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
const said = ({ url, reference }) => url || reference; // else a file is sent, by its name
const sample = (pictures, line) => pictures.some(({ name }) => name === SAMPLE) && line;

function curl({ fields, pictures }) {
  const auth = key() ? ' -H "Authorization: Bearer $VIDEOAPI_KEY"' : "";
  const parts = [
    ...Object.entries(fields),
    ...pictures.map((each) => [each.role, said(each), each.name]),
  ].map(([name, value, file]) =>
    value ? `--form-string ${shell(`${name}=${value}`)}` : `-F ${shell(`${name}=@"${file.replace(/["\\]/g, "\\$&")}"`)}`);
  return [
    `API=${location.origin}`,
    sample(pictures, `curl -sSO $API/examples/${SAMPLE}`),
    [`ID=$(curl -sS $API/v1/videos${auth}`, ...parts].join(" \\\n  ") + " |",
    `  tee /dev/stderr | sed -nE 's/.*"id":"([^"]*)".*/\\1/p')`,
    `while [ "$ID" ] && ! curl -sSf $API/api/v1/tasks/$ID${auth} | grep -oE '"status":"(completed|failed|cancelled)"'; do sleep 2; done`,
    `curl -sSLf $API/v1/videos/$ID/content${auth} -o video.mp4`,
  ];
}

function python({ fields, pictures }) {
  const file = pictures.find((each) => each.role === "input_reference" && !said(each));
  const more = Object.entries(fields).filter(([name]) => !SDK.includes(name)).map(([name, value]) => [name, q(value)]);
  for (const each of pictures) {
    if (each === file) continue;
    const value = said(each) ? q(said(each)) : `b64encode(open(${q(each.name)}, "rb").read()).decode()`;
    const list = more.find(([name]) => name === each.role);
    if (list) list[1] = `${list[1].slice(0, -1)}, ${value}]`;
    else more.push([each.role, each.role === "reference_images" ? `[${value}]` : value]);
  }
  const extra = more.map(([name, value]) => `${q(name)}: ${value}`).join(", ");
  return [
    extra.includes("b64encode(") && "from base64 import b64encode",
    key() && "from os import environ",
    sample(pictures, "from urllib.request import urlretrieve"),
    "from openai import OpenAI  # pip install openai",
    "",
    sample(pictures, `urlretrieve(${q(`${location.origin}/examples/${SAMPLE}`)}, ${q(SAMPLE)})`),
    `client = OpenAI(base_url=${q(`${location.origin}/v1`)}, api_key=${key() ? 'environ["VIDEOAPI_KEY"]' : '"not-needed"'})`,
    "video = client.videos.create_and_poll(",
    ...SDK.filter((name) => name === "prompt" || fields[name]).map((name) => `    ${name}=${q(fields[name] ?? "")},`),
    file && `    input_reference=open(${q(file.name)}, "rb"),`,
    more.length > 0 && `    extra_body={${extra}},`,
    ")",
    "print(video.status, video.error)",
    'client.videos.download_content(video.id).write_to_file("video.mp4")',
  ];
}

function javascript({ fields, pictures }) {
  const files = pictures.filter((each) => !said(each));
  return [
    `import { ${files.length ? "openAsBlob, " : ""}writeFileSync } from "node:fs"; // Node 20 or newer: node video.mjs`,
    "",
    `const api = ${q(location.origin)};`,
    `const headers = ${key() ? "{ Authorization: `Bearer ${process.env.VIDEOAPI_KEY}` }" : "{}"};`,
    "const get = (path) => fetch(api + path, { headers });",
    "const save = async (name, answer) => writeFileSync(name, Buffer.from(await answer.arrayBuffer()));",
    sample(pictures, `await save(${q(SAMPLE)}, await get("/examples/${SAMPLE}"));`),
    "const body = new FormData();",
    ...Object.entries(fields).map(([name, value]) => `body.append(${q(name)}, ${q(value)});`),
    ...pictures.map((each) => `body.append(${q(each.role)}, ${said(each) ? q(said(each)) : `await openAsBlob(${q(each.name)}), ${q(each.name)}`});`),
    'const submitted = await fetch(`${api}/v1/videos`, { method: "POST", body, headers });',
    "let video = await submitted.json();",
    "if (!submitted.ok) throw new Error(video.error.message);",
    'while (!["completed", "failed"].includes(video.status)) {',
    "  await new Promise((done) => setTimeout(done, 2000));",
    "  video = await (await get(`/v1/videos/${video.id}`)).json();",
    "}",
    "if (video.error) throw new Error(video.error.message);",
    'await save("video.mp4", await get(`/v1/videos/${video.id}/content`));',
  ];
}

export function begin() {
  on(byId("languages"), "change", write);
  on(byId("copy"), "click", copy);
  on(byId("code"), "toggle", write);
}

/** Write the code anew, where it is seen. */
export function write() {
  if (!byId("code").open) return;
  const now = values();
  const chosen = document.querySelector("#languages :checked").value;
  byId("snippet").textContent = LANGUAGES[chosen](now).filter((line) => typeof line === "string").join("\n");
  const files = now.pictures.filter((each) => !said(each) && each.name !== SAMPLE).map(({ name }) => name);
  byId("snippet-note").textContent = [
    key() && "It reads your key from VIDEOAPI_KEY.",
    files.length && `Run it in the folder of ${files.join(", ")}.`,
  ].filter(Boolean).join(" ");
}

async function copy() {
  const done = await written(byId("snippet").textContent).catch(() => false);
  byId("copy").textContent = done ? "Copied" : "Failed";
  setTimeout(() => (byId("copy").textContent = "Copy"), 2000);
}

async function written(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true);
  // Over http, browsers keep the clipboard from all pages but this machine's own.
  const area = el("textarea", { class: "away" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
