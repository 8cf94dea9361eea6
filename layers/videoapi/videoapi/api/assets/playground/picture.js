// A picture to give: dropped, pasted, chosen or by its address. One over 4 MB is uploaded at once.

import { ApiError, byId, call, hex, on, say } from "./api.js";
import { bytes, explained } from "./words.js";

const IN_A_REQUEST = 4_000_000; // bytes of the first picture: all of a request have 4.4 MB
const BESIDE = 100_000; // of each further one
const MAX = 20 * 1024 * 1024;
const SAMPLE = "/examples/mountains.jpg";
const TYPES = { ffd8ff: "image/jpeg", "89504e": "image/png", 524946: "image/webp" }; // by the first three bytes
let count = 0;

/** Return a picture's media type; undefined for any other file, and for a folder. */
const typeOf = (file) => file.slice(0, 3).arrayBuffer().then((first) => TYPES[hex(new Uint8Array(first))], () => undefined);

/** POST a file with S3's form; `progress(percent)`. */
function post(form, file, progress, signal) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    const data = new FormData();
    for (const [name, value] of Object.entries(form.fields)) data.append(name, value);
    data.append("file", file);
    on(request.upload, "progress", ({ loaded, total }) => total && progress((100 * loaded) / total));
    on(request, "load", () => (request.status < 300 ? done() : failed(new ApiError(request.status, { message: "The upload was refused." }))));
    for (const name of ["error", "abort"]) on(request, name, () => failed(new ApiError(0, { message: "The upload broke off." })));
    on(signal, "abort", () => request.abort());
    request.open("POST", form.url);
    request.send(data);
  });
}

/** Events: `change`, `shape` (it is known), `sample`. */
export class PictureField extends EventTarget {
  /** `role` is the API's field: its problems belong here. */
  constructor({ role, title, hint, sample = false }) {
    super();
    Object.assign(this, { role, title, most: sample ? IN_A_REQUEST : BESIDE, value: null, uploading: null }); // uploading: a promise
    this.root = byId("picture-template").content.firstElementChild.cloneNode(true);
    this.root.dataset.field = role;
    this.root.classList.toggle("large", sample);
    this.find("legend").textContent = title;
    this.find(".hint").textContent = hint;
    this.find(".sample").hidden = !sample;
    this.find(".remove").ariaLabel = `Remove: ${title}`;
    this.url = this.find("input[type=url]");
    this.url.ariaLabel = `${title}: address`;
    this.find(".problem").id = `picture-${(count += 1)}`;
    this.root.setAttribute("aria-describedby", `picture-${count}`);
    this.#listen();
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }

  #listen() {
    const file = this.find("input[type=file]");
    on(this.find(".choose"), "click", () => file.click());
    on(file, "change", async () => {
      const [chosen] = file.files;
      file.value = "";
      if (chosen) await this.take(chosen);
    });
    on(this.find(".sample"), "click", () => this.#sample());
    on(this.url, "change", () => this.#address());
    on(this.url, "keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#address();
    });
    on(this.find(".remove"), "click", () => {
      this.clear();
      this.find(".choose").focus();
    });
    for (const name of ["dragover", "dragleave", "drop"])
      on(this.root, name, (event) => {
        event.preventDefault();
        event.stopPropagation();
        this.find(".drop").classList.toggle("over", name === "dragover");
        if (name === "drop") this.drop(event.dataTransfer);
      });
  }

  #address() {
    const text = this.url.value.trim();
    if (text && !this.address(text)) this.problem("Say an address that begins with https:// or http://.");
    else if (text) this.find(".remove").focus();
  }

  async #sample() {
    try {
      const answer = await fetch(SAMPLE);
      if (!answer.ok) throw new TypeError(String(answer.status));
      const file = new File([await answer.blob()], "mountains.jpg", { type: "image/jpeg" });
      this.#tell("sample");
      await this.take(file);
      this.find(".remove").focus({ preventScroll: true });
    } catch {
      this.problem("The sample could not be loaded.");
    }
  }

  /** Take what was dropped or pasted; false if there is no picture in it. */
  drop(transfer) {
    if (!transfer?.files.length) return this.address((transfer?.getData("text/uri-list") || transfer?.getData("text/plain") || "").split("\n")[0].trim());
    this.take(transfer.files[0]);
    return true;
  }

  /** Take an address; the service fetches it, not this page. */
  address(text) {
    if (!URL.canParse(text) || !/^https?:/i.test(text)) return false;
    this.clear();
    const name = new URL(text).hostname;
    this.value = { role: this.role, url: text, name };
    this.#show(name, "The service will fetch it");
    return true;
  }

  async take(file) {
    const type = await typeOf(file);
    this.clear();
    if (!type) this.problem("This is no JPEG, PNG or WebP picture.");
    else if (file.size > MAX) this.problem(`It has ${bytes(file.size)}; 20 MB is the most.`);
    else this.restore({ file, name: file.name || "picture", type });
  }

  /** Take what is a picture for sure. */
  restore({ file, name, type, url }) {
    if (!file) return this.address(url);
    this.value = { role: this.role, file, name, type };
    this.#preview(this.value);
    if (file.size > this.most) this.uploading = this.#upload(this.value);
    this.#show(name, bytes(file.size) + (this.uploading ? ", uploading" : ""));
    return true;
  }

  #preview(value) {
    const image = this.find("img");
    image.onload = () => {
      this.shape = [image.naturalWidth, image.naturalHeight];
      this.#tell("shape");
    };
    image.src = this.shown = URL.createObjectURL(value.file);
    image.alt = `${this.title}: ${value.name}`;
    image.hidden = false;
  }

  async #upload(value) {
    const bar = this.find("progress");
    this.stop = new AbortController();
    const { signal } = this.stop;
    bar.hidden = false;
    bar.value = 0;
    bar.ariaLabel = `Upload of ${value.name}`;
    try {
      const { body } = await call("/api/v1/uploads", { method: "POST", body: { content_type: value.type, size_bytes: value.file.size }, signal });
      await post(body, value.file, (percent) => (bar.value = percent), signal);
      value.reference = body.reference;
      bar.hidden = true;
      this.find(".size").textContent = `${bytes(value.file.size)}, uploaded`;
      say(`${value.name} is uploaded.`);
      this.#tell("change");
      return true;
    } catch (problem) {
      if (signal.aborted) return false;
      this.clear();
      this.problem(`${explained(problem)} Give the picture again.`);
      return false;
    }
  }

  #show(name, size) {
    this.find(".name").textContent = name;
    this.find(".size").textContent = size;
    this.#filled(true);
  }

  #filled(now) {
    this.find(".empty").hidden = now;
    this.find(".filled").hidden = !now;
    this.problem("");
    this.#tell("change");
  }

  clear() {
    this.stop?.abort();
    if (this.shown) URL.revokeObjectURL(this.shown);
    this.value = this.uploading = this.shown = this.stop = this.shape = null;
    const image = this.find("img");
    image.onload = null;
    image.removeAttribute("src");
    image.hidden = this.find("progress").hidden = true;
    this.url.value = "";
    this.#filled(false);
  }

  /** Say what is wrong. `lacks`: what was given is not there, until it is given anew. */
  problem(text, lacks = text) {
    this.lacks = lacks;
    this.find(".problem").textContent = text;
    this.root.classList.toggle("wrong", Boolean(text));
  }
}
