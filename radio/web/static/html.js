// Templates: html`<p class=${kind}>${text}</p>` makes Vue's elements, without a compiler.
import htm from "./vendor/htm.js";
import { h } from "./vendor/vue.js";

export const html = htm.bind(h);
