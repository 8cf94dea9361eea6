// The page: the form, the video, and one's own videos.

import { ApiError, byId, call, key, on, say, setKey, wait } from "./api.js";
import * as form from "./form.js";
import * as gallery from "./gallery.js";
import * as orders from "./orders.js";
import * as snippets from "./snippets.js";
import * as stage from "./stage.js";
import * as tasks from "./tasks.js";
import { explained } from "./words.js";

const MAKE = byId("go").textContent;
const RECENT = 10 * 60 * 1000; // milliseconds: what began since is shown at once
let busy = false; // an order is on its way: a second press of the button is none
let beginning = 0;

/** Read what can be made, take up an open order, list the videos. */
async function start() {
  const mine = (beginning += 1);
  for (let attempt = 1; mine === beginning; attempt += 1) {
    try {
      const { body } = await call("/v1/models");
      if (mine !== beginning) return;
      form.offer(body.data);
      signedIn();
      notice("");
      await Promise.all([list(), resume()]);
      return;
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      notice("");
      if (problem.status === 401) return;
      notice(`${explained(problem)} This page tries again by itself.`);
      await wait(Math.max(problem.retryAfter, Math.min(2 ** attempt, 30)));
    }
  }
}

async function list() {
  const newest = tasks.get((await gallery.load())[0]);
  if (newest && stage.free() && (!tasks.ended(newest) || Date.now() - Date.parse(newest.created) < RECENT)) stage.show(newest.id);
}

async function resume() {
  const order = await orders.unanswered();
  if (!order || busy) return;
  form.fill(order.values);
  await send(order);
}

function notice(text) {
  byId("notice").textContent = text;
  byId("notice").hidden = !text;
}

async function submit(event) {
  event.preventDefault();
  if (busy) return;
  form.problems(null);
  if (!form.ready()) { // once there is a key, it would go out at a price that nobody has seen
    byId("form-problem").textContent = byId("key-form").hidden ? "The service has not answered yet." : "Give a key first.";
    byId("key").focus(); // where it is asked for
    return;
  }
  if (form.lacking()) return;
  const said = form.values();
  if (!said.pictures.length && !said.fields.prompt) {
    form.problems(new ApiError(400, { message: "Give a picture, or say here what happens", param: "prompt" }));
    return;
  }
  working(true);
  const open = await orders.unanswered(); // until it is answered or given up, a press means that one
  if (open || (await form.uploaded())) await send(open ?? (await orders.create(form.values())));
  else stage.back();
  working(false);
}

async function send(order, sure) {
  if (order.foreign && !sure) return stage.unanswered(null, () => send(order, true), () => giveUp(order));
  working(true);
  try {
    const video = await orders.send(order, (pause) => stage.sending(`No answer yet. The same order goes again in ${pause} s; it is paid once.`));
    if (order.forgotten) return;
    const file = order.values.pictures.find((each) => each.file)?.file;
    tasks.begin(video, { picture: file && URL.createObjectURL(file) });
    gallery.lead(video.id);
    stage.show(video.id, true);
    stage.focus();
  } catch (problem) {
    if (!(problem instanceof ApiError)) throw problem;
    if (order.forgotten) return;
    if (problem.passing) {
      byId("go").textContent = "Send the order again";
      stage.unanswered(order.foreign ? null : problem, () => send(order, true), () => giveUp(order));
    } else {
      stage.back();
      form.problems(problem);
    }
  } finally {
    working(false);
  }
}

async function giveUp(order) {
  await orders.drop(order);
  byId("go").textContent = MAKE;
  stage.back();
  await list();
}

function working(now) {
  busy = now;
  byId("go").ariaDisabled = now;
  if (!now) return;
  byId("go").textContent = MAKE;
  stage.sending();
}

async function again(id) {
  const task = tasks.get(id);
  const kept = await orders.valuesOf(id);
  const fields = {};
  for (const [name, value] of Object.entries({ ...task.asked, fps: null, model: task.model, prompt: task.prompt })) if (value != null) fields[name] = String(value);
  form.fill(kept ?? { fields, pictures: [] }, !kept && task.thumbnail_url ? "Give the picture again: this browser does not have it any more." : "");
  byId("prompt").focus();
  byId("make").scrollIntoView();
  say("The form has what this video was made of.");
}

function askForKey() {
  const wrong = Boolean(key());
  if (!wrong && !byId("key-form").hidden) return; // several calls were refused at once
  setKey("");
  signedIn();
  byId("key-form").hidden = false;
  byId("key-problem").textContent = wrong ? "The service does not know this key." : "";
  byId("key").ariaInvalid = wrong;
  byId("key").focus({ preventScroll: true });
}

function signedIn() {
  const has = key(), asked = byId("key-form");
  byId("key-state").hidden = !has;
  byId("key-shown").textContent = `Key …${has.slice(-4)}`;
  snippets.write();
  if (!has || asked.hidden) return;
  asked.hidden = true;
  byId("make").focus({ preventScroll: true });
}

async function useKey(event) {
  event.preventDefault();
  const given = byId("key").value.replace(/[^!-~]/g, ""); // a chat adds what nobody sees
  byId("key").value = "";
  if (!given) return;
  setKey(given);
  tasks.forgetAll(); // another owner's
  await orders.keyChanged();
  await start();
}

async function forgetKey() {
  setKey("");
  await orders.forgetAll();
  tasks.forgetAll();
  byId("go").textContent = MAKE;
  stage.empty();
  form.fill({ fields: {}, pictures: [] });
  signedIn();
  await start();
}

stage.begin({ again, deleted: orders.forgetTask });
gallery.begin({ again });
form.begin();
snippets.begin();
on(tasks.changes, "leaving", ({ detail }) => URL.revokeObjectURL(tasks.get(detail).picture));
on(form.changes, "change", snippets.write);
on(byId("form"), "submit", submit);
on(byId("key-form"), "submit", useKey);
on(byId("forget"), "click", forgetKey);
on(window, "keyneeded", askForKey);
orders.tidy();
start();
