// A photo becomes a video over plain REST, with what Node, Deno, Bun and browsers have built in.
//
//   node examples/javascript/fetch.mjs "Slow pan over the valley"
import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";

const { VIDEOAPI_URL = "http://localhost:8000", VIDEOAPI_KEY = "not-needed", STILL = "examples/mountains.jpg" } =
  process.env;

async function call(method, path, body, headers = {}, tries = 6) {
  const response = await fetch(`${VIDEOAPI_URL}${path}`, {
    method,
    headers: { Authorization: `Bearer ${VIDEOAPI_KEY}`, "Content-Type": "application/json", ...headers },
    body: body && JSON.stringify(body),
  }).catch((error) => ({ status: 503, error })); // no answer
  // What is away for a moment is asked again, so that no video is lost that is paid for.
  if (tries > 1 && [429, 502, 503, 504].includes(response.status)) {
    await new Promise((done) => setTimeout(done, 1000 * (response.headers?.get("Retry-After") ?? 2)));
    return call(method, path, body, headers, tries - 1);
  }
  if (response.error) throw response.error;
  const answer = await response.json();
  // An error says which field is wrong, and what it may be.
  if (!response.ok) throw new Error(`${response.status}: ${answer.error?.message ?? answer.message}`);
  return [answer, response.headers];
}

const image = `data:image/jpeg;base64,${(await readFile(STILL)).toString("base64")}`;
const wanted = { image, prompt: process.argv[2] ?? "Slow pan over the valley", duration: 4, resolution: "720p" };
// Repetitions of this request have the same key, and are paid once.
const [{ task_id }] = await call("POST", "/api/v1/videos/generate", wanted, { "Idempotency-Key": randomUUID() });
let [task, headers] = await call("GET", `/api/v1/tasks/${task_id}`);
while (["pending", "processing"].includes(task.status)) {
  console.log(`${task.status}, ${task.progress} %`);
  await new Promise((done) => setTimeout(done, 1000 * headers.get("Retry-After")));
  [task, headers] = await call("GET", `/api/v1/tasks/${task_id}`);
}
if (task.status !== "completed") throw new Error(`${task.status}: ${task.error.message}`);
const video = await fetch(task.video_url); // it needs no key
if (!video.ok) throw new Error(`${video.status} instead of the file: GET /v1/videos/${task_id}/content has it`);
await writeFile("video.mp4", Buffer.from(await video.arrayBuffer()));
console.log(`${task_id}: video.mp4`);
