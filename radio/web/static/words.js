// How panels write numbers, times and dates, and how a file reaches the listener.
import { base } from "../../../../static/link.js";

/** Return a rating with its sign. */
export function signed(value) {
  return (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(2);
}

/** Return seconds as minutes:seconds. */
export function time(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Return the day of a moment in seconds since 1970. */
export function day(seconds) {
  const date = new Date(seconds * 1000), now = new Date();
  const ago = Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000);
  if (ago < 2) return ago < 1 ? "Today" : "Yesterday";
  return date.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "long", ...(date.getFullYear() === now.getFullYear() ? {} : { year: "numeric" }) });
}

/** Return the time of day of a moment in seconds since 1970. */
export function hour(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** Return the address of a saved song. */
export function savedFile(name) {
  return `${base}/saved/${encodeURIComponent(name)}`;
}

/** Let the browser download a saved song. */
export function download(name) {
  const anchor = Object.assign(document.createElement("a"), { href: savedFile(name), download: name });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
}
