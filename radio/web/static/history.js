// The history: every rating, to replay, change or delete.
import { command } from "../../../../static/link.js";

const FEW = 6;

export default {
  template: `
<section class="panel" aria-labelledby="history-title">
  <div class="head"><h2 id="history-title">History</h2>
    <button v-if="rows.length > ${FEW}" class="quiet" @click="all = !all" :aria-expanded="all">{{ all ? "Fewer" : "All " + rows.length }}</button></div>
  <ul class="rows" v-if="rows.length" data-keys>
    <li v-for="row in all ? rows : rows.slice(0, ${FEW})" :key="row.key">
      <button class="icon" @click="command('replay', { key: row.key })" :aria-label="'Play ' + row.song + ' again'" title="play again"><svg viewBox="0 0 24 24"><path class="solid" d="M8 5l12 7-12 7z"/></svg></button>
      <span class="name">{{ row.song }}<small>{{ when(row.time) }}{{ row.skipped ? ", skipped" : "" }}</small></span>
      <input type="range" min="-1" max="1" step="0.05" :value="row.rating" :class="{ low: row.rating < 0 }" :style="{ '--share': (row.rating + 1) / 2 }" :aria-label="'Rating of ' + row.song" :aria-valuetext="signed(row.rating)" @change="command('change', { key: row.key, value: +$event.target.value })">
      <output :class="row.rating < 0 ? 'low' : 'high'">{{ signed(row.rating) }}</output>
      <button class="icon" @click="command('change', { key: row.key, value: null })" :aria-label="'Delete the rating of ' + row.song" title="delete"><svg viewBox="0 0 24 24"><path d="M6 6l12 12M18 6L6 18"/></svg></button>
    </li>
  </ul>
  <p v-else class="note">Nothing yet. Songs that you rate appear here.</p>
</section>`,
  props: { history: Array },
  data() { return { all: false }; },
  computed: { rows() { return this.history || []; } },
  methods: {
    command,
    signed(value) { return (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(2); },
    when(seconds) {
      const date = new Date(seconds * 1000);
      const today = date.toDateString() === new Date().toDateString();
      const clock = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      return today ? clock : `${date.toLocaleDateString([], { day: "numeric", month: "short" })}, ${clock}`;
    },
  },
};
