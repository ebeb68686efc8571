"""Forms in parts, as files are sent in."""

from email.parser import BytesParser
from email.policy import HTTP

from local.sandbox.files import File


def parts_of(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, File]]:
    """The fields of a form, and its files."""
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    fields, files = {}, {}
    for part in message.iter_parts() if message.is_multipart() else []:
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename() is None:
            fields[name] = content.decode()
        else:
            files[name] = File(content, part.get_content_type(), part.get_filename() or "")
    return fields, files
