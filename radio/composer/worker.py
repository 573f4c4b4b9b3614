"""The worker: a separate process that composes and learns, so that playback never stutters.

It serves a `LocalComposer` over standard input and output, by the messages of messages.py, with low
priority and in one thread. It offers songs before they are needed: up to MAX_OFFERS wait in the
session, the best first by the newest taste. After each rating it makes one more and withdraws the
worst. It looks for ratings of another session of the same listener, and trains the generator's
adapter when there are enough new ratings. It ends when its session does, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, cast

from radio.composer import heap, messages, priority
from radio.composer.events import AdapterChanged, Event, Learned
from radio.composer.wish import Wish

if TYPE_CHECKING:
    from gan.choices import Latent
    from radio.composer.local_composer import LocalComposer
    from radio.composer.song import Song
    from radio.taste import Explore

MAX_OFFERS = 3  # chosen, not measured
# With fewer offers than this a song is made of few candidates: the listener skips.
FEW_OFFERS = 2
FOLLOW_SECONDS = 2.0  # between two looks at what other sessions wrote
READY_SECONDS = 0.05  # between two looks whether the next song is ready


class Worker:
    """Serve one session.

    Args:
        inbox: the session's messages, `End` last.
        send: sends a message to the session, from any thread.
    """

    def __init__(self, inbox: queue.Queue[object], send: Callable[[messages.Report], None]) -> None:
        self._inbox = inbox
        self._send = send
        self._offers: list[Song] = []
        self._playing = ""
        self._taught = threading.Event()  # the taste or the adapter is another than before
        self._stale = False  # whether it is since the latest song was chosen
        self._training: threading.Thread | None = None
        self._compiling: threading.Thread | None = None
        self._followed = time.monotonic()
        self._cores = priority.Cores()

    def emit(self, event: Event) -> None:
        """Send an event of the composer, from any thread."""
        self._send(event)
        if isinstance(event, Learned | AdapterChanged):
            self._taught.set()

    def run(self, composer: LocalComposer) -> None:
        """Serve until the session ends."""
        self._composer = composer
        self._send(AdapterChanged(*composer.generator.learned, news=False))
        while True:
            self._follow()
            if self._taught.is_set():
                self._taught.clear()
                self._stale = True
                self._send_order()
            wanting = len(self._offers) < MAX_OFFERS or self._stale
            if len(self._offers) < FEW_OFFERS:
                composer.hurry()
            self._cores.leave_one(len(self._offers) >= FEW_OFFERS)
            if wanting and composer.ready:
                self._offer()
            if not wanting and self._compiling is None:
                # what the final song and the adapter need, while nobody waits for anything
                self._compiling = threading.Thread(target=_compile_rest, daemon=True)
                self._compiling.start()
            try:
                message = self._inbox.get(timeout=READY_SECONDS if wanting else FOLLOW_SECONDS)
            except queue.Empty:
                continue
            # Ratings that came together are learned together.
            changed = []
            while isinstance(message, messages.Changed):
                changed.append(message.key)
                message = self._next_waiting()
            if changed:
                composer.learn(changed)
                self._send_insight()
            if isinstance(message, messages.End):
                composer.stop_final()
                return
            self._execute(message)

    def _next_waiting(self) -> object:
        try:
            return self._inbox.get_nowait()
        except queue.Empty:
            return None

    def _execute(self, message: object) -> None:
        composer = self._composer
        match message:
            case messages.Played():
                self._offers = [one for one in self._offers if one.key != message.key]
                self._playing = message.key
                composer.played(message.key, message.coordinate)
                self._send_insight()
            case messages.Replay():
                composer.replay(message.key, message.coordinate)
            case messages.Hurry():
                if not self._offers:
                    composer.hurry()
            case Wish():
                composer.wish(message)
                self._offers = []
                self._send(messages.Order([], []))
            case messages.StartFinal():
                composer.start_final()
            case messages.StopFinal():
                composer.stop_final()
            case messages.StartMend():
                composer.start_mend(message.key, message.coordinate, message.start, message.stop)
            case messages.StopMend():
                composer.stop_mend()
            case messages.ResetAdapter():
                composer.reset_adapter()

    def _offer(self) -> None:
        song = self._composer.next_song()
        self._stale = False
        self._offers.append(song)
        self._send(messages.Offer(song))
        song.samples = song.samples[:0].copy()  # 3 MB that only the session needs
        heap.trim()
        self._send_order()

    def _send_order(self) -> None:
        """Send which offers are best by now, and withdraw those beyond MAX_OFFERS."""
        if not self._offers:
            return
        composer = self._composer
        self._offers = composer.order(self._offers)[:MAX_OFFERS]
        expected = [composer.predict(song) if composer.taught else None for song in self._offers]
        self._send(messages.Order([song.key for song in self._offers], expected))

    def _send_insight(self) -> None:
        found = self._composer.insight(self._playing)
        if found is not None:
            self._send(messages.Insights(self._playing, found))

    def _follow(self) -> None:
        """Learn what other sessions wrote, and begin to train the adapter, when either is due."""
        if time.monotonic() - self._followed < FOLLOW_SECONDS:
            return
        self._followed = time.monotonic()
        composer = self._composer
        composer.follow()
        idle = self._training is None or not self._training.is_alive()
        if idle and composer.generator.due(composer.rated):
            self._training = threading.Thread(target=self._train, name="adapter", daemon=True)
            self._training.start()

    def _train(self) -> None:
        try:
            self._composer.train_adapter()
        except Exception as error:
            # in messages.log; the radio plays on with the adapter it has
            traceback.print_exception(error)
        heap.trim()


def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Open the composer that the session asks for, and serve it until the session ends."""
    writing = threading.Lock()

    def send(message: messages.Report) -> None:
        # If the session has ended, the loop finds out by itself.
        with writing, contextlib.suppress(OSError):
            messages.send(outgoing, message)

    begin = cast(messages.Begin, messages.receive(incoming))
    inbox: queue.Queue[object] = queue.Queue()
    threading.Thread(
        target=_read, args=(incoming, inbox), name="from-the-session", daemon=True
    ).start()
    worker = Worker(inbox, send)
    try:
        composer = _open(begin, worker, send)
    except Exception as error:
        from radio.errors import explain

        line = explain(error)
        if line is None:
            raise
        send(messages.Refused(line))
        return
    try:
        worker.run(composer)
    finally:
        composer.close()


def _open(
    begin: messages.Begin, worker: Worker, send: Callable[[messages.Report], None]
) -> LocalComposer:
    from radio.composer.local_composer import LocalComposer
    from radio.composer.warm_up import PLAYING, compile_once
    from radio.home import Home
    from radio.station import Station

    station = Station.load(begin.station)
    if begin.latent:
        station.draw_from(cast("Latent", begin.latent))
    if begin.novelty is not None:
        station.novelty = begin.novelty
    home = Home(begin.home)
    home.writable()
    compile_once(
        lambda: None,
        part=PLAYING,
        report=lambda done, of: send(messages.Busy("compiling kernels", done, of)),
    )
    composer = LocalComposer(
        station,
        begin.listener,
        home=home,
        seed=begin.seed,
        explore=cast("Explore", begin.explore),
        beats=begin.beats,
        adapter=begin.adapter,
        emit=worker.emit,
    )
    send(messages.Opened(station.name, composer.journal.made_by))
    return composer


def _compile_rest() -> None:
    from radio.composer.warm_up import compile_once

    try:
        compile_once(lambda: None)
    except Exception as error:
        traceback.print_exception(error)  # then each is compiled when it is used


def _read(incoming: BinaryIO, inbox: queue.Queue[object]) -> None:
    while True:
        try:
            inbox.put(messages.receive(incoming))
        except EOFError:
            inbox.put(messages.End())
            break
    # Nobody needs what is still being computed, and the database needs no goodbye.
    threading.Event().wait(5)
    os._exit(0)


def main() -> None:
    """Be the worker of the session that started this process."""
    heap.share_one_heap()
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What a library prints must not get between the messages.
    os.dup2(2, 1)
    for name in ("SIGINT", "SIGHUP", "SIGTSTP"):  # meant for the session, on the same terminal
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    priority.lower()
    with contextlib.suppress(EOFError):
        serve(incoming, outgoing)
    sys.stderr.flush()
    os._exit(0)  # threads that still compute are not waited for


if __name__ == "__main__":
    main()
