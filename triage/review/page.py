"""The web page: built files as they are, and one HTML for every address of the page.

Whoever is not signed in gets the sign-in address; scripts and styles are the same for all and
hold no data, so they are open.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from triage.errors import NotFound, NotSignedIn
from triage.review.session import recognise, services_of

NONCE_MARK = "__CSP_NONCE__"
LOGIN = "/login"
_NOT_PAGES = frozenset({"api", "dicomweb", "v2", "openapi.json", "metrics", "predict"})
_IMMUTABLE = "public, max-age=31536000, immutable"


def install(app: FastAPI, web_root: Path | None) -> None:
    """Serve the built page below everything else."""
    root = None if web_root is None else web_root.resolve()

    def page(request: Request, path: str) -> Response:
        if root is None or path.split("/", 1)[0] in _NOT_PAGES:
            raise NotFound("no such address")
        file = _asset(root, path)
        if file is not None:
            return _with_type(file, root)
        return _html(request, root, "/" + path.lstrip("/"))

    app.add_route("/{path:path}", lambda request: page(request, request.path_params["path"]))


def _asset(root: Path, path: str) -> Path | None:
    """Find a built file; None for an address of the page itself."""
    if not path or path == "index.html" or "\x00" in path:
        return None
    file = (root / path).resolve()
    return file if file.is_file() and file.is_relative_to(root) else None


def _with_type(file: Path, root: Path) -> Response:
    # Vite names what lies in assets/ by content.
    hashed = file.parent == root / "assets"
    return FileResponse(file, headers={"Cache-Control": _IMMUTABLE if hashed else "no-cache"})


def _html(request: Request, root: Path, path: str) -> Response:
    if path != LOGIN and not _signed_in(request):
        # A shared address keeps what it points at.
        asked = f"{path}?{request.url.query}" if request.url.query else path
        return RedirectResponse(f"{LOGIN}?next={quote(asked)}" if asked != "/" else LOGIN, 303)
    index = root / "index.html"
    if not index.is_file():
        raise NotFound("the page is not built: run `make setup`", code="page_not_built")
    html = index.read_text(encoding="utf-8").replace(NONCE_MARK, request.state.csp_nonce)
    return HTMLResponse(html, headers={"Cache-Control": "no-store"})


def _signed_in(request: Request) -> bool:
    try:
        return recognise(request).via != "nobody" or services_of(request).settings.auth == "off"
    except NotSignedIn:
        return False
