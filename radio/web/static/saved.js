// The saved songs: play, download or delete them.
import { html } from "./html.js";
import { base, command } from "./link.js";
import { signed, when } from "./words.js";

const FEW = 6;

export default {
  props: { saved: Array },
  data() { return { all: false }; },
  computed: { rows() { return this.saved || []; } },
  render() {
    const { all, rows } = this;
    return html`
<section class="panel" aria-labelledby="saved-title">
  <div class="head"><h2 id="saved-title" tabindex="-1">Saved</h2>
    ${rows.length > FEW && html`<button class="quiet" onClick=${() => (this.all = !all)} aria-expanded=${all}>${all ? "Fewer" : `All ${rows.length}`}</button>`}</div>
  ${rows.length ? html`<ul class="rows saved" data-keys>${(all ? rows : rows.slice(0, FEW)).map(this.row)}</ul>` : html`<p class="note">Nothing yet. Save a song, and it is downloaded and listed here.</p>`}
</section>`;
  },
  methods: {
    row(row) {
      const title = row.here ? "play again" : row.station ? `a song of station ${row.station}` : "the station no longer makes it";
      return html`<li key=${row.file}>
      <button class="icon" onClick=${() => command("play_saved", { file: row.file })} disabled=${!row.here} aria-label=${`Play ${row.song} again`} title=${title}><svg viewBox="0 0 24 24"><path class="solid" d="M8 5l12 7-12 7z"/></svg></button>
      <span class="name">${row.song}<small>${this.details(row)}</small></span>
      <a class="icon" href=${`${base}/saved/${encodeURIComponent(row.file)}`} download=${row.file} aria-label=${`Download ${row.song}`} title="download"><svg viewBox="0 0 24 24"><path d="M12 4v11M8 11l4 4 4-4M5 20h14"/></svg></a>
      <button class="icon" onClick=${() => this.remove(row)} aria-label=${`Delete the file of ${row.song}`} title="delete"><svg viewBox="0 0 24 24"><path d="M6 6l12 12M18 6L6 18"/></svg></button>
    </li>`;
    },
    details(row) {
      return [when(row.time), row.final && "final song", row.rating !== null && signed(row.rating), !row.here && row.station].filter(Boolean).join(" · ");
    },
    remove(row) {
      if (confirm(`Delete the file of ${row.song}?`)) command("delete_saved", { file: row.file });
    },
  },
};
