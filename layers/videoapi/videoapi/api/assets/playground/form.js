// The form: its fields follow from what the chosen model can do (`GET /v1/models`).

import { byId, call, el, on } from "./api.js";
import { formOf } from "./orders.js";
import { PictureField } from "./picture.js";
import { explained, money, size as shown } from "./words.js";

const FIELDS = { resolution: "size", aspect_ratio: "size", duration: "seconds", image: "input_reference" };
const ANY = { durations: [4, 6, 8], sizes: ["1280x720", "720x1280", "1920x1080", "1080x1920"] }; // where nobody described the model
const PROMPT = "Slow pan over the valley, clouds drift by"; // goes with the sample
const STAND_IN = "https://example.com/picture.png"; // a dry run fetches nothing
const PAUSE = 350; // milliseconds from the last change to its price

export const changes = new EventTarget();
const first = new PictureField({ role: "input_reference", title: "Picture", hint: "Drop a picture here, or paste one", sample: true });
let further = []; // beside the first picture, or instead
let models = [];
let sizeChosen = false; // by hand, not by the picture's shape
let asking = new AbortController();

const pictures = () => [first, ...further];
const inputs = () => [...byId("form").querySelectorAll("[name]")].filter((input) => !input.closest("[hidden]"));
const fieldOf = (name) => document.querySelector(`#form .field[data-field="${CSS.escape(name)}"]`);
const chosen = () => models.find(({ id }) => id === byId("model")?.value) ?? models[0];
const tall = (size) => size.split("x")[0] - size.split("x")[1] < 0;
const short = (size) => Math.min(...size.split("x"));

export function begin() {
  byId("first-frame").append(first.root);
  on(first, "change", changed);
  on(first, "shape", followShape);
  on(first, "sample", () => (byId("prompt").value ||= PROMPT));
  on(byId("form"), "input", ({ target: { name } }) => {
    if (name === "size") sizeChosen = true;
    if (name) changed();
  });
  on(window, "dragover", (event) => event.preventDefault());
  on(window, "drop", (event) => {
    event.preventDefault();
    first.drop(event.dataTransfer);
  });
  on(window, "paste", (event) => {
    const { target, clipboardData: data } = event;
    if (!data || (target.matches("input, textarea") && !data.files.length)) return;
    const field = pictures().find(({ root }) => root.contains(target)) ?? pictures().find(({ value }) => !value) ?? first;
    if (field.drop(data)) event.preventDefault();
  });
}

function changed() {
  problems(null);
  byId("price").ariaBusy = true;
  changes.dispatchEvent(new Event("change"));
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  if (models.length) setTimeout(() => signal.aborted || quote(signal), PAUSE);
}

/** Return whether it is known what can be made, and so its price. */
export const ready = () => models.length > 0;

/** Make the fields for these models. What was chosen before stays, where it can. */
export function offer(listed) {
  if (JSON.stringify(listed) === JSON.stringify(models)) return;
  const { fields } = values();
  models = listed;
  rebuild(fields);
}

function rebuild(fields) {
  if (!sizeChosen) delete fields.size;
  build(fields);
}

function build(fields) {
  const { id: model, video } = models.find(({ id }) => id === fields.model) ?? chosen();
  const given = further.flatMap(({ value }) => value ?? []);
  for (const field of further) field.clear();
  const durations = (video.durations?.length ? video : ANY).durations.map((each) => [String(each), `${each} s`]);
  const sizes = video.sizes?.length ? video.sizes : ANY.sizes;
  sizeChosen = Boolean(fields.size);
  byId("fields").replaceChildren(...[
    models.length > 1 && select("model", "Model", models.map(({ id }) => [id, id]), model),
    choice("seconds", "Length", durations, fields.seconds),
    choice("size", "Shape", sizes.map((each) => [each, `${short(each)}p ${tall(each) ? "tall" : "wide"}`, tall(each)]), fields.size ?? fitting(sizes)),
  ].filter(Boolean));
  byId("further").replaceChildren(...furtherPictures(video));
  const { generate_audio, negative_prompt, seed } = video;
  for (const [name, can] of Object.entries({ generate_audio, negative_prompt, seed, fps: video.fps?.length !== 1 })) fieldOf(name).hidden = !can;
  byId("fields").ariaBusy = "false";
  place(given);
  if (models.length > 1) on(byId("model"), "change", () => {
    rebuild(values().fields);
    byId("model").focus();
  });
  changed();
}

function furtherPictures({ image_roles: roles = [], max_reference_images: most = 0 }) {
  const fields = (can, count, role, title, hint) => Array.from({ length: roles.includes(can) ? count : 0 }, (_, at) => new PictureField({ role, title: title(at), hint }));
  const groups = [
    ["Last picture", fields("last_frame", 1, "last_frame", () => "Last picture", "What it ends with, if you like")],
    ["Reference pictures, instead of a first one", fields("reference", most, "reference_images", (at) => `Reference ${at + 1}`, "What the video is to show")],
  ];
  further = groups.flatMap(([, each]) => each);
  for (const field of further) on(field, "change", changed);
  return groups.filter(([, each]) => each.length).map(([title, each]) =>
    el("details", { class: "more" }, el("summary", {}, title), el("div", { class: "inside" }, each.map(({ root }) => root))));
}

/** Put pictures where there is room for their role. */
function place(given) {
  for (const each of given) {
    const field = pictures().find(({ role, value }) => role === each.role && !value);
    field?.restore(each);
    if (field) unfold(field.root);
  }
}

const row = (name, ...children) =>
  el("div", { class: "field", "data-field": name }, ...children, el("p", { class: "problem", id: `${name}-problem`, role: "alert" }));

const select = (name, title, options, value) =>
  row(name, el("label", { for: name }, title),
    el("select", { id: name, name, "aria-describedby": `${name}-problem` }, options.map(([key, label]) => el("option", { value: key, selected: key === value }, label))));

/** A value that is no option gives way to the first. An option's third part: whether it is tall. */
function choice(name, title, options, value) {
  const known = options.some(([key]) => key === value) ? value : options[0][0];
  if (options.length > 5) return select(name, title, options, known);
  const pills = options.map(([key, label, upright]) =>
    el("label", { class: "pill" },
      el("input", { type: "radio", name, value: key, checked: key === known }),
      el("span", {}, upright !== undefined && el("i", { class: upright ? "" : "wide" }), label)));
  return row(name, el("fieldset", { class: "pills", "aria-describedby": `${name}-problem` }, el("legend", {}, title), el("div", { class: "options" }, pills)));
}

function fitting(sizes) {
  const [width, height] = first.shape ?? [16, 9];
  const fits = sizes.filter((size) => tall(size) === width < height);
  return [...(fits.length ? fits : sizes)].sort((one, other) => short(one) - short(other))[0];
}

function followShape() {
  if (sizeChosen || !models.length) return;
  const all = inputs().filter(({ name }) => name === "size");
  const best = fitting(all.map(({ value }) => value));
  for (const input of all) input.checked = input.value === best;
  changed();
}

/** Return what the form says: the API's fields as text, and the pictures. */
export function values() {
  const fields = {};
  for (const { name, type, value, checked } of inputs()) {
    if (type === "checkbox") {
      if (!checked) fields[name] = "false";
    } else if (value.trim() && (type !== "radio" || checked)) fields[name] = value.trim();
  }
  if (models.length) fields.model ??= chosen().id;
  return { fields, pictures: pictures().flatMap(({ value }) => (value ? [{ ...value }] : [])) };
}

/** Say once that a given picture is not there; return whether it was to be said. */
export function lacking() {
  const field = pictures().find(({ lacks }) => lacks);
  if (!field) return false;
  byId("form-problem").textContent = `${field.lacks} Press again to go on without it.`;
  field.problem("");
  return true;
}

/** Wait for the uploads of the chosen pictures; return whether all are there. */
export const uploaded = async () => !(await Promise.all(pictures().map(({ uploading }) => uploading))).includes(false);

/** Fill the form with what an earlier order said; `hint` stands where a picture is missing. */
export function fill({ fields, pictures: given }, hint = "") {
  for (const field of pictures()) field.clear();
  for (const input of document.querySelectorAll("#prompt, #options [name]")) {
    const value = fields[input.name] ?? "";
    if (input.type === "radio") input.checked = input.value === value;
    else if (input.type === "checkbox") input.checked = value !== "false";
    else input.value = value;
    if (value) unfold(input);
  }
  if (models.length) build(fields);
  place(given);
  problems(null);
  first.problem(hint);
}

function unfold(node) {
  const details = node.closest("details");
  if (details) details.open = true;
}

/** Say next to each field what is wrong; null takes it back. */
export function problems(error, lead = true) {
  for (const field of pictures()) if (!field.lacks) field.problem("");
  for (const node of document.querySelectorAll("#form .field > .problem, #form-problem")) node.textContent = "";
  for (const node of document.querySelectorAll("#form [aria-invalid]")) node.removeAttribute("aria-invalid");
  for (const message of error?.message.split(/; (?=\w+: )/).reverse() ?? [])
    problem({ ...error, message, param: message.match(/^\w+(?=: )/)?.[0] ?? error.param }, lead);
}

function problem(error, lead) {
  const [param, at] = error.param.split(".");
  const name = FIELDS[param] ?? param;
  const picture = pictures().filter(({ role }) => role === name)[Number(at) || 0];
  const field = picture?.root ?? fieldOf(name);
  const text = explained(error);
  if (lead && field) unfold(field);
  if (picture) picture.problem(text, "");
  else (field?.querySelector(".problem") ?? byId("form-problem")).textContent = text;
  if (!field) return;
  const input = picture ? picture.find(picture.value ? ".remove" : ".choose") : field.querySelector("input:checked, textarea, select, input");
  if (!picture) input.ariaInvalid = "true";
  if (lead) input.focus();
}

/** Ask for the price; of pictures the number counts. */
async function quote(signal) {
  const said = values();
  const place = byId("price");
  let text = "";
  if (said.fields.prompt || said.pictures.length)
    try {
      const { body } = await call("/v1/videos?dry_run=true", { method: "POST", body: formOf(said, STAND_IN), signal });
      const made = `${body.seconds} s, ${shown(body.size)}`;
      text = typeof body.cost?.estimated === "number" ? `${money(body.cost.estimated)} for ${made}` : `Price not known, ${made}`;
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 402) text = explained(error);
      if (error.status === 400) problems(error, false);
    }
  place.textContent = text;
  place.ariaBusy = false;
}
