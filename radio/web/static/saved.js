// The saved songs: play, download or delete them.
import { base, command } from "../../../../static/link.js";
import { signed, when } from "../../../../static/words.js";

const FEW = 6;

export default {
  template: `
<section class="panel" aria-labelledby="saved-title">
  <div class="head"><h2 id="saved-title" tabindex="-1">Saved</h2>
    <button v-if="rows.length > ${FEW}" class="quiet" @click="all = !all" :aria-expanded="all">{{ all ? "Fewer" : "All " + rows.length }}</button></div>
  <ul class="rows saved" v-if="rows.length" data-keys>
    <li v-for="row in all ? rows : rows.slice(0, ${FEW})" :key="row.file">
      <button class="icon" @click="command('play_saved', { file: row.file })" :disabled="!row.here" :aria-label="'Play ' + row.song + ' again'"
        :title="row.here ? 'play again' : row.station ? 'a song of station ' + row.station : 'the station no longer makes it'"><svg viewBox="0 0 24 24"><path class="solid" d="M8 5l12 7-12 7z"/></svg></button>
      <span class="name">{{ row.song }}<small>{{ details(row) }}</small></span>
      <a class="icon" :href="base + '/saved/' + encodeURIComponent(row.file)" :download="row.file" :aria-label="'Download ' + row.song" title="download"><svg viewBox="0 0 24 24"><path d="M12 4v11M8 11l4 4 4-4M5 20h14"/></svg></a>
      <button class="icon" @click="remove(row)" :aria-label="'Delete the file of ' + row.song" title="delete"><svg viewBox="0 0 24 24"><path d="M6 6l12 12M18 6L6 18"/></svg></button>
    </li>
  </ul>
  <p v-else class="note">Nothing yet. Save a song, and it is downloaded and listed here.</p>
</section>`,
  props: { saved: Array },
  data() { return { all: false, base }; },
  computed: { rows() { return this.saved || []; } },
  methods: {
    command,
    details(row) {
      return [when(row.time), row.final && "final song", row.rating !== null && signed(row.rating), !row.here && row.station].filter(Boolean).join(" · ");
    },
    remove(row) {
      if (confirm(`Delete the file of ${row.song}?`)) command("delete_saved", { file: row.file });
    },
  },
};
