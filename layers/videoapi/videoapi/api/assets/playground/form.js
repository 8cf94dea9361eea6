// The form: its fields follow from what the chosen model can do (`GET /v1/models`).

import { byId, call, el, on } from "./api.js";
import { formOf } from "./orders.js";
import { PictureField } from "./picture.js";
import { explained, money, size as shown } from "./words.js";

const FIELDS = { resolution: "size", aspect_ratio: "size", duration: "seconds", image: "input_reference" };
const ANY = { durations: [4, 6, 8], sizes: ["1280x720", "720x1280", "1920x1080", "1080x1920"] }; // where nobody described the model
const CAMERA = [["", "As it likes"], ["pan", "Pan"], ["tilt", "Tilt"], ["zoom", "Zoom"], ["static", "Still"]];
const STRENGTH = [["", "As usual"], ["0.2", "A little"], ["0.8", "Much"], ["1", "Most"]];
const FPS = [["", "As usual"], ...["24", "30", "60"].map((each) => [each, each])];
const PROMPT = "Slow pan over the valley, clouds drift by"; // goes with the sample
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg==";
const PAUSE = 350; // milliseconds after the last change, before the price is asked for

export const changes = new EventTarget();
const first = new PictureField({ role: "input_reference", title: "Picture", hint: "Drop a picture here, or paste one", sample: true });
let last = []; // at most one field, where the model takes it
let references = [];
let models = [];
let sizeChosen = false; // by hand: then the picture's shape no longer decides
let asking = new AbortController();

const pictures = () => [first, ...last, ...references];
const inputs = (name) => [...byId("fields").querySelectorAll(`[name${name ? `="${name}"` : ""}]`)];
const chosen = () => models.find(({ id }) => id === byId("model")?.value) ?? models[0];
const tall = (size) => Number(size.split("x")[0]) < Number(size.split("x")[1]);
const short = (size) => Math.min(...size.split("x"));

export function begin() {
  byId("first-frame").append(first.root);
  on(first, "change", changed);
  on(first, "shape", followShape);
  on(first, "sample", () => (byId("prompt").value ||= PROMPT));
  on(byId("prompt"), "input", changed);
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

export function offer(listed) {
  models = listed;
  build(models[0], {});
}

function build(model, fields) {
  const { video } = model;
  const durations = (video.durations?.length ? video : ANY).durations.map((each) => [String(each), `${each} s`]);
  const sizes = video.sizes?.length ? video.sizes : ANY.sizes;
  sizeChosen = Boolean(fields.size);
  byId("fields").replaceChildren(
    ...(models.length > 1 ? [select("model", "Model", models.map(({ id }) => [id, id]), model.id)] : []),
    choice("seconds", "Length", durations, fields.seconds),
    choice("size", "Shape", sizes.map((each) => [each, `${short(each)}p ${tall(each) ? "tall" : "wide"}`, tall(each)]), fields.size ?? fitting(sizes)),
    ...(video.generate_audio ? [row("generate_audio", el("label", { class: "check" }, el("input", { type: "checkbox", name: "generate_audio", checked: fields.generate_audio !== "false", change: changed }), "With sound"))] : []),
    ...furtherPictures(video),
    folded("Camera and more", [
      ...(video.negative_prompt ? [text("negative_prompt", "What it is not to show", fields, { maxlength: 1000 })] : []),
      choice("camera_motion", "Camera", CAMERA, fields.camera_motion),
      choice("motion_strength", "How much it moves", STRENGTH, fields.motion_strength),
      ...(video.fps?.length === 1 ? [] : [choice("fps", "Frames a second", FPS, fields.fps)]),
      ...(video.seed ? [text("seed", "Seed", fields, { inputmode: "numeric", placeholder: "any" })] : []),
    ], ["negative_prompt", "camera_motion", "motion_strength", "seed", "fps"].some((name) => fields[name])),
  );
  byId("fields").ariaBusy = "false";
  for (const input of inputs("size")) on(input, "change", () => (sizeChosen = true));
  if (byId("model")) byId("model").onchange = () => build(chosen(), values().fields);
  changed();
}

function furtherPictures({ image_roles: roles = [], max_reference_images: most = 0 }) {
  const before = [last, references].map((fields) => fields.map(({ value }) => value).filter(Boolean));
  const make = (count, role, title, hint) => Array.from({ length: count }, (_, at) => new PictureField({ role, title: title(at), hint }));
  last = make(Number(roles.includes("last_frame")), "last_frame", () => "Last picture", "What it ends with, if you like");
  references = make(roles.includes("reference") ? most : 0, "reference_images", (at) => `Reference ${at + 1}`, "What the video is to show");
  return [
    [last, "Last picture", before[0]],
    [references, "Reference pictures, instead of a first one", before[1]],
  ].flatMap(([fields, title, given]) => {
    for (const field of fields) on(field, "change", changed);
    fields.slice(0, given.length).forEach((field, at) => field.restore(given[at]));
    return fields.length ? [folded(title, fields.map(({ root }) => root), given.length > 0)] : [];
  });
}

const folded = (title, children, open) => el("details", { class: "more", open }, el("summary", {}, title), el("div", { class: "inside" }, children));

const row = (name, ...children) =>
  el("div", { class: "field", "data-field": name }, ...children, el("p", { class: "problem", id: `${name}-problem`, role: "alert" }));

const labelled = (name, title, input) => row(name, el("label", { for: name }, title), input);

const named = (name) => ({ id: name, name, input: changed, "aria-describedby": `${name}-problem` });

const text = (name, title, fields, more) =>
  labelled(name, title, el("input", { ...named(name), value: fields[name] ?? "", autocomplete: "off", ...more }));

const select = (name, title, options, value) =>
  labelled(name, title, el("select", named(name), options.map(([key, label]) => el("option", { value: key, selected: key === value }, label))));

/** A value that is no option gives way to the first. An option's third part: whether it is tall. */
function choice(name, title, options, value) {
  const known = options.some(([key]) => key === value) ? value : options[0][0];
  if (options.length > 5) return select(name, title, options, known);
  const pills = options.map(([key, label, upright]) =>
    el("label", { class: "pill" },
      el("input", { type: "radio", name, value: key, checked: key === known, change: changed }),
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
  const all = inputs("size");
  const best = fitting(all.map(({ value }) => value));
  for (const input of all) input.checked = input.value === best;
  changed();
}

/** Return what the form says: the API's fields as text, and the pictures. */
export function values() {
  const prompt = byId("prompt").value.trim();
  const fields = { ...(prompt && { prompt }), ...(models.length && { model: chosen().id }) };
  for (const { name, type, value, checked } of inputs()) {
    if (type === "checkbox") {
      if (!checked) fields[name] = "false";
    } else if (value.trim() && (type !== "radio" || checked)) fields[name] = value.trim();
  }
  return { fields, pictures: pictures().flatMap(({ value }) => (value ? [{ ...value }] : [])) };
}

/** Wait for the uploads of the chosen pictures; return whether all are there. */
export const uploaded = async () => !(await Promise.all(pictures().map(({ uploading }) => uploading))).includes(false);

/** Fill the form with what an earlier order said; `hint` stands where a picture is missing. */
export function fill({ fields, pictures: given }, hint = "") {
  byId("prompt").value = fields.prompt ?? "";
  for (const field of pictures()) field.clear();
  if (models.length) build(models.find(({ id }) => id === fields.model) ?? chosen(), fields);
  const free = pictures();
  for (const value of given) {
    const at = free.findIndex(({ role }) => role === value.role);
    const [field] = at < 0 ? [] : free.splice(at, 1);
    field?.restore(value);
    if (field) unfold(field.root);
  }
  problems(null);
  first.problem(hint);
}

function unfold(node) {
  const details = node.closest("details");
  if (details) details.open = true;
}

/** Say next to its field what is wrong; null takes everything back. */
export function problems(error, lead = true) {
  for (const field of pictures()) field.problem("");
  for (const node of document.querySelectorAll("#form .field > .problem, #form-problem")) node.textContent = "";
  for (const node of document.querySelectorAll("#form [aria-invalid]")) node.removeAttribute("aria-invalid");
  if (!error) return;
  const [param, at] = error.param.split(".");
  const name = FIELDS[param] ?? param;
  const picture = pictures().filter(({ role }) => role === name)[Number(at) || 0];
  const field = picture?.root ?? document.querySelector(`#form .field[data-field="${CSS.escape(name)}"]`);
  if (!field) {
    byId("form-problem").textContent = explained(error);
    return;
  }
  if (lead) unfold(field);
  if (picture) picture.problem(explained(error));
  else field.querySelector(".problem").textContent = explained(error);
  const input = picture ? picture.find(picture.value ? ".remove" : ".choose") : field.querySelector("input:checked, textarea, select, input");
  if (!picture) input.ariaInvalid = "true";
  if (lead) input.focus();
}

/** Ask what it would cost; nothing is ordered, and of pictures the number counts. */
async function quote(signal) {
  const said = values();
  const place = byId("price");
  if (!said.fields.prompt && !said.pictures.length) {
    place.textContent = "";
    return;
  }
  const pixel = new Blob([Uint8Array.from(atob(PIXEL), (char) => char.charCodeAt(0))], { type: "image/png" });
  try {
    const { body } = await call("/v1/videos?dry_run=true", { method: "POST", body: formOf(said, pixel), signal });
    const made = `${body.seconds} s, ${shown(body.size)}`;
    place.textContent = typeof body.cost?.estimated === "number" ? `${money(body.cost.estimated)} for ${made}` : `Price not known, ${made}`;
  } catch (problem) {
    if (signal.aborted) return;
    place.textContent = problem.status === 402 ? explained(problem) : "";
    if (problem.status === 400) problems(problem, false);
  }
  place.ariaBusy = false;
}
