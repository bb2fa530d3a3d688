"""A real archive for tests: Orthanc of the Debian package, on free ports, in a temporary folder.

Use::

    from tests.peers.orthanc import Orthanc
    archive = Orthanc(tmp_path / "orthanc", {"TRIAGE": free_port()})
    archive.start()
    archive.node("pacs")        # the [[pacs]] block that names it
    archive.instances()         # parsed objects it holds
    archive.stop()
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from tests.ports import free_port
from triage.settings import PacsNode

PROGRAM = shutil.which("Orthanc")
READY_WITHIN_S = 120.0
AE_TITLE = "ORTHANC"


class Orthanc:
    """One archive that may be started and stopped; what it holds survives.

    Parameters
    ----------
    folder : Path
        Made when missing.
    modalities : mapping of str to int
        AE titles that may query it, with their port.
    **options
        Further settings of its configuration.
    """

    def __init__(self, folder: Path, modalities: Mapping[str, int], **options: Any) -> None:
        if PROGRAM is None:
            pytest.skip("Orthanc is not installed (apt-get install orthanc)")
        self.folder = folder
        self.dicom_port, self.http_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "storage").mkdir(parents=True)
        settings: dict[str, Any] = {
            "Name": "test archive",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "Plugins": [],
            "DicomAet": AE_TITLE,
            "DicomPort": self.dicom_port,
            "HttpPort": self.http_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomAlwaysAllowEcho": True,
            "DicomAlwaysAllowStore": True,
            "DicomAlwaysAllowFind": True,
            "DicomModalities": {
                title: [title, "127.0.0.1", port] for title, port in modalities.items()
            },
        }
        self._configuration = folder / "orthanc.json"
        self._configuration.write_text(json.dumps({**settings, **options}))

    def start(self) -> Orthanc:
        """Start it and wait until it answers."""
        # Its answers are two small writes: without TCP_NODELAY each one waits 40 ms.
        environment = {**os.environ, "TCP_NODELAY": "1"}
        self.process = subprocess.Popen(
            [str(PROGRAM), str(self._configuration)],
            env=environment,
            stdout=(self.folder / "log").open("ab"),
            stderr=subprocess.STDOUT,
        )
        deadline, pause = time.monotonic() + READY_WITHIN_S, threading.Event()
        while True:
            try:
                httpx.get(f"{self.url}/system", timeout=10).raise_for_status()
                return self
            except httpx.HTTPError:
                log = (self.folder / "log").read_text(errors="replace")
                assert self.process.poll() is None, log[-2000:]
                assert time.monotonic() < deadline, log[-2000:]
                pause.wait(0.05)

    def stop(self) -> None:
        """End it; nothing happens when it is not running."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    @property
    def url(self) -> str:
        """Of its REST API."""
        return f"http://127.0.0.1:{self.http_port}"

    def node(self, name: str) -> PacsNode:
        """The node settings that name it as a destination of reports."""
        return PacsNode(
            name=name,
            ae_title=AE_TITLE,
            host="127.0.0.1",
            port=self.dicom_port,
            roles=frozenset({"destination"}),
            outputs=("sr3d",),
        )

    def toml(self, name: str, port: int | None = None) -> str:
        """The same as a block of ``triage.toml``; `port` of a gate in front of it, if any."""
        return (
            f'[[pacs]]\nname = "{name}"\nae_title = "{AE_TITLE}"\nhost = "127.0.0.1"\n'
            f'port = {port or self.dicom_port}\nroles = ["destination"]\noutputs = ["sr3d"]\n'
        )

    def bytes_of(self, sop_uid: str) -> list[bytes]:
        """Every stored file with that SOP Instance UID."""
        found = httpx.post(f"{self.url}/tools/lookup", content=sop_uid).raise_for_status().json()
        return [
            httpx.get(f"{self.url}/instances/{one['ID']}/file").raise_for_status().content
            for one in found
            if one["Type"] == "Instance"
        ]

    def instances(self) -> list[Dataset]:
        """Everything it holds, parsed, oldest content first."""
        ids = httpx.get(f"{self.url}/instances").raise_for_status().json()
        files = [httpx.get(f"{self.url}/instances/{one}/file").content for one in ids]
        found = [dcmread(BytesIO(one)) for one in files]
        return sorted(found, key=lambda one: (one.ContentDate, one.ContentTime))
