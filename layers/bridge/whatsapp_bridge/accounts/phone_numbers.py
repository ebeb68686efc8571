"""One phone number in one form, to compare it with another.

Some countries have a digit that is part of a number in one place and left out in another: what CleverTap gives, what
WhatsApp knows a person by, and what a BSP reports may differ in it. Numbers are compared, and made pseudonyms of,
without it. What is sent to a BSP, and reported to CleverTap, stays as it came.

| country | the digit | numbers that have it |
|---|---|---|
| Brazil, 55 | a 9 before the eight digits of a mobile number, since 2012 to 2016 | those that had begun with 6 to 9 |
| Mexico, 52 | a 1 before the ten digits of a mobile number, until 2019; WhatsApp keeps it | all |
| Argentina, 54 | a 9 before the ten digits of a mobile number, when it is called from abroad | all |

A landline's number differs in more than that digit: in Brazil it begins with 2 to 5, in the other two countries a block
of numbers is of one kind. So the shorter form is nobody else's.

Sources: "About international phone number format", https://faq.whatsapp.com/1294841057948784 (Argentina, Mexico);
Anatel's Resolução nº 553/2010 and its "Nono dígito" (Brazil); the plans of ITU-T E.129 of the three countries.
"""

import re
from typing import Final

# By calling code. Patterns as texts: most numbers need none, and each takes a start of a function some time to compile.
_LONGER: Final = {
    "55": r"(55[1-9][0-9])9([6-9][0-9]{7})",
    "52": r"(52)1([0-9]{10})",
    "54": r"(54)9([0-9]{10})",
}


def canonical(number: str) -> str:
    """The form in which a number (digits, with the country code) is compared."""
    longer = _LONGER.get(number[:2])
    match = re.fullmatch(longer, number) if longer else None
    return match[1] + match[2] if match else number


def same(one: str, other: str) -> bool:
    return canonical(one) == canonical(other)
