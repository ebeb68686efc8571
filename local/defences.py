"""Takes out each defence that the threat model names (docs/security.md), and sees its test fail.

Usage: python -m local.defences [words of a test's name]

The repository is copied; in the copy one defence after the other is taken out, its test is run, and the defence is put
back. A test that passes without its defence, or fails with it, is a finding.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from local import ROOT

_LAYER: Final = "layers/bridge/whatsapp_bridge"
_LEFT_OUT: Final = shutil.ignore_patterns(".git", ".venv", ".aws-sam", ".wheels", "__pycache__", ".*_cache")
_SECONDS: Final = 600


class Defence(NamedTuple):
    """In `file`, `right` defends; `wrong` in its place does not."""

    file: str
    right: str
    wrong: str


_AT_DEBUG: Final = "test_no_library_logs_below_warning_where_lambdas_level_is_debug"
# By the test that the threat model names.
DEFENCES: Final = {
    "tests/flows/test_accept.py::test_credentials": Defence(
        f"{_LAYER}/accounts/account.py",
        "for credentials in self.authorization) > 0",
        "for credentials in self.authorization) >= 0",
    ),
    "tests/flows/test_receive.py::test_forbidden": Defence(
        f"{_LAYER}/accounts/account.py", "return is_one_of(token, self.callback_tokens)", "return True"
    ),
    "tests/flows/test_receive.py::test_source_networks": Defence(
        f"{_LAYER}/accounts/account.py", "return not networks or is_in(networks, source)", "return True"
    ),
    "tests/providers/meta/test_inbound.py::test_signature": Defence(
        f"{_LAYER}/providers/meta/inbound.py", "return is_one_of(given,", "return True or is_one_of(given,"
    ),
    "tests/test_template.py::test_routes_have_limits_of_their_own": Defence(
        "template.yaml", "        GET /{account}/incoming/{token}: *callbacks\n", ""
    ),
    "tests/flows/test_strangers.py::test_ten_thousand_names_cost_no_more_than_the_budget": Defence(
        f"{_LAYER}/store/accounts.py", "if self._budget.take():", "if self._budget.take() or True:"
    ),
    "tests/flows/test_strangers.py::test_broken_elements": Defence(
        f"{_LAYER}/flows/quarantine.py", "if len(events) <= _MOST_BY_THEMSELVES:", "if len(events):"
    ),
    "tests/flows/test_show_media.py::test_nobody_signs_with_a_callback_token": Defence(
        f"{_LAYER}/media/links.py", "return is_one_of(signature, _signatures(keys, identifier, expires))", "return True"
    ),
    "tests/flows/test_outsider.py::test_having_the_api_key_used": Defence(
        f"{_LAYER}/providers/clickatell_common/downloads.py",
        "if not downloads.is_at(url, account.provider.base_url, dialect.media_path) or not _names_one_file(url):",
        "if not url:",
    ),
    "tests/flows/test_signing_key_rotation.py::test_a_key_that_has_leaked_is_replaced_at_once": Defence(
        f"{_LAYER}/store/signing.py", "self._keys = _keys_in(text())", "self._keys = (*_keys_in(text()), *self._keys)"
    ),
    "tests/media/test_links.py::test_it_opens_no_other": Defence(
        f"{_LAYER}/media/links.py", 'f"media-link:{keys.account}/{identifier}?{expires}"', 'f"media-link:{expires}"'
    ),
    "tests/media/test_links.py::test_no_link_is_good_for_longer_than_links_are": Defence(
        f"{_LAYER}/media/links.py", "not now < int(expires) <= now + longest", "not now < int(expires)"
    ),
    "tests/store/test_media.py::test_what_a_browser_may_show": Defence(
        f"{_LAYER}/store/media.py", '"inline" if content_type in _SHOWN else "attachment"', '"inline"'
    ),
    "tests/media/test_file_types.py::test_any_name_becomes_one_with_an_extension_and_no_path": Defence(
        f"{_LAYER}/media/file_types.py", '.rstrip("/").rpartition("/")[2]', '.rstrip("/")'
    ),
    "tests/providers/common/test_hidden_numbers.py::test_a_text_says_nothing": Defence(
        f"{_LAYER}/providers/common/hidden_numbers.py",
        "cipher.encrypt(number.rjust(MAX_DIGITS).encode(), [key.encode()])",
        "number.rjust(MAX_DIGITS).encode()",
    ),
    "tests/flows/test_privacy.py::test_no_conversation_leaves_a_trace_of_a_person": Defence(
        f"{_LAYER}/store/items.py", "{hidden(account, bsp_id)}", "{bsp_id}"
    ),
    "tests/flows/test_privacy.py::test_what_comes_of_a_person_comes_of_a_secret_too": Defence(
        f"{_LAYER}/providers/common/message_ids.py",
        "if not message_id.startswith(_OF_CONTENT):",
        "if True or not message_id.startswith(_OF_CONTENT):",
    ),
    f"tests/runtime/test_private_exceptions.py::{_AT_DEBUG}": Defence(
        f"{_LAYER}/runtime/observability.py", "logging.getLogger().setLevel(logging.WARNING)\n", ""
    ),
    "tests/test_template.py::test_stage_logs_no_personal_data": Defence(
        "template.yaml", '"routeKey":"$context.routeKey"', '"routeKey":"$context.path"'
    ),
    "tests/providers/message_central/test_kept_tokens.py::test_a_token_comes_back": Defence(
        f"{_LAYER}/providers/message_central/kept_tokens.py",
        "_cipher(account).encrypt(token.encode(), [place(account).encode()])",
        "token.encode()",
    ),
    "tests/test_template.py::test_a_function_may_do_what_the_table_says_and_no_more": Defence(
        "template.yaml", "Action: [sqs:ReceiveMessage, sqs:DeleteMessage, sqs:GetQueueAttributes]", "Action: sqs:*"
    ),
    "tests/test_template.py::test_the_bucket_is_private_and_encrypted": Defence(
        "template.yaml", "        RestrictPublicBuckets: true\n", ""
    ),
    "tests/net/test_fetch.py::test_not_public": Defence(
        f"{_LAYER}/net/connections.py", "return address.is_global and not address.is_multicast", "return True"
    ),
    "tests/providers/clickatell/test_encryption.py::test_freeform_and_url_are_encrypted": Defence(
        f"{_LAYER}/providers/clickatell_common/encryption.py",
        "return b64encode(iv + encryptor.update(padded) + encryptor.finalize()).decode()",
        "return text",
    ),
    "tests/local/test_callers.py::test_no_port_answers_a_web_page": Defence(
        "local/callers.py", "        if text:\n", "        if not text and text:\n"
    ),
    "tests/test_requirements.py::test_every_package_is_pinned_with_its_hashes": Defence(
        "Makefile", "--quiet --require-hashes -r requirements/dev.txt", "--quiet -r requirements/dev.txt"
    ),
}


def passes(root: Path, test: str) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", "-m", "", test]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{root / 'layers/bridge'}{os.pathsep}{root}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    run = subprocess.run(command, cwd=root, env=environment, capture_output=True, timeout=_SECONDS, check=False)
    if run.returncode not in (0, 1):
        raise RuntimeError(f"{test}: {run.stdout.decode()[-2000:]}{run.stderr.decode()[-2000:]}")
    return run.returncode == 0


def findings(root: Path, test: str, defence: Defence) -> list[str]:
    """What is wrong with the test of a defence, in the copy at `root`."""
    file = root / defence.file
    right = file.read_text(encoding="utf-8")
    if right.count(defence.right) < 1:
        return [f"{defence.file} has no such defence"]
    said = [] if passes(root, test) else ["fails with its defence"]
    file.write_text(right.replace(defence.right, defence.wrong), encoding="utf-8")
    try:
        return [*said, "passes without its defence"] if passes(root, test) else said
    finally:
        file.write_text(right, encoding="utf-8")


def main(words: list[str]) -> int:
    chosen = {test: defence for test, defence in DEFENCES.items() if all(word in test for word in words)}
    if not chosen:
        print(f"no test of the threat model has {' and '.join(words)} in its name", file=sys.stderr)
        return 1
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repository"
        shutil.copytree(ROOT, root, ignore=_LEFT_OUT)
        for test, defence in chosen.items():
            found = findings(root, test, defence)
            wrong += bool(found)
            print(f"{'; '.join(found) or 'fails without its defence, as it must'}: {test}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
