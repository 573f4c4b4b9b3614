// Training on your own music: drop files on the page, watch the progress, listen to samples.
import { base } from "../../../../static/link.js";
import { uploads } from "../../../../static/uploads.js";
import { time } from "../../../../static/words.js";

const PHASES = {
  prepare: "Reading the music", compile: "Getting ready", vae: "Training the autoencoder", gan: "Training with the critic", save: "Saving",
};

export default {
  mixins: [uploads(`${base}/train`)],
  template: `
<section class="panel" aria-labelledby="training-title">
  <div class="head"><h2 id="training-title">Train your own</h2>
    <button v-if="phase === 'training'" class="quiet" @click="ask('stop')">Stop</button>
    <button v-else-if="files.length || !open" class="quiet" @click="sending = []; ask('clear')">Start over</button></div>
  <template v-if="open">
    <label class="drop" :class="{ over }" @dragover.prevent="over = true" @dragleave="over = false" @drop.prevent="drop">
      <input type="file" multiple accept="audio/*,.wav,.flac,.ogg,.opus,.mp3,.aiff,.aif,.m4a" class="unseen" @change="take([...$event.target.files]); $event.target.value = ''">
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 16V5M8 9l4-4 4 4M5 19h14"/></svg>
      <span><b>Drop music here</b>, or choose files</span>
    </label>
    <ul v-if="files.length || pending.length" class="files">
      <li v-for="file in files" :key="file.number"><span>{{ file.name }}</span><small :class="{ low: file.problem }">{{ file.problem || time(file.seconds) }}</small></li>
      <li v-for="one in pending" :key="'s' + one.name"><span>{{ one.name }}</span><small>{{ one.problem || Math.round(100 * one.share) + " %" }}</small></li>
    </ul>
    <form v-if="good.length" class="begin" @submit.prevent="ask('begin', { station: name, minutes: length })">
      <label>Name of the station <input type="text" v-model="name" required maxlength="64" pattern="[\\p{L}\\p{N}][\\p{L}\\p{M}\\p{N}._\\-]*" autocomplete="off" title="letters, digits, -, _ and ."></label>
      <label>Minutes <input type="number" v-model.number="length" min="1" max="600" required></label>
      <button class="quiet strong" :disabled="busy || sending.some((one) => !one.problem)">Train</button>
    </form>
  </template>
  <template v-else>
    <p class="phase" role="status">{{ status }}</p>
    <progress v-if="phase === 'training'" :value="progress.share ?? null" max="1" :aria-label="status"></progress>
    <svg v-if="losses.length > 1" class="losses" viewBox="0 0 100 26" preserveAspectRatio="none" role="img" aria-label="The loss as it falls"><polyline :points="line"/></svg>
    <ol v-if="samples.length" class="samples" data-keys>
      <li v-for="sample in samples.slice().reverse().slice(0, 6)" :key="sample.number"><span>{{ sample.name }}<small v-if="sample.step">after {{ sample.step }} step{{ sample.step === 1 ? "" : "s" }}</small></span>
        <audio controls preload="none" :src="base + '/train/sample/' + sample.number + '.wav'" :aria-label="'Sample ' + sample.name"></audio></li>
    </ol>
    <p v-else-if="phase === 'training'" class="note">Sample songs appear here during the training.</p>
    <button v-if="phase === 'stopped'" class="quiet strong" @click="ask('resume')" :disabled="busy">Resume</button>
    <a v-if="phase === 'done'" class="quiet strong" :href="base + '/?station=' + encodeURIComponent(training.station)">Listen to {{ training.station }}</a>
  </template>
  <p v-if="trouble || training?.trouble" class="trouble" role="alert">{{ trouble || training.trouble }}</p>
</section>`,
  props: { training: Object },
  data() { return { base, name: "mine", length: 10 }; },
  computed: {
    phase() { return this.training?.phase || "idle"; },
    open() { return this.phase === "idle" || this.phase === "receiving"; },
    files() { return this.training?.files || []; },
    good() { return this.files.filter((file) => !file.problem); },
    progress() { return this.training?.progress || {}; },
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
  methods: { time },
};

function remaining(seconds) {
  return seconds < 60 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
