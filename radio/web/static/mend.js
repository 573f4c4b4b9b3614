// A mixin of the deck: a part of the song, selected by dragging over the waveform, is mended; old and new are played.
import { command } from "./link.js";
import { time } from "./words.js";

const SHORTEST = 1, LONGEST = 30; // seconds of a part, as in radio/composer/mended_song.py
const DRAG = 6; // pixels of a move that is more than a click

export const mend = {
  data() { return { part: null, sounding: "" }; }, // part: [start, stop] in seconds
  computed: {
    offer() { return this.now?.mend?.offer; },
    comparison() { return this.now?.mend?.sound || null; }, // key of the sound of old and new
    /** The part that the waveform shows. */
    marked() { return this.offer ? [this.offer.start, this.offer.stop] : this.part; },
    range() { return this.marked ? `${time(this.marked[0])} to ${time(this.marked[1])}` : "the worst part"; },
    stage() { return this.now?.mend?.running ? "running" : this.part && !this.offer ? "part" : this.offer ? "offer" : "none"; },
    offered() {
      if (!this.offer) return "";
      const { gain: by } = this.offer;
      const gain = `${this.range}, predicted rating ${Math.abs(by).toFixed(2)} ${by < 0 ? "lower" : "higher"}`;
      if (!this.comparison) return gain;
      return `${this.range}: ${this.sounding ? `the ${this.sounding} part plays` : "the old part plays, then the new one"}`;
    },
  },
  watch: {
    "song.key"() { this.part = null; },
    offer(offer) { if (offer) this.part = null; },
    /** Keep the focus here when the button that had it goes. */
    stage() {
      const group = this.$refs.mend;
      if (group?.contains(document.activeElement)) this.$nextTick(() => group.focus());
    },
  },
  methods: {
    /** Begin at the waveform: a click seeks, a drag selects. */
    grab(event) {
      if (!this.song || event.button) return;
      const wave = event.currentTarget, box = wave.getBoundingClientRect();
      const at = ({ clientX }) => Math.max(0, Math.min(1, (clientX - box.left) / box.width)) * this.duration;
      const from = at(event), key = this.song.key;
      let dragged = false;
      wave.setPointerCapture(event.pointerId);
      const move = (moved) => {
        dragged ||= Math.abs(moved.clientX - event.clientX) >= DRAG;
        if (dragged && !this.offer && this.stage !== "running" && this.song?.key === key) this.part = part(from, at(moved), this.duration);
      };
      const end = (last) => {
        for (const name of ["pointermove", "pointerup", "pointercancel"]) wave.removeEventListener(name, name === "pointermove" ? move : end);
        if (dragged || last.type === "pointercancel" || this.song?.key !== key) return;
        if (this.stage !== "running") this.part = null;
        this.seek(from);
      };
      wave.addEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) wave.addEventListener(name, end);
    },
    /** Mend the selected part, or else the worst; play both again where a version waits. */
    mendPart() {
      if (!this.song) return;
      if (!this.now.speaker) this.listen();
      const [start, stop] = this.stage === "part" ? this.part : [];
      command("mend", { start, stop });
    },
    /** Note which of the two versions this page plays. */
    noteVersion() {
      const long = this.offer ? this.offer.stop - this.offer.start : 0;
      this.sounding = !this.comparison || !this.mine ? "" : this.audio.currentTime < long + 0.3 ? "old" : "new";
    },
  },
};

/** Return [start, stop] of a part that can be mended, from where a drag began to where it is. */
function part(from, to, duration) {
  const length = Math.min(duration, LONGEST, Math.max(SHORTEST, Math.abs(to - from)));
  const start = Math.max(0, Math.min(to < from ? from - length : from, duration - length));
  return [start, start + length].map((seconds) => Math.round(seconds * 1000) / 1000);
}
