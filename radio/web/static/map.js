// The map of the latent space: training songs, played songs, and the search for the final song.
import { command } from "../../../../static/link.js";

export default {
  template: `
<section class="panel" aria-labelledby="map-title">
  <div class="head"><h2 id="map-title">Map of songs</h2>
    <button class="quiet" @click="final" :disabled="running">{{ running ? "Searching …" : "Final song" }}</button></div>
  <div class="map" data-keys tabindex="0" role="application" aria-roledescription="map" :aria-label="described" @keydown="press">
    <svg viewBox="-1.3 -1.3 2.6 2.6" @click="visit" ref="picture" aria-hidden="true">
      <circle class="ring" r="0.6"/><circle class="ring" r="1.2"/>
      <circle v-for="(place, index) in map?.learned || []" :key="'l' + index" class="learned" :cx="place[0]" :cy="-place[1]" r="0.011"/>
      <polyline v-for="(path, index) in map?.paths || []" :key="'p' + index" class="path" :points="path.map(([x, y]) => x + ',' + -y).join(' ')"/>
      <circle v-for="(path, index) in map?.paths || []" :key="'e' + index" class="end" :cx="path[path.length - 1][0]" :cy="-path[path.length - 1][1]" r="0.022"/>
      <g v-if="map?.final" class="final" :transform="'translate(' + map.final.x + ',' + -map.final.y + ')'"><path d="M0-.085l.024.058.063.005-.048.041.015.061L0 .032l-.054.033.015-.061-.048-.041.063-.005z"/></g>
      <circle v-for="dot in dots" :key="dot.key" class="dot" :class="{ low: dot.rating < 0, unrated: dot.rating === null, now: dot.key === map.now, chosen: dot.key === chosen?.key }"
        :cx="dot.x" :cy="-dot.y" :r="dot.key === map.now ? 0.045 : 0.036" :style="{ '--strength': dot.rating === null ? 0 : 0.25 + 0.75 * Math.abs(dot.rating) }"
        @click.stop="play(dot)" @pointerenter="chosen = dot" @pointerleave="chosen = null"/>
    </svg>
    <span v-if="chosen" class="tip" :style="{ left: ((chosen.x + 1.3) / 2.6) * 100 + '%', top: ((1.3 - chosen.y) / 2.6) * 100 + '%' }">{{ chosen.name }}<b v-if="chosen.rating !== null">{{ signed(chosen.rating) }}</b></span>
  </div>
  <p class="note" v-if="now?.final">Step {{ now.final[0] }} of {{ now.final[1] }}, predicted rating {{ signed(Math.max(-1, Math.min(1, now.final[2]))) }}.</p>
  <p class="note" v-else>Small dots are the station's training songs, large ones the songs it has played. Select one to replay it, or any other place for a new song.</p>
  <p class="unseen" role="status">{{ chosen ? chosen.name + (chosen.rating === null ? ", not rated" : ", rated " + signed(chosen.rating)) : "" }}</p>
</section>`,
  props: { map: Object, now: Object },
  data() { return { chosen: null }; },
  computed: {
    running() { return !!this.map?.running || !!this.now?.final; },
    dots() { return [...(this.map?.played || [])].sort((one, other) => Math.abs(one.rating ?? 0) - Math.abs(other.rating ?? 0)); },
    described() { return `Map of the latent space, ${this.dots.length} songs played. Arrow keys choose a song, Enter plays it.`; },
  },
  methods: {
    signed(value) { return (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(2); },
    play(dot) { command("replay", { key: dot.key }); },
    final() { command("final"); },
    visit(event) {
      const box = this.$refs.picture.getBoundingClientRect();
      const side = Math.min(box.width, box.height);
      const x = ((event.clientX - box.left - (box.width - side) / 2) / side) * 2.6 - 1.3;
      const y = 1.3 - ((event.clientY - box.top - (box.height - side) / 2) / side) * 2.6;
      command("visit", { x, y });
    },
    press(event) {
      const by = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (event.key === "Enter" && this.chosen) this.play(this.chosen);
      else if (event.key === "Escape") this.chosen = null;
      else if (by) this.chosen = this.next(by);
      else return;
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
