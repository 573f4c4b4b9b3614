// What panels share that take files: a place to drop them, their way to the server, and requests.

/** Return a mixin of a panel whose routes begin with a path. */
export function uploads(path) {
  return {
    data() { return { over: false, sending: [], busy: false, trouble: "" }; },
    computed: {
      /** Return the files that are not on the server's list yet, which may come before its answer. */
      pending() { return this.sending.filter((one) => one.problem || !this.files.slice(one.before).some((file) => file.name === one.name)); },
    },
    methods: {
      drop(event) {
        this.over = false;
        this.take([...event.dataTransfer.files]);
      },
      async take(files) {
        this.trouble = "";
        for (const file of files) {
          this.sending.push({ name: file.name, share: 0, problem: "", before: this.files.length });
          const shown = this.sending[this.sending.length - 1];
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
