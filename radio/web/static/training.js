// Training on your own music: drop files on the page, watch the progress, listen to samples.
import { html } from "./html.js";
import { base } from "./link.js";
import { coming, uploads } from "./uploads.js";
import { time } from "./words.js";

const PHASES = {
  prepare: "Reading the music", compile: "Getting ready", vae: "Training the autoencoder", gan: "Training with the critic", save: "Saving",
};

export default {
  mixins: [uploads(`${base}/train`)],
  props: { training: Object },
  data() { return { name: "mine", length: 10 }; },
  computed: {
    phase() { return this.training?.phase || "idle"; },
    open() { return this.phase === "idle" || this.phase === "receiving"; },
    files() { return this.training?.files || []; },
    good() { return this.files.filter((file) => !file.problem); },
    progress() { return this.training?.progress || {}; },
    skipped() { return this.training?.skipped || []; },
    losses() { return this.training?.losses || []; },
    samples() { return this.training?.samples || []; },
    status() {
      if (this.phase === "done") return `Station ${this.training.station} is trained.`;
      if (this.phase === "failed") return "The training has ended.";
      if (this.phase === "stopped") return "Stopped; the progress is saved.";
      const { phase, left } = this.progress;
      return `${PHASES[phase] || "Starting"}${left > 0 ? `, ${remaining(left)} left` : ""}`;
    },
    line() {
      const low = Math.min(...this.losses), high = Math.max(...this.losses);
      return this.losses.map((loss, place) => `${(100 * place) / (this.losses.length - 1)},${24 - (22 * (loss - low)) / (high - low || 1)}`).join(" ");
    },
  },
  render() {
    const { busy, files, losses, pending, phase, samples, sending, skipped, status, training, trouble } = this;
    const begin = (event) => {
      event.preventDefault();
      this.ask("begin", { station: this.name, minutes: this.length });
    };
    return html`
<section class="panel" aria-labelledby="training-title">
  <div class="head"><h2 id="training-title">Train your own</h2>
    ${phase === "training" ? html`<button class="quiet" onClick=${() => this.ask("stop")}>Stop</button>` : (files.length > 0 || !this.open) && html`<button class="quiet" onClick=${this.restart}>Start over</button>`}</div>
  ${this.open ? html`
    ${this.field(html`<b>Drop music here</b>, or choose files`)}
    ${(files.length > 0 || pending.length > 0) && html`<ul class="files">
      ${files.map((file) => html`<li key=${file.number}><span>${file.name}</span><small class=${{ low: file.problem }}>${file.problem || time(file.seconds)}</small></li>`)}
      ${pending.map(coming)}
    </ul>`}
    ${this.good.length > 0 && html`<form class="begin" onSubmit=${begin}>
      <label>Name of the station <input type="text" value=${this.name} onInput=${({ target }) => (this.name = target.value)} required maxlength="64" pattern="[\\p{L}\\p{N}][\\p{L}\\p{M}\\p{N}._\\-]*" autocomplete="off" title="letters, digits, -, _ and ." /></label>
      <label>Minutes <input type="number" value=${this.length} onInput=${({ target }) => (this.length = target.value && +target.value)} min="1" max="600" required /></label>
      <button class="quiet strong" disabled=${busy || sending.some((one) => !one.problem)}>Train</button>
    </form>`}` : html`
    <p class="phase" role="status">${status}</p>
    ${phase === "training" && html`<progress value=${this.progress.share ?? null} max="1" aria-label=${status}></progress>`}
    ${losses.length > 1 && html`<svg class="losses" viewBox="0 0 100 26" preserveAspectRatio="none" role="img" aria-label="The loss as it falls"><polyline points=${this.line} /></svg>`}
    ${skipped.length > 0 && html`<ul class="files" aria-label="Files that are passed over">${skipped.map((line) => html`<li><small>${line}</small></li>`)}</ul>`}
    ${samples.length > 0 ? html`<ol class="samples" data-keys>
      ${samples.slice().reverse().slice(0, 6).map((sample) => html`<li key=${sample.number}><span>${sample.name}${sample.step > 0 && html`<small>after ${sample.step} step${sample.step === 1 ? "" : "s"}</small>`}</span>
        <audio controls preload="none" src=${`${base}/train/sample/${sample.number}.wav`} aria-label=${`Sample ${sample.name}`}></audio></li>`)}
    </ol>` : phase === "training" && html`<p class="note">Sample songs appear here during the training.</p>`}
    ${phase === "stopped" && html`<button class="quiet strong" onClick=${() => this.ask("resume")} disabled=${busy}>Resume</button>`}
    ${phase === "done" && html`<a class="quiet strong" href=${`${base}/?station=${encodeURIComponent(training.station)}`}>Listen to ${training.station}</a>`}`}
  ${(trouble || training?.trouble) && html`<p class="trouble" role="alert">${trouble || training.trouble}</p>`}
</section>`;
  },
  methods: {
    restart() {
      this.sending = [];
      this.ask("clear");
    },
  },
};

function remaining(seconds) {
  return seconds < 60 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
