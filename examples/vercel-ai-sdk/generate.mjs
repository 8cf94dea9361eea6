// A photo becomes a video with Vercel's AI SDK and the model of video-api.mjs.
//
//   npm install ai
//   node examples/vercel-ai-sdk/generate.mjs "Slow pan over the valley"
import { readFile, writeFile } from "node:fs/promises";
import { experimental_generateVideo as generateVideo } from "ai";
import { videoApi } from "./video-api.mjs";

const { VIDEOAPI_URL: baseURL, VIDEOAPI_KEY: apiKey, STILL = "examples/mountains.jpg" } = process.env;
const { video, providerMetadata } = await generateVideo({
  model: videoApi("veo_3_1", { baseURL, apiKey }),
  prompt: { image: await readFile(STILL), text: process.argv[2] ?? "Slow pan over the valley" },
  resolution: "1280x720",
  duration: 4,
});
await writeFile("video.mp4", video.uint8Array);
console.log(`${providerMetadata["video-api"].videos[0].taskId}: video.mp4`);
