"""`python -m local.templates_page`: writes the examples and the table of rules into docs/templates.md."""

import sys
from collections.abc import Sequence
from typing import Final

from local import ROOT
from local.marked import rows, with_part
from ops.templates.rules import BETWEEN, RULES
from ops.templates.rules.between import RuleBetween
from ops.templates.rules.rule import Rule

PAGE: Final = ROOT / "docs/templates.md"
EXAMPLES: Final = ROOT / "ops/examples"
KINDS: Final = {
    "text": "Text, with a URL and a phone number",
    "named": "Variables with names, and quick replies",
    "media": "A picture above the text; `VIDEO` and `DOCUMENT` alike",
    "location": "A place above the text",
    "coupon": "A code to copy",
    "limited_time_offer": "A limited-time offer",
    "carousel": "A carousel",
}


def examples() -> str:
    """Without the line for editors."""
    parts = []
    for name, title in KINDS.items():
        text = (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[2]
        parts.append(f"### {title}\n\n```yaml\n{text}```")
    return "\n\n".join(parts)


def rules() -> str:
    every: Sequence[Rule | RuleBetween] = (*RULES, *BETWEEN)
    cells = [[f"`{rule.name}`", "refuses" if rule.refuses else "warns", rule.words, rule.source] for rule in every]
    return rows([["rule", "", "says", "source"], *cells])


def with_parts(text: str) -> str:
    return with_part(with_part(text, "examples", f"\n{examples()}\n"), "rules", f"\n{rules()}\n")


def main() -> int:
    PAGE.write_text(with_parts(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
