// The deck: the current song, its curves, the slider and the buttons, and a bar that holds them while they are out of sight.
import { base, begin, clock, command, link } from "../../../../static/link.js";
import { curves, waveform } from "../../../../static/draw.js";
import { keys } from "../../../../static/keys.js";
import { mend } from "../../../../static/mend.js";
import { sound } from "../../../../static/sound.js";
import { download, signed, time } from "../../../../static/words.js";

export default {
  mixins: [sound, keys, mend],
  template: `
<section class="deck" aria-label="Player">
  <header class="top">
    <h1 class="brand"><svg viewBox="0 0 32 32" aria-hidden="true"><path d="M6 14v4M11 10v12M16 5v22M21 11v10M26 14v4"/></svg>AI Radio</h1>
    <form class="pickers" @submit.prevent>
      <label>Station <select ref="station" :value="names.station" @change="go($event.target.value, names.listener)">
        <option v-for="name in names.stations" :key="name">{{ name }}</option></select></label>
      <label>Listener <select ref="listener" :value="names.listener" @change="chooseListener($event)">
        <option v-for="name in names.listeners" :key="name">{{ name }}</option>
        <option value="">someone new …</option></select></label>
    </form>
  </header>

  <div class="title">
    <img v-if="song" class="cover" :src="cover" alt="" width="88" height="88">
    <span v-else-if="!state.trouble" class="cover waiting" aria-hidden="true"></span>
    <div aria-live="polite">
    <h2 class="song">{{ song ? song.name : state.trouble ? "Nothing is playing" : state.telling || now?.busy || "Tuning in" }}</h2>
    <p class="details">
      <span v-if="song && song.details">{{ song.details }}</span>
      <span v-if="song && song.final" class="chip">your final song</span>
      <span v-if="song && rating !== null" class="chip" :class="rating < 0 ? 'low' : 'high'">expected {{ signed(rating) }}</span>
      <span v-else-if="song" class="chip">no prediction yet</span>
      <span v-if="song && isSaved" class="chip">saved</span>
      <span v-if="now?.sleep" class="chip">pauses in {{ now.sleep }} min</span>
    </p>
    <p v-if="now?.opening" class="details opening"><progress :value="now.opening[1]" :max="now.opening[2]" :aria-label="now.opening[0]"></progress>
      {{ now.opening[0] }} {{ now.opening[1] }} of {{ now.opening[2] }}</p>
    </div>
    <p v-if="state.trouble" class="trouble" role="alert">{{ state.trouble }}</p>
  </div>

  <div class="stage">
    <canvas ref="wave" class="wave" aria-hidden="true" @pointerdown="grab"></canvas>
    <input class="seek" type="range" min="0" :max="song ? song.duration : 1" step="0.1" :value="position" :disabled="!song"
      aria-label="Position in the song" :aria-valuetext="time(position) + ' of ' + time(duration)" @input="seek(+$event.target.value)">
    <div class="times" aria-hidden="true"><span>{{ time(position) }}</span><span>{{ time(duration) }}</span></div>
    <canvas ref="curves" class="curves" role="img" :aria-label="described"></canvas>
    <p class="legend" aria-hidden="true"><span class="you">you</span><span class="radio-line">prediction</span></p>
    <p v-if="why.length" class="why" ref="why" tabindex="-1">What moves the prediction: <button v-for="[seconds, effect, causes] in why" :key="seconds" :class="effect < 0 ? 'low' : 'high'" @click="seek(seconds)"
      :aria-label="time(seconds) + (effect < 0 ? ' lowers' : ' raises') + ' it' + (causes && ': ' + causes) + ', go there'">{{ time(seconds) }} {{ effect < 0 ? "lowers it" : "raises it" }}{{ causes && ": " + causes }}</button></p>
    <div v-if="song" ref="mend" class="mend" role="group" :aria-label="'Mend a part of the song: ' + (stage === 'offer' ? offered : range)" tabindex="-1">
      <template v-if="stage === 'running'"><span><span class="spinner" aria-hidden="true"></span>Mending {{ range }} …</span>
        <button class="quiet" @click="act('discard')">Stop mending</button></template>
      <template v-else-if="stage === 'offer'"><span>{{ offered }}</span>
        <button class="quiet strong" @click="act('keep')" title="keep the new version (y)">Keep the new one</button>
        <button class="quiet" @click="act('discard')" title="stay with the old version (r)">Stay with the old one</button>
        <button class="quiet" @click="mendPart" title="play both versions again (m)">Play both again</button></template>
      <template v-else-if="stage === 'part'"><span>{{ range }}</span>
        <button class="quiet strong" @click="mendPart" title="mend this part (m)">Mend this part</button>
        <button class="quiet" @click="part = null">Clear</button></template>
      <template v-else><button class="quiet" @click="mendPart" title="mend the part that you like least (m)">Mend the worst part</button>
        <span class="note">or drag over the waveform to choose one</span></template>
    </div>
  </div>

  <div class="rate" :class="{ untouched: value === null, low: value < 0 }">
    <label for="moment" class="question">How do you like this moment?</label>
    <output class="value" for="moment">{{ value === null ? "not rated" : signed(value) }}</output>
    <input id="moment" ref="slider" class="moment" type="range" min="-1" max="1" step="0.05" :value="value ?? 0" :disabled="!song"
      :style="{ '--share': ((value ?? 0) + 1) / 2 }"
      :aria-valuetext="value === null ? 'not rated' : signed(value)" @input="slide(+$event.target.value)" @pointerdown="touch($event)">
    <div class="ends" aria-hidden="true"><span>dislike</span><span>love</span></div>
  </div>

  <div class="buttons" ref="buttons" role="group" aria-label="Playing">
    <button class="round" @click="act('previous')" aria-label="Previous song" title="previous song (p)"><svg viewBox="0 0 24 24"><path d="M18 6v12l-9-6zM7 6v12"/></svg></button>
    <button class="play" ref="play" data-ready @click="toggle" :disabled="!!state.trouble" :aria-label="playing ? 'Pause' : 'Play'" :title="(playing ? 'pause' : 'play') + ' (space)'">
      <svg viewBox="0 0 24 24" aria-hidden="true"><path v-if="playing" d="M8 5v14M16 5v14"/><path v-else class="solid" d="M8 5l12 7-12 7z"/></svg></button>
    <button class="round" @click="act('next')" aria-label="Next song" title="next song (n)"><svg viewBox="0 0 24 24"><path d="M6 6v12l9-6zM17 6v12"/></svg></button>
  </div>
  <div class="more">
    <button class="quiet" @click="act('undo')" title="undo the last rating (u)">Undo</button>
    <button class="quiet" @click="save" :disabled="!song" title="save the song and download it (s)">Save</button>
    <button v-if="song?.code" class="quiet" @click="share" title="copy a link that plays this song">{{ shared ? "Copied" : "Share" }}</button>
    <button class="quiet" @click="act('more-like-this')" :disabled="!song" title="next songs more like it (g)">More like this</button>
    <button class="quiet" @click="act('less-like-this')" :disabled="!song" title="next songs less like it (G)">Less like this</button>
    <div class="volume"><button class="icon" @click="mute" :aria-label="volume ? 'Mute' : 'Unmute'" :title="volume ? 'mute' : 'unmute'"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9v6h4l5 4V5L8 9z"/><path v-if="volume" d="M16.5 8.5a5 5 0 010 7M19 6a8.5 8.5 0 010 12"/><path v-else d="M17 9l6 6M23 9l-6 6"/></svg></button>
      <input type="range" aria-label="Volume" min="0" max="1" step="0.05" :value="volume" :style="{ '--share': volume }" :aria-valuetext="Math.round(volume * 100) + ' percent'" @input="setVolume(+$event.target.value)"></div>
    <button class="quiet help" @click="showKeys" title="keys (?)">Keys</button>
  </div>
  <p v-if="elsewhere" class="elsewhere">The sound is in another window. <button class="quiet" @click="listen">Listen here</button></p>
  <p class="status" role="status">{{ status }}</p>
  <audio ref="audio" preload="auto" @playing="report" @seeked="report" @timeupdate="reportSometimes" @ended="ended"></audio>

  <div v-if="away" class="mini" role="group" aria-label="Player, small">
    <button class="tap" @click="toggle" :disabled="!!state.trouble" :aria-label="playing ? 'Pause' : 'Play'">
      <svg viewBox="0 0 24 24" aria-hidden="true"><path v-if="playing" d="M8 5v14M16 5v14"/><path v-else class="solid" d="M8 5l12 7-12 7z"/></svg></button>
    <span class="name">{{ song ? song.name : state.telling || now?.busy || "Tuning in" }}</span>
    <output :class="{ low: value < 0, high: value >= 0 && value !== null }">{{ value === null ? "" : signed(value) }}</output>
    <button class="icon" @click="act('next')" aria-label="Next song"><svg viewBox="0 0 24 24"><path d="M6 6v12l9-6zM17 6v12"/></svg></button>
    <input class="moment" type="range" min="-1" max="1" step="0.05" :value="value ?? 0" :disabled="!song" :class="{ low: value < 0 }" aria-label="Rating of this moment"
      :aria-valuetext="value === null ? 'not rated' : signed(value)" @input="slide(+$event.target.value)" @pointerdown="touch($event)">
  </div>

  <dialog ref="keys" class="keys" aria-labelledby="keys-title" @close="listing = false" @click="$event.target === $refs.keys && $refs.keys.close()">
    <form method="dialog"><h2 id="keys-title">Keys</h2><button class="icon" aria-label="Close"><svg viewBox="0 0 24 24"><path d="M6 6l12 12M18 6L6 18"/></svg></button></form>
    <dl v-if="listing"><div v-for="[names, text] in shortcuts" :key="text"><dt><kbd v-for="name in names" :key="name">{{ name }}</kbd></dt><dd>{{ text }}</dd></div></dl>
  </dialog>
</section>`,
  props: { state: Object, song: Object, now: Object, drawn: Array, expected: Object, said: Array, saved: Array, names: Object },
  data() { return { position: 0, value: null, volume: 0.8, away: false, listing: false, shared: false, link }; },
  computed: {
    duration() { return this.song ? this.song.duration : 0; },
    cover() { return this.song ? `${base}/cover/${this.song.key}.png` : ""; },
    isSaved() { return (this.saved || []).some((one) => one.key && one.key === this.song?.key); },
    /** The predicted rating, which the title, the curve and the screen reader's text all show. */
    rating() { return this.expected?.rating ?? null; },
    predicted() {
      const moments = this.expected?.predicted || [];
      return moments.length || this.rating === null ? moments : [this.rating, this.rating]; // so far only on average
    },
    /** The moments with the greatest effect on the prediction. */
    why() { return (this.expected?.liked || []).filter(([, effect]) => Math.abs(effect) > 0.02); },
    elsewhere() { return this.playing && !this.mine; },
    status() {
      if (link.away) return link.waiting ? "The radio can't be reached; your ratings are kept here and sent later." : "The radio can't be reached.";
      if (this.blocked) return "Press play to continue.";
      const last = this.said?.[this.said.length - 1]?.text || "";
      return link.line || (/^ *\d+  /.test(last) ? "" : last); // the song's name is shown above
    },
    described() {
      const drawn = this.value === null ? "You have not rated this song." : `Your rating is ${signed(this.value)}.`;
      return `${drawn} ${this.rating === null ? "There is no prediction yet." : `The predicted rating is ${signed(this.rating)} on average.`}`;
    },
  },
  watch: {
    song() { this.sync(); },
    now() { this.sync(); },
    said() { link.line = ""; },
  },
  created() { this.own = []; }, // the curve drawn on this page, [seconds, slider]
  mounted() {
    begin(this.names);
    const query = new URLSearchParams(location.search);
    if (query.has("play")) {
      command("play_shared", { code: query.get("play") });
      query.delete("play");
      history.replaceState(null, "", `?${query}`); // a reload resumes what plays then
    }
    this.watching = new IntersectionObserver(([entry]) => (this.away = !entry.isIntersecting));
    this.watching.observe(this.$refs.buttons);
    const draw = () => {
      this.frame = requestAnimationFrame(draw);
      this.show();
    };
    draw();
  },
  unmounted() {
    cancelAnimationFrame(this.frame);
    this.watching.disconnect();
  },
  methods: {
    signed,
    time,
    act(action) {
      if ((action === "next" || action === "previous") && !this.playing) this.listen();
      return command(action);
    },
    /** Copy a link to the song; where that is not allowed, show it. */
    async share() {
      const address = `${location.origin}${base}/play/${this.song.code}`;
      try {
        await navigator.clipboard.writeText(address);
        this.shared = true;
        setTimeout(() => (this.shared = false), 2000);
      } catch {
        prompt("A link that plays this song:", address);
      }
    },
    /** Save the song in the home of the radio, and download it. */
    async save() {
      const answer = await command("save");
      if (answer?.file) download(answer.file);
    },

    /** Rate this moment. */
    slide(value) {
      if (!this.song) return;
      this.value = Math.round(Math.max(-1, Math.min(1, value)) * 100) / 100;
      const point = [Math.round(this.at() * 1000) / 1000, this.value];
      this.own.push(point);
      command("slide", { play: this.song.key, points: [point] });
      this.settle();
    },
    /** A click without a move is a rating of 0. */
    touch(event) {
      const slider = event.target;
      addEventListener("pointerup", () => { if (this.value === null) this.slide(+slider.value); }, { once: true });
    },

    release() {
      this.value = null;
      this.own = [];
      command("release", { play: this.song?.key });
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
      this.noteVersion();
      const saved = this.drawn || [];
      const points = this.value === null ? [] : saved.length ? merged(saved, this.own) : this.own;
      const shown = [this.song?.key, Math.round(this.position * 20), this.value, this.marked, points.length, saved.length, this.predicted, this.$refs.wave.clientWidth, matchMedia("(prefers-color-scheme: dark)").matches];
      if (this.shown && shown.every((one, place) => one === this.shown[place])) return;
      this.shown = shown;
      waveform(this.$refs.wave, this.song?.peaks, this.duration, this.position, points, this.song?.form, this.marked);
      curves(this.$refs.curves, points, this.predicted, this.duration, this.position, this.value);
    },
  },
};

/** Return the session's curve, followed by what was drawn on this page since. */
function merged(saved, own) {
  const last = saved[saved.length - 1][0];
  return [...saved, ...own.filter(([seconds]) => seconds > last)].sort((one, other) => one[0] - other[0]);
}
