"""Which model reads studies now: the pinned one, the promoted one, or the released one."""

from __future__ import annotations

from pathlib import Path

from triage.detect import model_folder
from triage.store import learning_rows
from triage.store.session import Store

#: Challengers lie here, in the data folder, each under its digest.
FOLDER = "models"


class Champion:
    """Finds the folder of the model that reads studies.

    Parameters
    ----------
    store : Store
    data : Path
        The data folder.
    pinned : str
        `Settings.model`; when set, promotions change nothing.
    """

    def __init__(self, store: Store, data: Path, pinned: str = "") -> None:
        self._store = store
        self._data = data
        self.pinned = pinned

    def folder(self) -> Path:
        """Folder of the model that reads studies now.

        Raises
        ------
        ModelRefused
            The pinned or released model is not installed. A promoted model whose folder is gone
            is not replaced in silence: opening the folder fails, and says so.
        """
        if self.pinned:
            return model_folder.locate(self.pinned)
        with self._store.reading() as uow:
            row = learning_rows.champion(uow)
        if row is None or row.evidence == learning_rows.RELEASED:
            return model_folder.locate(row.folder if row else "")
        return self.of(row.digest)

    def of(self, digest: str) -> Path:
        """Folder of a model that was made here."""
        return self._data / FOLDER / digest
