"""What the radio knows, in a listener's words."""

from __future__ import annotations

from radio.composer import ENOUGH_RATINGS
from radio.home import Settings
from radio.ratings import Judged
from radio.screen.keys import key_name
from radio.session import View

GUESSES = 10  # of which the mean error is shown
UNSURE = 0.35  # standard deviation above which a song is played to learn; chosen, not measured


def knowledge(view: View) -> str:
    """Return how well the radio knows the listener."""
    if not view.rated:
        return "it doesn't know you yet"
    if view.rated >= ENOUGH_RATINGS:
        return f"it knows you: {counted(view.rated, 'song')} rated"
    how = "is getting to know you" if view.rated < 5 else "knows you a little"
    return f"it {how}: {view.rated} of about {ENOUGH_RATINGS} songs"


def accuracy(judged: tuple[Judged, ...]) -> str:
    """Return how far the latest predictions were off; nothing for fewer than three."""
    errors = [
        abs(min(1.0, max(-1.0, one.expected)) - one.given)
        for one in judged
        if one.expected is not None and not one.skipped
    ][:GUESSES]
    if len(errors) < 3:
        return ""
    return f"its last {len(errors)} guesses were off by {sum(errors) / len(errors):.1f} on average"


def reason(expected: tuple[float, float] | None) -> str:
    """Return why a song was chosen to be played next."""
    if expected is None:
        return "by chance, to know you"
    mean, deviation = expected
    if deviation > UNSURE:
        return "to learn what you like"
    return "you should like it" if mean > 0 else "the best there is"


def hint(view: View, settings: Settings) -> str:
    """Return what can be done about a mended version, or by a new listener; else nothing."""

    def key(action: str) -> str:
        return next(map(key_name, settings.keys_of(action)), action)

    if view.mending:
        return f"Mending the song takes a while; {key('discard')} gives it up."
    if view.mended is not None:
        return (
            f"Old, then new: {key('keep')} keeps the new one, {key('discard')} the old one,"
            f" {key('mend')} plays both again."
        )
    if view.rated:
        return ""
    if view.slider is None:
        return (
            f"Move the slider with {key('up')} and {key('down')} while you listen, or press"
            f" {key('rate1')} to {key('rate9')}. After a few songs the radio chooses for you."
        )
    return f"You rated this moment. Change it when the song does; {key('next')} goes on."


def farewell(view: View) -> str:
    """Return the line that is printed when the listener has quit."""
    rated = f"{counted(view.rated, 'song')} rated; " if view.rated else ""
    return f"{rated}ai-radio resumes where you left off."


def counted(count: int, what: str) -> str:
    """Return a number of things, as in '1 song' and '2 songs'."""
    return f"{count} {what}{'' if count == 1 else 's'}"
