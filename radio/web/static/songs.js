// Your songs: one that goes on, or one between two, made by the station from files that are dropped here.
import { html } from "./html.js";
import { base, command, place } from "./link.js";
import { reactive } from "./reactive.js";
import { coming, uploads } from "./uploads.js";
import { time } from "./words.js";

const BEAT = 0.48; // seconds; of a station with a tempo of its own about as much

export default {
  mixins: [uploads(`${base}/songs`)],
  props: { songs: Object, now: Object },
  data() { return { values: reactive({ beats: 64, song: 0, events: 1 }) }; },
  computed: {
    files() { return this.songs?.files || []; },
    working() { return this.songs?.working || ""; },
    made() { return (this.songs?.made || []).slice().reverse(); },
    /** Return the sliders: one for a song that goes on, two for a morph. */
    ways() {
      const { beats, song, events } = this.values;
      if (this.files.length === 1) return [{ name: "beats", label: "How long it goes on", min: 16, max: 256, step: 16, text: `${beats} beats, about ${time(Math.round(beats * BEAT))}` }];
      const share = { min: 0, max: 1, step: 0.05 };
      return [{ name: "song", label: "What the whole song is like", text: towards(song), ...share }, { name: "events", label: "What happens in it", text: towards(events), ...share }];
    },
    status() {
      if (this.working) return this.working === "morph" ? "Making a song between the two …" : "Composing what comes next …";
      return this.made.length && !this.songs.trouble ? `${this.made[0].name} is ready` : "";
    },
  },
  render() {
    const { files, made, pending, songs, trouble, values, working } = this;
    return html`
<section class="panel" aria-labelledby="songs-title">
  <div class="head"><h2 id="songs-title">Your songs</h2>
    ${working && html`<button class="quiet" onClick=${() => this.ask("cancel")}>Cancel</button>`}</div>
  ${files.length < 2 && this.field(files.length ? html`<b>Drop a second song</b>, or choose one, to morph them` : html`<b>Drop a song here</b>, or choose one, and it goes on; choose two for a song between them`)}
  ${(files.length > 0 || pending.length > 0) && html`<ul class="files">
    ${files.map((file, index) => html`<li key=${file.number}><span>${files.length > 1 && html`<b>${"AB"[index]}</b>`}${file.name}</span><small>${time(file.seconds)}</small>
      <button class="icon" onClick=${() => this.remove(file)} aria-label=${`Remove ${file.name}`} title="remove"><svg viewBox="0 0 24 24"><path d="M6 6l12 12M18 6L6 18"/></svg></button></li>`)}
    ${pending.map(coming)}
  </ul>`}
  ${files.length > 0 && html`<form class="ways" onSubmit=${this.make}>
    ${this.ways.map((one) => html`<div key=${one.name}>
      <label for=${`songs-${one.name}`}>${one.label}</label><span aria-hidden="true">${one.text}</span>
      <input id=${`songs-${one.name}`} type="range" min=${one.min} max=${one.max} step=${one.step} value=${values[one.name]} onInput=${({ target }) => (values[one.name] = +target.value)}
        style=${{ "--share": (values[one.name] - one.min) / (one.max - one.min) }} aria-valuetext=${one.text} /></div>`)}
    <button class="quiet strong" aria-disabled=${!!working}>${files.length === 1 ? "Let it go on" : "Morph"}</button>
  </form>`}
  ${working && html`<progress aria-labelledby="songs-status"></progress>`}
  <p id="songs-status" role="status" class=${["note", { unseen: !working }]}>${this.status}</p>
  ${(trouble || songs?.trouble) && html`<p class="trouble" role="alert">${trouble || songs.trouble}</p>`}
  ${made.length > 0 && html`<ol class="results" data-keys aria-label="Songs made from yours">
    ${made.map((one) => html`<li key=${one.number}><span>${one.name}<small>${time(one.seconds)}${one.new_from ? `, new from ${time(one.new_from)}` : ""}, by ${one.station}</small></span>
      <a class="icon" href=${this.file(one)} download=${`${one.name}.wav`} aria-label=${`Download ${one.name}`} title="download"><svg viewBox="0 0 24 24"><path d="M12 5v11M8 12l4 4 4-4M5 20h14"/></svg></a>
      <audio controls preload="metadata" src=${this.source(one)} aria-label=${one.name} onPlay=${this.quiet}></audio></li>`)}
  </ol>`}
</section>`;
  },
  methods: {
    /** Return the address of a result, to be played from a little before what is new. */
    file(one) { return `${base}/songs/${one.number}.wav`; },
    source(one) { return this.file(one) + (one.new_from > 4 ? `#t=${Math.floor(one.new_from - 4)}` : ""); },
    make(event) {
      event.preventDefault();
      if (this.working || this.busy) return;
      const what = this.files.length === 1 ? "continue" : "morph";
      this.ask(what, { station: place.station, ...this.values });
    },
    async remove(file) {
      await this.ask(`file/${file.number}`, {}, "DELETE");
      setTimeout(() => this.$el.querySelector("input[type=file]")?.focus(), 100); // the button that had the focus is gone
    },
    /** Pause whatever else sounds: the radio, and other results. */
    quiet(event) {
      if (this.now && !this.now.paused && this.now.speaker) command("pause");
      for (const audio of this.$el.querySelectorAll("audio")) if (audio !== event.target) audio.pause();
    },
  },
};

function towards(share) {
  return share === 0 ? "as in A" : share === 1 ? "as in B" : `${Math.round(100 * share)} % of the way to B`;
}
