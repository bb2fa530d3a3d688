"""What every answer carries and every request must keep: headers, host names, body size.

Plain ASGI, so that streams pass through untouched.
"""

from __future__ import annotations

import secrets
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triage.review import problems
from triage.settings import Settings, is_loopback

MAX_BODY_BYTES = 256 * 1024
# Workers and WebAssembly are the viewer's decoder; nothing may be loaded from elsewhere, and no
# inline script or style runs without this answer's nonce.
_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'nonce-{nonce}'; "
    "style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Shield:
    """Middleware around the whole app.

    Parameters
    ----------
    app : ASGIApp
    settings : Settings
        Bound to loopback, only loopback host names are answered (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._local_only = is_loopback(settings.bind) and not settings.trusted_proxy
        self._encrypted = settings.tls_cert is not None or bool(settings.trusted_proxy)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request's frame, then pass it on with guarded `receive` and `send`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["csp_nonce"] = nonce
        headers = Headers(scope=scope)
        guarded_send = self._with_headers(send, nonce, api=scope["path"].startswith("/api/"))
        refusal = self._refusal(headers)
        if refusal is not None:
            await refusal(scope, receive, guarded_send)
            return
        await self._app(scope, _bounded(receive), guarded_send)

    def _refusal(self, headers: Headers) -> ASGIApp | None:
        if self._local_only and not _names_loopback(headers.get("host", "")):
            return problems.response(421, "wrong_host", "this server answers to this machine only")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            return problems.response(
                413, "too_large", f"a request holds at most {MAX_BODY_BYTES} bytes"
            )
        return None

    def _with_headers(self, send: Send, nonce: str, *, api: bool) -> Send:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce)
                if api:
                    # Patients' data stays out of shared and disk caches unless a route says more.
                    headers.setdefault("Cache-Control", "no-store")
                if self._encrypted:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        return guarded


def _names_loopback(host: str) -> bool:
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    name = name.strip("[]")
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _bounded(receive: Receive) -> Receive:
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b"") or b"")
        if seen > MAX_BODY_BYTES:
            # The rest is never read: to the app the client is gone.
            return {"type": "http.disconnect"}
        return message

    return bounded
