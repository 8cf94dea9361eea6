// What people read: amounts, times, and what to do about an error.

export const money = (usd) => `$${usd.toFixed(usd > 0 && usd < 0.1 ? 4 : 2)}`;
export const bytes = (count) => (count < 1e6 ? `${Math.ceil(count / 1e3)} KB` : `${(count / 1e6).toFixed(1)} MB`);
export const size = (text) => String(text ?? "").replace("x", "×");

export function seconds(count) {
  return count < 90 ? `${Math.max(Math.round(count), 1)}\u00a0s` : `${Math.round(count / 60)}\u00a0min`;
}

export function clock(iso) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const today = at.toDateString() === new Date().toDateString();
  return at.toLocaleString([], today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
}

/** What a task costs, as far as anybody knows; empty where nobody does. */
export function cost(of) {
  if (typeof of?.actual === "number") return of.actual ? `cost ${money(of.actual)}` : "nothing charged";
  return typeof of?.estimated === "number" ? `about ${money(of.estimated)}` : "";
}

// What to do next, by the code of a refusal or of a failed task.
const NEXT = {
  content_policy_violation: "Change the prompt or the picture: the provider does not make this one.",
  audio_filtered: "Change what is to be heard, or the words of the prompt.",
  invalid_image: "Use another picture: JPEG, PNG or WebP, up to 20 MB.",
  upstream_submit_unknown: "Ask who runs the service before you order it again: it may have been charged.",
  too_many_tasks_alive: "Wait until one of your videos is ready, or cancel one.",
  daily_limit_reached: "It may make more tomorrow (UTC).",
  price_unknown: "The key has a budget, and this model has no price. Choose another model.",
};
const LATER = "Try again in a while.";

/** Say what a refusal means and what to do. */
export function explained(error) {
  if (error.status === 401) return "Give a key first.";
  if (error.code === "budget_exceeded") {
    const at = clock(error.details?.resets_at);
    return `The budget is used up${at ? ` until ${at}` : " for today"}. Choose something cheaper, or ask who runs the service for more.`;
  }
  return joined(
    sentence(error.param ? error.message.replace(`${error.param}: `, "") : error.message) || "Something went wrong.",
    NEXT[error.code] ?? (error.status >= 500 && LATER),
    error.code === "rate_limited" && error.retryAfter && `Try again in ${seconds(error.retryAfter)}.`,
    error.status >= 500 && error.requestId && `(Request ${error.requestId})`,
  );
}

export function failure(error) {
  const charged = error?.maybe_charged && "It may have been charged.";
  if (error?.code === "cancelled") return joined("You cancelled it.", charged);
  const next = NEXT[error?.code] ?? (error?.retryable && LATER);
  return joined(sentence(error?.message) || "It did not work out.", next, next?.includes?.("charged") || charged);
}

const joined = (...parts) => parts.filter((part) => typeof part === "string").join(" ");

function sentence(text) {
  const clean = String(text ?? "").trim().replace(/^(String|Input) should/, "It should");
  return clean && clean[0].toUpperCase() + clean.slice(1) + (/[.!?…]$/.test(clean) ? "" : ".");
}
