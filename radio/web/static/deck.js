// The deck: the current song, its curves, the slider and the buttons. The sound is this page's audio element.
import { base, begin, clock, command, link, page, tell } from "../../../../static/link.js";
import { curves, waveform } from "../../../../static/draw.js";

const SETTLED = 400; // milliseconds after which a released slider follows the session again
const REPORT = 1000; // milliseconds between two reports of the position
const KEYS = {
  " ": "pause", n: "next", p: "previous", ArrowLeft: "back", ArrowRight: "forward", "+": "louder", "=": "louder", "-": "softer", _: "softer",
  ArrowUp: "up", k: "up", ArrowDown: "down", j: "down", 0: "untouched", u: "undo", s: "save", f: "final",
};
const LOCAL = { back: -5, forward: 5, up: 0.1, down: -0.1 };

export default {
  template: `
<section class="deck" aria-label="Player">
  <header class="top">
    <h1 class="brand"><svg viewBox="0 0 32 32" aria-hidden="true"><path d="M6 14v4M11 10v12M16 5v22M21 11v10M26 14v4"/></svg>AI Radio</h1>
    <form class="pickers" @submit.prevent>
      <label>Station <select :value="names.station" @change="go($event.target.value, names.listener)">
        <option v-for="name in names.stations" :key="name">{{ name }}</option></select></label>
      <label>Listener <select :value="names.listener" @change="chooseListener($event)">
        <option v-for="name in names.listeners" :key="name">{{ name }}</option>
        <option value="">someone new …</option></select></label>
    </form>
  </header>

  <div class="title" aria-live="polite">
    <h2 class="song">{{ song ? song.name : state.trouble ? "Nothing is playing" : state.telling || now?.busy || "Tuning in" }}<span v-if="!song && !state.trouble" class="dots" aria-hidden="true"></span></h2>
    <p class="details">
      <span v-if="song && song.details">{{ song.details }}</span>
      <span v-if="song && song.final" class="chip">your final song</span>
      <span v-if="song && song.expected" class="chip" :class="song.expected[0] < 0 ? 'low' : 'high'">expected {{ signed(song.expected[0]) }}</span>
      <span v-else-if="song && !song.final" class="chip">no prediction yet</span>
    </p>
    <p v-if="now?.opening" class="details opening"><progress :value="now.opening[1]" :max="now.opening[2]" :aria-label="now.opening[0]"></progress>
      {{ now.opening[0] }} {{ now.opening[1] }} of {{ now.opening[2] }}</p>
    <p v-if="state.trouble" class="trouble" role="alert">{{ state.trouble }}</p>
  </div>

  <div class="stage">
    <canvas ref="wave" class="wave" aria-hidden="true"></canvas>
    <input class="seek" type="range" min="0" :max="song ? song.duration : 1" step="0.1" :value="position" :disabled="!song"
      aria-label="Position in the song" :aria-valuetext="time(position) + ' of ' + time(duration)" @input="seek(+$event.target.value)">
    <div class="times" aria-hidden="true"><span>{{ time(position) }}</span><span>{{ time(duration) }}</span></div>
    <canvas ref="curves" class="curves" role="img" :aria-label="described"></canvas>
    <p class="legend" aria-hidden="true"><span class="you">you</span><span class="radio-line">prediction</span></p>
    <p v-if="why.length" class="why">Prediction: <button v-for="[seconds, effect] in why" :key="seconds" :class="effect < 0 ? 'low' : 'high'" @click="seek(seconds)"
      :aria-label="time(seconds) + (effect < 0 ? ' lowers' : ' raises') + ' it, go there'">{{ time(seconds) }} {{ effect < 0 ? "lowers it" : "raises it" }}</button></p>
  </div>

  <div class="rate" :class="{ untouched: value === null, low: value < 0 }">
    <label for="moment" class="question">How do you like this moment?</label>
    <output class="value" for="moment">{{ value === null ? "not rated" : signed(value) }}</output>
    <input id="moment" ref="slider" class="moment" type="range" min="-1" max="1" step="0.05" :value="value ?? 0" :disabled="!song"
      :style="{ '--share': ((value ?? 0) + 1) / 2 }"
      :aria-valuetext="value === null ? 'not rated' : signed(value)" @input="slide(+$event.target.value)" @pointerdown="touch($event)">
    <div class="ends" aria-hidden="true"><span>dislike</span><span>love</span></div>
  </div>

  <div class="buttons" role="group" aria-label="Playing">
    <button class="round" @click="act('previous')" aria-label="Previous song" title="previous song (p)"><svg viewBox="0 0 24 24"><path d="M18 6v12l-9-6zM7 6v12"/></svg></button>
    <button class="play" ref="play" data-ready @click="toggle" :disabled="!!state.trouble" :aria-label="playing ? 'Pause' : 'Play'" :title="(playing ? 'pause' : 'play') + ' (space)'">
      <svg viewBox="0 0 24 24" aria-hidden="true"><path v-if="playing" d="M8 5v14M16 5v14"/><path v-else class="solid" d="M8 5l12 7-12 7z"/></svg></button>
    <button class="round" @click="act('next')" aria-label="Next song" title="next song (n)"><svg viewBox="0 0 24 24"><path d="M6 6v12l9-6zM17 6v12"/></svg></button>
  </div>
  <div class="more">
    <button class="quiet" @click="act('undo')" title="undo the last rating (u)">Undo</button>
    <button class="quiet" @click="act('save')" :disabled="!song" title="save the song (s)">Save</button>
    <label class="volume"><span class="unseen">Volume</span><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9v6h4l5 4V5L8 9zM16.5 8.5a5 5 0 010 7M19 6a8.5 8.5 0 010 12"/></svg>
      <input type="range" min="0" max="1" step="0.05" :value="volume" :style="{ '--share': volume }" :aria-valuetext="Math.round(volume * 100) + ' percent'" @input="setVolume(+$event.target.value)"></label>
  </div>
  <p v-if="elsewhere" class="elsewhere">The sound is in another window. <button class="quiet" @click="listen">Listen here</button></p>
  <p class="status" role="status">{{ status }}</p>
  <audio ref="audio" preload="auto" @playing="report" @seeked="report"></audio>
</section>`,
  props: { state: Object, song: Object, now: Object, drawn: Array, expected: Object, said: Array, names: Object },
  data() {
    return { position: 0, value: null, volume: 0.8, blocked: false, link };
  },
  computed: {
    duration() { return this.song ? this.song.duration : 0; },
    mine() { return !!this.now && this.now.speaker === page; },
    playing() { return !!this.song && !!this.now && !this.now.paused && !!this.now.speaker; },
    /** The moments with the greatest effect on the prediction, once there is one. */
    why() { return this.song?.expected ? (this.expected?.liked || []).filter(([, effect]) => Math.abs(effect) > 0.02) : []; },
    elsewhere() { return this.playing && !this.mine; },
    status() {
      if (link.away) return link.waiting ? "The radio can't be reached; your ratings are kept here and sent later." : "The radio can't be reached.";
      if (this.blocked) return "Press play to continue.";
      const last = this.said?.[this.said.length - 1]?.text || "";
      return link.line || (/^ *\d+  /.test(last) ? "" : last); // the song's name is shown above
    },
    described() {
      const predicted = this.expected?.predicted || [];
      const mean = predicted.length ? predicted.reduce((sum, one) => sum + one, 0) / predicted.length : null;
      const drawn = this.value === null ? "You have not rated this song." : `Your rating is ${this.signed(this.value)}.`;
      return `${drawn} ${mean === null ? "There is no prediction yet." : `The predicted rating is ${this.signed(mean)} on average.`}`;
    },
  },
  watch: {
    song() { this.sync(); },
    now() { this.sync(); },
    said() { link.line = ""; },
  },
  created() {
    this.own = []; // the curve drawn on this page, [seconds, slider]
    this.received = performance.now();
    this.jumps = -1;
    this.audioKey = null;
    this.slidAt = -Infinity;
    this.volumeAt = -Infinity;
  },
  mounted() {
    begin(this.names);
    clock.at = () => Math.round(this.at() * 1000) / 1000;
    this.resuming = sessionStorage.getItem("ai-radio-sounding") === "yes";
    this.sync();
    this.reporting = setInterval(() => { if (this.mine && this.playing && !this.$refs.audio.paused) this.report(); }, REPORT);
    this.keys = (event) => this.press(event);
    document.addEventListener("keydown", this.keys);
    this.leaving = () => {
      sessionStorage.setItem("ai-radio-sounding", this.mine && this.playing ? "yes" : "no");
      if (this.mine) tell("leave", true);
    };
    window.addEventListener("pagehide", this.leaving);
    const draw = () => {
      this.frame = requestAnimationFrame(draw);
      this.show();
    };
    draw();
  },
  unmounted() {
    cancelAnimationFrame(this.frame);
    clearInterval(this.reporting);
    document.removeEventListener("keydown", this.keys);
    window.removeEventListener("pagehide", this.leaving);
  },
  methods: {
    signed(value) { return (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(2); },
    time(seconds) { return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`; },

    /** Return the position in the song: of this page's sound, else estimated from the session's. */
    at() {
      const audio = this.$refs.audio;
      if (this.mine && audio && this.audioKey === this.song?.key && audio.readyState > 0) return Math.min(audio.currentTime, this.duration);
      if (!this.now || !this.song) return 0;
      const passed = this.now.paused ? 0 : (performance.now() - this.received) / 1000;
      return Math.min(this.now.position + passed, this.duration);
    },

    /** Make the sound, the slider and the volume follow the session. */
    sync() {
      const { song, now } = this;
      const audio = this.$refs.audio;
      if (!audio || !now) return;
      if (now !== this.lastNow) { this.lastNow = now; this.received = performance.now(); }
      if (performance.now() - this.volumeAt > 1000) this.volume = now.volume;
      audio.volume = this.volume;
      if (!song || now.key !== song.key) {
        audio.pause();
        if (!song) this.value = null;
        return;
      }
      if (this.audioKey !== song.key) {
        this.audioKey = clock.play = song.key;
        this.own = [];
        this.slidAt = -Infinity;
        this.jumps = now.jumps;
        audio.src = `${base}/sound/${song.key}.wav`;
        if (now.position > 0.3) audio.currentTime = now.position;
        this.showInMediaControls();
      } else if (now.jumps !== this.jumps) {
        this.jumps = now.jumps;
        if (now.jumper !== page) audio.currentTime = now.position;
      }
      if (!link.waiting && performance.now() - this.slidAt > SETTLED) {
        this.value = now.slider;
        if (now.slider === null) this.own = [];
      }
      if (this.resuming) {
        this.resuming = false;
        this.listen();
      }
      if (this.mine && !now.paused) this.sound();
      else if (!audio.paused && !this.starting) audio.pause();
    },
    async sound() {
      const audio = this.$refs.audio;
      if (!audio.paused) return;
      try {
        await audio.play();
        this.blocked = false;
      } catch (error) {
        if (error.name !== "NotAllowedError") return; // another song came in between
        this.blocked = true; // the browser requires a click first
        command("leave");
      }
    },
    /** Show the song in the browser's media controls and on a phone's lock screen. */
    showInMediaControls() {
      document.title = `${this.song.name} · AI Radio`;
      if (!navigator.mediaSession) return;
      navigator.mediaSession.metadata = new MediaMetadata({ title: this.song.name, artist: "AI Radio", album: this.names.station });
      const does = { play: () => this.listen(), pause: () => this.toggle(), nexttrack: () => this.act("next"), previoustrack: () => this.act("previous") };
      for (const [action, handler] of Object.entries(does)) navigator.mediaSession.setActionHandler(action, handler);
    },
    report() { if (this.mine && this.playing) tell("ping"); },

    toggle() {
      if (this.playing) {
        if (this.mine) this.$refs.audio.pause();
        command("pause");
      } else this.listen();
    },
    listen() {
      // Browsers allow sound to start only in the handler of a click.
      const at = this.at();
      const audio = this.$refs.audio;
      this.starting = true;
      if (this.song) {
        if (Math.abs(audio.currentTime - at) > 0.3) audio.currentTime = at;
        this.sound();
      }
      command("listen", { at: null }).then(() => {
        this.starting = false;
        this.sync();
      });
    },
    act(action) {
      if ((action === "next" || action === "previous") && !this.playing) this.listen();
      command(action);
    },
    seek(seconds) {
      if (!this.song) return;
      seconds = Math.max(0, Math.min(seconds, this.duration - 0.05));
      this.$refs.audio.currentTime = seconds;
      if (!this.mine) this.now.position = seconds;
      command("seek", { to: seconds, at: null });
    },
    setVolume(value) {
      this.volume = Math.round(Math.max(0, Math.min(1, value)) * 100) / 100;
      this.volumeAt = performance.now();
      this.$refs.audio.volume = this.volume;
      command("volume", { value: this.volume });
    },

    /** Rate this moment. */
    slide(value) {
      if (!this.song) return;
      this.value = Math.round(Math.max(-1, Math.min(1, value)) * 100) / 100;
      const point = [clock.at(), this.value];
      this.own.push(point);
      command("slide", { play: this.song.key, points: [point] });
      this.settle();
    },
    /** Keep this page's rating until the session has it; then follow other pages again. */
    settle() {
      this.slidAt = performance.now();
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this.sync(), SETTLED + 50);
    },
    /** A click without a move is a rating of 0. */
    touch(event) {
      const slider = event.target;
      addEventListener("pointerup", () => { if (this.value === null) this.slide(+slider.value); }, { once: true });
    },

    press(event) {
      const target = event.target;
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const named = event.key.length === 1 && /[1-9]/.test(event.key) ? `rate${event.key}` : KEYS[event.key];
      if (!named || target.closest("input:not([type=range]), select, textarea, dialog, [data-keys]")) return;
      const arrow = event.key.startsWith("Arrow");
      if (arrow && target.matches("input[type=range]")) return; // handled by the slider
      if (event.key === " " && target.closest("button, a, summary")) return;
      event.preventDefault();
      if (named === "pause") this.toggle();
      else if (named === "back" || named === "forward") this.seek(this.at() + LOCAL[named]);
      else if (named === "up" || named === "down") this.slide((this.value ?? 0) + LOCAL[named]);
      else if (named.startsWith("rate")) this.slide((+event.key - 5) / 4);
      else if (named === "louder" || named === "softer") this.setVolume(this.volume + (named === "louder" ? 0.05 : -0.05));
      else if (named === "untouched") this.release();
      else this.act(named);
    },
    release() {
      this.value = null;
      this.own = [];
      command("release");
      this.settle();
    },

    go(station, listener) { location.search = new URLSearchParams({ station, listener }); },
    chooseListener(event) {
      const name = event.target.value || prompt("Name of the listener: letters, digits, - and _");
      if (name) this.go(this.names.station, name.trim());
      else event.target.value = this.names.listener;
    },

    /** Draw, if anything has changed. */
    show() {
      if (!this.$refs.wave) return;
      this.position = this.at();
      const saved = this.drawn || [];
      const points = this.value === null ? [] : saved.length ? merged(saved, this.own) : this.own;
      const shown = [this.song?.key, Math.round(this.position * 20), this.value, points.length, saved.length, this.expected?.predicted, this.$refs.wave.clientWidth, matchMedia("(prefers-color-scheme: dark)").matches];
      if (this.shown && shown.every((one, place) => one === this.shown[place])) return;
      this.shown = shown;
      waveform(this.$refs.wave, this.song?.peaks, this.duration, this.position, points, this.song?.form);
      curves(this.$refs.curves, points, this.expected?.predicted, this.duration, this.position, this.value);
    },
  },
};

/** Return the session's curve, followed by what was drawn on this page since. */
function merged(saved, own) {
  const last = saved[saved.length - 1][0];
  return [...saved, ...own.filter(([seconds]) => seconds > last)].sort((one, other) => one[0] - other[0]);
}
