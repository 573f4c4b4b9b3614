// The deck: the current song, its curves, the slider and the buttons, and a bar that holds them while they are out of sight.
import { Fragment, h, html } from "./html.js";
import { base, begin, clock, command, link } from "./link.js";
import { curves, waveform } from "./draw.js";
import { keys } from "./keys.js";
import { mend } from "./mend.js";
import { sound } from "./sound.js";
import { download, signed, time } from "./words.js";

export default {
  mixins: [sound, keys, mend],
  props: { state: Object, song: Object, now: Object, drawn: Array, expected: Object, said: Array, saved: Array, names: Object },
  data() { return { position: 0, value: null, volume: 0.8, away: false, listing: false, shared: false }; },
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
    /** The time of the best moment, where all of those lower the prediction; else null. */
    best() {
      if (!this.why.length || this.why.some(([, effect]) => effect > 0)) return null;
      const moments = this.predicted.map((rating, place) => [(this.duration * (place + 0.5)) / this.predicted.length, rating]);
      const others = moments.filter(([seconds]) => this.why.every(([lowers]) => Math.abs(seconds - lowers) > 1));
      return others.length ? others.reduce((one, other) => (other[1] > one[1] ? other : one))[0] : null;
    },
    elsewhere() { return this.playing && !this.mine; },
    status() {
      if (link.away) return link.waiting ? "The radio can't be reached; your ratings are kept here and sent later." : "The radio can't be reached.";
      if (this.blocked) return "Press play to continue.";
      if (this.now?.replaying) return "Getting that song …";
      const last = this.said?.[this.said.length - 1]?.text || "";
      if (this.stage === "offer" && last.startsWith("Mended ")) return `Mended ${this.range}: choose one of the two.`;
      return link.line || (/^ *\d+  /.test(last) ? "" : last); // the song's name is shown above
    },
    described() {
      if (!this.song) return "No song is playing.";
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
    this.watching = new IntersectionObserver(([entry]) => (this.away = entry.intersectionRatio < 0.5), { threshold: 0.5 });
    this.watching.observe(this.$refs.buttons);
    this.measuring = new ResizeObserver(() => this.$el.style.setProperty("--tall", `${this.$el.offsetHeight}px`));
    this.measuring.observe(this.$el);
    const draw = () => {
      this.frame = requestAnimationFrame(draw);
      this.show();
    };
    draw();
  },
  unmounted() {
    cancelAnimationFrame(this.frame);
    this.watching.disconnect();
    this.measuring.disconnect();
  },
  render() {
    const { song, state, value } = this;
    return html`
<section class="deck" aria-label="Player">
  ${this.head()}
  ${this.title()}
  <div class="stage">
    <canvas ref="wave" class="wave" aria-hidden="true" onPointerdown=${this.grab}></canvas>
    <input class="seek" type="range" min="0" max=${song ? song.duration : 1} step="0.1" value=${this.position} disabled=${!song}
      aria-label="Position in the song" aria-valuetext=${`${time(this.position)} of ${time(this.duration)}`} onInput=${({ target }) => this.seek(+target.value)} />
    <div class="times" aria-hidden="true"><span>${time(this.position)}</span><span class="you">you</span><span class="radio-line">prediction</span><span>${time(this.duration)}</span></div>
    <canvas ref="curves" class="curves" role="img" aria-label=${this.described}></canvas>
    ${this.why.length > 0 && html`<p class="why" ref="why" tabindex="-1">What moves the prediction: ${this.why.map(this.moment)}${this.best !== null && this.jump(this.best, "is best", "high")}</p>`}
    ${this.mending()}
  </div>
  <div class=${["rate", { untouched: value === null, low: value < 0 }]}>
    <label for="moment" class="question">How do you like this moment?</label>
    <output class="value" for="moment">${value === null ? "not rated" : signed(value)}</output>
    ${this.slider({ id: "moment" })}
    <div class="ends" aria-hidden="true"><span>dislike</span><span>love</span></div>
  </div>
  <div class="buttons" ref="buttons" role="group" aria-label="Playing">
    <button class="round" onClick=${() => this.act("previous")} aria-label="Previous song" title="previous song (p)"><svg viewBox="0 0 24 24"><path d="M18 6v12l-9-6zM7 6v12"/></svg></button>
    ${this.playButton("play", { "data-ready": true, title: `${this.playing ? "pause" : "play"} (space)` })}
    <button class="round" onClick=${() => this.act("next")} aria-label="Next song" title="next song (n)"><svg viewBox="0 0 24 24"><path d="M6 6v12l9-6zM17 6v12"/></svg></button>
  </div>
  ${this.more()}
  ${this.elsewhere && html`<p class="elsewhere">The sound is in another window. <button class="quiet" onClick=${this.listen}>Listen here</button></p>`}
  <p class="status" role="status">${this.now?.replaying && html`<span class="spinner" aria-hidden="true"></span>`}${this.status}</p>
  <div ref="sounds" hidden></div>
  ${this.away && html`<div class=${["mini", { low: value < 0 }]} role="group" aria-label="Player, small">
    ${this.playButton("tap")}
    <span class="name">${song ? song.name : state.telling || this.now?.busy || "Tuning in"}</span>
    <output class=${value === null ? "" : value < 0 ? "low" : "high"}>${value === null ? "" : signed(value)}</output>
    <button class="icon" onClick=${() => this.act("next")} aria-label="Next song"><svg viewBox="0 0 24 24"><path d="M6 6v12l9-6zM17 6v12"/></svg></button>
    ${this.slider({ "aria-label": "Rating of this moment" })}
  </div>`}
  ${this.keyList()}
</section>`;
  },
  methods: {
    head() {
      const { names } = this;
      const options = (all) => all.map((name) => html`<option key=${name}>${name}</option>`);
      return html`<header class="top">
    <h1 class="brand"><svg viewBox="0 0 32 32" aria-hidden="true"><path d="M6 14v4M11 10v12M16 5v22M21 11v10M26 14v4"/></svg>AI Radio</h1>
    <form class="pickers" onSubmit=${(event) => event.preventDefault()}>
      <label>Station <select ref="station" value=${names.station} onChange=${({ target }) => this.go(target.value, names.listener)}>${options(names.stations)}</select></label>
      <label>Listener <select ref="listener" value=${names.listener} onChange=${this.chooseListener}>${options(names.listeners)}<option value="">someone new …</option></select></label>
    </form>
  </header>`;
    },
    title() {
      const { now, rating, song, state } = this;
      return html`<div class="title">
    ${song ? html`<img key="cover" class="cover" src=${this.cover} alt="" width="88" height="88" />` : !state.trouble && html`<span key="waiting" class="cover waiting" aria-hidden="true"></span>`}
    <div aria-live="polite">
    <h2 class="song">${song ? song.name : state.trouble ? "Nothing is playing" : state.telling || now?.busy || "Tuning in"}</h2>
    <p class="details">
      ${song && [
        song.details && html`<span>${song.details}</span>`,
        song.final && html`<span class="chip">your final song</span>`,
        rating === null ? html`<span class="chip">no prediction yet</span>` : html`<span class=${["chip", rating < 0 ? "low" : "high"]}>predicted ${signed(rating)}</span>`,
        this.isSaved && html`<span class="chip">saved</span>`,
      ]}
      ${now?.sleep && html`<span class="chip">pauses in ${now.sleep} min</span>`}
    </p>
    ${now?.opening && html`<p class="details opening"><progress value=${now.opening[1]} max=${now.opening[2]} aria-label=${now.opening[0]}></progress>${now.opening[0]} ${now.opening[1]} of ${now.opening[2]}</p>`}
    </div>
    ${state.trouble && html`<p class="trouble" role="alert">${state.trouble}</p>`}
  </div>`;
    },
    /** Return a moment that moves the prediction, as a button that leads there. */
    moment([seconds, effect, causes]) {
      return this.jump(seconds, (effect < 0 ? "lowers it" : "raises it") + (causes && `: ${causes}`), effect < 0 ? "low" : "high");
    },
    jump(seconds, text, kind) {
      return html`<button key=${seconds} class=${kind} onClick=${() => this.seek(seconds)} aria-label=${`${time(seconds)} ${text}, go there`}>${time(seconds)} ${text}</button>`;
    },
    mending() {
      const { offered, range, stage } = this;
      const keep = () => this.act("keep"), discard = () => this.act("discard");
      const shown = {
        running: () => html`<span><span class="spinner" aria-hidden="true"></span>Mending ${range} …</span>
        <button class="quiet" onClick=${discard}>Stop mending</button>`,
        offer: () => html`<span>${offered}</span>
        <button class="quiet strong" onClick=${keep} title="keep the new version (y)">Keep the new one</button>
        <button class="quiet" onClick=${discard} title="stay with the old version (r)">Stay with the old one</button>
        <button class="quiet" onClick=${this.mendPart} title="play both versions again (m)">Play both again</button>`,
        part: () => html`<span>${range}</span>
        <button class="quiet strong" onClick=${this.mendPart} title="mend this part (m)">Mend this part</button>
        <button class="quiet" onClick=${() => (this.part = null)}>Clear</button>`,
        none: () => html`<button class="quiet" onClick=${this.mendPart} disabled=${!this.song} title="mend the part that you like least (m)">Mend the worst part</button>
        <span class="note">or drag over the waveform to choose one</span>`,
      };
      return html`<div ref="mend" class="mend" role="group" aria-label=${`Mend a part of the song: ${stage === "offer" ? offered : range}`} tabindex="-1">${h(Fragment, { key: stage }, shown[stage]())}</div>`;
    },
    slider(more) {
      const { value } = this;
      return html`<input class="moment" type="range" min="-1" max="1" step="0.05" value=${value ?? 0} disabled=${!this.song}
      aria-valuetext=${value === null ? "not rated" : signed(value)} onInput=${({ target }) => this.slide(+target.value)} onPointerdown=${this.touch} ...${more} />`;
    },
    playButton(kind, more = {}) {
      return html`<button class=${kind} ref=${kind} onClick=${this.toggle} disabled=${!!this.state.trouble} aria-label=${this.playing ? "Pause" : "Play"} ...${more}>
      <svg viewBox="0 0 24 24" aria-hidden="true"><path class=${{ solid: !this.playing }} d=${this.playing ? "M8 5v14M16 5v14" : "M8 5l12 7-12 7z"} /></svg></button>`;
    },
    more() {
      const { song, volume } = this;
      return html`<div class="more">
    <button class="quiet" onClick=${() => this.act("undo")} title="undo the last rating (u)">Undo</button>
    <button class="quiet" onClick=${this.save} disabled=${!song} title="save the song and download it (s)">Save</button>
    ${song?.code && html`<button class="quiet" onClick=${this.share} title="copy a link that plays this song">${this.shared ? "Copied" : "Share"}</button>`}
    <button class="quiet" onClick=${() => this.act("more-like-this")} disabled=${!song} title="next songs more like it (g)">More like this</button>
    <button class="quiet" onClick=${() => this.act("less-like-this")} disabled=${!song} title="next songs less like it (G)">Less like this</button>
    <button class="quiet" onClick=${() => this.act("sleep")} title="pause the music in 15, 30, 60 or 90 minutes, or not (z)">Sleep timer</button>
    <div class="volume"><button class="icon" onClick=${this.mute} aria-label=${volume ? "Mute" : "Unmute"} title=${volume ? "mute" : "unmute"}><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9v6h4l5 4V5L8 9z"/><path d=${volume ? "M16.5 8.5a5 5 0 010 7M19 6a8.5 8.5 0 010 12" : "M17 9l6 6M23 9l-6 6"} /></svg></button>
      <input type="range" aria-label="Volume" min="0" max="1" step="0.05" value=${volume} style=${{ "--share": volume }} aria-valuetext=${`${Math.round(volume * 100)} percent`} onInput=${({ target }) => this.setVolume(+target.value)} /></div>
    <button class="quiet help" onClick=${this.showKeys} title="keys (?)">Keys</button>
  </div>`;
    },
    keyList() {
      return html`<dialog ref="keys" class="keys" aria-labelledby="keys-title" onClose=${() => (this.listing = false)} onClick=${({ target }) => target === this.$refs.keys && target.close()}>
    <form method="dialog"><h2 id="keys-title">Keys</h2><button class="icon" aria-label="Close"><svg viewBox="0 0 24 24"><path d="M6 6l12 12M18 6L6 18"/></svg></button></form>
    ${this.listing && html`<dl>${this.shortcuts.map(([names, text]) => html`<div key=${text}><dt>${names.map((name) => html`<kbd key=${name}>${name}</kbd>`)}</dt><dd>${text}</dd></div>`)}</dl>`}
  </dialog>`;
    },

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
      const at = this.at();
      this.position = Math.floor(10 * at) / 10; // as often as it is shown
      this.noteVersion();
      const saved = this.drawn || [];
      const points = this.value === null ? [] : saved.length ? merged(saved, this.own) : this.own;
      const shown = [this.song?.key, Math.round(at * 20), this.value, this.marked, points.length, saved.length, this.predicted, this.$refs.wave.clientWidth, matchMedia("(prefers-color-scheme: dark)").matches];
      if (this.shown && shown.every((one, place) => one === this.shown[place])) return;
      this.shown = shown;
      waveform(this.$refs.wave, this.song?.peaks, this.duration, at, points, this.song?.form, this.marked);
      curves(this.$refs.curves, points, this.predicted, this.duration, at, this.value);
    },
  },
};

/** Return the session's curve, followed by what was drawn on this page since. */
function merged(saved, own) {
  const last = saved[saved.length - 1][0];
  return [...saved, ...own.filter(([seconds]) => seconds > last)].sort((one, other) => one[0] - other[0]);
}
