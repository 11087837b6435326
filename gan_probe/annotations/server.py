"""The page's server: this machine alone reaches it, and of its programs those that know the token in its address."""

from __future__ import annotations

import contextlib
import io
import json
import secrets
import socketserver
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_probe.annotations.coco import file_name
from gan_probe.annotations.folder import StaleError
from gan_probe.errors import BadInputError, GanProbeError, UsageError, one_line

if TYPE_CHECKING:
    import numpy as np

    from gan_probe.annotations.folder import AnnotationFolder

PAGE = Path(__file__).parent / "page"
FILES = {
    "": ("page.html", "text/html; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
} | {name: (name, "text/javascript; charset=utf-8") for name in ("page.js", "marks.js", "stage.js", "elements.js")}
LARGEST_BODY = 16 * 2**20  # bytes
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # the token stays here
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class PageServer(ThreadingHTTPServer):
    """Serves the page over samples `pixels` (N, H, W, C) uint8, C 1 or 3, and saves what it posts into the folder.

    It listens on 127.0.0.1; port 0 takes one that is free. UsageError where the port cannot be had.
    """

    daemon_threads = True

    def __init__(self, folder: AnnotationFolder, pixels: np.ndarray, port: int = 0) -> None:
        self.folder = folder
        self.pixels = pixels
        self.token = secrets.token_urlsafe(24)
        self.saving = threading.Lock()
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise UsageError(f"--port {port}: {error.strerror or error}; without --port a free one is taken") from error

    def server_bind(self) -> None:
        """Bind without asking a name server for this machine's name, as HTTPServer would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # str and int here

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://127.0.0.1:{self.server_port}/{self.token}/"

    @property
    def hosts(self) -> set[str]:
        """What a browser that was given our address calls us; another name is a page that has itself resolved to us."""
        names = ("127.0.0.1", "localhost")
        bare = set(names) if self.server_port == 80 else set()
        return bare | {f"{name}:{self.server_port}" for name in names}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no news; our own bug is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    server_version = "gan-probe"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds of silence

    def do_GET(self) -> None:
        """The page, its parts, its state, or a sample."""
        name = self._asked()
        if name is None:
            return
        if name in FILES:
            file, kind = FILES[name]
            self._answer((PAGE / file).read_bytes(), kind)
        elif name == "state":
            folder, n = self.server.folder, len(self.server.pixels)
            with self.server.saving:
                state = folder.state()
            self._answer_json({"name": folder.card.name, "size": folder.card.image_size, "count": n} | state)
        elif (index := _sample(name, len(self.server.pixels))) is not None:
            self._answer(_png(self.server.pixels[index]), "image/png")
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """A new state of the page, to be saved."""
        name = self._asked()
        if name is None:
            return
        length = self.headers.get("Content-Length", "")
        if name != "state":
            self._refuse(HTTPStatus.NOT_FOUND)
        elif self.headers.get_content_type() != "application/json":
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        elif "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
        elif len(length) > 12 or int(length) > LARGEST_BODY:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._save(self.rfile.read(int(length)))

    def _save(self, body: bytes) -> None:
        try:
            state = json.loads(body)
            if not isinstance(state, dict):
                raise BadInputError("this is no state of the page: reload it")
            with self.server.saving:
                revision = self.server.folder.save(state)
        except (ValueError, RecursionError):
            self._answer_json({"error": "this is no JSON"}, HTTPStatus.BAD_REQUEST)
        except StaleError as error:
            self._answer_json({"error": one_line(error)}, HTTPStatus.CONFLICT)
        except BadInputError as error:
            self._answer_json({"error": one_line(error)}, HTTPStatus.BAD_REQUEST)
        except GanProbeError as error:  # the disk is full, the folder gone
            self._answer_json({"error": one_line(error)}, HTTPStatus.INSUFFICIENT_STORAGE)
        else:
            self._answer_json({"revision": revision})

    def _asked(self) -> str | None:
        """What of ours is asked for, behind the token; None where the request was refused."""
        hosts = self.headers.get_all("Host", [])
        origins = self.headers.get_all("Origin", [])
        ours = self.server.hosts
        if (
            len(hosts) != 1
            or hosts[0] not in ours
            or any(o not in {f"http://{host}" for host in ours} for o in origins)
        ):
            self._refuse(HTTPStatus.FORBIDDEN)
            return None
        _, token, *rest = self.path.split("/", 2) if self.path.startswith("/") else ("", "")
        if not secrets.compare_digest(token.encode("utf-8", "surrogateescape"), self.server.token.encode()) or not rest:
            self._refuse(HTTPStatus.NOT_FOUND)
            return None
        return rest[0]

    def _answer_json(self, data: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        self._answer(json.dumps(data).encode(), "application/json", status)

    def _answer(self, body: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def _refuse(self, status: HTTPStatus) -> None:
        # a body that was not read would be taken for the next request
        self.close_connection = True
        self.send_error(status)

    def end_headers(self) -> None:
        """What every answer says, an error too."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: the terminal belongs to the command."""


def _sample(name: str, n: int) -> int | None:
    """The number of the sample whose picture is asked for."""
    number = name[len("samples/sample-") : -len(".png")]
    index = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else n
    return index if index < n and name == f"samples/{file_name(index)}" else None


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()
