// Every task that the page knows, and looks at the open ones: never sooner than the API says.

import { ApiError, call, wait } from "./api.js";

const ENDED = new Set(["completed", "failed", "cancelled"]);
const WORDS = { queued: "pending", in_progress: "processing" }; // of the list, which has OpenAI's
const LONGEST = 30; // seconds between two looks while nothing answers
const known = new Map();
const watched = new Set();
export const changes = new EventTarget();

const path = (id) => `/api/v1/tasks/${encodeURIComponent(id)}`;
export const get = (id) => known.get(id);
export const ended = (task) => ENDED.has(task.status);

export function learn(id, facts) {
  const task = { ...known.get(id), ...facts, id };
  known.set(id, task);
  changes.dispatchEvent(new CustomEvent("task", { detail: task }));
  return task;
}

export function forget(id) {
  changes.dispatchEvent(new CustomEvent("leaving", { detail: id }));
  known.delete(id);
  changes.dispatchEvent(new CustomEvent("gone", { detail: id }));
}

export function forgetAll() {
  for (const id of [...known.keys()]) forget(id);
}

const fromList = (video) => ({
  ...video,
  status: video.error?.code === "cancelled" ? "cancelled" : (WORDS[video.status] ?? video.status),
  created: new Date(video.created_at * 1000).toISOString(),
});

/** Return the facts of a task, less the model and prompt that were sent: the list has ours. */
function fromTask({ model, prompt, result, ...facts }) {
  const { thumbnail_url, requested: asked, actual } = result?.result ?? {};
  return { ...facts, created: facts.created_at, completed: facts.completed_at, thumbnail_url, asked, actual, read: true };
}

/** Read a page of videos, newest first; return `{ids, more, last}`. */
export async function page(after) {
  const { body } = await call(`/v1/videos?limit=12${after ? `&after=${encodeURIComponent(after)}` : ""}`);
  const ids = body.data.map((video) => learn(video.id, fromList(video)).id);
  for (const id of ids) follow(id);
  return { ids, more: body.has_more, last: body.last_id };
}

/** Read one task whole; return it and the seconds until the next look. It may have been forgotten meanwhile. */
export async function look(id) {
  const { body, headers } = await call(path(id));
  const facts = fromTask(body);
  return { task: known.has(id) ? learn(id, facts) : facts, pause: Number(headers.get("retry-after")) || 2 };
}

export function begin(video, facts) {
  learn(video.id, { ...fromList(video), ...facts });
  follow(video.id);
}

/** Look at a task until it has ended: one that has is read once, for its thumbnail. */
export async function follow(id) {
  if (watched.has(id)) return;
  watched.add(id);
  let trouble = 0;
  while (known.has(id)) {
    let pause;
    try {
      const seen = await look(id);
      trouble = 0;
      if (ended(seen.task)) break;
      pause = seen.pause;
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      if (problem.status === 404) {
        forget(id);
        break;
      }
      if (!problem.passing && problem.status !== 429) break; // 401: the key's form goes on with it
      trouble += 1;
      pause = Math.max(problem.retryAfter, Math.min(2 ** trouble, LONGEST));
    }
    await wait(pause);
  }
  watched.delete(id);
}

/** Cancel an open task; throws what the API refuses. */
export const cancel = (id) => call(path(id), { method: "DELETE" });

export async function remove(id) {
  try {
    await call(`/v1/videos/${encodeURIComponent(id)}`, { method: "DELETE" });
  } catch (problem) {
    if (problem.status !== 404) throw problem;
  }
  forget(id);
}
