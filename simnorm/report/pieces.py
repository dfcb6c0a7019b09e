"""Texts with symbols, words of code and references in them: lists of plain values.

`SYMBOLS` has every symbol as it reads without a formula editor; ``formulas.typ`` has the same names
with what a screen reader says and what is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Piece = str | Mapping[str, str]
Rich = str | Sequence[Piece]

SYMBOLS = {
    "n": "n",
    "N": "N",
    "k": "k",
    "R": "R",
    "T": "T",
    "s": "s",
    "t": "t",
    "z": "z",
    "abs-z": "|z|",
    "R-1": "R − 1",
    "half": "n = N/2",
    "batches": "k = ⌊N/n⌋",
    "mean": "Σ xᵢ / n",
    "biased_variance": "Σ (xᵢ − mean)² / n",
    "unbiased_variance": "Σ (xᵢ − mean)² / (n − 1)",
    "std(ddof=0)": "√(Σ (xᵢ − mean)² / n)",
    "std(ddof=1)": "√(Σ (xᵢ − mean)² / (n − 1))",
    "min": "smallest xᵢ",
    "max": "largest xᵢ",
    "range": "largest less smallest xᵢ",
    "median": "median of the xᵢ",
    "quantile": "order statistic of rank 1 + (n − 1) q, interpolated",
    "mad": "median of |xᵢ − median|",
    "iqr": "quantile of 0.75 less that of 0.25",
    "trimmed_mean": "mean of the order statistics g + 1 to n − g, g = ⌊p n⌋",
    "skewness": "m₃ / m₂^(3/2)",
    "excess_kurtosis": "m₄ / m₂² − 3",
    "moments": "mⱼ = Σ (xᵢ − mean)ʲ / n",
    "p": "p",
}

# Of verdicts: borne out, contradicted, true in part, no difference, not decided, not measured.
TONES = ("yes", "no", "part", "same", "open", "none")


def sym(name: str) -> Piece:
    """Return a symbol or a short formula of `SYMBOLS` by its name.

    Examples
    --------
    >>> sym("abs-z")
    {'sym': 'abs-z'}
    """
    if name not in SYMBOLS:
        raise KeyError(name)
    return {"sym": name}


def code(word: str) -> Piece:
    """Return a word as it is typed: an option, a file, an estimator."""
    return {"code": word}


def strong(words: str) -> Piece:
    """Return words in bold type."""
    return {"strong": words}


def badge(word: str, tone: str) -> Piece:
    """Return a verdict in a word, as a plate of a colour.

    Parameters
    ----------
    word
        What it says; readable without any colour.
    tone
        ``yes``, ``no``, ``part``, ``same``, ``open`` or ``none``: how it is coloured.
    """
    if tone not in TONES:
        raise KeyError(tone)
    return {"badge": word, "tone": tone}


def ref(target: str) -> Piece:
    """Return a linked reference to a figure, a table, a section or a chapter: ``Figure 3``.

    The article must have that target.
    """
    return {"ref": target}


def pieces(words: Rich) -> list[Piece]:
    """Return a text as a list of its pieces."""
    return [words] if isinstance(words, str) else list(words)


def plain(words: Rich, said: Mapping[str, str] | None = None) -> str:
    """Return a text without what sets it apart, for readers who cannot see it.

    Parameters
    ----------
    words
        The text.
    said
        What references are called by their targets; ``it`` unless told.

    Examples
    --------
    >>> plain(["Batches of ", sym("n"), " are in ", code("results.csv"), "."])
    'Batches of n are in results.csv.'
    """
    found = []
    for piece in pieces(words):
        if isinstance(piece, str):
            found.append(piece)
        elif "sym" in piece:
            found.append(SYMBOLS[piece["sym"]])
        elif "ref" in piece:
            found.append((said or {}).get(piece["ref"], "it"))
        else:
            found.append(next(iter(piece.values())))
    return "".join(found)


def without_nothing(words: Rich) -> Rich:
    """Return a text without empty pieces, as a string where it is only that.

    Spaces at both ends go, and two sentences keep one space between them.

    Examples
    --------
    >>> without_nothing(["One. ", "", " Two. ", ""])
    'One. Two.'
    """
    merged: list[Piece] = []
    for piece in pieces(words):
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] = f"{merged[-1]}{piece}"
        elif piece:
            merged.append(piece)
    # Plain spaces only: a figure space pads a number on purpose.
    found = [_single_spaced(one) if isinstance(one, str) else one for one in merged]
    if found and isinstance(found[0], str):
        found[0] = found[0].lstrip(" ")
    if found and isinstance(found[-1], str):
        found[-1] = found[-1].rstrip(" ")
    found = [piece for piece in found if piece]
    if all(isinstance(piece, str) for piece in found):
        return "".join(str(piece) for piece in found)
    return found


def _single_spaced(words: str) -> str:
    while "  " in words:
        words = words.replace("  ", " ")
    return words
