"""All studies for one question: whether batch normalization replaces standardizing inputs."""

from __future__ import annotations

from simnorm.answering.running import Watcher, answer, is_answer, load_answer
from simnorm.answering.settings import Settings
from simnorm.answering.verdicts import WORDS, Verdict
from simnorm.answering.whole import STUDIES, Answer, Missing

__all__ = [
    "STUDIES",
    "WORDS",
    "Answer",
    "Missing",
    "Settings",
    "Verdict",
    "Watcher",
    "answer",
    "is_answer",
    "load_answer",
]
