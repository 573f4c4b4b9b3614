// The page: the player and the panels beside it, each of which shows some parts of the session.
import deck from "./deck.js";
import history from "./history.js";
import { h, html } from "./html.js";
import learning from "./learning.js";
import { follow } from "./live.js";
import map from "./map.js";
import { reactive } from "./reactive.js";
import { mount } from "./render.js";
import saved from "./saved.js";
import songs from "./songs.js";
import training from "./training.js";

const first = JSON.parse(document.getElementById("first").textContent);
const parts = reactive({ ...first.parts, names: first.names });

/** Return an element of a component with the parts that are its properties. */
function shown(component) {
  return h(component, Object.fromEntries(Object.keys(component.props).map((name) => [name, parts[name]])));
}

mount(document.querySelector(".radio"), () => html`${shown(deck)}<div class="side">${[map, learning, history, saved, songs, training].map(shown)}</div>`);
follow(first.names, first.version, (changed) => Object.assign(parts, changed));
