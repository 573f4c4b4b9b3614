// What panels share that take files: a place to drop them, their way to the server, and requests.
import { html } from "./html.js";
import { reactive } from "./reactive.js";

/** Return a mixin of a panel whose routes begin with a path. */
export function uploads(path) {
  return {
    data() { return { over: false, sending: [], busy: false, trouble: "" }; },
    computed: {
      /** Return the files that are not on the server's list yet, which may come before its answer. */
      pending() { return this.sending.filter((one) => one.problem || !this.files.slice(one.before).some((file) => file.name === one.name)); },
    },
    methods: {
      /** Return the place to drop files on, with what it says. */
      field(text) {
        const over = (event, is) => {
          event.preventDefault();
          this.over = is;
        };
        const choose = ({ target }) => {
          this.take([...target.files]);
          target.value = "";
        };
        return html`<label class=${["drop", { over: this.over }]} onDragover=${(event) => over(event, true)} onDragleave=${(event) => over(event, false)} onDrop=${this.drop}>
    <input type="file" multiple accept="audio/*,.wav,.flac,.ogg,.opus,.mp3,.aiff,.aif,.m4a" class="unseen" onChange=${choose} />
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 16V5M8 9l4-4 4 4M5 19h14"/></svg>
    <span>${text}</span>
  </label>`;
      },
      drop(event) {
        event.preventDefault();
        this.over = false;
        this.take([...event.dataTransfer.files]);
      },
      async take(files) {
        this.trouble = "";
        this.sending = this.sending.filter((one) => !one.problem); // what was refused before has been read
        for (const file of files) {
          const shown = reactive({ name: file.name, share: 0, problem: "", before: this.files.length });
          this.sending = [...this.sending, shown];
          shown.problem = await send(`${path}/file`, file, (share) => (shown.share = share));
          this.sending = this.sending.filter((one) => one.problem || one !== shown);
        }
      },
      async ask(what, body = {}, method = "POST") {
        this.busy = true;
        this.trouble = "";
        const answer = await fetch(`${path}/${what}`, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).catch(() => null);
        if (!answer) this.trouble = "The radio can't be reached.";
        else if (!answer.ok) this.trouble = (await answer.json().catch(() => ({}))).line || "That could not be done.";
        this.busy = false;
      },
    },
  };
}

/** Return the row of a file that is being sent, or was refused. */
export function coming(one) {
  return html`<li key=${`s${one.name}`}><span>${one.name}</span><small class=${{ low: one.problem }}>${one.problem || `${Math.round(100 * one.share)} %`}</small></li>`;
}

/** Send a file; return its problem, or nothing. */
function send(path, file, progress) {
  return new Promise((done) => {
    const request = new XMLHttpRequest(); // unlike fetch, it reports progress
    request.open("PUT", path);
    request.setRequestHeader("X-Name", encodeURIComponent(file.name).slice(0, 400));
    request.upload.onprogress = (event) => progress(event.loaded / (event.total || 1));
    request.onerror = () => done("could not be sent");
    request.onload = () => {
      try {
        done(request.status < 300 ? "" : JSON.parse(request.responseText).line || "was refused");
      } catch {
        done("was refused");
      }
    };
    request.send(file);
  });
}
