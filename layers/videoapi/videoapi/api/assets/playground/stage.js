// The stage: the one video that is being made, or that plays.

import { ask, byId, el, link, on, say } from "./api.js";
import * as tasks from "./tasks.js";
import { clock, cost, explained, failure, seconds, size } from "./words.js";

const STEPS = 25; // percent between two announcements
const own = document.querySelector("meta[name=files]").content.split(" ");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const narrow = matchMedia("(max-width: 56rem)"); // the stage is below the form
const root = byId("stage");
let current = {}; // id and status of the task that is shown
let before;
let told = 0;
let ticking = 0;
let actions;

export function begin(handlers) {
  actions = handlers;
  on(tasks.changes, "task", ({ detail }) => detail.id === current.id && show(detail.id));
  on(tasks.changes, "gone", ({ detail }) => detail === current.id && empty());
  empty();
}

const title = (text) => el("h2", { id: "stage-title", tabindex: "-1" }, text);
const frame = (heading, ...children) => el("div", { class: "frame" }, el("div", { class: "words" }, title(heading), children));
export const button = (label, click, more) => el("button", { click, ...more }, label);
export const row = (...children) => el("div", { class: "row" }, children);

function render(id, status, ...children) {
  clearInterval(ticking);
  root.querySelector("video")?.removeAttribute("src");
  const focused = root.contains(document.activeElement);
  current = { id, status };
  root.dataset.status = status;
  root.replaceChildren(...children.filter(Boolean));
  if (focused) byId("stage-title").focus({ preventScroll: true });
}

export const free = () => current.status === "empty";

export function focus() {
  byId("stage-title").focus({ preventScroll: true });
  root.scrollIntoView({ block: narrow.matches ? "start" : "nearest" });
}

export function empty() {
  render(undefined, "empty", frame("Your video will play here", el("p", {}, "Give a picture, say what happens, and press the button. It takes about a minute.")));
}

/** Show again what an order, which was refused, took the place of. */
export const back = () => (tasks.get(before) ? show(before) : empty());

/** Tell that an order is on its way; `note` says why it takes long. */
export function sending(note) {
  before = current.id ?? before;
  render(undefined, "sending", frame("One moment", el("p", {}, note ?? "The order goes out."), el("progress", { "aria-label": "Sending" })));
  if (note) say(note);
}

export function unanswered(problem, again, giveUp) {
  const kept = problem ? `${explained(problem)} Sent again, your order is the same one, paid once.` : "It went out with another key, and may be made already. Sent with this key, it is a second order, paid again.";
  render(undefined, "unanswered", frame("No answer came", el("p", {}, kept), row(button("Send it again", again, { class: "primary" }), button("Give it up", giveUp))));
  say("No answer came. Your order is kept.");
}

export function show(id, sent) {
  const task = tasks.get(id);
  const same = current.id === id;
  if (!same) told = 0;
  if (!same || current.status !== task.status) (task.status === "completed" ? completed : tasks.ended(task) ? failed : running)(task, same || sent);
  if (tasks.ended(task)) byId("stage-about").textContent = about(task);
  else progress(task);
}

function running(task) {
  const still = task.picture?.startsWith("blob:") && el("img", { class: "still", src: task.picture, alt: "" });
  const words = frame(
    task.status === "pending" ? "Waiting for its turn" : "Being made",
    el("p", { id: "stage-state" }),
    el("progress", { id: "stage-bar", max: 100, "aria-labelledby": "stage-title" }),
    el("p", { class: "help", id: "stage-time" }),
  );
  if (still) words.prepend(still);
  render(task.id, task.status, words, prompt(task), row(button("Cancel", () => cancel(task.id))), trouble());
  const tick = () => {
    const passed = (Date.now() - Date.parse(task.created)) / 1000;
    if (passed > 0) byId("stage-time").textContent = `${seconds(passed)} so far`;
  };
  ticking = setInterval(tick, 1000);
  tick();
}

function progress({ status, progress: percent, progress_source: source, queue_position: before, eta_seconds: left }) {
  const waiting = before > 0 ? `${before} before it` : "In the queue";
  const made = percent ? `${percent} %${source === "estimate" ? " (estimated)" : ""}` : "It begins";
  const state = [status === "pending" ? waiting : made, typeof left === "number" && `about ${seconds(left)} left`].filter(Boolean).join(", ");
  byId("stage-state").textContent = state;
  if (status === "processing" && percent) byId("stage-bar").value = percent;
  if (told && percent < told + STEPS) return;
  told = Math.max(percent, 1);
  say(`${byId("stage-title").textContent}. ${state}.`);
}

function completed(task, watched) {
  const video = el("video", { controls: true, loop: true, playsinline: true, preload: "metadata", poster: link(task.thumbnail_url) || null, "aria-label": `Video: ${task.prompt || "without a prompt"}` });
  video.muted = true; // or a browser does not begin by itself
  on(video, "error", () => replay(task.id, video));
  const save = el("a", { class: "button primary", id: "download", href: link(task.video_url) || null, download: `${task.id}.mp4`, target: "_blank", rel: "noopener" }, "Download");
  on(save, "click", (event) => download(event, task.id));
  render(task.id, task.status, el("div", { class: "frame" }, video),
    el("div", { class: "under" }, title(watched ? "Your video is ready" : "Your video"), el("p", { class: "help", id: "stage-about" })),
    prompt(task), row(save, further(task.id)), trouble());
  play(video, task);
  if (watched) say("Your video is ready.");
}

function failed(task, watched) {
  const words = task.status === "cancelled" ? "Cancelled" : "It did not work out";
  render(task.id, task.status, frame(words, el("p", { class: "reason" }, failure(task.error))), el("p", { class: "help", id: "stage-about" }), prompt(task), row(further(task.id)), trouble());
  if (watched) say(`${words}. ${failure(task.error)}`);
}

const trouble = () => el("p", { class: "problem", id: "stage-problem", role: "alert" });
const further = (id) => [button("Again, with changes", () => actions.again(id)), button("Delete", () => remove(id), { class: "quiet danger" })];
const prompt = (task) => task.prompt && el("p", { class: "prompt", tabindex: "0" }, task.prompt);

export function about(task) {
  const took = (Date.parse(task.completed) - Date.parse(task.created)) / 1000;
  const done = task.status === "completed";
  return [
    done && `${Number(task.actual?.seconds ?? task.asked?.seconds ?? task.seconds)} s`,
    done && size(task.actual?.size ?? task.size),
    task.model,
    took > 0 ? `took ${seconds(took)}` : clock(task.created),
    cost(task.cost),
  ].filter(Boolean).join(" · ");
}

function play(video, task) {
  video.src = link(task.video_url);
  if (!calm.matches) video.play().catch(() => {}); // its controls do
}

/** A link ends after a while: read the task for a fresh one. */
async function replay(id, video) {
  if (!video.hasAttribute("src")) return;
  const again = Date.now() - video.dataset.again < 60_000;
  video.dataset.again = Date.now();
  try {
    if (again) throw new Error("The video cannot be played here. Download it to see it.");
    const { task } = await tasks.look(id);
    if (!video.isConnected) return;
    play(video, task);
    byId("download").href = link(task.video_url);
  } catch (problem) {
    if (video.isConnected) refused(id, problem);
  }
}

/** Save a file that this page may read; else the link opens it in another tab. */
async function download(event, id) {
  const url = link(tasks.get(id)?.video_url);
  if (!url || ![location.origin, ...own].includes(new URL(url).origin)) return;
  event.preventDefault();
  try {
    const { task } = await tasks.look(id); // for a fresh link
    const answer = await fetch(link(task.video_url));
    if (!answer.ok) throw new TypeError(String(answer.status));
    const saved = URL.createObjectURL(await answer.blob());
    el("a", { href: saved, download: `${id}.mp4` }).click();
    setTimeout(URL.revokeObjectURL, 60_000, saved);
  } catch {
    refused(id, Error("The file did not come through. Try again."));
  }
}

export async function cancel(id) {
  const text = tasks.get(id).status === "pending" ? "It has not begun, and costs nothing." : "It is being made, and may be charged all the same.";
  if (!(await ask("Cancel this video?", text, "Cancel it", "Go on"))) return;
  await tasks.cancel(id).catch((problem) => refused(id, problem));
  await tasks.look(id).catch(() => {}); // the watch goes on
}

export async function remove(id) {
  if (!(await ask("Delete this video?", "It is removed with its files, for good.", "Delete it", "Keep it"))) return;
  try {
    await tasks.remove(id);
    say("The video is deleted.");
    actions.deleted(id);
  } catch (problem) {
    refused(id, problem);
  }
}

function refused(id, problem) {
  byId(current.id === id ? "stage-problem" : "gallery-note").textContent = explained(problem);
}
