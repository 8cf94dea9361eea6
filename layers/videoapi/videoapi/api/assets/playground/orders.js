// An order is paid once: its key and all that it says are kept before it is sent, so that a repetition
// is the same request to the letter, which the API answers with the first task.

import { ApiError, call, hex, stored, wait } from "./api.js";

const OPEN = "video-api-order"; // of this tab: the key of its open order
let open = null; // the same where the browser keeps nothing
const TRIES = 6;
const KEPT = 24 * 3600 * 1000; // milliseconds for which a picture is kept for "again with changes"

function database() {
  return new Promise((done, failed) => {
    const opening = indexedDB.open("video-api-playground", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("orders", { keyPath: "key" });
    opening.onsuccess = () => done(opening.result);
    opening.onerror = () => failed(opening.error);
  });
}

/** Run `work` on the store of orders; undefined where the browser keeps none. */
async function kept(mode, work) {
  try {
    const data = await database();
    const store = data.transaction("orders", mode).objectStore("orders");
    return await new Promise((done, failed) => {
      const asked = work(store);
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    }).finally(() => data.close());
  } catch {
    return undefined;
  }
}

const keep = async (order) => order.forgotten || kept("readwrite", (store) => store.put(order));

const all = async () => (await kept("readonly", (store) => store.getAll())) ?? [];
const erase = (order) => kept("readwrite", (store) => store.delete(order.key));

async function eraseWhere(test) {
  for (const order of await all()) if (test(order)) await erase(order);
}

export const tidy = () => eraseWhere((order) => Date.now() - order.at > KEPT);
export const forgetTask = (task) => eraseWhere((order) => order.task === task);

export async function forgetAll() {
  if (open) open.forgotten = true; // it may be on its way: it is neither kept nor sent again
  answered();
  await kept("readwrite", (store) => store.clear());
}

const newKey = () => `playground-${hex(crypto.getRandomValues(new Uint8Array(16)))}`; // randomUUID is for https alone

function answered() {
  open = null;
  stored(OPEN, "");
}

/** Return a new order of these form values, kept before anything of it is sent. */
export async function create(values) {
  open = { key: newKey(), values, at: Date.now(), task: null };
  stored(OPEN, open.key);
  await keep(open);
  return open;
}

/** Return the order of this tab that has had no answer; null if there is none. */
export async function unanswered() {
  const key = stored(OPEN);
  if (!open && key) open = (await kept("readonly", (store) => store.get(key))) ?? null;
  return open;
}

/** Return the form values of a task that was made here, while they are kept. */
export async function valuesOf(task) {
  return (await all()).find((order) => order.task === task)?.values ?? null;
}

/** Return the request's form; `standIn` replaces pictures where their number matters. */
export function formOf(values, standIn) {
  const form = new FormData();
  for (const [name, value] of Object.entries(values.fields)) form.append(name, value);
  for (const { role, file, reference, url } of values.pictures) {
    const text = standIn ?? reference ?? url;
    if (text) form.append(role, text);
    else form.append(role, file, file.name);
  }
  return form;
}

/**
 * Send an order until it is answered; return the video object. `waiting(seconds)` tells of a repetition.
 * Throws what refuses it; after `TRIES` without an answer the order stays open, to be sent again.
 */
export async function send(order, waiting) {
  const headers = { "Idempotency-Key": order.key };
  const { foreign } = order;
  for (let attempt = 1; ; attempt += 1) {
    const { sent } = order; // before now: its answer may be lost
    await keep(Object.assign(order, { sent: true }));
    try {
      const { body } = await call("/v1/videos", { method: "POST", body: formOf(order.values), headers });
      answered();
      await keep({ ...order, task: body.id });
      return body;
    } catch (problem) {
      if (problem.status === 401) await keep(Object.assign(order, { sent }));
      if (order.forgotten || !(problem instanceof ApiError) || problem.status === 401) throw problem; // it stays open
      problem.passing ||= Boolean(sent) && !problem.own; // it tells nothing of the earlier one
      if (!problem.passing) {
        await drop(order);
        throw problem;
      }
      if (attempt === TRIES) throw problem;
      const pause = Math.max(problem.retryAfter, Math.min(2 ** (attempt - 1), 8));
      waiting(pause);
      await wait(pause);
      if (order.forgotten || order.foreign !== foreign) throw problem;
    }
  }
}

/** Another key's owner would pay again for what was sent. */
export async function keyChanged() {
  if ((await unanswered())?.sent) await keep(Object.assign(open, { foreign: Date.now() }));
}

export async function drop(order) {
  answered();
  await erase(order);
}
