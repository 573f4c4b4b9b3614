// What draws the page: mount(element, render) draws what render() returns (html.js) into an element, whenever it changes.
//
// A component is { mixins, props, data, computed, watch, methods, created, mounted, unmounted, render }, and its root is one
// element. In all of them `this` has the properties, the data, the computed values and the methods as fields, besides
// $el, $refs and $nextTick. Parents are drawn before their children, and watchers run before their component is drawn.
import { Fragment } from "./html.js";
import { afterwards, computed, flush, follow, reactive } from "./reactive.js";

const SVG = "http://www.w3.org/2000/svg";

export function mount(element, render) {
  let drawn = new Map();
  const owner = { $refs: {} };
  follow(0, render, (nodes) => (drawn = arrange(element, drawn, [nodes], owner))).work();
  flush();
}

/** Return the children with the keys that identify them among their siblings; arrays and fragments are dissolved. */
function* flat(children, path = "") {
  for (const [place, child] of children.entries()) {
    if (child === null || child === undefined || typeof child === "boolean") continue;
    const key = child.key === undefined ? `${path}.${place}` : `${path}=${child.key}`;
    if (Array.isArray(child)) yield* flat(child, key);
    else if (child.type === Fragment) yield* flat(child.children, key);
    else yield [key, child];
  }
}

/** Make the children of an element what they should be; return what is drawn, by key. */
function arrange(parent, before, children, owner) {
  const after = new Map();
  for (let [key, child] of flat(children)) {
    while (after.has(key)) key += "'"; // a key that is there twice
    after.set(key, draw(before.get(key), child, parent, owner));
  }
  for (const [key, old] of before) {
    if (after.get(key) === old) continue;
    old.end();
    old.dom.remove();
  }
  let next = parent.firstChild;
  for (const { dom } of after.values()) {
    if (dom === next?.nextSibling) next = dom; // cheaper to move the one before it, when its turn comes
    if (dom === next) next = next.nextSibling;
    else move(parent, dom, next);
  }
  return after;
}

/** Insert an element; if it was elsewhere, it keeps the focus. */
function move(parent, dom, next) {
  const focused = document.activeElement;
  parent.insertBefore(dom, next);
  if (focused !== document.activeElement && dom.contains(focused)) focused.focus({ preventScroll: true });
}

/** Return what is drawn of a child: what was drawn before, changed, if it is of the same type. */
function draw(old, child, parent, owner) {
  const Kind = typeof child !== "object" ? DrawnText : typeof child.type === "string" ? DrawnElement : DrawnComponent;
  const drawn = old && old.type === child.type ? old : new Kind(child, parent, owner);
  drawn.change(child);
  return drawn;
}

class DrawnText {
  dom = new Text();

  change(text) {
    if (this.dom.data !== String(text)) this.dom.data = text;
  }

  end() {}
}

class DrawnElement {
  constructor({ type }, parent, owner) {
    const dom = document.createElementNS(type === "svg" ? SVG : parent.namespaceURI, type);
    Object.assign(this, { type, dom, owner, node: { properties: {} }, children: new Map(), handlers: {} });
    this.isField = dom.matches("input, select, textarea");
  }

  change(node) {
    const old = this.node.properties, { properties } = node;
    if (node === this.node) return;
    for (const name in old) if (!(name in properties)) this.set(name, old[name]);
    for (const name in properties) if (properties[name] !== old[name]) this.set(name, old[name], properties[name]);
    this.children = arrange(this.dom, this.children, node.children, this.owner);
    if (this.isField) this.fill(properties);
    this.node = node;
  }

  /** Set what a listener can change too, after the limits of a slider and the options of a list. */
  fill({ value, checked }) {
    if (value !== undefined && this.dom.value !== String(value ?? "")) this.dom.value = value ?? "";
    if (checked !== undefined) this.dom.checked = checked;
  }

  set(name, before, after) {
    if (name === "ref") this.refer(before, after);
    else if (name === "style") this.dress(before, after);
    else if (name.startsWith("on")) this.listen(name.slice(2).toLowerCase(), after);
    else if (!this.isField || (name !== "value" && name !== "checked")) this.write(name, name === "class" ? classes(after) : after);
  }

  refer(before, after) {
    const { $refs } = this.owner;
    if ($refs[before] === this.dom) delete $refs[before];
    if (after) $refs[after] = this.dom;
  }

  /** Set single properties, which the content security policy allows, unlike a text. */
  dress(before, after = {}) {
    for (const name in before) if (!(name in after)) this.dom.style.removeProperty(name);
    for (const name in after) if (after[name] !== before?.[name]) this.dom.style.setProperty(name, after[name]);
  }

  listen(kind, handler) {
    if (!this.handlers[kind] && handler) this.dom.addEventListener(kind, this);
    if (!handler) this.dom.removeEventListener(kind, this);
    this.handlers[kind] = handler;
  }

  handleEvent(event) {
    this.handlers[event.type]?.(event);
  }

  write(name, value) {
    const text = name.startsWith("aria-") ? value : value === true ? "" : value === false ? null : value;
    if (text === null || text === undefined) this.dom.removeAttribute(name);
    else if (this.dom.getAttribute(name) !== String(text)) this.dom.setAttribute(name, text);
  }

  end() {
    this.refer(this.node.properties.ref);
    for (const child of this.children.values()) child.end();
  }
}

/** Return the value of `class`: of a text, an array, or an object whose true fields are the classes. */
function classes(value) {
  if (Array.isArray(value)) return value.map(classes).filter(Boolean).join(" ");
  if (value && typeof value === "object") return Object.keys(value).filter((name) => value[name]).join(" ");
  return value || "";
}

let components = 0;

class DrawnComponent {
  constructor({ type, properties }, parent) {
    const layers = [...(type.mixins || []), type];
    const all = (option) => layers.flatMap((layer) => Object.entries(layer[option] || {}));
    const call = (hook) => layers.forEach((layer) => layer[hook]?.call(self));
    const order = ++components;
    const self = { $refs: {}, $nextTick: (work) => Promise.resolve().then(work) };
    const field = (name, get, set) => Object.defineProperty(self, name, { get, set });
    Object.assign(this, { type, drawn: null, end: () => this.leave(call) });

    this.props = reactive(Object.fromEntries(Object.keys(type.props || {}).map((name) => [name, properties[name]])));
    for (const name in this.props) field(name, () => this.props[name]);
    for (const [name, method] of all("methods")) self[name] = method.bind(self);
    const data = reactive(Object.assign({}, ...layers.map((layer) => layer.data?.call(self))));
    for (const name in data) field(name, () => data[name], (value) => (data[name] = value));
    for (const [name, compute] of all("computed")) field(name, computed(compute.bind(self)));
    field("$el", () => this.dom);

    this.readers = all("watch").map(([path, act]) => watcher(order - 0.5, self, path, act));
    call("created");
    const drawing = follow(order, type.render.bind(self), (node) => this.show(node, parent, self));
    this.readers.push(drawing);
    drawing.work();
    afterwards(() => call("mounted"));
  }

  get dom() {
    return this.drawn.dom;
  }

  change({ properties }) {
    for (const name in this.props) this.props[name] = properties[name];
  }

  show(node, parent, self) {
    const old = this.drawn;
    this.drawn = draw(old, node, parent, self);
    if (!old || old === this.drawn) return;
    old.end();
    old.dom.replaceWith(this.dom);
  }

  leave(call) {
    for (const reader of this.readers) reader.end();
    this.drawn.end();
    call("unmounted");
  }
}

/** Call a function of a component with the new and the old value of a field, such as "song.key", when they differ. */
function watcher(order, self, path, act) {
  const read = () => path.split(".").reduce((value, name) => value?.[name], self);
  const reader = follow(order, read, (value) => {
    const old = before;
    before = value;
    if (!Object.is(value, old)) act.call(self, value, old);
  });
  let before = reader.run();
  return reader;
}
