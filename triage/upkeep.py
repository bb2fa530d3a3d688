"""What a person at the command line does with an installation: start it, mend it, look after it."""

from __future__ import annotations

import fcntl
import logging
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

from triage import wiring
from triage.errors import (
    ConfigurationError,
    ModelError,
    NotBuiltYet,
    NotFound,
    TriageError,
    Unprocessable,
)
from triage.guard import access
from triage.guard.credentials import new_token
from triage.settings import Settings, is_loopback
from triage.store import account_rows, learning_rows, upkeep_rows
from triage.store.session import UnitOfWork
from triage.store.tables import now
from triage.supervisor import Part, Supervisor
from triage.wiring import House, check_node, open_house

log = logging.getLogger(__name__)

_FIRST_STUDY_WITHIN_S = 300.0
_LINK_HOURS = 24.0
_FIRST_READER = "reader"
_USER_NAME = re.compile(r"[a-z][a-z0-9._-]{0,63}\Z")


# ---------------------------------------------------------------- up


def up(settings: Settings) -> int:
    """Start every part on this machine and supervise until told to end.

    Returns
    -------
    int
        0 when ended on request, 3 when a part could not be started.

    Raises
    ------
    ConfigurationError
        Another `triage up` runs on this data folder, or the folder cannot be used.
    """
    from triage.engine.runner import Runner

    house = open_house(settings)
    with _only_one(settings.data):
        # Both schemas stand before any part starts, so that none of them waits for another.
        Runner(house.store, wiring.registry_of(house), executor_id="up").prepare()
        command = [sys.executable, "-m", "triage.cli"]
        parts = [
            Part("receive", [*command, "receive"]),
            Part("serve", [*command, "serve"]),
            Part("work", [*command, "work", "--queues", "cpu"]),
        ]
        if _is_installed("torch"):
            # A process of its own: training must not hold up reading.
            parts.append(Part("train", [*command, "work", "--queues", "train"]))
        return Supervisor(parts, lambda: _welcome(house)).run()


def _only_one(data: Path) -> TextIO:
    lock = (data / "up.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise ConfigurationError(
            f"`triage up` runs already on {data}; stop it, or set TRIAGE_DATA to another folder"
        ) from error
    return lock


def _welcome(house: House) -> None:
    """Say that everything accepts work; on the first start, with a study to read."""
    with house.store.reading() as uow:
        is_first = not upkeep_rows.has_studies(uow)
    if is_first and house.settings.demo == "on":
        _bring_first_study(house)
    print(f"ready {_address(house.settings)}", flush=True)
    for who, link in first_login_links(house).items():
        print(f"first login as {who} (once, within {_LINK_HOURS:g} h): {link}", flush=True)


def _bring_first_study(house: House) -> None:
    print("first start: making one phantom CT, so that there is a study to read", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="triage-phantom-") as folder:
            # In a process of its own: making it takes memory that this one would keep.
            verb = [sys.executable, "-m", "triage.cli", "phantom", f"{folder}/ct"]
            subprocess.run(verb, check=True, stdout=subprocess.DEVNULL)
            wiring.import_paths(house.settings, [Path(folder) / "ct"])
        _await_study(house)
    except (TriageError, subprocess.CalledProcessError) as error:
        log.warning("the phantom study is missing: %s", error)


def _await_study(house: House) -> None:
    deadline = time.monotonic() + _FIRST_STUDY_WITHIN_S
    while time.monotonic() < deadline:
        with house.store.reading() as uow:
            state = upkeep_rows.newest_state(uow)
        if state not in (None, "receiving", "incomplete", "running"):
            return
        time.sleep(0.25)
    log.warning("the phantom study is still being read")


def _address(settings: Settings) -> str:
    scheme = "https" if settings.tls_cert else "http"
    return f"{scheme}://{settings.bind}:{settings.http_port}"


# ---------------------------------------------------------------- accounts


def first_login_links(house: House) -> dict[str, str]:
    """Make new one-time links while nobody has a password; none afterwards.

    Returns
    -------
    dict
        Account to link: the administrator, and for the demonstration a reader, since an
        administrator does not decide findings.
    """
    token, digest = new_token()
    with house.store.unit_of_work() as uow:
        offered = account_rows.offer_first_login(uow, digest, now(), hours=_LINK_HOURS)
        if not offered:
            return {}
        is_new = house.settings.demo == "on" and account_rows.user(uow, _FIRST_READER) is None
        if is_new:
            _add(uow, _FIRST_READER, access.Role.RADIOLOGIST.value)
    links = {account_rows.FIRST_ADMIN: _link(house.settings, token)}
    if house.settings.demo == "on":
        links[_FIRST_READER] = _login_link(house, _FIRST_READER)
    return links


def add_user(settings: Settings, name: str, role: str) -> str:
    """Add an account; the answer is its one-time login link.

    Raises
    ------
    Unprocessable
        The name or the role is not one.
    Conflict
        The name is taken.
    """
    if not _USER_NAME.match(name):
        raise Unprocessable("a user name is lower-case letters, digits, dot, dash, underscore")
    _check_role(role)
    house = open_house(settings)
    with house.store.unit_of_work() as uow:
        _add(uow, name, role)
    return _login_link(house, name)


def _add(uow: UnitOfWork, name: str, role: str, display_name: str = "") -> None:
    account_rows.add_user(
        uow, name, role, display_name=display_name, password_hash="", actor="command line"
    )


def new_login_link(settings: Settings, name: str) -> str:
    """Make a one-time link with which a user sets a new password."""
    house = open_house(settings)
    with house.store.reading() as uow:
        if account_rows.user(uow, name) is None:
            raise NotFound(f"no account named {name}", code="no_such_user")
    return _login_link(house, name)


def _login_link(house: House, name: str) -> str:
    token, digest = new_token()
    expires = now() + timedelta(hours=_LINK_HOURS)
    with house.store.unit_of_work() as uow:
        kind = account_rows.FIRST_LOGIN
        account_rows.add_credential(uow, kind, name, digest, expires_at=expires)
    return _link(house.settings, token)


def _link(settings: Settings, token: str) -> str:
    return f"{_address(settings)}/login#first={token}"


def create_token(settings: Settings, role: str, name: str) -> str:
    """Make a bearer token of its own account ``token-<name>``; it is shown once."""
    _check_role(role)
    house = open_house(settings)
    token, digest = new_token()
    account = f"token-{name}"
    with house.store.unit_of_work() as uow:
        _add(uow, account, role, display_name=name)
        account_rows.add_credential(
            uow, account_rows.TOKEN, account, digest, expires_at=None, label=name
        )
    return token


def _check_role(role: str) -> None:
    known = [one.value for one in access.Role]
    if role not in known:
        raise Unprocessable(f"no role {role!r}; one of {', '.join(known)}")


# ---------------------------------------------------------------- verify and doctor


def verify(settings: Settings) -> dict[str, Any]:
    """Compare every row with its file, and every file with its name and its rows.

    Returns
    -------
    dict
        ``{ok, instances, missing, changed, orphans}``; the last three name keys.
    """
    house = open_house(settings)
    with house.store.reading() as uow:
        named = upkeep_rows.instance_keys(uow)
        set_aside = upkeep_rows.quarantine_keys(uow)
        other = upkeep_rows.other_keys(uow)
    missing, changed = [], []
    for files, keys in ((house.files, named | other), (house.quarantine, set_aside)):
        for key in sorted(keys):
            if not files.path_of(key).exists():
                missing.append(key)
            elif not files.verify(key):
                changed.append(key)
    return {
        "ok": not missing and not changed,
        "instances": len(named),
        "quarantined": len(set_aside),
        "missing": missing,
        "changed": changed,
    }


def doctor(settings: Settings) -> list[dict[str, Any]]:
    """Check what a first start needs; each answer is ok or names the mend."""
    checks: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("data folder", _check_data),
        ("database", _check_database),
        ("HTTP port", lambda s: _check_free(s.bind, s.http_port, "TRIAGE_HTTP_PORT")),
        ("DICOM port", lambda s: _check_free(s.dicom_bind, s.dicom_port, "TRIAGE_DICOM_PORT")),
        ("DICOM callers", _check_callers),
        ("model", _check_model),
        ("runtime self-test", _check_runtime),
        ("page", _check_page),
        *((f"PACS {one.name}", _node_check(one.name)) for one in settings.pacs),
    )
    return [_one_check(name, check, settings) for name, check in checks]


def _one_check(name: str, check: Callable[[Settings], str], settings: Settings) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "message": check(settings)}
    except TriageError as error:
        return {"name": name, "ok": False, "message": error.message}


def _node_check(name: str) -> Callable[[Settings], str]:
    return lambda settings: check_node(settings, name)


def _check_data(settings: Settings) -> str:
    settings.data.mkdir(parents=True, exist_ok=True)
    free_mb = shutil.disk_usage(settings.data).free >> 20
    if free_mb <= settings.disk_reserve_mb:
        raise ConfigurationError(
            f"{free_mb} MB free, {settings.disk_reserve_mb} MB are the reserve: free disk space"
        )
    return f"{free_mb} MB free"


def _check_database(settings: Settings) -> str:
    with open_house(settings).store.reading() as uow:
        return f"{upkeep_rows.study_count(uow)} studies"


def _check_free(host: str, port: int, setting: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        if probe.connect_ex(("127.0.0.1" if is_loopback(host) else host, port)) == 0:
            return f"{port} is in use, by this product if it is running; else set {setting}"
    return f"{port} is free"


def _check_callers(settings: Settings) -> str:
    if not settings.loopback_only and not settings.pacs:
        raise ConfigurationError(
            "the DICOM door is open to the network, but no [[pacs]] node is listed: nobody may send"
        )
    return "any on this machine" if settings.loopback_only else f"{len(settings.pacs)} listed"


def _check_model(settings: Settings) -> str:
    from triage.detect import model_folder

    model = model_folder.open_model(wiring.champion_of(open_house(settings)).folder())
    return f"{model.name} {model.version}, digest {model.digest[:12]}"


def _check_runtime(settings: Settings) -> str:
    from triage.detect import model_folder, runtimes

    model = model_folder.open_model(wiring.champion_of(open_house(settings)).folder())
    return f"{runtimes.choose(settings.runtime, model).name} answers like the stored tile"


def _check_page(_settings: Settings) -> str:
    if not (wiring.WEB_ROOT / "index.html").is_file():
        raise ConfigurationError("the page is not built: make setup")
    return "built"


# ---------------------------------------------------------------- models, training, benchmarks


def models(settings: Settings) -> list[dict[str, Any]]:
    """The models at hand: those of the registry, and released ones that never read here."""
    from triage.detect import model_folder

    house = open_house(settings)
    with house.store.reading() as uow:
        rows = [(row, row.digest) for row in learning_rows.models(uow)]
    champion = wiring.champion_of(house)
    found: list[dict[str, Any]] = []
    for row, digest in rows:
        released = row.evidence == learning_rows.RELEASED
        folder = model_folder.locate(row.folder) if released else champion.of(digest)
        said = {"digest": digest, "state": row.state, "evidence": row.evidence}
        found.append({**_is_intact(folder), **said})
    known = {digest for _, digest in rows}
    reads = "pinned" if settings.model else "released" if known else "champion"
    for root in model_folder.MODEL_ROOTS:
        for folder in sorted(p.parent for p in root.glob(f"*/{model_folder.ONNX_FILE}")):
            one = _is_intact(folder)
            if one.get("digest") not in known:
                found.append({**one, "state": reads, "evidence": learning_rows.RELEASED})
    return found


def _is_intact(folder: Path) -> dict[str, Any]:
    from triage.detect import model_folder

    try:
        model = model_folder.open_model(folder)
    except ModelError as error:
        return {"name": folder.name, "intact": error.message}
    return {"name": model.name, "version": model.version, "digest": model.digest, "intact": "ok"}


def train(arguments: Sequence[str]) -> int:
    """Run the training script, which needs the extra `train`; its exit code."""
    return _run_module("triage.learn.train", arguments)


def _run_module(name: str, arguments: Sequence[str]) -> int:
    _need_torch()
    return subprocess.run([sys.executable, "-m", name, *arguments], check=False).returncode


def _need_torch() -> None:
    if not _is_installed("torch"):
        raise ConfigurationError("training needs torch: run `make setup-train`")


def _is_installed(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


def bench(name: str) -> int:
    """Run a benchmark of the source tree."""
    tree = Path(__file__).resolve().parent.parent
    if not (tree / "benchmarks").is_dir():
        raise ConfigurationError("benchmarks run from a source tree; this is an installed package")
    from importlib import import_module

    sys.path.insert(0, str(tree))

    try:
        module = import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as error:
        raise NotBuiltYet(f"there is no benchmark {name!r}") from error
    return int(module.main())
