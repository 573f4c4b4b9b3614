// A mixin of the deck: the keys of the terminal, as the server's settings name them, and their list.
const NAMED = { " ": "space", ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", Enter: "enter", Backspace: "backspace", Delete: "delete", Home: "home", End: "end", PageUp: "pageup", PageDown: "pagedown" };
const SHOWN = { space: "space", left: "←", right: "→", up: "↑", down: "↓" };
const ELSEWHERE = new Set(["devices", "visualiser", "quit"]); // make no sense in a browser
const PANELS = { history: "history-title", saved: "saved-title" };

export const keys = {
  computed: {
    actions() { return new Map(this.names.shortcuts.filter(([, action]) => !ELSEWHERE.has(action)).map(([key, action]) => [key, action])); },
    /** Return [keys, text] of every action; the nine ratings are one. */
    shortcuts() {
      const rows = new Map();
      for (const [key, action, text] of this.names.shortcuts) {
        if (ELSEWHERE.has(action) || /^rate[2-9]$/.test(action) || key.startsWith("ctrl+")) continue;
        const shown = action === "rate1" ? "1 to 9" : SHOWN[key] || key;
        if (!rows.has(action)) rows.set(action, [[], action === "rate1" ? "rate it, from −1 to +1" : text]);
        rows.get(action)[0].push(shown);
      }
      return [...rows.values()];
    },
  },
  mounted() {
    this.keys = (event) => this.press(event);
    document.addEventListener("keydown", this.keys);
  },
  unmounted() { document.removeEventListener("keydown", this.keys); },
  methods: {
    press(event) {
      const target = event.target;
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const action = this.actions.get(NAMED[event.key] || event.key);
      if (!action || target.closest("input:not([type=range]), select, textarea, dialog[open], [data-keys]")) return;
      if (event.key.startsWith("Arrow") && target.matches("input[type=range]")) return; // handled by the slider
      if (event.key === " " && target.closest("button, a, summary")) return;
      event.preventDefault();
      const own = {
        pause: () => this.toggle(), back: () => this.seek(this.at() - 5), forward: () => this.seek(this.at() + 5),
        up: () => this.slide((this.value ?? 0) + 0.1), down: () => this.slide((this.value ?? 0) - 0.1), untouched: () => this.release(),
        louder: () => this.setVolume(this.volume + 0.05), softer: () => this.setVolume(this.volume - 0.05),
        save: () => this.save(), share: () => this.song?.code && this.share(), mend: () => this.mendPart(), explain: () => this.$refs.why?.focus(), help: () => this.showKeys(), reset: () => this.reset(),
        station: () => this.$refs.station.focus(), listener: () => this.$refs.listener.focus(),
      };
      if (own[action]) own[action]();
      else if (/^rate[1-9]$/.test(action)) this.slide((+action[4] - 5) / 4);
      else if (PANELS[action]) document.getElementById(PANELS[action])?.focus();
      else this.act(action);
    },
    showKeys() {
      this.listing = true;
      this.$refs.keys.showModal();
    },
    reset() { if (confirm("Reset what the generator has learned from you? Your ratings remain.")) this.act("reset"); },
  },
};
