"""What every BSP adapter has to do with the files that people send: one rule for "is there a file, and may it be asked
for again", one for what the file is, one for what it is called.

A part of `conformance.ProviderConformance`.
"""

import re
from abc import ABC, abstractmethod
from base64 import b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.support import sample_files
from tests.support.bsp import Answer as Scripted
from tests.support.services import services
from tests.support.world import World
from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.net.http import Answer, HttpClient
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.common.attachments import kind_of
from whatsapp_bridge.providers.contract.client import Client, NoFile
from whatsapp_bridge.providers.contract.inbound import Event, ReplyEvent
from whatsapp_bridge.providers.contract.replies import Attachment, Reply

CONTENT = b"\x00private file"


class Meaning(NamedTuple):
    retriable: bool
    once: bool = False
    alarm: bool = False


LATER, ACCOUNT, MISSING, NEVER = Meaning(True), Meaning(True, alarm=True), Meaning(True, once=True), Meaning(False)


def meaning_of_a_status(status: int, credentials: bool) -> Meaning:
    if status in (202, 407, 408, 409, 423, 425, 429, 499) or status >= 500:
        return LATER
    if status in (401, 402, 403):
        return ACCOUNT if credentials else MISSING
    return MISSING if status in (200, 204, 205, 404) or 300 <= status < 400 else NEVER


# A picture that no sender names, or that is named anyhow: its content says what it is.
VAGUE_TYPES: Mapping[str, Any] = {
    "none": None,
    "empty": "",
    "some bytes": "application/octet-stream",
    "some bytes, with parameters": "binary/octet-stream; charset=utf-8",
    "half a type": "image",
    "any image": "image/*",
    "no type": "private words",
}
PICTURES: Mapping[str, tuple[bytes, str, str]] = {
    "PNG": (sample_files.PNG, "image/png", "png"),
    "JPEG": (sample_files.JPEG, "image/jpeg", "jpg"),
    "WebP": (sample_files.WEBP, "image/webp", "webp"),
}

# Files in a message, in base64: of every kind of last group, with both signs that differ between the alphabets.
ODD_FILES = [sample_files.JPEG + b"\xfb\xff" + bytes(size) for size in range(3)]
ENCODINGS: Mapping[str, Callable[[bytes], str]] = {
    "usual": lambda raw: b64encode(raw).decode(),
    "without padding": lambda raw: b64encode(raw).decode().rstrip("="),
    "for addresses": lambda raw: urlsafe_b64encode(raw).decode(),
    "for addresses, without padding": lambda raw: urlsafe_b64encode(raw).decode().rstrip("="),
    "in lines": lambda raw: encodebytes(raw * 20).decode(),
    "data URI": lambda raw: f"data:image/png;base64,{b64encode(raw).decode()}",
    "data URI without a type": lambda raw: f"DATA:;base64,{b64encode(raw).decode()}",
    "data URI with parameters, for addresses": lambda raw: f"data:a/b;x=1;base64,{urlsafe_b64encode(raw).decode()}",
}

# A name as a person's device gives it, and the one that the file is offered under.
NAMES: Mapping[str, tuple[str, str]] = {
    "as it is": ("private bill.pdf", "private bill.pdf"),
    "in capitals": ("PRIVATE.PDF", "PRIVATE.PDF"),
    "a path upwards": ("../../srv/private.pdf", "private.pdf"),
    "a path of Windows": ("C:\\Users\\p\\private.pdf", "private.pdf"),
    "a drive letter": ("C:private.pdf", "private.pdf"),
    "a direction mark": ("private\u202efdp.pdf", "privatefdp.pdf"),
    "an isolate": ("\u2066private\u2069.pdf", "private.pdf"),
    "a zero-width space": ("pri\u200bvate.pdf", "private.pdf"),
    "a byte-order mark": ("\ufeffprivate.pdf", "private.pdf"),
    "a header": ("private\r\nX: y.pdf", "privateX: y.pdf"),
    "a zero": ("private.pdf\0.exe", "private.pdf.exe.pdf"),
    "hidden": (".private.pdf", "private.pdf"),
    "no extension": ("private bill", "private bill.pdf"),
    "a number behind a dot": ("private No.5", "private No.5.pdf"),
    "an extension of another type": ("private.png", "private.pdf"),
    "an extension that runs": ("private.exe", "private.exe.pdf"),
    "a path alone": ("../..", "file.pdf"),
    "none": ("", "file.pdf"),
}


class FileConformance(ABC):
    provider: ClassVar[str]
    files_come_inline: ClassVar[bool] = False
    """Whether a message from a person holds its file, so that there is none to fetch."""
    files_need_credentials: ClassVar[bool] = True
    """Whether the account's credentials go along when a file is fetched."""
    pages_are_refusals: ClassVar[bool] = False
    """Whether a page in a file's place is a refusal for good: the bridge has not the credentials to fetch it."""
    file_words: ClassVar[Mapping[str, tuple[Scripted, Meaning]]] = {}
    """The BSP's own errors in place of a file, and what they mean."""

    @abstractmethod
    def file_callback(self, kind: str, content: bytes, content_type: Any, name: Any = None) -> bytes:
        """A callback with one file (`image` or `file`) from a person, of this content type and name (None: without).
        It holds `content` if the BSP's messages do."""

    texts_have_no_type: ClassVar[bool] = False
    """Whether a message without a content type is a text."""

    def file_to_fetch(self) -> Attachment:
        """A person's image that has to be fetched."""
        if self.files_come_inline:
            pytest.skip("no file of this BSP's is fetched")
        return self.attachment(self.file_callback("image", CONTENT, "image/jpeg"))

    def attachment(self, raw: bytes) -> Attachment:
        """The file of the message in a callback."""
        (event,) = self.split(raw)
        assert isinstance(event, ReplyEvent)
        element = self.asking(HttpClient()).open(event.element)
        answer = registry.replies(self.provider).reply(element, self.account())
        assert isinstance(answer, Reply)
        assert answer.attachment is not None
        return answer.attachment

    def downloaded(self, attachment: Attachment, content: bytes, headers: Mapping[str, str] | None = None) -> File:
        return self.asking(_Answering(self._step_before, Answer(200, headers or {}, content))).download(attachment)

    # Of `ProviderConformance`.
    @abstractmethod
    def account(self, base_url: str = "https://bsp.example") -> Account: ...
    @abstractmethod
    def split(self, raw: bytes) -> list[Event]: ...
    @abstractmethod
    def world(self) -> AbstractContextManager[World]: ...
    @abstractmethod
    def deliver(self, made: World, raw: bytes) -> None: ...
    @abstractmethod
    def file_answer(self, url: str, content: bytes) -> Scripted: ...

    def asking(self, http: HttpClient) -> Client:
        return registry.client(self.provider)(self.account(), services(http))

    def failure(self, answer: Answer, *, at_once: bool) -> Meaning:
        """What becomes of the file if the first request (`at_once`), or the one for the file itself, is answered so."""
        asked = _Answering(lambda url: None if at_once else self._step_before(url), answer)
        with pytest.raises(NoFile) as caught:
            self.asking(asked).download(self.file_to_fetch())
        assert "private" not in f"{caught.value!r} {caught.value}"
        return Meaning(caught.value.retriable, caught.value.once, caught.value.alarm)

    def _step_before(self, url: str) -> Answer | None:
        answer = self.file_answer(url, CONTENT)
        return None if answer.content == CONTENT else Answer(answer.status, {}, answer.content)

    def answering(self, made: World, *failures: Answer, content: bytes = sample_files.PNG) -> None:
        """From now on the BSP gives these answers first, and then the file."""
        left = list(failures)

        def answer(url: str, payload: Any) -> Answer:
            if left:
                return left.pop(0)
            found = self.file_answer(url, content)
            return Answer(found.status, {}, found.content)

        made.bsp = made.files = answer

    # --- may it be asked for again? ----------------------------------------------------------------------------------

    @pytest.mark.parametrize("at_once", [True, False], ids=["the first request", "the file's"])
    @pytest.mark.parametrize("page", [b"", b"<html>private</html>", b'{"message": "private"}'])
    def test_every_status_in_place_of_a_file_means_the_same_at_every_bsp(self, page: bytes, at_once: bool) -> None:
        """The rules of `providers.answers`, as a table of their own: no adapter may differ in silence."""
        statuses = [status for status in range(201, 600) if status != 200]
        found = {status: self.failure(Answer(status, {}, page), at_once=at_once) for status in statuses}

        assert found == {status: meaning_of_a_status(status, self.files_need_credentials) for status in statuses}

    def test_an_empty_file_is_no_file(self) -> None:
        assert self.failure(Answer(200, {}, b""), at_once=False) == MISSING

    @pytest.mark.parametrize("at_once", [True, False], ids=["the first request", "the file's"])
    def test_the_bsps_own_error_decides_before_the_status(self, at_once: bool) -> None:
        found = {
            name: self.failure(Answer(answer.status, {}, answer.content), at_once=at_once)
            for name, (answer, _) in self.file_words.items()
        }
        assert found == {name: meaning for name, (_, meaning) in self.file_words.items()}

    def test_a_file_that_looks_like_an_error_is_a_file(self) -> None:
        for answer, _ in self.file_words.values():
            assert self.downloaded(self.file_to_fetch(), answer.content).content == answer.content

    def test_a_picture_survives_refusals_that_pass(self) -> None:
        passing = [answer for answer, meaning in self.file_words.values() if meaning == LATER]
        refusals = [Answer(each.status, {}, each.content) for each in (Scripted(503), *passing[:3])]
        with self.world() as made:
            self.answering(made, *refusals)
            self.deliver(made, self.file_callback("image", sample_files.PNG, "image/png"))
            made.pump()

            assert [reply["type"] for reply in made.replies] == ["image"]

    def test_a_picture_that_is_not_there_yet_is_asked_for_once_more(self) -> None:
        for missing in (Answer(404, {}, b""), Answer(200, {}, b"")):
            with self.world() as made:
                start = made.now
                self.answering(made, missing)
                self.deliver(made, self.file_callback("image", sample_files.PNG, "image/png"))
                made.pump()

                assert [reply["type"] for reply in made.replies] == ["image"]
                assert made.now - start < 10

    def test_a_picture_comes_when_maintenance_is_over(self) -> None:
        """A page with status 200 stands in the file's place for some minutes."""
        if self.files_come_inline:
            return
        page = Answer(200, {"content-type": "text/html"}, b"<!doctype html><title>private</title>We will be back soon")
        for times, types in ((3, ["text"] if self.pages_are_refusals else ["image"]), (100, ["text"])):
            with self.world() as made:
                self.answering(made, *[page] * times)
                self.deliver(made, self.file_callback("image", sample_files.PNG, "image/png"))
                made.pump()

                assert [reply["type"] for reply in made.replies] == types
                assert all(reply["image"]["mimeType"] == "image/png" for reply in made.replies if "image" in types)

    def test_a_page_that_somebody_has_sent_is_a_file(self) -> None:
        page = b"<html><body>private</body></html>"
        attachment = self.attachment(self.file_callback("file", page, "text/html", "private.html"))

        assert self.downloaded(attachment, page).content == page

    def test_a_refusal_of_the_account_is_tried_again_and_raises_an_alarm(
        self, counted: Callable[[], dict[str, int]]
    ) -> None:
        if self.files_come_inline or not self.files_need_credentials:
            return
        with self.world() as made:
            self.answering(made, Answer(401, {}, b""), Answer(403, {}, b""))
            self.deliver(made, self.file_callback("image", sample_files.PNG, "image/png"))
            made.pump()

            assert [reply["type"] for reply in made.replies] == ["image"]
            assert counted()["ProviderAccountAlarms"] == 2

    # --- what is it? -------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(("content", "content_type", "extension"), PICTURES.values(), ids=PICTURES.keys())
    @pytest.mark.parametrize("vague", VAGUE_TYPES.values(), ids=VAGUE_TYPES.keys())
    def test_a_picture_of_a_vague_type_is_the_image_it_is(
        self, vague: Any, content: bytes, content_type: str, extension: str
    ) -> None:
        if not vague and self.texts_have_no_type:
            return
        attachment = self.attachment(self.file_callback("image", content, vague))
        file = self.downloaded(attachment, content)

        assert (file.content, file.content_type) == (content, content_type)
        assert file.name.endswith(f".{extension}")
        assert "image" in ((kind_of(file.content_type),) if attachment.guessed else (attachment.kind,))

    def test_a_picture_of_a_vague_type_is_shown(self) -> None:
        with self.world() as made:
            self.answering(made)
            self.deliver(made, self.file_callback("image", sample_files.PNG, "application/octet-stream"))
            made.pump()

            (reply,) = made.replies
            assert (reply["type"], reply["image"]["mimeType"]) == ("image", "image/png")
            identifier = urlsplit(reply["image"]["mediaURL"]).path.rpartition("/")[2]
            bucket = next(iter(made.deployment.buckets.values()))
            shown = made.s3.get_object(Bucket=bucket, Key=f"media/acme/{identifier}")["ContentDisposition"]
            assert re.fullmatch(r'inline; filename="[^"]+\.png"; .*\.png', shown)

    def test_a_content_says_more_than_a_declared_type(self) -> None:
        attachment = self.attachment(self.file_callback("file", sample_files.PDF, "text/plain"))

        assert self.downloaded(attachment, sample_files.PDF).content_type == "application/pdf"

    @pytest.mark.parametrize("content", [CONTENT, b"private words"], ids=["no known content", "a text"])
    def test_where_the_content_says_nothing_the_header_does_and_then_the_bsp(self, content: bytes) -> None:
        attachment = self.attachment(self.file_callback("file", content, "application/vnd.private"))

        for header in ({}, {"content-type": "binary/octet-stream"}):
            assert self.downloaded(attachment, content, header).content_type == "application/vnd.private"
        if not self.files_come_inline:
            header = {"content-type": "Text/Calendar; charset=utf-8"}
            assert self.downloaded(attachment, content, header).content_type == "text/calendar"

    @pytest.mark.parametrize(("given", "expected"), NAMES.values(), ids=NAMES.keys())
    def test_a_file_is_saved_under_a_harmless_name(self, given: str, expected: str) -> None:
        raw = self.file_callback("file", sample_files.PDF, "application/pdf", given)

        name = self.downloaded(self.attachment(raw), sample_files.PDF).name
        # A name of the BSP's may take the place of none.
        assert name == expected or (not given and re.fullmatch(r"[\w-]+\.pdf", name))


class _Answering(HttpClient):
    """Answers as `first` says, where it says something, else with `answer`."""

    def __init__(self, first: Callable[[str], Answer | None], answer: Answer) -> None:
        super().__init__()
        self._first, self._answer = first, answer

    def request(self, method: str, url: str, *_: Any, **__: Any) -> Answer:
        return self._first(url) or self._answer

    def fetch(self, url: str, **_: Any) -> Answer:
        found = self.request("GET", url)
        return found if found.status == 200 else Answer(found.status, found.headers, b"")
