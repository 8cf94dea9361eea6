// Calls of the API, their key, and what went wrong with them. All that comes back is data.

const KEY = "video-api-key";
const WAIT = 60_000; // milliseconds: the gateway gives up 30 s after the whole request
let inMemory = ""; // where a browser keeps storage from pages

export const byId = (id) => document.getElementById(id);
export const on = (target, name, does) => target.addEventListener(name, does);

/** Make an element; a function is a listener, `true` an attribute without a value. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") on(node, name, value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child != null && child !== false));
  return node;
}

/** Return an address that a link may have: whatever the API says, never `javascript:`. */
export const link = (url) => (typeof url === "string" && /^https?:\/\//i.test(url) ? url : "");

export function stored(name, value) {
  try {
    if (value === undefined) return sessionStorage.getItem(name) ?? "";
    sessionStorage.setItem(name, value);
  } catch {
    return "";
  }
  return value;
}

export const key = () => stored(KEY) || inMemory;
export function setKey(value) {
  inMemory = value;
  stored(KEY, value);
}

export class ApiError extends Error {
  constructor(status, body, headers) {
    const error = body?.error ?? body ?? {};
    super(typeof error.message === "string" ? error.message : "");
    this.status = status; // 0: no answer
    this.code = typeof error.code === "string" ? error.code : "";
    this.param = typeof error.param === "string" ? error.param : "";
    this.details = error.details ?? null;
    this.retryAfter = Number(headers?.get("retry-after")) || 0; // seconds
    this.requestId = headers?.get("x-request-id") ?? "";
    this.own = Boolean(this.code); // else a gateway or a proxy says it
    this.passing = [0, 408].includes(status) || status >= 500; // nobody knows yet what became of it
  }
}

/** Return `{body, headers}` of an answer; throw `ApiError` for every other one, and for none. */
export async function call(path, { method = "GET", body, headers = {}, signal } = {}) {
  const sent = { ...headers };
  const used = key();
  if (used) sent.Authorization = `Bearer ${used}`;
  const data = body === undefined || body instanceof FormData ? body : JSON.stringify(body);
  if (typeof data === "string") sent["Content-Type"] = "application/json";
  const signals = [AbortSignal.timeout(body instanceof FormData ? 5 * WAIT : WAIT), signal].filter(Boolean);
  let response, text;
  try {
    response = await fetch(path, { method, body: data, headers: sent, signal: AbortSignal.any(signals), cache: "no-store" });
    text = await response.text();
  } catch (problem) {
    if (signal?.aborted) throw problem;
    throw new ApiError(0, { message: "No answer came from the service." });
  }
  let read = null;
  try {
    read = JSON.parse(text);
  } catch {
    // a proxy's page, say
  }
  if (response.status === 401 && used === key()) dispatchEvent(new Event("keyneeded"));
  if (!response.ok || read === null) throw new ApiError(response.ok ? 502 : response.status, read, response.headers);
  return { body: read, headers: response.headers };
}

export const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
export const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** Tell a screen reader; the page shows it elsewhere. */
export function say(text) {
  byId("said").textContent = text;
}

/** Ask once; true means yes. The focus goes back to where it was. */
export function ask(title, text, yes, no = "Keep it") {
  const dialog = byId("ask");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-yes").textContent = yes;
  byId("ask-no").textContent = no;
  dialog.returnValue = "no";
  dialog.showModal();
  byId("ask-no").focus();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}
