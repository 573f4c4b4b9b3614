// A mixin of the deck: this page's sound, which follows the session, and the device's media controls.
// Of two audio elements one sounds; the other has the next song ready, for to load takes a busy machine a second.
import { base, clock, command, link, page, tell } from "./link.js";
import { wake } from "./live.js";

const SETTLED = 400; // milliseconds after which a released slider follows the session again
const REPORT = 1000; // milliseconds between two reports of the position
const KEPT = 3; // songs that are loaded before they play
const GONE_ON = 2000; // milliseconds after a song's end in which the session begins the next one

export const sound = {
  data() { return { blocked: false }; },
  computed: {
    /** Whether this page sounds: one that was cut off for long does so until it is told otherwise. */
    mine() { return !!this.now && (this.now.speaker === page || this.now.lost === page); },
    playing() { return !!this.song && !!this.now && !this.now.paused && !!this.now.speaker; },
  },
  created() {
    this.received = performance.now();
    this.reportedAt = -Infinity;
    this.jumps = -1;
    this.audioKey = this.songKey = this.spareKey = null;
    this.over = null; // the song that has ended here, but not yet in the session
    this.slidAt = this.volumeAt = -Infinity;
    this.loaded = new Map(); // addresses of songs that are in memory, by the key of their play
  },
  mounted() {
    [this.audio, this.spare] = [this.element(), this.element()];
    clock.at = () => Math.round((this.comparison ? this.audio.currentTime : this.at()) * 1000) / 1000;
    this.resuming = sessionStorage.getItem("ai-radio-sounding") === "yes";
    this.leaving = () => {
      sessionStorage.setItem("ai-radio-sounding", this.mine && this.playing ? "yes" : "no");
      if (this.mine) tell("leave", true);
    };
    // A phone that slept has lost the connection, and its timers stood still.
    this.waking = () => {
      if (document.visibilityState !== "visible") return;
      wake();
      this.report();
    };
    window.addEventListener("pagehide", this.leaving);
    for (const name of ["pageshow", "online", "focus"]) window.addEventListener(name, this.waking);
    document.addEventListener("visibilitychange", this.waking);
    this.sync();
  },
  unmounted() {
    window.removeEventListener("pagehide", this.leaving);
    for (const name of ["pageshow", "online", "focus"]) window.removeEventListener(name, this.waking);
    document.removeEventListener("visibilitychange", this.waking);
  },
  methods: {
    /** Return the position in the song: of this page's sound, else estimated from the session's. */
    at() {
      const audio = this.audio;
      if (this.mine && audio && this.audioKey === this.song?.key && audio.readyState > 0) return Math.min(audio.currentTime, this.duration);
      if (!this.now || !this.song) return 0;
      const passed = this.now.paused || this.comparison ? 0 : (performance.now() - this.received) / 1000;
      return Math.min(this.now.position + passed, this.duration);
    },

    /** Return a new audio element, which reports while it is the one that sounds. */
    element() {
      const audio = document.createElement("audio");
      const does = { playing: this.report, seeked: this.report, timeupdate: this.reportSometimes, ended: this.ended };
      for (const [name, handler] of Object.entries(does)) audio.addEventListener(name, () => audio === this.audio && handler());
      return this.$refs.sounds.appendChild(audio);
    },
    /** Make the sound, the slider and the volume follow the session. */
    sync() {
      const { song, now } = this;
      if (!this.audio || !now) return;
      if (now !== this.lastNow) { this.lastNow = now; this.received = performance.now(); }
      if (performance.now() - this.volumeAt > 1000) this.volume = now.volume;
      this.setLevel();
      this.audio.preload = this.mine ? "auto" : "metadata";
      if (!song || now.key !== song.key) {
        if (!this.over || !song) this.audio.pause();
        if (!song) this.value = null;
        return;
      }
      if (this.songKey !== song.key) {
        this.songKey = song.key;
        this.own = [];
        this.slidAt = -Infinity;
        this.showInMediaControls();
      }
      if (song.key === this.over) return; // the next song sounds already
      const key = this.comparison || song.key; // of the sound
      if (this.over && key === this.audioKey) this.jumps = now.jumps; // its beginning was no jump
      this.over = null;
      const regaining = now.lost === page && !this.audio.paused;
      const position = this.comparison ? 0 : now.position;
      if (this.audioKey !== key) {
        this.jumps = now.jumps;
        this.sound(key);
        if (position > 0.3) this.audio.currentTime = position;
      } else if (now.jumps !== this.jumps) {
        this.jumps = now.jumps;
        if (now.jumper !== page && !regaining) this.audio.currentTime = position;
      }
      if (!link.waiting && performance.now() - this.slidAt > SETTLED) {
        this.value = now.slider;
        if (now.slider === null) this.own = [];
      }
      if (this.resuming) {
        this.resuming = false;
        this.listen();
      }
      if (regaining) this.report();
      else if (this.mine && !now.paused) this.play();
      else if (!this.audio.paused && !this.starting) this.audio.pause();
      if (this.mine && this.playing) this.load(now.next[0]);
    },
    /** Let this sound follow. */
    sound(key) {
      this.audioKey = clock.play = key;
      if (key !== this.spareKey) return void (this.audio.src = this.loaded.get(key) || `${base}/sound/${key}.wav`);
      this.spareKey = null;
      this.audio.pause();
      [this.audio, this.spare] = [this.spare, this.audio];
      this.setLevel();
      this.$refs.sounds.append(this.spare); // the one that sounds is first
    },
    /** Load the song that is likely to be next, so that it begins without a gap. */
    async load(key) {
      if (!key || this.loaded.has(key)) return this.prepare(key);
      this.loaded.set(key, ""); // once
      const answer = await fetch(`${base}/sound/${key}.wav`).catch(() => null);
      if (!answer?.ok) return void this.loaded.delete(key);
      this.loaded.set(key, URL.createObjectURL(await answer.blob()));
      for (const [old, address] of this.loaded) {
        if (this.loaded.size <= KEPT) break;
        if ([this.audioKey, this.songKey, this.spareKey].includes(old)) continue;
        URL.revokeObjectURL(address);
        this.loaded.delete(old);
      }
      this.prepare(this.now.next[0]);
    },
    /** Have a loaded song ready to sound. */
    prepare(key) {
      if (key === this.spareKey || !this.loaded.get(key)) return;
      this.spareKey = key;
      this.spare.preload = "auto";
      this.spare.src = this.loaded.get(key);
    },
    async play() {
      const audio = this.audio;
      if (!audio.paused || audio.ended) return;
      try {
        await audio.play();
        this.blocked = false;
      } catch (error) {
        if (error.name !== "NotAllowedError") return; // another song came in between
        this.blocked = true; // the browser requires a click first
        command("leave");
      }
    },
    /** Show the song in the browser's media controls and on a phone's lock screen. */
    showInMediaControls() {
      document.title = `${this.song.name} · AI Radio`;
      const session = navigator.mediaSession;
      if (!session) return;
      const artwork = [{ src: this.cover, sizes: "256x256", type: "image/png" }];
      session.metadata = new MediaMetadata({ title: this.song.name, artist: "AI Radio", album: this.names.station, artwork });
      const does = {
        play: () => this.listen(), pause: () => this.toggle(), nexttrack: () => this.act("next"), previoustrack: () => this.act("previous"),
        seekto: ({ seekTime }) => this.seek(seekTime), seekbackward: () => this.seek(this.at() - 5), seekforward: () => this.seek(this.at() + 5),
      };
      for (const [action, handler] of Object.entries(does)) {
        try { session.setActionHandler(action, handler); } catch { /* an action that this browser doesn't know */ }
      }
    },
    /** Tell the session the position, at most once in REPORT; the audio element's events come in the background too. */
    report() {
      if (!this.mine || this.audio.paused) return;
      this.reportedAt = performance.now();
      tell("ping");
      navigator.mediaSession?.setPositionState?.({ duration: this.duration, position: this.at(), playbackRate: 1 });
    },
    reportSometimes() { if (performance.now() - this.reportedAt > REPORT) this.report(); },
    /** Go on with the next song at once, and tell the session, which may be slow to answer. */
    async ended() {
      if (!this.mine) return;
      const [play, over] = [this.audioKey, this.song?.key];
      const next = this.comparison ? null : this.now.next.find((key) => this.loaded.get(key));
      if (next) {
        this.over = over;
        this.sound(next);
        this.play();
      }
      const known = await command("ended", { play, next, at: null });
      if (next) setTimeout(() => this.follow(over), known ? GONE_ON : 0);
    },
    /** Follow the session again if it did not go on from a song that is over here. */
    follow(over) {
      if (this.over !== over) return;
      this.over = null;
      this.sync();
    },

    toggle() {
      if (this.playing) {
        if (this.mine) this.audio.pause();
        command("pause");
      } else this.listen();
    },
    listen() {
      // Browsers allow sound to start only in the handler of a click.
      const at = this.at();
      const audio = this.audio;
      this.starting = true;
      this.spare.load(); // WebKit lets an element sound later that was loaded in the handler of a click
      if (this.song) {
        if (!this.comparison && Math.abs(audio.currentTime - at) > 0.3) audio.currentTime = at;
        this.play();
      }
      command("listen", { at: null }).then(() => {
        this.starting = false;
        this.sync();
      });
    },
    seek(seconds) {
      if (!this.song) return;
      seconds = Math.max(0, Math.min(seconds, this.duration - 0.05));
      if (!this.comparison) this.audio.currentTime = seconds;
      if (!this.mine) this.now.position = seconds;
      command("seek", { to: seconds, at: null });
    },
    setLevel() {
      this.audio.volume = this.volume;
      this.audio.muted = !this.volume; // an iPhone allows a page no other loudness
    },
    setVolume(value) {
      this.volume = Math.round(Math.max(0, Math.min(1, value)) * 100) / 100;
      this.volumeAt = performance.now();
      this.setLevel();
      command("volume", { value: this.volume });
    },
    mute() {
      const before = this.volume;
      this.setVolume(before ? 0 : this.loud || 0.8);
      this.loud = before;
    },
    /** Keep this page's rating until the session has it; then follow other pages again. */
    settle() {
      this.slidAt = performance.now();
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this.sync(), SETTLED + 50);
    },
  },
};
