"""The page that asks for the password: a form, readable without a script, in the look of the radio."""

from __future__ import annotations

from html import escape

COOKIE = "ai-radio"
LOGIN = "/login"
STYLE = """
:root { color-scheme: light dark; --paper: #f6f4ef; --card: #fffdf9; --ink: #22252b; --line: #ddd8cd; --accent: #1f6f6b; --on: #fffdf9; --low: #b8552c }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14161a; --card: #1b1e24; --ink: #ebe8e1; --line: #31353d; --accent: #72c9bd; --on: #10201f; --low: #eb9567 } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
form { display: grid; gap: 1rem; width: min(20rem, 84vw) }
h1 { margin: 0; font: 400 2.2rem/1.1 "Iowan Old Style", Palatino, Georgia, serif }
label { display: grid; gap: .3rem }
input, button { font: inherit; padding: .7rem 1rem; border-radius: 12px; border: 1px solid var(--line); background: var(--card); color: inherit }
button { background: var(--accent); color: var(--on); border: 0; cursor: pointer }
p { margin: 0; color: var(--low) }
"""


def login_page(told: str = "") -> str:
    """Return the page; `told` is what was wrong with the last try."""
    line = f'<p role="alert">{escape(told)}</p>' if told else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>AI Radio: password</title><style>{STYLE}</style></head>
<body><form method="post" action="{LOGIN}"><h1>AI Radio</h1>
<label>Password <input type="password" name="password" autocomplete="current-password" required autofocus></label>
{line}<button>Listen</button></form></body></html>
"""
