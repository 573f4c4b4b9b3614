// What the radio has learned: how near its predictions are, once there are some.
import { html } from "./html.js";
import { signed } from "./words.js";

const PLOTTED = 5; // predictions with which there is something to see

export default {
  props: { learning: Object },
  computed: {
    rated() { return this.learning?.rated ?? 0; },
    /** Ratings, about, after which predictions are worth a look. */
    enough() { return this.learning?.enough ?? 15; },
    pairs() { return (this.learning?.pairs || []).slice(0, 40).reverse(); },
    /** The mean distance of the latest ten predictions from the ratings. */
    distance() {
      const latest = this.pairs.slice(-10);
      return latest.reduce((sum, pair) => sum + Math.abs(pair[1] - pair[2]), 0) / latest.length;
    },
    lead() {
      if (!this.rated) return `It doesn't know you yet. Move the slider while you listen; after about ${this.enough} songs it can tell what you like.`;
      if (this.rated < this.enough) return `It is getting to know you: ${this.rated} of about ${this.enough} songs.`;
      const known = `It knows you from ${this.rated} songs.`;
      return this.pairs.length < PLOTTED ? known : `${known} Its latest predictions were ${this.distance.toFixed(2)} from your ratings on average.`;
    },
    described() { return `Predicted and given ratings of the latest ${this.pairs.length} songs; they differ by ${this.distance.toFixed(2)} on average.`; },
  },
  render() {
    const { enough, lead, pairs, rated, x } = this;
    return html`
<section class="panel" aria-labelledby="learning-title">
  <div class="head"><h2 id="learning-title">What it has learned</h2></div>
  <p class="lead">${lead}</p>
  ${rated < enough && html`<progress value=${rated} max=${enough} aria-label=${lead}></progress>`}
  ${pairs.length >= PLOTTED && html`
    <svg class="pairs" viewBox="-1.15 -1.15 4.6 2.3" role="img" aria-label=${this.described}>
      ${pairs.map((pair, place) => html`<line class="gap" x1=${x(place)} x2=${x(place)} y1=${-pair[1]} y2=${-pair[2]} />`)}
      <line class="zero" x1="-1.1" x2="3.4" y1="0" y2="0" />
      ${pairs.map((pair, place) => html`<circle class="expected" cx=${x(place)} cy=${-pair[1]} r="0.045" />`)}
      ${pairs.map((pair, place) => html`<circle class=${["given", { low: pair[2] < 0 }]} cx=${x(place)} cy=${-pair[2]} r="0.06"><title>${pair[0]}: predicted ${signed(pair[1])}, yours ${signed(pair[2])}</title></circle>`)}
    </svg>
    <p class="note">Each line is a song, the latest on the right, from the predicted rating (hollow) to yours (filled). Shorter is better.</p>`}
</section>`;
  },
  methods: {
    x(place) { return -0.95 + (4.2 * (place + 0.5)) / Math.max(this.pairs.length, 12); },
  },
};
