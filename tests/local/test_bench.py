"""The benchmark measures what it says, and its exit status is the truth."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from local import TEMPLATE
from local.bench import __main__ as program
from local.bench import memory, report, webhooks
from local.bench.cases import CASES, Case, secrets
from local.bench.interpreter import layer_distributions, make_interpreter
from local.bench.measure import WARM_EVENTS, Bench, BenchError, Sample
from local.bench.peers import Answers, Peers
from local.template import read_template

SEND = CASES[0]
ONE_CALL = Counter({"AmazonSQS.SendMessage": WARM_EVENTS})


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_interpreter(tmp_path_factory.mktemp("bench") / "python")


@pytest.fixture(scope="module")
def bench(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    log_path = tmp_path_factory.mktemp("bench") / "functions.log"
    with Peers(secrets) as peers, log_path.open("ab", buffering=0) as log:
        yield Bench(python, peers, log)


# --- measuring the real handlers --------------------------------------------------------------------------------------


def test_every_function_is_measured() -> None:
    deployment = read_template(TEMPLATE, stack="s", region="r", account_id="1", aws_url="http://127.0.0.1:9")
    assert {case.function for case in CASES} == set(deployment.functions)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_handler_and_floor_make_the_same_calls(bench: Bench, case: Case) -> None:
    handler, floor = bench.handler(case), bench.floor(case)
    cold, warm = report.lines(case, [handler], [floor])
    assert handler.calls == floor.calls
    # A link is signed without a call.
    assert handler.calls.total() > 0 or case.folder == "media"
    assert 0 < warm.handler.median < cold.handler.median
    assert 0 < warm.floor.median < cold.floor.median


def test_send_makes_one_call_per_message(bench: Bench) -> None:
    assert bench.handler(SEND).calls == ONE_CALL


@pytest.mark.parametrize("case", [case for case in CASES if case.folder == "send"], ids=lambda case: case.name)
def test_send_imports_only_what_it_uses(bench: Bench, case: Case) -> None:
    assert report.imports_check(case, bench.probe(case)).passed


@pytest.mark.parametrize(("known", "passed"), [(1.05, True), (1.06, False)])
def test_a_known_template_takes_hardly_longer(known: float, passed: bool) -> None:
    without = [Sample(1, 1)] * 3
    assert report.known_check(without, [Sample(1, known)] * 3).passed is passed


def test_probe_sees_what_others_import(bench: Bench) -> None:
    dispatch = next(case for case in CASES if case.function == "DispatchFunction")
    check = report.imports_check(dispatch, bench.probe(dispatch))
    assert not check.passed
    for name in ("requests", "whatsapp_bridge.providers.clickatell.client", "botocore's dynamodb"):
        assert name in check.found


def test_a_handler_that_does_not_succeed_is_not_measured(bench: Bench) -> None:
    with pytest.raises(BenchError, match="refused: the handler did not succeed"):
        bench.handler(Case("refused", "SendFunction", "send-bad-phone-number", SEND.succeeded))


def test_large_files_are_sent_within_their_memory(python: Path, tmp_path: Path) -> None:
    log_path = tmp_path / "functions.log"
    with Peers(secrets) as peers, log_path.open("ab", buffering=0) as log:
        checks = memory.checks(Bench(python, peers, log), peers)
    assert [check.name for check in checks if not check.passed] == []


def test_metas_largest_webhook_is_read_and_stored(python: Path, tmp_path: Path) -> None:
    log_path = tmp_path / "functions.log"
    with Peers(secrets) as peers, log_path.open("ab", buffering=0) as log:
        stored = webhooks.storing(Bench(python, peers, log), peers)
    assert "calls" in stored.found
    assert all("updates/s" in check.found for check in webhooks.parsing())
    assert len(webhooks._webhook()) in range(2_900_000, 3_000_001)


@pytest.mark.parametrize(("most", "passed"), [(0.0, False), (float("inf"), True)])
def test_a_webhook_that_is_read_too_slowly_misses_its_target(
    monkeypatch: pytest.MonkeyPatch, most: float, passed: bool
) -> None:
    monkeypatch.setattr(webhooks, "MAX_RATIO", most)
    assert [check.passed for check in webhooks.parsing()] == [passed] * 2


# --- the interpreter --------------------------------------------------------------------------------------------------


def test_names_of_pinned_distributions() -> None:
    text = "a-b==1.0 \\\n    --hash=sha256:00\n    # via c\nc.d==2 ; x\n\n# e==3\n"
    assert layer_distributions(text) == ["a-b", "c.d"]


@pytest.mark.parametrize(
    ("module", "found"),
    [
        pytest.param("pydantic", True, id="the layer's"),
        pytest.param("_cffi_backend", True, id="the layer's, single file"),
        pytest.param("awslambdaric", True, id="Lambda's"),
        pytest.param("runtime_client", True, id="Lambda's, single file"),
        pytest.param("moto", False, id="for development"),
        pytest.param("OpenSSL", False, id="for development, used by urllib3 where there"),
    ],
)
def test_interpreter_finds_what_a_deployed_function_finds(python: Path, module: str, found: bool) -> None:
    probe = f"import importlib.util; print(importlib.util.find_spec({module!r}) is not None)"
    run = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=True, env={})
    assert run.stdout.strip() == str(found)


# --- the peers --------------------------------------------------------------------------------------------------------


def test_peers_answer_aws_clients_and_count() -> None:
    with Peers(lambda url: {"s/accounts/a": f"secret at {url}"}) as peers:
        session = get_session()
        session.set_credentials("key", "secret")

        def client(service: str) -> Any:
            return session.create_client(service, region_name="eu-west-1", endpoint_url=peers.url)

        sent = client("sqs").send_message(QueueUrl=f"{peers.url}/1/q", MessageBody="ä")
        entries = [{"Id": "7", "MessageBody": "x" * 100_000}]
        batch = client("sqs").send_message_batch(QueueUrl=f"{peers.url}/1/q", Entries=entries)
        secret = client("secretsmanager").get_secret_value(SecretId="s/accounts/a")
        updated = client("dynamodb").update_item(TableName="t", Key={"pk": {"S": "x"}})
        calls = peers.calls()
        url = peers.url
    assert sent["MD5OfMessageBody"] == "8419b71c87a225a2c70b50486fbee545"
    assert [entry["Id"] for entry in batch["Successful"]] == ["7"]
    assert secret["SecretString"] == f"secret at {url}"
    assert updated["Attributes"] == {"pk": {"S": "x"}, "rung": {"N": "0"}}
    assert calls == {
        "AmazonSQS.SendMessage": 1,
        "AmazonSQS.SendMessageBatch": 1,
        "secretsmanager.GetSecretValue": 1,
        "DynamoDB_20120810.UpdateItem": 1,
    }


def test_peers_refuse_operations_they_do_not_know() -> None:
    status, body = Answers().answer("POST", "/", {"x-amz-target": "TrentService.Encrypt"}, b"{}")
    assert (status, body["__type"]) == (400, "UnknownOperationException")


# --- verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handler", "target", "passed"),
    [
        pytest.param([100.0, 135.0, 900.0], 1.35, True, id="the median on the target"),
        pytest.param([100.0, 136.0, 140.0], 1.35, False, id="above it"),
        pytest.param([100.0, 900.0, 900.0], None, True, id="no target"),
    ],
)
def test_ratio_of_medians(handler: list[float], target: float | None, passed: bool) -> None:
    line = report.Line("c", "cold", report.Spread.of(handler), report.Spread.of([50.0, 100.0, 300.0]), target)
    assert (line.ratio, line.passed) == (sorted(handler)[1] / 100, passed)


def test_one_process_that_called_more_does_not_count() -> None:
    slow = Sample(1, 1, ONE_CALL + Counter({"DynamoDB_20120810.GetItem": 1}))
    usual = Sample(1, 1, ONE_CALL)
    assert report.lines(SEND, [usual, usual, slow], [usual, slow, usual])


def test_floor_with_other_calls_is_refused() -> None:
    with pytest.raises(BenchError, match="its floor"):
        report.lines(SEND, [Sample(1, 1, ONE_CALL)], [Sample(1, 1, Counter())])


@pytest.mark.parametrize(
    ("calls", "passed"),
    [
        pytest.param([ONE_CALL, ONE_CALL], True, id="one each"),
        pytest.param([ONE_CALL, ONE_CALL + ONE_CALL], False, id="two in one process"),
        pytest.param([ONE_CALL, ONE_CALL + Counter({"secretsmanager.GetSecretValue": 1})], False, id="another once"),
        pytest.param([Counter()], False, id="none"),
    ],
)
def test_calls_of_send(calls: list[Counter[str]], passed: bool) -> None:
    assert report.calls_check(SEND, [Sample(1, 1, each) for each in calls]).passed is passed


DATA = "/x/botocore/data/{}/2012-11-05/service-2.json.gz"
USED = [DATA.format("sqs"), DATA.format("secretsmanager")]


@pytest.mark.parametrize(
    ("modules", "opened", "surplus"),
    [
        pytest.param(["json", "botocore.vendored.requests"], USED, None, id="nothing"),
        pytest.param(["cryptography"], USED, "cryptography", id="cryptography"),
        pytest.param(["requests.sessions"], USED, "requests.sessions", id="requests"),
        pytest.param(["whatsapp_bridge.store.keys"], USED, "whatsapp_bridge.store.keys", id="KMS"),
        pytest.param(["whatsapp_bridge.media.fetch"], USED, "whatsapp_bridge.media.fetch", id="files"),
        pytest.param([], [*USED, DATA.format("kms")], "botocore's kms", id="a KMS client"),
        pytest.param(
            ["whatsapp_bridge.providers.x.client"], USED, "whatsapp_bridge.providers.x.client", id="a BSP's client"
        ),
    ],
)
def test_imports_of_send(modules: list[str], opened: list[str], surplus: str | None) -> None:
    check = report.imports_check(SEND, {"modules": modules, "opened": opened})
    assert (check.passed, check.found) == (surplus is None, surplus or "only what it uses")


def test_a_probe_that_saw_nothing_proves_nothing() -> None:
    with pytest.raises(BenchError, match="the probe saw"):
        report.imports_check(SEND, {"modules": [], "opened": []})


# --- the program ------------------------------------------------------------------------------------------------------


class Measured:
    """Stands in for `Bench`: handlers take `handler` ms and floors 100, warm and cold."""

    def __init__(self, handler: float, error: bool = False) -> None:
        self._handler, self._error, self.measured = handler, error, Counter[str]()

    def handler(self, case: Case) -> Sample:
        if self._error:
            raise BenchError(f"{case.name}: broken")
        self.measured[case.name] += 1
        return Sample(self._handler, self._handler, ONE_CALL)

    def floor(self, case: Case) -> Sample:
        return Sample(100, 100, ONE_CALL)

    def probe(self, case: Case) -> dict[str, Any]:
        return {"modules": [], "opened": USED}


@pytest.mark.parametrize(
    ("measured", "status", "printed"),
    [
        pytest.param(Measured(110), 0, "ok", id="met"),
        pytest.param(Measured(140), 1, "MISSED", id="missed"),
        pytest.param(Measured(120, error=True), 2, "send template: broken", id="not measurable"),
    ],
)
def test_exit_status(
    measured: Measured,
    status: int,
    printed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(program, "Bench", lambda *_: measured)
    monkeypatch.setattr(program, "make_interpreter", lambda path: path)
    file = tmp_path / "found.json"

    assert program.main(["--runs", "7", "--function", "send", "--json", str(file)]) == status

    output = capsys.readouterr()
    assert printed in output.out + output.err
    if status < 2:
        # Run 0 does not count, but it happens.
        assert measured.measured == {"send template": 8, "send freeform": 8, "send template, known": 8}
        found = json.loads(file.read_text())
        assert (found["passed"], found["runs"], len(found["lines"]), len(found["checks"])) == (status == 0, 7, 6, 7)


@pytest.mark.parametrize("runs", ["0", "6", "x"])
def test_runs_are_enough_for_a_median(runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        program.main(["--runs", runs])
    assert exit_info.value.code == 2
    assert "--runs" in capsys.readouterr().err
