// How panels write numbers, times and dates, and how a file reaches the listener.
import { base } from "./link.js";

/** Return a rating with its sign. */
export function signed(value) {
  return (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(2);
}

/** Return seconds as minutes:seconds. */
export function time(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Return a time of the past, in seconds since 1970: the clock for today, else the date too. */
export function when(seconds) {
  const date = new Date(seconds * 1000), now = new Date();
  const clock = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (date.toDateString() === now.toDateString()) return clock;
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return `${date.toLocaleDateString([], { day: "numeric", month: "short", year })}, ${clock}`;
}

/** Let the browser download a saved song. */
export function download(name) {
  const anchor = Object.assign(document.createElement("a"), { href: `${base}/saved/${encodeURIComponent(name)}`, download: name });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
}
