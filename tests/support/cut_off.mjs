// The page's sound without a browser: what the session tells it, and what it does and sends.
// Prints a line for every expectation that fails; test_cut_off.py runs it.
const storage = () => ({ getItem: () => null, setItem() {}, removeItem() {} });
Object.assign(globalThis, {
  sessionStorage: storage(), localStorage: storage(), location: { origin: "http://radio" },
  document: { addEventListener() {}, visibilityState: "visible" }, window: { addEventListener() {} },
});
performance.getEntriesByType = () => [{ type: "navigate" }];
const sent = [];
let online = true;
globalThis.fetch = async (address, { body }) => {
  if (!online) throw new Error("no network");
  sent.push(JSON.parse(body));
  return { ok: true, status: 200, json: async () => ({ ok: true }) };
};
const { sound } = await import("./sound.js");
const { clock, command, link, page } = await import("./link.js");

const deck = {
  ...sound.methods, showInMediaControls() {}, names: { station: "x" }, own: [], value: null, volume: 0.8,
  comparison: null, duration: 60, song: { key: "one", duration: 60 }, spare: { load() {} },
};
for (const [name, get] of Object.entries(sound.computed)) Object.defineProperty(deck, name, { get });
sound.created.call(deck);
const audio = { paused: false, currentTime: 42, readyState: 4, pause() { this.paused = true; }, async play() { this.paused = false; } };
Object.assign(deck, { audio, audioKey: "one", songKey: "one", jumps: 1 });
Object.assign(clock, { play: "one", at: () => deck.at() });

/** Let the session tell something; return whether the page sounds, and where. */
function told(change) {
  deck.now = { key: "one", paused: false, speaker: page, lost: null, jumps: 1, jumper: null, position: 42, slider: null, volume: 0.8, next: [], ...change };
  deck.sync();
  return `${audio.paused ? "quiet" : "sounds"} at ${audio.currentTime}`;
}
function expect(what, found, wanted) {
  if (found !== wanted) console.log(`${what}: ${found}, not ${wanted}`);
}
const pause = (milliseconds) => new Promise((go) => setTimeout(go, milliseconds));
const lost = { speaker: null, lost: page, paused: true, jumps: 2, position: 31 };

expect("while it sounds", told({}), "sounds at 42");
expect("cut off", told(lost), "sounds at 42");
await pause(10);
expect("and says so", `${sent.at(-1)?.action} ${sent.at(-1)?.play} ${sent.at(-1)?.at}`, "ping one 42");
expect("followed again", told({ jumps: 2 }), "sounds at 42");
expect("another page sounds", told({ speaker: "another", jumps: 2 }), "quiet at 42");
audio.paused = false;
expect("paused by another page", told({ ...lost, lost: null }), "quiet at 42");
expect("its sound had stopped too", told({ ...lost, jumps: 3, position: 20 }), "quiet at 20");

online = false;
let answered = false;
command("ended", { play: "one" }).then(() => (answered = true));
const now = Date.now;
Date.now = () => now() + 60_000; // longer than other commands wait
await pause(250);
expect("a song's end without a network", `${answered} ${link.away}`, "false true");
online = true;
await pause(1000);
expect("is told later", `${answered} ${sent.at(-1)?.action}`, "true ended");
process.exit();
