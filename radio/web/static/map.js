// The map of the latent space: training songs, played songs, and the search for the final song.
import { html } from "./html.js";
import { command } from "./link.js";
import { signed } from "./words.js";

const WIDTH = 2.6; // of the whole map, in its units
const LARGEST = 16; // zoom
const STILL = 6; // pixels; a pointer that moves farther drags the map

export default {
  props: { map: Object, now: Object },
  data() { return { chosen: null, zoom: 1, x: 0, y: 0 }; },
  computed: {
    side() { return WIDTH / this.zoom; },
    /** Size of what is drawn: at a larger zoom it grows less than the distances. */
    scale() { return this.zoom ** -0.75; },
    running() { return !!this.map?.running || !!this.now?.final; },
    dots() { return [...(this.map?.played || [])].sort((one, other) => Math.abs(one.rating ?? 0) - Math.abs(other.rating ?? 0)); },
    described() { return `Map of songs, ${this.dots.length} played. Arrow keys choose a song, Enter plays it, plus and minus zoom.`; },
    caption() {
      const played = this.dots.length ? "Select a large dot to play that song again, or any other place for a new one." : "No song has been played yet; select a place for a new one.";
      const share = this.map?.share ? ` Similar songs are often near each other, but not always: the map shows ${Math.round(100 * this.map.share)} % of their differences.` : "";
      return played + share;
    },
    tip() {
      if (!this.chosen) return null;
      const left = (this.chosen.x - this.x) / this.side + 0.5, top = (-this.chosen.y - this.y) / this.side + 0.5;
      if (Math.abs(left - 0.5) > 0.5 || Math.abs(top - 0.5) > 0.5) return null;
      return { left: `${100 * Math.max(0.2, Math.min(0.8, left))}%`, top: `${100 * top}%` };
    },
  },
  created() {
    this.pointers = new Map(); // the places of the fingers or of the mouse that are down, in pixels
    this.dragged = false;
  },
  render() {
    const { chosen, map, now, running, scale, side, tip, x, y, zoom } = this;
    const pointer = { onPointerdown: this.down, onPointermove: this.move, onPointerup: this.up, onPointercancel: this.up, onPointerleave: this.up };
    return html`
<section class="panel" aria-labelledby="map-title">
  <div class="head"><h2 id="map-title">Map of songs</h2>
    <button class="quiet" onClick=${() => command("final")} disabled=${running}>${running && html`<span class="spinner" aria-hidden="true"></span>`}${running ? "Searching …" : "Final song"}</button></div>
  <div class="map" data-keys tabindex="0" role="application" aria-roledescription="map" aria-label=${this.described} onKeydown=${this.press}>
    <svg viewBox=${[x - side / 2, y - side / 2, side, side].join(" ")} class=${{ close: zoom > 1 }} onClick=${this.visit} ref="picture" aria-hidden="true" onWheel=${this.wheel} ...${pointer}>
      <circle class="ring" r="0.6" /><circle class="ring" r="1.2" />
      ${(map?.learned || []).map((place) => html`<circle class="learned" cx=${place[0]} cy=${-place[1]} r=${0.011 * scale} />`)}
      ${(map?.paths || []).map((path) => html`<polyline class="path" points=${path.map(([right, up]) => `${right},${-up}`).join(" ")} />`)}
      ${(map?.paths || []).map((path) => html`<circle class="end" cx=${path[path.length - 1][0]} cy=${-path[path.length - 1][1]} r=${0.022 * scale} />`)}
      ${map?.final && html`<g class="final" transform=${`translate(${map.final.x},${-map.final.y}) scale(${scale})`}><path d="M0-.085l.024.058.063.005-.048.041.015.061L0 .032l-.054.033.015-.061-.048-.041.063-.005z"/></g>`}
      ${this.dots.map(this.dot)}
    </svg>
    ${tip && html`<span class="tip" style=${tip}>${chosen.name}${chosen.rating !== null && html`<b>${signed(chosen.rating)}</b>`}</span>`}
    <div class="zoom" role="group" aria-label="Zoom">
      <button class="icon" onClick=${() => this.zoomTo(zoom * 2)} disabled=${zoom >= LARGEST} aria-label="Zoom in" title="zoom in (+)"><svg viewBox="0 0 24 24"><path d="M12 6v12M6 12h12"/></svg></button>
      <button class="icon" onClick=${() => this.zoomTo(zoom / 2)} disabled=${zoom <= 1} aria-label="Zoom out" title="zoom out (-)"><svg viewBox="0 0 24 24"><path d="M6 12h12"/></svg></button>
    </div>
  </div>
  <ul class="key" aria-label="Legend">
    <li><i class="learned"></i>the station learned from it</li>
    <li><i class="liked"></i>you like it</li><li><i class="disliked"></i>you dislike it</li><li><i class="unrated"></i>played, not rated</li><li><i class="playing"></i>playing</li>
    ${map?.paths?.length > 0 && html`<li><i class="search"></i>the search</li>`}${map?.final && html`<li><i class="star">★</i>final song</li>`}
    ${(map?.paths?.length > 0 || map?.final) && !running && html`<li><button class="plain" onClick=${() => command("clear_search")}>Clear search</button></li>`}
  </ul>
  <p class="note">${now?.final ? `Step ${now.final[0]} of ${now.final[1]}, predicted rating ${signed(Math.max(-1, Math.min(1, now.final[2])))}.` : this.caption}</p>
  <p class="unseen" role="status">${chosen && chosen.name + (chosen.rating === null ? ", not rated" : `, rated ${signed(chosen.rating)}`)}</p>
</section>`;
  },
  methods: {
    dot(dot) {
      const kinds = { low: dot.rating < 0, unrated: dot.rating === null, now: dot.key === this.map.now, chosen: dot.key === this.chosen?.key };
      const hover = (event, chosen) => { if (event.pointerType !== "touch") this.chosen = chosen; };
      return html`<circle key=${dot.key} class=${["dot", kinds]} cx=${dot.x} cy=${-dot.y} r=${(kinds.now ? 0.045 : 0.036) * this.scale} style=${{ "--strength": kinds.unrated ? 0 : 0.25 + 0.75 * Math.abs(dot.rating) }}
        onClick=${(event) => this.pressDot(event, dot)} onPointerenter=${(event) => hover(event, dot)} onPointerleave=${(event) => hover(event, null)} />`;
    },
    play(dot) { command("replay", { key: dot.key }); },
    /** A finger shows a song's name first, and plays it when it is pressed again. */
    pressDot(event, dot) {
      event.stopPropagation();
      if (this.dragged) return;
      if (event.pointerType === "touch" && this.chosen?.key !== dot.key) this.chosen = dot;
      else this.play(dot);
    },
    /** Return the place under a point of the window, and the size of a pixel. */
    placeAt({ clientX, clientY }) {
      const box = this.$refs.picture.getBoundingClientRect();
      const pixel = this.side / Math.min(box.width, box.height);
      return { x: this.x + (clientX - box.left - box.width / 2) * pixel, y: this.y + (clientY - box.top - box.height / 2) * pixel, pixel };
    },
    visit(event) {
      if (this.dragged) return;
      const { x, y } = this.placeAt(event);
      command("visit", { x, y: -y });
    },
    /** Zoom, so that the place under a point of the window stays there; the middle if none is given. */
    zoomTo(zoom, event = null) {
      const before = event ? this.placeAt(event) : this;
      const share = this.zoom / Math.max(1, Math.min(LARGEST, zoom));
      this.centre(before.x + (this.x - before.x) * share, before.y + (this.y - before.y) * share, this.zoom / share);
    },
    centre(x, y, zoom = this.zoom) {
      const most = (WIDTH - WIDTH / zoom) / 2;
      Object.assign(this, { zoom, x: Math.max(-most, Math.min(most, x)), y: Math.max(-most, Math.min(most, y)) });
    },
    wheel(event) {
      if (!event.ctrlKey && !event.metaKey && this.zoom === 1) return; // the page is scrolled
      event.preventDefault();
      this.zoomTo(this.zoom * Math.exp(-event.deltaY / 300), event);
    },
    down(event) {
      if (!this.pointers.size) this.dragged = false;
      this.pointers.set(event.pointerId, { clientX: event.clientX, clientY: event.clientY });
      this.from = { clientX: event.clientX, clientY: event.clientY };
    },
    move(event) {
      const before = this.pointers.get(event.pointerId);
      if (!before) return;
      if (Math.hypot(event.clientX - this.from.clientX, event.clientY - this.from.clientY) > STILL) this.dragged = true;
      if (!this.dragged) return;
      const { pixel } = this.placeAt(event);
      const other = [...this.pointers].find(([number]) => number !== event.pointerId)?.[1];
      if (other) {
        const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
        this.zoomTo((this.zoom * apart(event)) / Math.max(apart(before), 1), other);
      } else this.centre(this.x - (event.clientX - before.clientX) * pixel, this.y - (event.clientY - before.clientY) * pixel);
      this.pointers.set(event.pointerId, { clientX: event.clientX, clientY: event.clientY });
    },
    up(event) { this.pointers.delete(event.pointerId); },
    press(event) {
      const by = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (event.target !== event.currentTarget) return; // the zoom's buttons
      if (event.key === "Enter" && this.chosen) this.play(this.chosen);
      else if (event.key === "Escape") {
        this.chosen = null;
        this.centre(0, 0, 1);
      } else if (event.key === "+" || event.key === "=") this.zoomTo(this.zoom * 2);
      else if (event.key === "-") this.zoomTo(this.zoom / 2);
      else if (by) {
        this.chosen = this.next(by);
        if (this.chosen && this.zoom > 1) this.centre(this.chosen.x, -this.chosen.y);
      } else return;
      event.preventDefault();
    },
    /** Return the nearest song in a direction. */
    next([right, up]) {
      const from = this.chosen || this.dots.find((dot) => dot.key === this.map.now) || { x: 0, y: 0 };
      let best = null, least = Infinity;
      for (const dot of this.dots) {
        if (dot.key === from.key) continue;
        const ahead = (dot.x - from.x) * right + (dot.y - from.y) * up;
        const aside = Math.abs((dot.x - from.x) * up) + Math.abs((dot.y - from.y) * right);
        if (ahead > 0 && ahead + 2 * aside < least) [best, least] = [dot, ahead + 2 * aside];
      }
      return best || this.chosen || this.dots[0] || null;
    },
  },
};
