// State: objects whose fields are watched, values computed from them, and what follows both.
//
// Whoever reads is noted, field by field, and told when one of them is set to another value. What follows runs then, in a
// microtask, so that changes that are made together are seen together.

let reading = null; // the reader that runs

/** Runs a function, and notes what it reads; `changed` is called once when any of that has changed. */
class Reader {
  constructor(read, changed) {
    Object.assign(this, { read, changed, sources: new Set() });
  }

  run() {
    this.stop();
    const before = reading;
    reading = this;
    try {
      return this.read();
    } finally {
      reading = before;
    }
  }

  stop() {
    for (const source of this.sources) source.delete(this);
    this.sources.clear();
  }
}

/** Note that the reader that runs has read what has these readers. */
function note(readers) {
  if (!reading) return;
  readers.add(reading);
  reading.sources.add(readers);
}

function tell(readers) {
  for (const reader of [...readers]) {
    reader.stop();
    reader.changed();
  }
}

/** Return an object whose fields are watched; what is in them is not, so a list is replaced, not added to. */
export function reactive(object) {
  const fields = new Map();
  const readersOf = (name) => fields.get(name) || fields.set(name, new Set()).get(name);
  return new Proxy(object, {
    get(target, name) {
      note(readersOf(name));
      return target[name];
    },
    set(target, name, value) {
      if (Object.is(value, target[name])) return true;
      target[name] = value;
      tell(readersOf(name));
      return true;
    },
  });
}

/** Return a function whose value is kept until what it reads has changed. */
export function computed(compute) {
  const readers = new Set();
  let value, fresh = false;
  const reader = new Reader(compute, () => {
    fresh = false;
    tell(readers);
  });
  return () => {
    note(readers);
    if (!fresh) value = reader.run();
    fresh = true;
    return value;
  };
}

const waiting = new Set(); // readers that have to run
const later = []; // functions to call when they have

/** Return a reader that passes what it reads to a function when `work` is called, and whenever it has changed until `end` is. */
export function follow(order, read, act) {
  const reader = new Reader(read, () => {
    if (!waiting.size) queueMicrotask(flush);
    waiting.add(reader);
  });
  const end = () => {
    reader.stop();
    waiting.delete(reader);
  };
  return Object.assign(reader, { order, work: () => act(reader.run()), end });
}

/** Call a function when all that is waiting has run. */
export function afterwards(act) {
  later.push(act);
}

/** Run what is waiting, in its order. */
export function flush() {
  while (waiting.size) {
    const first = [...waiting].reduce((one, other) => (other.order < one.order ? other : one));
    waiting.delete(first);
    attempt(first.work);
  }
  for (const act of later.splice(0)) attempt(act);
}

/** Call a function whose error must not keep others from being called. */
function attempt(act) {
  try {
    act();
  } catch (error) {
    reportError(error);
  }
}
