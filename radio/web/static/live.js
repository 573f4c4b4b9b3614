// The connection over which the server sends the parts of the session that change; it is opened again when it is lost.
import { base, link } from "./link.js";

const AGAIN = [200, 500, 1000, 2000]; // milliseconds between attempts
const SILENT = 25_000; // milliseconds without a word, after which it counts as lost; the server sends one in 10 s

let address, take, socket, heardAt, tries = 0, waiting = 0;

/** Call `take` with every {name: content} of parts that the server sends to a page of this version. */
export function follow({ station, listener }, version, show) {
  address = `${location.origin.replace(/^http/, "ws")}${base}/live?${new URLSearchParams({ station, listener })}`;
  take = (told) => (told.version && told.version !== version ? location.reload() : show(told.parts || {}));
  setInterval(wake, SILENT / 5);
  open();
}

/** Connect again if the connection is lost, as it is after a phone slept. */
export function wake() {
  if (!socket) return void (waiting && open());
  if (performance.now() - heardAt > SILENT) lost.call(socket);
}

function open() {
  clearTimeout(waiting);
  heardAt = performance.now();
  socket = new WebSocket(address);
  socket.onmessage = ({ data }) => {
    heardAt = performance.now();
    tries = 0;
    link.away = false;
    take(JSON.parse(data));
  };
  socket.onclose = lost;
}

function lost() {
  if (this !== socket) return; // another one is open already
  socket.onclose = socket.onmessage = null;
  socket.close();
  socket = null;
  link.away = true;
  waiting = setTimeout(open, AGAIN[Math.min(tries++, AGAIN.length - 1)]);
}
