"""The smallest contents that are what they are called, made up by the formats' own rules."""


def _box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4) + kind + content


def iso_media(brand: bytes, *compatible: bytes) -> bytes:
    """A file of the ISO base media family: its `ftyp` box and an empty `mdat`."""
    return _box(b"ftyp", brand + bytes(4) + b"".join(compatible)) + _box(b"mdat", b"")


def compound_file(*streams: str) -> bytes:
    """A compound file (MS-CFB) whose directory names these streams."""
    directory = b"".join(stream.encode("utf-16-le").ljust(64, b"\0") for stream in ("Root Entry", *streams))
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0") + directory.ljust(512, b"\0")


def ogg(codec_head: bytes) -> bytes:
    """An Ogg stream's first page (RFC 3533, 6) with the codec's header."""
    return b"OggS\x00\x02" + bytes(20) + b"\x01" + bytes([len(codec_head)]) + codec_head


JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
MP4 = iso_media(b"isom", b"isomiso2avc1mp41")
THREE_GPP = iso_media(b"3gp4", b"isom3gp4")
M4A = iso_media(b"M4A ", b"M4A mp42isom")
AAC = b"\xff\xf1\x50\x80\x02\x1f\xfc"
AMR = b"#!AMR\n\x3c"
MP3 = b"\xff\xfb\x90\x64" + bytes(8)
MP3_WITH_TAG = b"ID3\x04\x00\x00" + bytes(4)
OPUS = ogg(b"OpusHead\x01\x01")
VORBIS = ogg(b"\x01vorbis")
PDF = b"%PDF-1.4\n%%EOF\n"
WORD = compound_file("WordDocument")
EXCEL = compound_file("Workbook")
OLD_EXCEL = compound_file("Book")
POWERPOINT = compound_file("PowerPoint Document")
TEXT = "Opening hours: 8\N{EN DASH}17\n".encode()

HEIC = iso_media(b"heic", b"mif1heic")
AVIF = iso_media(b"avif", b"mif1avif")
QUICKTIME = iso_media(b"qt  ", b"qt  ")
THREE_GPP2 = iso_media(b"3g2a", b"3g2aisom")
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8 "
GIF = b"GIF89a\x01\x00\x01\x00"
ZIP = b"PK\x03\x04\x14\x00"
HTML = b"\n<!DOCTYPE html>\n<html><title>Not found</title></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
XML = b'<?xml version="1.0"?><a/>'
RTF = rb"{\rtf1\ansi Hello}"
UTF_16 = "Hello".encode("utf-16")
