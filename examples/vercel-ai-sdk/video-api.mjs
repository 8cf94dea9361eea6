// A video model for Vercel's AI SDK (`ai` 6): import { videoApi } from "./video-api.mjs".
//
//   npm install ai
//   node examples/vercel-ai-sdk/generate.mjs "Slow pan over the valley"
const OPEN = ["pending", "processing"];

export function videoApi(modelId = "veo_3_1", { baseURL = "http://localhost:8000", apiKey = "not-needed" } = {}) {
  const headers = { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" };

  async function call(method, path, { body, abortSignal, more, tries = 6 } = {}) {
    const request = { method, headers: { ...headers, ...more }, body: body && JSON.stringify(body), signal: abortSignal };
    const response = await fetch(`${baseURL}/api/v1/${path}`, request).catch((error) => ({ status: 503, error }));
    // What is away for a moment is asked again, so that no video is lost that is paid for.
    if (tries > 1 && !abortSignal?.aborted && [429, 502, 503, 504].includes(response.status)) {
      await new Promise((done) => setTimeout(done, 1000 * (response.headers?.get("Retry-After") ?? 2)));
      return call(method, path, { body, abortSignal, more, tries: tries - 1 });
    }
    if (response.error) throw response.error;
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error?.message ?? answer.message);
    return [answer, response.headers];
  }

  return {
    specificationVersion: "v3",
    provider: "video-api",
    modelId,
    maxVideosPerCall: 1,
    async doGenerate(options) {
      const { abortSignal, providerOptions } = options;
      const body = wanted(options);
      // One key for this call: a repetition of ours finds the same task, and is paid once.
      const key = providerOptions["video-api"]?.idempotencyKey ?? crypto.randomUUID();
      const more = { "Idempotency-Key": key };
      const [{ task_id }] = await call("POST", "videos/generate", { body: { model: modelId, ...body }, abortSignal, more });
      let [task, told] = await call("GET", `tasks/${task_id}`, { abortSignal });
      while (OPEN.includes(task.status)) {
        await new Promise((done) => setTimeout(done, 1000 * told.get("Retry-After")));
        [task, told] = await call("GET", `tasks/${task_id}`, { abortSignal });
      }
      if (task.status !== "completed") throw new Error(`${task.status}: ${task.error.message}`);
      // The SDK itself downloads from public addresses alone, which `make run` has none of.
      const video = await fetch(task.video_url, { signal: abortSignal }); // it needs no key
      if (!video.ok) throw new Error(`${video.status} instead of the file: GET /v1/videos/${task_id}/content has it`);
      const data = new Uint8Array(await video.arrayBuffer());
      return {
        videos: [{ type: "binary", data, mediaType: "video/mp4" }],
        warnings: [],
        providerMetadata: { "video-api": { videos: [{ taskId: task_id, cost: task.cost }] } },
        response: { timestamp: new Date(), modelId, headers: undefined },
      };
    },
  };
}

/** The SDK's call in the words of POST /api/v1/videos/generate; what it did not say is left out. */
function wanted({ prompt, image, frameImages, inputReferences, aspectRatio, resolution, duration, fps, seed, generateAudio }) {
  const frame = (type) => (frameImages ?? []).find((each) => each.frameType === type)?.image;
  const first = image ?? frame("first_frame");
  const last = frame("last_frame");
  return JSON.parse(JSON.stringify({
    prompt,
    image: first && text(first),
    last_frame: last && text(last),
    reference_images: inputReferences?.length ? inputReferences.map(text) : undefined,
    aspect_ratio: aspectRatio,
    resolution,
    duration,
    fps,
    seed,
    generate_audio: generateAudio,
  }));
}

function text(file) {
  if (file.type === "url") return file.url;
  return typeof file.data === "string" ? file.data : Buffer.from(file.data).toString("base64");
}
