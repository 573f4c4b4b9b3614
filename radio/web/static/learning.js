// What the radio has learned: the number of ratings, and how well it predicted them.
export default {
  template: `
<section class="panel" aria-labelledby="learning-title">
  <div class="head"><h2 id="learning-title">What it has learned</h2></div>
  <dl class="figures">
    <div><dt>songs rated</dt><dd>{{ learning?.rated ?? 0 }}</dd></div>
    <div><dt>to learn</dt><dd>{{ learning?.queue ?? 0 }}</dd></div>
    <div><dt>correlation</dt><dd>{{ learning?.agreement == null ? "–" : learning.agreement.toFixed(2) }}</dd></div>
  </dl>
  <svg v-if="pairs.length" class="pairs" viewBox="-1.15 -1.15 4.6 2.3" role="img" :aria-label="described">
    <g transform="scale(2 1)"><rect x="-0.55" y="-1.1" width="2.25" height="2.2" class="frame"/></g>
    <line v-for="(pair, place) in pairs" :key="place" class="gap" :x1="x(place)" :x2="x(place)" :y1="-pair[1]" :y2="-pair[2]"/>
    <line class="zero" x1="-1.1" x2="3.4" y1="0" y2="0"/>
    <circle v-for="(pair, place) in pairs" :key="'e' + place" class="expected" :cx="x(place)" :cy="-pair[1]" r="0.045"/>
    <circle v-for="(pair, place) in pairs" :key="'g' + place" class="given" :class="{ low: pair[2] < 0 }" :cx="x(place)" :cy="-pair[2]" r="0.06"><title>{{ pair[0] }}</title></circle>
  </svg>
  <p class="note">{{ pairs.length ? "Each line is a song, the latest on the right, from the predicted rating (hollow) to yours (filled). Shorter is better." : "Rate a few songs, and the radio will begin to predict your ratings." }}</p>
</section>`,
  props: { learning: Object },
  computed: {
    pairs() { return (this.learning?.pairs || []).slice(0, 40).reverse(); },
    described() { return `Predicted and given ratings of the latest ${this.pairs.length} songs; their correlation is ${this.learning?.agreement ?? "not known yet"}.`; },
  },
  methods: {
    x(place) { return -0.95 + (4.2 * (place + 0.5)) / Math.max(this.pairs.length, 12); },
  },
};
