// A photo becomes a video with the OpenAI SDK, unmodified.
//
//   npm install openai
//   node examples/javascript/openai-sdk.mjs "Slow pan over the valley"
import { readFile, writeFile } from "node:fs/promises";
import OpenAI, { toFile } from "openai";

const { VIDEOAPI_URL = "http://localhost:8000", VIDEOAPI_KEY = "not-needed", STILL = "examples/mountains.jpg" } =
  process.env;
const client = new OpenAI({ baseURL: `${VIDEOAPI_URL}/v1`, apiKey: VIDEOAPI_KEY });

let video = await client.videos.create({
  prompt: process.argv[2] ?? "Slow pan over the valley",
  seconds: "4",
  size: "1280x720",
  // No stream, which the SDK cannot send again where an answer is lost.
  input_reference: await toFile(readFile(STILL), "mountains.jpg"),
});
while (["queued", "in_progress"].includes(video.status)) {
  console.log(`${video.status}, ${video.progress} %`);
  await new Promise((done) => setTimeout(done, 2000));
  video = await client.videos.retrieve(video.id);
}
if (video.status !== "completed") throw new Error(`${video.id} ${video.status}: ${video.error?.message}`);
const content = await client.videos.downloadContent(video.id);
await writeFile("video.mp4", Buffer.from(await content.arrayBuffer()));
console.log(`${video.id}: video.mp4`);
