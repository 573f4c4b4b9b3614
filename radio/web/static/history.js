// The history: every rating, to find, replay, change or delete.
import { html } from "./html.js";
import { command } from "./link.js";
import { signed, when } from "./words.js";

const FEW = 6;

export default {
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
  render() {
    const { all, deleted, kind, rows, shown, wanted } = this;
    return html`
<section class="panel" aria-labelledby="history-title">
  <div class="head"><h2 id="history-title" tabindex="-1">History</h2>
    ${rows.length > FEW && !wanted.trim() && html`<button class="quiet" onClick=${() => (this.all = !all)} aria-expanded=${all}>${all ? "Fewer" : `All ${rows.length}`}</button>`}</div>
  ${rows.length > FEW && html`<div class="filter">
    <input type="text" value=${wanted} onInput=${({ target }) => (this.wanted = target.value)} placeholder="Find a song" aria-label="Find a song" />
    <select value=${kind} onChange=${({ target }) => (this.kind = target.value)} aria-label="Which songs"><option value="">all</option><option value="liked">liked</option><option value="disliked">disliked</option><option value="skipped">skipped</option></select>
  </div>`}
  ${deleted && html`<p class="undo" role="status"><span>The rating of ${deleted.song} is deleted.</span><button class="quiet" onClick=${this.restore}>Undo delete</button></p>`}
  ${shown.length ? html`<ul class="rows" data-keys>${shown.map(this.row)}</ul>` : html`<p class="note">${rows.length ? "No song is like that." : "Nothing yet. Songs that you rate appear here."}</p>`}
</section>`;
  },
  methods: {
    row(row) {
      return html`<li key=${row.key}>
      <button class="icon" onClick=${() => command("replay", { key: row.key })} aria-label=${`Play ${row.song} again`} title="play again"><svg viewBox="0 0 24 24"><path class="solid" d="M8 5l12 7-12 7z"/></svg></button>
      <span class="name">${row.song}<small>${when(row.time)}${row.skipped && ", skipped"}</small></span>
      <input type="range" class=${["both", { low: row.rating < 0 }]} min="-1" max="1" step="0.05" value=${row.rating} style=${{ "--share": (row.rating + 1) / 2 }} aria-label=${`Rating of ${row.song}`} aria-valuetext=${signed(row.rating)} onChange=${({ target }) => command("change", { key: row.key, value: +target.value })} />
      <output class=${row.rating < 0 ? "low" : "high"}>${signed(row.rating)}</output>
      <button class="icon" onClick=${() => this.remove(row)} aria-label=${`Delete the rating of ${row.song}`} title="delete"><svg viewBox="0 0 24 24"><path d="M6 6l12 12M18 6L6 18"/></svg></button>
    </li>`;
    },
    remove(row) {
      command("change", { key: row.key, value: null }).then((answer) => { if (answer) this.deleted = row; });
    },
    restore() {
      command("restore", { key: this.deleted.key });
      this.deleted = null;
    },
  },
};
