// The browser's media controls, and a phone's lock screen: the song, its cover, and their buttons.

/** Show the song of the deck, with the address of its cover. */
export function controls(deck, cover) {
  const session = navigator.mediaSession;
  if (!session) return;
  const artwork = [{ src: cover, sizes: "256x256", type: "image/png" }];
  session.metadata = new MediaMetadata({ title: deck.song.name, artist: "AI Radio", album: deck.names.station, artwork });
  const does = {
    play: () => deck.listen(), pause: () => deck.toggle(),
    nexttrack: () => deck.act("next"), previoustrack: () => deck.act("previous"),
    seekbackward: () => deck.seek(deck.at() - 5), seekforward: () => deck.seek(deck.at() + 5),
    seekto: (details) => deck.seek(details.seekTime),
  };
  for (const [action, handler] of Object.entries(does)) session.setActionHandler(action, handler);
}
