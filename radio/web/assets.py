"""The files of static/: read once, compressed once, at addresses that change with their content."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

STATIC = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
KINDS = {".js": "text/javascript", ".woff2": "font/woff2"}  # on every system


class Assets:
    """The files of a folder, in memory.

    Args:
        folder: of the files.

    Attributes:
        version: changes with the content of any file.
        modules: names of the scripts.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        self._files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
        self._zipped = {name: gzip.compress(text) for name, text in self._files.items()}
        content = b"".join(
            name.encode() + b"\0" + file for name, file in sorted(self._files.items())
        )
        self.version = hashlib.sha256(content).hexdigest()[:12]
        self.modules = [name for name in self._files if name.endswith(".js")]

    def route(self) -> Route:
        """Return the route of the files."""
        return Route("/static/{version}/{name:path}", self._answer)

    async def _answer(self, request: Request) -> Response:
        version, name = request.path_params["version"], request.path_params["name"]
        if name not in self._files:
            return PlainTextResponse("there is no such file", 404)
        headers = {"Cache-Control": FOREVER if version == self.version else "no-cache"}
        kind = KINDS.get(Path(name).suffix) or mimetypes.guess_type(name)[0]
        return smaller(request, self._files[name], self._zipped[name], kind, headers)


def smaller(
    request: Request,
    content: bytes,
    zipped: bytes,
    kind: str | None,
    headers: dict[str, str],
) -> Response:
    """Return an answer with the content, or with its compressed form if that is of use."""
    if len(zipped) < 0.9 * len(content) and "gzip" in request.headers.get("accept-encoding", ""):
        content, headers = zipped, {**headers, "Content-Encoding": "gzip"}
    return Response(content, media_type=kind, headers={**headers, "Vary": "Accept-Encoding"})
