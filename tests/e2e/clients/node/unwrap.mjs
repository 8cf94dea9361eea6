// `node unwrap.mjs BODY HEADERS SECRET`: verify an event as OpenAI's SDK does, and one that is forged.
import OpenAI from "openai";

const [body, headers, secret] = process.argv.slice(2);
const client = new OpenAI({ apiKey: "-", webhookSecret: secret });
const event = await client.webhooks.unwrap(body, JSON.parse(headers));
let forged = true;
try {
  await client.webhooks.unwrap(`${body} `, JSON.parse(headers));
} catch {
  forged = false;
}
console.log(JSON.stringify({ type: event.type, id: event.id, video: event.data.id, forged }));
