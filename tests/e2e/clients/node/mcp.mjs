// What an agent does over MCP, with the official clients: of the versions with a handshake, and of 2026-07-28.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const { url, mode, still, tokens, key } = JSON.parse(process.argv[2]);
const old = mode === "sdk";
const { Client } = await import(old ? "@modelcontextprotocol/sdk/client/index.js" : "@modelcontextprotocol/client");
const { StreamableHTTPClientTransport } = old
  ? await import("@modelcontextprotocol/sdk/client/streamableHttp.js")
  : await import("@modelcontextprotocol/client");
const options = old ? {} : { versionNegotiation: { mode } };
const client = new Client({ name: "test", version: "1" }, options);
const headers = key ? { Authorization: `Bearer ${key}` } : {};
const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } });
const sleep = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

if (key === "wrong") {
  const error = await client.connect(transport).then(() => assert.fail("not refused"), (thrown) => thrown);
  console.log(JSON.stringify({ refused: String(error) }));
  process.exit(0);
}

async function call(name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, JSON.stringify(result));
  return result;
}

async function wrong(name, args) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(result.isError, JSON.stringify(result));
  return result.content[0].text;
}

async function finished(task_id) {
  for (let poll = 0; poll < 120; poll++) {
    const { structuredContent: task, content } = await call("get_video", { task_id });
    if (task.status === "completed") return content.find((part) => part.type === "resource_link");
    assert.ok(["pending", "processing"].includes(task.status), JSON.stringify(task));
    await sleep(task.poll_after_seconds);
  }
  assert.fail(task_id);
}

async function upload() {
  const { structuredContent: form } = await call("create_upload", { content_type: "image/jpeg" });
  const body = new FormData();
  for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
  body.append("file", new Blob([readFileSync(still)]));
  assert.equal((await fetch(form.url, { method: "POST", body })).status, 204);
  return form.reference;
}

await client.connect(transport);
const { tools } = await client.listTools(); // the client compiles each output schema and holds results to it
const images = {
  url: `${url}/examples/mountains.jpg`,
  data: `data:image/jpeg;base64,${readFileSync(still).toString("base64")}`,
  upload: await upload(),
};
const made = [];
for (const [kind, image] of Object.entries(images)) {
  const asked = { image, prompt: `A ${kind} ${tokens}`, idempotency_key: `node ${mode} ${kind}` };
  const [one, two] = [await call("generate_video", asked), await call("generate_video", asked)];
  assert.equal(one.structuredContent.task_id, two.structuredContent.task_id);
  assert.deepEqual([one.structuredContent.replayed, two.structuredContent.replayed], [false, true]);
  made.push(one.structuredContent.task_id);
}
for (const task_id of made) {
  const link = await finished(task_id);
  assert.equal(link.mimeType, "video/mp4");
  const bytes = Buffer.from(await (await fetch(link.uri)).arrayBuffer());
  assert.equal(bytes.toString("latin1", 4, 8), "ftyp");
}
const late = (await call("generate_video", { prompt: `[[time:600]] Never made ${tokens}` })).structuredContent;
await call("cancel_video", { task_id: late.task_id });
assert.match(await wrong("cancel_video", { task_id: late.task_id }), /task_already_ended/);
assert.match(await wrong("generate_video", { prompt: "A fox", duration: 99 }), /duration/);
assert.match(await wrong("get_video", { task_id: "vid_none" }), /No such task/);
const listed = (await call("list_videos", { limit: 100 })).structuredContent.videos.map((each) => each.task_id);
assert.ok([...made, late.task_id].every((task_id) => listed.includes(task_id)));
const version = old ? transport.protocolVersion : client.getNegotiatedProtocolVersion();
console.log(JSON.stringify({ version, tools: tools.map((tool) => tool.name), made: [...made, late.task_id] }));
await client.close();
