"""What WhatsApp takes as a template, row by row, each with its source."""

from typing import Final

from ops.templates.rules import between, marketing, placing, tapping, whole, wording
from ops.templates.rules.between import RuleBetween
from ops.templates.rules.rule import Rule

RULES: Final[tuple[Rule, ...]] = (
    *whole.RULES,
    *wording.RULES,
    *placing.RULES,
    *tapping.RULES,
    *marketing.RULES,
)
BETWEEN: Final[tuple[RuleBetween, ...]] = between.RULES
