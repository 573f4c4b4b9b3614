// The history: every rating, to find, replay, change or delete.
import { command } from "../../../../static/link.js";
import { signed, when } from "../../../../static/words.js";

const FEW = 6;

export default {
  template: `
<section class="panel" aria-labelledby="history-title">
  <div class="head"><h2 id="history-title" tabindex="-1">History</h2>
    <button v-if="rows.length > ${FEW} && !wanted.trim()" class="quiet" @click="all = !all" :aria-expanded="all">{{ all ? "Fewer" : "All " + rows.length }}</button></div>
  <div v-if="rows.length > ${FEW}" class="filter">
    <input type="text" v-model="wanted" placeholder="Find a song" aria-label="Find a song">
    <select v-model="kind" aria-label="Which songs"><option value="">all</option><option value="liked">liked</option><option value="disliked">disliked</option><option value="skipped">skipped</option></select>
  </div>
  <p v-if="deleted" class="undo" role="status"><span>The rating of {{ deleted.song }} is deleted.</span> <button class="quiet" @click="restore">Undo delete</button></p>
  <ul class="rows" v-if="shown.length" data-keys>
    <li v-for="row in shown" :key="row.key">
      <button class="icon" @click="command('replay', { key: row.key })" :aria-label="'Play ' + row.song + ' again'" title="play again"><svg viewBox="0 0 24 24"><path class="solid" d="M8 5l12 7-12 7z"/></svg></button>
      <span class="name">{{ row.song }}<small>{{ when(row.time) }}{{ row.skipped ? ", skipped" : "" }}</small></span>
      <input type="range" class="both" min="-1" max="1" step="0.05" :value="row.rating" :class="{ low: row.rating < 0 }" :style="{ '--share': (row.rating + 1) / 2 }" :aria-label="'Rating of ' + row.song" :aria-valuetext="signed(row.rating)" @change="command('change', { key: row.key, value: +$event.target.value })">
      <output :class="row.rating < 0 ? 'low' : 'high'">{{ signed(row.rating) }}</output>
      <button class="icon" @click="remove(row)" :aria-label="'Delete the rating of ' + row.song" title="delete"><svg viewBox="0 0 24 24"><path d="M6 6l12 12M18 6L6 18"/></svg></button>
    </li>
  </ul>
  <p v-else class="note">{{ rows.length ? "No song is like that." : "Nothing yet. Songs that you rate appear here." }}</p>
</section>`,
  props: { history: Array },
  data() { return { all: false, wanted: "", kind: "", deleted: null }; },
  computed: {
    rows() { return this.history || []; },
    shown() {
      const kinds = { "": () => true, liked: (row) => row.rating > 0, disliked: (row) => row.rating < 0 && !row.skipped, skipped: (row) => row.skipped };
      const text = this.wanted.trim().toLowerCase();
      const found = this.rows.filter((row) => kinds[this.kind](row) && row.song.toLowerCase().includes(text));
      return this.all || text ? found : found.slice(0, FEW);
    },
  },
  methods: {
    command, signed, when,
    remove(row) {
      command("change", { key: row.key, value: null }).then((answer) => { if (answer) this.deleted = row; });
    },
    restore() {
      command("restore", { key: this.deleted.key });
      this.deleted = null;
    },
  },
};
