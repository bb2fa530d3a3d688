"""The people's door: one app, put together from small routers, guarded as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Response

import triage
from triage.review import (
    admin,
    context,
    decisions,
    events,
    learning,
    login,
    page,
    pixels,
    problems,
    report,
    signing,
    study,
    unbuilt,
    worklist,
)
from triage.review.events import Feed
from triage.review.schema import Health, Problem, Ready
from triage.review.services import Services
from triage.review.session import World, authorise
from triage.review.shield import Shield
from triage.review.throttle import Throttle

_ROUTERS = (
    login.router,
    worklist.router,
    study.router,
    context.router,
    decisions.router,
    signing.router,
    report.router,
    events.router,
    pixels.router,
    admin.router,
    learning.router,
    unbuilt.router,
)
_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "Not signed in"},
    403: {"model": Problem, "description": "The role does not allow it"},
    404: {"model": Problem, "description": "No such thing"},
    409: {"model": Problem, "description": "Changed meanwhile, or not possible in this state"},
    422: {"model": Problem, "description": "Refused, with the fields named"},
}
_system = APIRouter(tags=["system"])


@_system.get("/api/health")
def health() -> Health:
    """Answer that the process runs."""
    return Health(status="ok", version=triage.__version__)


@_system.get("/api/ready", responses={503: {"model": Ready, "description": "Not ready"}})
def ready(world: World, response: Response) -> Ready:
    """Whether work is accepted; each part is "ok" or says what mends it."""
    with world.store.reading() as uow:
        world.store.clock_s(uow)
    parts = {"database": "ok"}
    parts["files"] = "ok" if world.files.root.is_dir() else "the folder of stored files is gone"
    parts |= {name: mend or "ok" for name, mend in world.probe().items()}
    good = all(state == "ok" for state in parts.values())
    response.status_code = 200 if good else 503
    return Ready(ready=good, parts=parts)


def build() -> FastAPI:
    """Make the app without what it works on: enough for its OpenAPI description."""
    app = FastAPI(
        title="Triage",
        version=triage.__version__,
        description="Reads chest CTs for lung nodules beside the radiologist. Research use only.",
        dependencies=[Depends(authorise)],
        responses=_REFUSALS,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.include_router(_system)
    for router in _ROUTERS:
        app.include_router(router)
    problems.install(app)
    return app


def create_app(services: Services) -> FastAPI:
    """Make the app that serves people and viewers.

    Parameters
    ----------
    services : Services

    Returns
    -------
    FastAPI
        An ASGI app with lifespan; run it with one worker process: login throttle and live feed
        are per process.
    """
    app = build()
    app.state.services = services
    app.state.throttle = Throttle()
    app.state.feed = Feed(services)
    page.install(app, services.web_root)
    app.add_middleware(Shield, settings=services.settings)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    feed: Feed = app.state.feed
    await feed.start()
    yield
    await feed.stop()
