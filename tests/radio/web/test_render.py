"""What draws the page, in a browser: keys, attributes, listeners, state, components, texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web_browser import chromium

from radio.web import assets

__all__ = ["chromium"]
pytestmark = pytest.mark.slow  # the browser alone takes seconds to start
ADDRESS = "http://page.test"
POLICY = "default-src 'self'"  # as strict as the page's own
DOCUMENT = '<!doctype html><title>test</title><main id="main"></main>'
# Draws `make(state)` anew into an empty element; `drawn` waits until changes are drawn.
START = """async () => {
  for (const name of ["html", "reactive", "render"]) {
    Object.assign(window, { ...(await import(`/${name}.js`)) });
  }
  window.main = document.getElementById("main");
  window.drawn = () => new Promise((go) => setTimeout(go));
  window.faults = [];
  window.onerror = (said) => window.faults.push(said);
  window.show = (fields, make) => {
    const box = document.createElement("div"), state = reactive(fields);
    main.replaceChildren(box);
    mount(box, () => make(state));
    return [state, box];
  };
}"""


@pytest.fixture(scope="module")
def page(chromium: Any) -> Iterator[Any]:
    """A page with the scripts, which come from their folder, and with a strict policy."""

    def answer(route: Any) -> None:
        name = route.request.url.removeprefix(f"{ADDRESS}/")
        script = Path(assets.STATIC / name).read_text() if name else ""
        route.fulfill(
            body=script or DOCUMENT,
            content_type="text/javascript" if script else "text/html",
            headers={"Content-Security-Policy": POLICY},
        )

    page = chromium.new_page()
    page.route(f"{ADDRESS}/**", answer)
    page.goto(f"{ADDRESS}/")
    page.evaluate(START)
    yield page
    page.close()


def test_keyed_rows_keep_their_elements_and_the_focus(page: Any) -> None:
    """Every order of five rows, some gone and some new, from the order before it."""
    assert page.evaluate("""async () => {
      const row = (key) => html`<li key=${key}><input value=${key} /></li>`;
      const name = (key) => html`<i key=${key}>${key}</i>`;
      const [state, box] = show({ keys: ["a", "b", "c", "d", "e"] }, ({ keys }) =>
        html`<h1>rows</h1><ul>${keys.map(row)}</ul>${keys.map(name)}`);
      let wrong = 0, seed = 1;
      const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
      for (let round = 0; round < 60; round++) {
        const before = new Map();
        box.querySelectorAll("li").forEach((row, place) => before.set(state.keys[place], row));
        const keys = [..."abcdefg"].filter(() => random() < 0.7).sort(() => random() - 0.5);
        const kept = keys.filter((key) => before.has(key));
        const focus = kept.length ? before.get(kept[0]).firstChild : null;
        focus?.focus();
        state.keys = keys;
        await Promise.resolve();
        const rows = [...box.querySelectorAll("li")];
        wrong += box.textContent !== "rows" + keys.join("");
        wrong += rows.map((row) => row.firstChild.value).join("") !== keys.join("");
        wrong += kept.some((key) => before.get(key) !== rows[keys.indexOf(key)]);
        wrong += focus !== null && document.activeElement !== focus;
      }
      return wrong;
    }""") == 0  # fmt: skip


def test_a_new_row_before_or_a_removed_one_moves_no_other(page: Any) -> None:
    """A sound that plays would stop."""
    moved = page.evaluate("""async () => {
      const row = (key) => html`<p key=${key} />`;
      const [state, box] = show({ keys: [..."1234"] }, ({ keys }) => keys.map(row));
      const counts = [];
      new MutationObserver((changes) => {
        counts.push(changes.reduce((sum, one) => sum + one.addedNodes.length, 0));
      }).observe(box, { childList: true });
      for (const keys of ["01234", "0134", "1340", "0134", "001"]) {
        state.keys = [...keys];
        await drawn();
      }
      return [counts, box.children.length];
    }""")
    assert moved == [[1, 0, 1, 1, 1], 3]


def test_attributes_come_and_go(page: Any) -> None:
    made = page.evaluate("""async () => {
      const seen = [];
      const [state, box] = show({ on: true }, ({ on }) => {
        const more = on ? { title: "t", hidden: true } : { lang: "en" };
        const style = on ? { "--x": 0.5, left: "3px" } : { left: "4px" };
        return html`<p class=${["a", { b: on, c: !on }]} style=${style} data-is=${on}
          aria-pressed=${on} id=${on ? "i" : null} ...${more}></p>
          <progress value=${on ? 0 : null} max="2" />`;
      });
      const read = ({ attributes }) => Array.from(attributes, ({ name, value }) => [name, value]);
      for (const on of [true, false]) {
        state.on = on;
        await drawn();
        seen.push([...box.children].map(read));
      }
      return seen;
    }""")
    lines = [
        {"class": "a b", "style": "--x: 0.5; left: 3px;", "data-is": "", "aria-pressed": "true"}
        | {"id": "i", "title": "t", "hidden": ""},
        {"value": "0", "max": "2"},
        {"class": "a c", "style": "left: 4px;", "aria-pressed": "false", "lang": "en"},
        {"max": "2"},
    ]
    assert [dict(one) for elements in made for one in elements] == lines


def test_fields_follow_the_state_and_keep_the_selection(page: Any) -> None:
    made = page.evaluate("""async () => {
      const option = (one) => html`<option>${one}</option>`;
      const fields = { level: 7, name: "cat", of: ["x", "y"], pick: "y", yes: true };
      const [state, box] = show(fields, ({ level, name, of, pick, yes }) => html`
        <input type="range" value=${level} min="5" max="9" step="0.5" /><input value=${name} />
        <select value=${pick}>${of.map(option)}</select>
        <input type="checkbox" checked=${yes} />`);
      const [range, text, select, check] = box.children;
      const first = [range.value, text.value, select.value, check.checked];
      text.focus();
      text.setSelectionRange(1, 2);
      range.value = 9;
      Object.assign(state, { of: ["x", "y", "z"], pick: "z", yes: false });
      await drawn();
      const then = [range.value, text.value, select.value, check.checked];
      return [first, then, document.activeElement === text, text.selectionStart, text.selectionEnd];
    }""")
    assert made == [["7", "cat", "y", True], ["7", "cat", "z", False], True, 1, 2]


def test_listeners_are_replaced(page: Any) -> None:
    made = page.evaluate("""async () => {
      const called = [];
      const [state, box] = show({ count: 0 }, ({ count }) => {
        const note = ({ type }) => called.push(type + count);
        return html`<button onClick=${count < 2 && note}>press</button>`;
      });
      let added = 0;
      const button = box.firstChild, add = button.addEventListener;
      button.addEventListener = (...details) => add.apply(button, [...details, added++]);
      for (const count of [0, 1, 2, 1]) {
        state.count = count;
        await drawn();
        button.click();
      }
      return [called, added];
    }""")
    assert made == [["click0", "click1", "click1"], 1]


def test_texts_are_no_markup_and_fragments_hold_several(page: Any) -> None:
    made = page.evaluate("""async () => {
      const [state, box] = show({ key: 1, text: "<b>&amp;" }, ({ key, text }) => html`
        <p title=${text}>${text}, <i>${0}</i>
          ${[false, null, undefined, true, "", [text, html`<u />`]]}</p>
        ${h(Fragment, { key }, html`<a>1</a><a>2</a>`, text)}
        <svg viewBox="0 0 1 1"><g><title>${text}</title></g></svg>`);
      const first = box.innerHTML, link = box.querySelector("a");
      state.text = "c";
      await drawn();
      const same = box.querySelector("a") === link;
      state.key = 2;
      await drawn();
      const { namespaceURI } = box.querySelector("title");
      return [first, box.innerHTML, same, box.querySelector("a") === link, namespaceURI];
    }""")
    text = "&lt;b&gt;&amp;amp;"
    drawn = (
        "{0}, <i>0</i>{0}<u></u></p><a>1</a><a>2</a>{0}"
        '<svg viewBox="0 0 1 1"><g><title>{0}</title></g></svg>'
    ).format
    # newer browsers write "<" in attributes as they do in texts
    first = made[0].replace(f'"{text}"', '"<b>&amp;amp;"')
    assert first == '<p title="<b>&amp;amp;">' + drawn(text)
    assert made[1:] == ['<p title="c">' + drawn("c"), True, False, "http://www.w3.org/2000/svg"]


def test_components_compute_watch_and_end(page: Any) -> None:
    """What is computed is kept; changes that are made together are drawn once."""
    made = page.evaluate("""async () => {
      const did = [];
      const mixin = {
        data: () => ({ extra: 1 }),
        created() { did.push("created"); },
        methods: { add() { this.extra += 1; } },
      };
      const Child = {
        mixins: [mixin],
        props: { song: Object },
        data: () => ({ own: 10 }),
        computed: {
          length() { did.push("computed"); return this.song.name.length; },
          sum() { return this.length + this.own + this.extra; },
        },
        watch: {
          "song.key"(key, old) { did.push(`song ${old} to ${key}`); },
          sum(sum) {
            did.push(`sum ${sum}`);
            this.$nextTick(() => did.push(this.$el.textContent));
          },
        },
        mounted() {
          window.child = this;
          did.push(`mounted ${this.$refs.box === this.$el && this.$el.isConnected}`);
        },
        unmounted() { did.push(`unmounted ${"box" in this.$refs}`); },
        render() {
          did.push("drawn");
          return html`<b ref="box" onClick=${this.add}>${this.sum}</b>`;
        },
      };
      const song = { key: 1, name: "four" };
      const [state, box] = show({ song, there: true }, ({ song, there }) =>
        there && h(Child, { song }));
      const step = async (act) => { did.push("|"); act(); await drawn(); };
      await step(() => { child.own = 20; child.own = 30; child.extra = 5; });
      await step(() => box.firstChild.click());
      await step(() => (state.song = { key: 2, name: "four" }));
      await step(() => (child.own = 30));
      await step(() => (state.there = false));
      await step(() => (child.own = 40));
      return [did.join(" "), box.innerHTML];
    }""")
    assert made == [
        "computed created drawn mounted true | sum 39 drawn 39 | sum 40 drawn 40"
        " | song 1 to 2 computed drawn | | unmounted false |",
        "",
    ]


def test_an_error_leaves_the_rest_drawn_and_is_reported(page: Any) -> None:
    made = page.evaluate("""async () => {
      const Part = {
        props: { value: Number },
        render() {
          if (this.value === 1) throw new Error("one");
          return html`<i>${this.value}</i>`;
        },
      };
      const [state, box] = show({ value: 0 }, ({ value }) =>
        html`${h(Part, { value })}<b>${value}</b>`);
      const seen = [];
      for (const value of [1, 2]) {
        state.value = value;
        await drawn();
        seen.push(box.textContent);
      }
      return [seen, faults.splice(0)];
    }""")
    assert made == [["01", "22"], ["Uncaught Error: one"]]


@pytest.mark.parametrize(
    "template", ["<p>", "<p></b>", "</p>", "<p class=a></p>", '<p class="a></p>']
)
def test_a_template_that_is_no_markup_is_refused(page: Any, template: str) -> None:
    refused = "(text) => { try { html([text]); } catch (error) { return error.name; } }"
    assert page.evaluate(refused, template) == "SyntaxError"
