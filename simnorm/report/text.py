"""The sentences of a report: pure functions of the tidy table.

Every number in them comes from the table. Where exact theory exists it is what a sentence quotes,
because it has no error bar; the estimate stands beside it in figures and tables.
"""

from __future__ import annotations

from simnorm.report.answers import (
    answer,
    needed_sentence,
    overview_alt,
    setting,
    shape_matters,
    subtitle,
    tiles,
    tiles_note,
)
from simnorm.report.findings.audit import (
    audit_finding,
    checked_words,
    intervals_sentence,
    trust,
    unmet,
    verdict,
)
from simnorm.report.findings.bias import (
    bias_finding,
)
from simnorm.report.findings.convergence import (
    convergence_finding,
)
from simnorm.report.findings.panels import (
    absolute_sentence,
    figure_heads,
    parts,
)
from simnorm.report.findings.rmse import (
    rmse_finding,
)
from simnorm.report.findings.variance import (
    variance_finding,
)
from simnorm.report.glance import (
    glance,
)
from simnorm.report.methods import (
    LAW_METHODS,
    MEANINGS,
    METHODS,
    cutting_method,
    cutting_sentence,
    data_sentence,
    failed_sentence,
    not_ok,
    remarks,
    scheme_sentence,
    status_sentence,
)
from simnorm.report.words import (
    IN_WORDS,
    TARGETS,
    TITLE,
    against,
    full_size,
    in_words,
    listed,
    off_by,
    sizes_text,
    title,
    unit_words,
    values_by_name,
    whole,
    z_text,
)

__all__ = [
    "IN_WORDS",
    "LAW_METHODS",
    "MEANINGS",
    "METHODS",
    "TARGETS",
    "TITLE",
    "absolute_sentence",
    "against",
    "answer",
    "audit_finding",
    "bias_finding",
    "checked_words",
    "convergence_finding",
    "cutting_method",
    "cutting_sentence",
    "data_sentence",
    "failed_sentence",
    "figure_heads",
    "full_size",
    "glance",
    "in_words",
    "intervals_sentence",
    "listed",
    "needed_sentence",
    "not_ok",
    "off_by",
    "overview_alt",
    "parts",
    "remarks",
    "rmse_finding",
    "scheme_sentence",
    "setting",
    "shape_matters",
    "sizes_text",
    "status_sentence",
    "subtitle",
    "tiles",
    "tiles_note",
    "title",
    "trust",
    "unit_words",
    "unmet",
    "values_by_name",
    "variance_finding",
    "verdict",
    "whole",
    "z_text",
]
