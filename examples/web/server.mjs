// A web page that orders videos and is told by webhook when they are ready: no polling, no key in the browser.
//
//   make run
//   WEBHOOK_SECRET=$(cat .local/kept/simulator/webhook-secret) node examples/web/server.mjs
//   open http://localhost:3000
//
// Elsewhere: VIDEOAPI_URL, VIDEOAPI_KEY, and the WEBHOOK_SECRET that `make key` showed with it.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const { VIDEOAPI_URL = "http://localhost:8000", VIDEOAPI_KEY = "not-needed", WEBHOOK_SECRET = "", PORT = "3000" } =
  process.env;
const HERE = process.env.PAGE_URL ?? `http://localhost:${PORT}`; // as the Video API reaches it
const OLD_SECONDS = 300; // after which a webhook may be a replay
const pages = new Set(); // open pages, each a stream of events
const seen = new Set(); // a webhook may come twice

/** Standard Webhooks: an HMAC of id, time and body; two signatures while a secret is being rotated. */
function verified(headers, body) {
  const id = headers["webhook-id"];
  const at = headers["webhook-timestamp"];
  if (!(Math.abs(Date.now() / 1000 - at) < OLD_SECONDS)) return false;
  const key = Buffer.from(WEBHOOK_SECRET.replace("whsec_", ""), "base64");
  const wanted = createHmac("sha256", key).update(`${id}.${at}.${body}`).digest();
  return String(headers["webhook-signature"]).split(" ").some((signature) => {
    const given = Buffer.from(signature.replace("v1,", ""), "base64");
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

async function order({ prompt, image }) {
  const wanted = { prompt, input_reference: image || undefined, seconds: 4, size: "1280x720", webhook_url: `${HERE}/hook` };
  const response = await fetch(`${VIDEOAPI_URL}/v1/videos`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${VIDEOAPI_KEY}`,
      "Content-Type": "application/json",
      "Idempotency-Key": randomUUID(),
    },
    body: JSON.stringify(wanted),
  });
  return [response.status, await response.text()];
}

const ROUTES = {
  "GET /": async (_, response) => {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(await readFile(new URL("index.html", import.meta.url)));
  },
  "GET /events": async (request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write(": open\n\n");
    pages.add(response);
    request.on("close", () => pages.delete(response));
  },
  "POST /order": async (request, response) => {
    const [status, answer] = await order(JSON.parse(await text(request)));
    response.writeHead(status, { "Content-Type": "application/json" }).end(answer);
  },
  "POST /hook": async (request, response) => {
    const body = await text(request);
    if (!verified(request.headers, body)) return response.writeHead(401).end();
    const event = JSON.parse(body);
    response.writeHead(204).end(); // soon: what takes long is done afterwards
    if (seen.has(event.id)) return;
    seen.add(event.id);
    for (const page of pages) page.write(`data: ${JSON.stringify(event)}\n\n`);
  },
};

async function text(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

createServer(async (request, response) => {
  const route = ROUTES[`${request.method} ${request.url}`];
  if (!route) return response.writeHead(404).end();
  await route(request, response).catch((error) => response.writeHead(500).end(String(error)));
}).listen(Number(PORT), "127.0.0.1", () => console.log(`Open ${HERE}`));
