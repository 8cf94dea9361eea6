// One's own videos, newest first, a page at a time.

import { byId, el, link, on } from "./api.js";
import { about, button, cancel, focus, remove, row, show } from "./stage.js";
import * as tasks from "./tasks.js";
import { explained, failure } from "./words.js";

const BADGES = { pending: "Waiting", processing: "Being made", completed: "Ready", failed: "Failed", cancelled: "Cancelled" };
const cards = new Map(); // id → the list's item
const list = byId("gallery");
let last;
let again;

export function begin(handlers) {
  again = handlers.again;
  on(tasks.changes, "task", ({ detail }) => update(detail));
  on(tasks.changes, "gone", ({ detail }) => drop(detail));
  on(byId("more"), "click", async () => {
    try {
      const [first] = await load(last);
      cards.get(first)?.querySelector("button").focus();
    } catch (problem) {
      byId("gallery-note").textContent = explained(problem);
    }
  });
}

export async function load(after) {
  const page = await tasks.page(after);
  last = page.last;
  byId("more").hidden = !page.more;
  for (const id of page.ids) if (!cards.has(id)) list.append(card(id));
  note();
  return page.ids;
}

export function lead(id) {
  list.prepend(card(id));
  note();
}

function note() {
  byId("gallery-note").textContent = cards.size ? "" : "None yet.";
}

function card(id) {
  if (!cards.has(id)) {
    cards.set(id, el("li"));
    update(tasks.get(id));
  }
  return cards.get(id);
}

function drop(id) {
  const item = cards.get(id);
  const next = item?.nextElementSibling ?? item?.previousElementSibling;
  const lost = document.activeElement === document.body || item?.contains(document.activeElement);
  item?.remove();
  cards.delete(id);
  if (lost) (next?.querySelector("button") ?? byId("gallery-title")).focus({ preventScroll: true });
  note();
}

function update(task) {
  const item = cards.get(task.id);
  if (!item) return;
  const state = `${task.status} ${task.read ?? ""}`;
  if (item.dataset.state !== state) {
    item.dataset.state = state;
    item.dataset.status = task.status;
    const at = [...item.querySelectorAll("button")].indexOf(document.activeElement);
    item.replaceChildren(...content(task).filter(Boolean));
    const buttons = item.querySelectorAll("button");
    if (at >= 0) (buttons[at] ?? buttons[0]).focus({ preventScroll: true });
  }
  item.querySelector(".badge").textContent = task.status === "processing" && task.progress ? `${task.progress} %` : BADGES[task.status];
  item.querySelector(".facts").textContent = about(task);
}

function content(task) {
  const name = task.prompt || "Without a prompt";
  const action = (label, click, more) => button(label, click, { class: "quiet", "aria-label": `${label}: ${name.slice(0, 60)}`, ...more });
  const open = () => {
    show(task.id);
    focus();
  };
  return [
    el("button", { class: "thumb", click: open }, picture(task), el("span", { class: "away" }, `Show: ${name.slice(0, 60)} `), el("span", { class: "badge" })),
    el("p", { class: "name", title: name }, name),
    task.status === "failed" && el("p", { class: "reason" }, failure(task.error)),
    el("p", { class: "facts" }),
    row(tasks.ended(task)
      ? [action("Again", () => again(task.id)), action("Delete", () => remove(task.id), { class: "quiet danger" })]
      : action("Cancel", () => cancel(task.id))),
  ];
}

/** Return the thumbnail, else the video's own first frame, else nothing. */
function picture(task) {
  const still = task.picture || link(task.thumbnail_url);
  if (still) return el("img", { src: still, alt: "", loading: "lazy", error: ({ target }) => target.remove() });
  if (task.status !== "completed" || !task.read || !link(task.video_url)) return null;
  const video = el("video", { preload: "metadata", playsinline: true, tabindex: "-1", "aria-hidden": "true", src: `${link(task.video_url)}#t=0.1` });
  video.muted = true;
  return video;
}
