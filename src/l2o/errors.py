"""The one error that a user can mend: bad input, told in one line."""

from __future__ import annotations

from os import PathLike


class InputError(ValueError):
    """Bad input from outside the code: a file, a parameter, a missing download.

    Parameters
    ----------
    file : path of the file at fault (or the name of the source, such as ``environment``)
    key : the key inside it (a parameter, an HDF5 dataset, a column); "" if the file as a whole
    problem : what is wrong, with the value found and what is allowed
    remedy : what the user can do about it
    """

    def __init__(self, file: str | PathLike[str], key: str, problem: str, remedy: str) -> None:
        self.file, self.key, self.problem, self.remedy = str(file), key, problem, remedy
        where = f"{file}: {key}" if key else f"{file}"
        text = f"{where}: {problem}; {remedy}"
        super().__init__("".join(c if c.isprintable() else " " for c in text))
