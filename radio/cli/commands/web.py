"""`ai-radio web`: the radio in a browser, served until Ctrl-C."""

from __future__ import annotations

import argparse
import socket
import sys
import urllib.parse

from radio.errors import UsageError, need
from radio.home import (
    Home,
    HomeError,
    check_name,
    ignoring_interrupts,
    read_settings,
    temporary_home,
)
from radio.session import read_last
from radio.web import given_password, is_loopback, kept_secret


def web(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C.

    Raises:
        UsageError: if packages are missing, or the address or the port is not available.
        HomeError: if there is no such station.
        PasswordError: if other machines could open the page and there is no password.
    """
    need("web", "the page", "starlette", "uvicorn", "websockets")
    home = Home(options.home)
    settings = read_settings(home.path / "config.toml")
    last = read_last(home.path / "session.json")
    listener = check_name(options.listener or last.listener, "listener")
    station = options.station or last.station
    home.known_station(station)
    try:
        home.writable()
    except HomeError as error:
        home = temporary_home(home)
        print(f"{error}; nothing of this session will be saved", file=sys.stderr)
    kept = home.path / "web"
    password = (
        None
        if is_loopback(options.host) and options.password_file is None
        else given_password(options.password_file, kept / "password.json")
    )
    with _listen(options.host, options.port) as listening:
        port = listening.getsockname()[1]
        from radio.web import Guard, LiveSessions, SongJob, TrainJob, build, serve, show

        named = {
            name: value
            for name in ("seed", "beats", "latent", "explore", "novelty")
            if (value := getattr(options, name, None)) is not None
        }
        named.setdefault("novelty", settings.novelty)
        sessions = LiveSessions(
            home,
            (station, listener),
            kind=settings.kind,
            adapter=settings.added_layers,
            **named,
        )
        sessions.get(None, None)
        training = TrainJob(home)
        songs = SongJob(home, held=training.held)
        secret = None if password is None else kept_secret(kept / "secret")
        guarded = Guard(
            build(sessions, training, songs, base=options.base_path, keys=settings.keys),
            host=options.host,
            port=port,
            password=password,
            secret=secret,
            origins=options.origin,
            base=options.base_path,
        )
        address = f"http://{_shown(options.host)}:{port}{options.base_path}/"
        if password is None and (open_to := [one for one in options.origin if _is_public(one)]):
            print(
                f"whoever reaches {open_to[0]} can use this page; --password-file asks for a"
                " password",
                file=sys.stderr,
            )

        def began() -> None:
            print(f"AI Radio plays at {address}   (Ctrl-C stops it)", flush=True)
            if not options.no_open:
                show(address)

        try:
            serve(guarded, listening, began=began)
        finally:
            with ignoring_interrupts():
                songs.close()
                sessions.close()
                training.close()
    return 0


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(64)
    except OSError as error:
        raise UsageError(
            f"can't listen on {host}, port {port}: {error.strerror or error};"
            " choose another with --port"
        ) from error
    return listening


def _is_public(origin: str) -> bool:
    """Return whether an origin is none of this machine's own."""
    return not is_loopback(urllib.parse.urlsplit(origin).hostname or "")


def _shown(host: str) -> str:
    """Return the host for a URL: for an address that means all, this machine's name."""
    if host in ("0.0.0.0", "::"):  # noqa: S104
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
