"""The only place where parts are put together. Each process of the product starts here."""

from __future__ import annotations

import fcntl
import http.client
import logging
import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from triage import lifeline
from triage import settings as settings_module
from triage.core.work import Queue, Tool
from triage.errors import ConfigurationError
from triage.settings import RuntimeChoice, Settings
from triage.store.files import Files
from triage.store.session import Store, UnitOfWork

if TYPE_CHECKING:
    from fastapi import FastAPI

    from triage.detect.champion import Champion
    from triage.engine.registry import Registry
    from triage.engine.versions import PlanEnd
    from triage.engine.worker import Watcher
    from triage.learn.sealed import PhantomPopulation, Population
    from triage.learn.tools import Bench
    from triage.receive.importer import ImportReport
    from triage.review.services import Services

# Every process imports what it works with, inside its own function: a receiver does not carry the
# model runtimes, and `triage user add` does not wait for them.

log = logging.getLogger(__name__)

_WATCH_S = 0.25
_HEADER_TIMEOUT_MS = 3000
_MOST_WORKERS = 64
WEB_ROOT = Path(__file__).resolve().parent.parent / "web" / "dist"


@dataclass(frozen=True, slots=True)
class House:
    """What every process of one installation shares: settings, database, files."""

    settings: Settings
    store: Store
    files: Files
    quarantine: Files


def open_house(settings: Settings) -> House:
    """Open database and folders, making what is missing.

    Raises
    ------
    ConfigurationError
        The data folder cannot be written.
    """
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        reserve = settings.disk_reserve_mb << 20
        files = Files(settings.data / "objects", reserve)
        quarantine = Files(settings.data / "quarantine", reserve)
    except OSError as error:
        raise ConfigurationError(f"the data folder cannot be used: {error}") from error
    store = Store(settings.url)
    store.upgrade()
    return House(settings, store, files, quarantine)


# ---------------------------------------------------------------- tools


def registry_of(house: House, phantoms: PhantomPopulation | None = None) -> Registry:
    """Register every tool of this installation.

    Parameters
    ----------
    house : House
    phantoms : PhantomPopulation, optional
        Test phantoms of rounds on phantoms; those of `triage.learn.sealed` unless given.
    """
    from triage.engine.registry import Registry
    from triage.learn.tools import round_tools

    registry = Registry()
    for tool in [*_tools(house), *round_tools(bench_of(house, phantoms))]:
        registry.add(tool)
    return registry


def _tools(house: House) -> list[Tool]:
    from triage.detect import result_tools, tools
    from triage.detect.stored import VolumeCache
    from triage.outputs import sr, volume_stream
    from triage.outputs.tools import write_final_sr, write_sr
    from triage.peers import node as peers

    store, files, choice = house.store, house.files, house.settings.runtime
    cache = VolumeCache(files)
    destinations = peers.destinations(house.settings, sr.KIND)

    model = champion_of(house).folder
    found: list[Tool] = [
        tools.assemble_series(store, files),
        tools.choose_series(files),
        tools.pack_volume(store, cache, volume_stream.pack),
        result_tools.store_result(store, files),
        result_tools.publish_result(store),
        write_sr(store, files, house.settings.ae_title, destinations),
        write_final_sr(store, files, house.settings.ae_title, destinations),
    ]
    if choice in (RuntimeChoice.AUTO, RuntimeChoice.OPENVINO):
        found.append(tools.detect_openvino(files, model, cache))
    if choice in (RuntimeChoice.AUTO, RuntimeChoice.ONNX):
        found.append(tools.detect_onnx(files, model, cache))
    return found


def champion_of(house: House) -> Champion:
    """The model that reads studies here."""
    from triage.detect.champion import Champion

    return Champion(house.store, house.settings.data, house.settings.model)


def bench_of(house: House, phantoms: PhantomPopulation | None = None) -> Bench:
    """What rounds of learning work with."""
    from triage.learn import sealed
    from triage.learn.tools import Bench

    settings, champion = house.settings, champion_of(house)
    people = sealed.FolderPopulation(settings.sealed, lambda: sealed.trained_on(champion.folder()))
    made = phantoms or sealed.PhantomPopulation(settings.data / "sealed-phantoms")
    populations: dict[str, Population] = {people.kind: people, made.kind: made}
    return Bench(house.store, house.files, settings.data, champion, populations, settings.runtime)


def plan_ended(uow: UnitOfWork, end: PlanEnd) -> None:
    """Keep studies and rounds in step with their plans."""
    from triage.learn.watch import on_round_end
    from triage.receive.watch import on_plan_end

    on_plan_end(uow, end)
    on_round_end(uow, end)


# ---------------------------------------------------------------- processes


def receive(settings: Settings, ready_fd: int | None, life_fd: int | None) -> None:
    """Run the DICOM receiver until told to end."""
    from triage.receive import cstore

    lifeline.end_with_supervisor(life_fd)
    house = open_house(settings)

    def opened(port: int) -> None:
        log.info("listening as %s on %s:%d", settings.ae_title, settings.dicom_bind, port)
        lifeline.say_ready(ready_fd)

    cstore.serve(settings, house.store, house.files, house.quarantine, opened)
    house.store.close()


def work(
    settings: Settings, queues: Sequence[str], ready_fd: int | None, life_fd: int | None
) -> None:
    """Run a worker until told to end."""
    from triage.engine.runner import Runner
    from triage.engine.worker import Worker
    from triage.learn.tools import be_nice
    from triage.learn.watch import RoundWatch
    from triage.peers import node as peers
    from triage.peers.send import StoreSr
    from triage.receive.watch import StudyWatch
    from triage.review.watch import ReportWatch

    lifeline.end_with_supervisor(life_fd)
    stop = _stop_on_signals()
    if set(queues) == {Queue.TRAIN.value}:
        be_nice()
    house = open_house(settings)
    with _worker_slot(settings.data) as slot:
        runner = Runner(
            house.store,
            registry_of(house),
            executor_id=f"{socket.gethostname()[:32]}:{Path(slot.name).stem}",
            lease_s=settings.lease_s,
            on_plan_end=plan_ended,
        )
        runner.prepare()
        watchers: list[Watcher] = [
            StudyWatch(house.store, settings),
            ReportWatch(house.store),
            RoundWatch(house.store, champion_of(house)),
        ]
        handlers = [StoreSr(peers.nodes_of(settings), house.files)]
        worker = Worker(runner, watchers, handlers, watch_s=_WATCH_S)
        lifeline.say_ready(ready_fd)
        worker.work(stop, [Queue(name) for name in queues])
    # A tool that is still running lives in a thread of this process: its outcome is dropped, and
    # the next worker does it again.
    logging.shutdown()
    os._exit(0)


def serve(settings: Settings, ready_fd: int | None, life_fd: int | None) -> None:
    """Run the page and its API until told to end."""
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings

    lifeline.end_with_supervisor(life_fd)
    open_house(settings).store.close()
    _check_port(settings.bind, settings.http_port)
    server = Granian(
        "triage.wiring:app",
        address=settings.bind,
        port=settings.http_port,
        interface=Interfaces.ASGI,
        factory=True,
        workers=1,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_TIMEOUT_MS),
        ssl_cert=settings.tls_cert,
        ssl_key=settings.tls_key,
        log_access=False,
        workers_kill_timeout=5,
    )
    threading.Thread(target=_say_ready_when_up, args=(settings, ready_fd), daemon=True).start()
    server.serve()


def app() -> FastAPI:
    """Make the app; called by the HTTP server in its worker process."""
    from triage.review.api import create_app

    lifeline.end_with_parent()
    house = open_house(settings_module.load())
    return create_app(services(house))


def services(house: House) -> Services:
    """Everything the people's door is given."""
    from triage.engine.explain import explain
    from triage.review.services import Services

    return Services(
        store=house.store,
        files=house.files,
        settings=house.settings,
        assess=assess,
        explain=explain,
        web_root=WEB_ROOT if WEB_ROOT.is_dir() else None,
    )


def assess(inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the guidelines say of decided findings and context (`review.services.Services`)."""
    from triage.rules import study as study_rules

    result = inputs["result"]
    looked = result is not None and result["status"] != "not_assessed"
    # None is "not assessed"; an empty list is "nothing found": never the same answer.
    return study_rules.assess(
        inputs["context"],
        inputs["findings"] if looked else None,
        exam_date=inputs["exam_date"],
        slice_thickness_mm=inputs["slice_thickness_mm"],
    )


# ---------------------------------------------------------------- single acts


def import_paths(settings: Settings, paths: Sequence[Path]) -> ImportReport:
    """Take in files, folders and ZIPs; progress goes to a terminal's stderr."""
    from triage.receive.importer import import_paths as take_in
    from triage.receive.intake import Intake

    house = open_house(settings)
    shown = sys.stderr.isatty()

    def progress(count: int, name: str) -> None:
        if shown and count % 25 == 0:
            sys.stderr.write(f"\r{count} files, {Path(name).name[:40]:<40}")

    try:
        return take_in(Intake(house.store, house.files, house.quarantine), paths, progress=progress)
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
        house.store.close()


def echo_node(settings: Settings, name: str) -> dict[str, Any]:
    """Verify the connection to a configured node: name, AE title, address, seconds.

    Raises
    ------
    TriageError
        No such node, nobody there, or it says no.
    """
    from triage.peers import node as peers

    node = peers.nodes_of(settings).get(name)
    if node is None:
        known = ", ".join(one.name for one in settings.pacs) or "none"
        raise ConfigurationError(f"no [[pacs]] block is named {name}; there is: {known}")
    seconds = peers.echo(node)
    one = node.settings
    return {
        "node": one.name,
        "ae_title": one.ae_title,
        "address": f"{one.host}:{one.port}",
        "seconds": round(seconds, 3),
    }


def check_node(settings: Settings, name: str) -> str:
    """Whether a node answers, and whether a destination lets us look for what we sent.

    Raises
    ------
    TriageError
        With the mend.
    """
    from triage.outputs import sr, uids
    from triage.peers import node as peers
    from triage.peers.query import holds

    said = echo_node(settings, name)
    answer = f"{said['ae_title']} at {said['address']} answers C-ECHO"
    if name not in peers.destinations(settings, sr.KIND):
        return answer
    nothing = uids.derived_uid("no such object")
    holds(peers.nodes_of(settings)[name], nothing, nothing, nothing)
    return f"{answer} and C-FIND"


# ---------------------------------------------------------------- small things


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _worker_slot(data: Path) -> IO[str]:
    """Take the first free worker number of this data folder: unique now, stable over restarts."""
    for number in range(1, _MOST_WORKERS + 1):
        lock = (data / f"worker-{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return lock
    raise ConfigurationError(f"{_MOST_WORKERS} workers run on this data folder already")


def _check_port(host: str, port: int) -> None:
    """Say that a port is taken before the server's own, less readable, way of saying it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} on {host} cannot be opened ({error.strerror}); "
                "set TRIAGE_HTTP_PORT to a free one"
            ) from error


def _own_address(bind: str) -> str:
    """Where this machine reaches what listens on an address."""
    try:
        address = ip_address(bind)
    except ValueError:
        return "127.0.0.1" if bind == "localhost" else bind
    if not address.is_unspecified:
        return bind
    return "127.0.0.1" if address.version == 4 else "::1"


def _say_ready_when_up(settings: Settings, ready_fd: int | None) -> None:
    host = _own_address(settings.bind)
    # Our own port, asked only whether it answers: nothing is believed of its certificate.
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    while True:
        connection = (
            http.client.HTTPSConnection(host, settings.http_port, timeout=2, context=unverified)
            if settings.tls_cert
            else http.client.HTTPConnection(host, settings.http_port, timeout=2)
        )
        try:
            connection.request("GET", "/api/health")
            if connection.getresponse().status == http.HTTPStatus.OK:
                lifeline.say_ready(ready_fd)
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
