"""A model served in this process: started once, self-tested, and honest about being down."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from triage.core.work import Health
from triage.detect import runtimes
from triage.detect.model_folder import open_model, promised_digest
from triage.detect.nodule import Detector
from triage.errors import ModelError
from triage.settings import RuntimeChoice


@dataclass
class Serving:
    """A runtime, started once per process and model, and why it is down when it is."""

    choice: RuntimeChoice
    model_folder: Callable[[], Path]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _detector: Detector | None = None
    _down: dict[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """SHA-256 that the model folder promises; "" when there is no model."""
        try:
            return promised_digest(self.model_folder())
        except ModelError:
            return ""

    def detector(self) -> Detector:
        """The served model.

        Raises
        ------
        ModelError
            What stands against it is kept, so that `health` knows.
        """
        with self._lock:
            digest = self.digest()
            if self._detector is None or self._detector.model.digest != digest:
                try:
                    model = open_model(self.model_folder())
                    self._detector = Detector(model, runtimes.choose(self.choice, model))
                except ModelError as error:
                    self._down[digest] = error.message
                    raise
            return self._detector

    def health(self) -> Health:
        """Cheap: installed, a model there, and no failed start before."""
        digest = self.digest()
        if not digest:
            return Health(up=False, message="no model is installed; see `triage models`")
        if digest in self._down:
            return Health(up=False, message=self._down[digest])
        if not runtimes.is_installed(self.choice):
            return Health(up=False, message=f"{self.choice.value} is not installed")
        return Health(up=True)
