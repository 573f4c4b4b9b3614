// Templates: html`<p class=${kind}>${text}</p>` returns a node, or an array where there are several, and is parsed once.
//
// A value stands for a child, for a whole attribute, or, as ...${value}, for several attributes. Every element is closed
// (<input />), and entities are not decoded. White space around a text is dropped up to the line break in it.

/** The type of a node that is nothing but its children; another key means that they are other children. */
export const Fragment = Symbol("Fragment");

/** Return a node; its type is the name of an element, a component (render.js) or Fragment. */
export function h(type, properties, ...children) {
  const { key, ...rest } = properties || {};
  return { type, key, properties: rest, children };
}

export function html(strings, ...values) {
  if (!templates.has(strings)) templates.set(strings, compile(strings.join("\0")));
  const nodes = templates.get(strings).map((make) => make(values));
  return nodes.length === 1 ? nodes[0] : nodes;
}

const templates = new WeakMap(); // functions of the values, by the strings between them
const TOKEN = /(?<text>[^<\0]+)|(?<value>\0)|<\/(?<end>[\w-]+)>|<(?<tag>[\w-]+)(?<attributes>(?:[^">]|"[^"]*")*?)(?<empty>\/?)>/gy;
const ATTRIBUTE = /\s*(?:(?<spread>\.\.\.\0)|(?<name>[\w-]+)(?:=(?:(?<value>\0)|"(?<text>[^"]*)"))?)/gy;

/** Return functions of the values that make the nodes of a template, in which each value is a "\0". */
function compile(source) {
  const open = [{ children: [] }];
  let count = 0; // of the values so far
  const next = () => {
    const index = count++;
    return (values) => values[index];
  };
  const add = (child) => open[open.length - 1].children.push(child);
  const close = () => {
    const { attributes, children, from, tag } = open.pop();
    const make = (values) => h(tag, Object.assign({}, ...attributes.map((one) => one(values))), ...children.map((child) => child(values)));
    const same = count === from && make(); // without values it is made once
    add(same ? () => same : make);
  };
  for (const { groups: found } of tokens(TOKEN, source)) {
    if (found.text) {
      const text = found.text.replace(/^\s*\n\s*|\s*\n\s*$/g, "");
      if (text) add(() => text);
    } else if (found.value) add(next());
    else if (found.tag) {
      open.push({ tag: found.tag, from: count, attributes: attributesOf(found.attributes, next), children: [] });
      if (found.empty) close();
    } else if (found.end === open[open.length - 1].tag) close();
    else throw new SyntaxError(`</${found.end}> closes nothing in ${source}`);
  }
  if (open.length > 1) throw new SyntaxError(`<${open[1].tag}> is not closed in ${source}`);
  return open[0].children;
}

/** Return functions of the values that make objects of attributes. */
function attributesOf(source, next) {
  return tokens(ATTRIBUTE, source.trimEnd()).map(({ groups: { name, spread, text = true, value } }) => {
    const get = spread || value ? next() : () => text;
    return spread ? get : (values) => ({ [name]: get(values) });
  });
}

/** Return the matches of an expression that a text consists of. */
function tokens(expression, source) {
  const found = [...source.matchAll(expression)];
  const length = found.reduce((sum, [all]) => sum + all.length, 0);
  if (length < source.length) throw new SyntaxError(`not understood: ${source.slice(length)}`);
  return found;
}
