// What the openai npm package is used for; the same words as ../openai_sdk.py.
import assert from "node:assert/strict";
import { createReadStream, readFileSync } from "node:fs";
import OpenAI, { toFile } from "openai";

const [mode, settings] = [process.argv[2], JSON.parse(process.argv[3])];
const { url, tokens, still, listed, key } = settings;
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "not-needed", timeout: 60_000 });
const videos = client.videos;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function ended(id) {
  for (const until = Date.now() + 600_000; ; await sleep(300)) {
    assert.ok(Date.now() < until, id);
    const video = await videos.retrieve(id);
    if (!["queued", "in_progress"].includes(video.status)) return video;
  }
}

async function refused(kind, call) {
  const error = await call().then(() => assert.fail("not refused"), (thrown) => thrown);
  assert.ok(error instanceof kind, String(error));
  assert.ok(error.requestID && error.message && error.type && error.code, String(error));
  return error;
}

const bytesOf = async (response) => Buffer.from(await (await response).arrayBuffer());

async function refusals() {
  const bad = OpenAI.BadRequestError;
  assert.equal((await refused(bad, () => videos.create({ prompt: "A fox", size: "1x1" }))).param, "size");
  assert.equal((await refused(bad, () => videos.list({ limit: 101 }))).param, "limit");
  const unknown = await refused(OpenAI.NotFoundError, () => videos.retrieve("vid_none"));
  assert.equal(unknown.code, "video_not_found");
  await refused(OpenAI.NotFoundError, () => videos.remix("vid_none", { prompt: "Again" }));
}

async function pages() {
  for (const order of ["desc", "asc"]) {
    const ids = [];
    for await (const video of videos.list({ limit: 100, order })) ids.push(video.id);
    assert.equal(new Set(ids).size, ids.length);
    const missing = listed.filter((id) => !ids.includes(id));
    assert.deepEqual(missing, []);
  }
}

async function streamed() {
  const made = await videos.create({
    prompt: `A fox ${tokens}`, input_reference: createReadStream(still), seconds: "4", size: "1280x720",
  });
  assert.deepEqual([made.status, made.seconds, made.size], ["queued", "4", "1280x720"]);
  const early = await refused(OpenAI.NotFoundError, () => videos.downloadContent(made.id));
  assert.equal(early.code, "video_not_ready");
  const video = await ended(made.id);
  assert.deepEqual([video.status, video.progress], ["completed", 100]);
  assert.equal((await bytesOf(videos.downloadContent(made.id))).toString("latin1", 4, 8), "ftyp");
  const thumbnail = await bytesOf(videos.downloadContent(made.id, { variant: "thumbnail" }));
  assert.equal(thumbnail.toString("hex", 0, 3), "ffd8ff");
  return made.id;
}

async function deleted() {
  const image = await toFile(readFileSync(still), "still.jpg", { type: "image/jpeg" });
  const made = await videos.create({ prompt: `${tokens && "[[time:30]]"} A hare ${tokens}`, input_reference: image });
  const gone = await videos.delete(made.id);
  assert.deepEqual([gone.id, gone.object, gone.deleted], [made.id, "video.deleted", true]);
  await refused(OpenAI.NotFoundError, () => videos.retrieve(made.id));
}

async function filtered() {
  const prompt = `A mouse [[fail:CONTENT_POLICY_VIOLATION]] ${tokens}`;
  const video = await ended((await videos.create({ prompt })).id);
  assert.deepEqual([video.status, video.error.code], ["failed", "content_policy_violation"]);
}

async function lost() {
  const made = await videos.create({ prompt: `A lost fox ${tokens} ${tokens && `[[key:${key}]]`}` });
  const headers = { "Idempotency-Key": key };
  const first = await videos.create({ prompt: `A kept fox ${tokens}` }, { headers });
  const again = await videos.create({ prompt: `A kept fox ${tokens}` }, { headers });
  assert.equal(first.id, again.id);
  const other = () => videos.create({ prompt: `Another fox ${tokens}` }, { headers });
  assert.equal((await refused(OpenAI.ConflictError, other)).code, "idempotency_key_reused");
  assert.equal((await ended(made.id)).status, "completed");
  return { lost: made.id };
}

async function all() {
  await refusals();
  await pages();
  const video = await streamed();
  await deleted();
  if (tokens) await filtered();
  return { video };
}

process.stdout.write(JSON.stringify(await (mode === "lost" ? lost() : all())));
