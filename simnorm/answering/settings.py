"""What an answer was asked for: the settings that all of its studies share."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from simnorm import store
from simnorm.design import canonical_json
from simnorm.errors import SimnormError, shown

QUICK, DEFAULT, THOROUGH = "quick", "default", "thorough"
LEVELS = (QUICK, DEFAULT, THOROUGH)

SETTINGS = store.ANSWER
# The same answer comes from another copy of a file, however it is written.
NOT_IN_IDENTITY = ("data", "na", "separator", "decimal")


@dataclass(frozen=True)
class Settings:
    """What was asked.

    Parameters
    ----------
    level
        ``quick``, ``default`` or ``thorough``.
    batch_size
        n, the batch size that the verdicts are about.
    full_size
        N: the rows of the data, or the size of a distribution's full set.
    names
        The columns of the data, or the distributions.
    seed
        Of all studies.
    data, data_sha256, na, separator, decimal
        Where the data come from, what they hold, and how they are read; empty for distributions.
    target
        The column of the data that holds the classes; empty if none is named.
    """

    level: str
    batch_size: int
    full_size: int
    names: tuple[str, ...]
    seed: int = 0
    data: str = ""
    data_sha256: str = ""
    target: str = ""
    na: str = "refuse"
    separator: str = ""
    decimal: str = "."

    def identity(self) -> str:
        """Return 8 hex digits that name the answer.

        Examples
        --------
        >>> len(Settings("quick", 32, 16_384, ("normal",)).identity())
        8
        """
        values = {k: v for k, v in asdict(self).items() if k not in NOT_IN_IDENTITY}
        return hashlib.sha256(canonical_json(values).encode()).hexdigest()[:8]

    def to_json(self) -> str:
        """Return the settings as JSON.

        Examples
        --------
        >>> settings = Settings("quick", 32, 16_384, ("normal",))
        >>> Settings.from_json(settings.to_json()) == settings
        True
        """
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Read the settings from JSON.

        Raises
        ------
        SimnormError
            If it is not such a file.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SimnormError("answer", str(error), "JSON is expected") from None
        kinds: dict[str, type] = {"batch_size": int, "full_size": int, "seed": int, "names": list}
        known = [f.name for f in fields(cls)]
        if not (
            isinstance(values, dict)
            and sorted(values) == sorted(known)
            and all(isinstance(value, kinds.get(key, str)) for key, value in values.items())
        ):
            raise SimnormError("answer", text, "these are not the settings of an answer")
        return cls(**(values | {"names": tuple(values["names"])}))

    @classmethod
    def from_folder(cls, folder: Path) -> Settings:
        """Read the settings of the answer that a folder holds.

        Raises
        ------
        SimnormError
            If it holds none.
        """
        try:
            text = (folder / SETTINGS).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            hint = "`simnorm answer` makes one."
            allowed = "a folder with an answer is needed"
            raise SimnormError("answer", str(folder), allowed, hint) from None
        return cls.from_json(text)

    def differences(self, other: Settings) -> list[str]:
        """Return in what two answers differ, a clause for each."""
        found = []
        for name, mine in asdict(self).items():
            theirs: Any = getattr(other, name)
            if name in NOT_IN_IDENTITY or mine == theirs:
                continue
            if name == "data_sha256":
                found.append("the numbers of the data are others")
            elif name == "names":
                found.append("other columns" if self.data else "other distributions")
            else:
                there, here = (
                    str(one) if len(str(one)) <= 60 else shown(one) for one in (theirs, mine)
                )
                found.append(f"{name.replace('_', ' ')} {there} there, {here} here")
        return found
