// Commands to the session: sent one after the other, each with an id, until they are answered.
// Ratings are also kept in the browser's storage, so that neither a reload nor a lost server loses them.
import { reactive } from "./reactive.js";

/** Where this server's paths begin: behind a proxy that may be below another site's root. */
export const base = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const DURABLE = new Set(["slide", "change", "restore"]);
const PATIENT = new Set([...DURABLE, "ended"]); // sent again for as long as the page is open
const STORE = "ai-radio-orders-";
const AGAIN = [100, 200, 400, 800, 1500]; // milliseconds between attempts
const GIVEN_UP = 8000; // milliseconds after which a command that is no rating is dropped

// A reloaded page keeps its id; a duplicated tab gets a new one.
const again = performance.getEntriesByType("navigation")[0]?.type !== "navigate";
export const page = (again && sessionStorage.getItem("ai-radio-page")) || newId();
sessionStorage.setItem("ai-radio-page", page);

export const link = reactive({ away: false, waiting: 0, line: "" });
export const clock = { play: null, at: () => null }; // set by the deck: the song that this page plays, and the position in it
export const place = { station: "", listener: "" };
const queue = [];
let sending = false;

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Set station and listener, and send what any page left unsent; sent twice, its id lets it count once. */
export function begin(names) {
  Object.assign(place, { station: names.station, listener: names.listener });
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(STORE)) continue;
    try {
      const left = JSON.parse(localStorage.getItem(key));
      queue.push(...left.orders.map((command) => ({ command, durable: true, since: Date.now(), settle: () => {} })));
    } catch {
      // unreadable entries are dropped
    }
    localStorage.removeItem(key);
  }
  keep();
  send();
}

/** Send a command; the promise is its answer, or null if it was refused. */
export function command(action, details = {}) {
  const waiting = queue[queue.length - 1];
  const started = queue.length === 1 && sending;
  if (action === "slide" && waiting && !started && waiting.command.action === "slide" && waiting.command.play === details.play) {
    waiting.command.points.push(...details.points); // more points of the same curve
    keep();
    return waiting.answer;
  }
  const entry = { command: filled(action, details), durable: DURABLE.has(action), since: Date.now() };
  entry.answer = new Promise((settle) => (entry.settle = settle));
  queue.push(entry);
  if (entry.durable) keep();
  send();
  return entry.answer;
}

/** Report this page's position, without waiting for an answer. */
export function tell(action, beacon = false) {
  const body = JSON.stringify(filled(action, {}));
  if (beacon) navigator.sendBeacon(`${base}/do`, new Blob([body], { type: "application/json" }));
  else fetch(`${base}/do`, { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => {});
}

function filled(action, details) {
  return { id: newId(), ...place, page, action, play: clock.play, at: clock.at(), ...details };
}

function keep() {
  const commands = queue.filter((entry) => entry.durable).map((entry) => entry.command);
  if (commands.length) localStorage.setItem(STORE + page, JSON.stringify({ orders: commands }));
  else localStorage.removeItem(STORE + page);
  link.waiting = commands.length;
}

async function send() {
  if (sending) return;
  sending = true;
  let tries = 0;
  while (queue.length) {
    const entry = queue[0];
    const body = JSON.stringify(entry.command);
    const response = await fetch(`${base}/do`, { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => null);
    const later = !response || response.status >= 500 || response.status === 429;
    if (later && (PATIENT.has(entry.command.action) || Date.now() - entry.since < GIVEN_UP)) {
      link.away = !response || tries > 3;
      await new Promise((go) => setTimeout(go, AGAIN[Math.min(tries++, AGAIN.length - 1)]));
      continue;
    }
    tries = 0;
    link.away = !response;
    queue.shift();
    if (entry.durable) keep();
    const answer = response && (await response.json().catch(() => null));
    if (answer && answer.line) link.line = answer.line;
    entry.settle(response && response.ok ? answer : null);
  }
  sending = false;
}
