"""The canonical encoding (docs/formats.md): everything that is signed, bound or hashed.

A record is a sequence of fields, each u16 tag, u32 length, bytes; tags strictly ascending; tag 1 is
the version. There is exactly one encoding of a record, so two programs that agree on the values
agree on the bytes. Protobuf carries these bytes, but is never signed itself.
"""

import base64
import struct


class Malformed(Exception):
    """The bytes are no canonical record, or not of the expected kind."""


def u8(value):
    return struct.pack(">B", value)


def u16(value):
    return struct.pack(">H", value)


def u32(value):
    return struct.pack(">I", value)


def u64(value):
    return struct.pack(">Q", value)


def record(*fields):
    """A record of version 1 with these (tag, bytes) fields. A field whose bytes are None is absent."""
    out = b""
    last = 0
    for tag, value in ((1, u16(1)), *fields):
        if value is None:
            continue
        if tag <= last:
            raise ValueError("tags must ascend")
        last = tag
        out += u16(tag) + u32(len(value)) + value
    return out


def items(values):
    """A list as the bytes of one field."""
    return u32(len(values)) + b"".join(u32(len(v)) + v for v in values)


def fields(data):
    """The fields of a record of version 1, {tag: bytes}. Whoever uses them checks the tags."""
    found = {}
    last = 0
    at = 0
    while at < len(data):
        if len(data) - at < 6:
            raise Malformed("a field is cut off")
        tag, size = struct.unpack_from(">HI", data, at)
        at += 6
        if tag <= last or size > len(data) - at:
            raise Malformed("tags do not ascend, or a field is cut off")
        found[tag] = data[at : at + size]
        last = tag
        at += size
    if found.pop(1, None) != u16(1):
        raise Malformed("not version 1")
    return found


def list_of(data):
    """The items of a list field."""
    found = []
    if len(data) < 4:
        raise Malformed("a list is cut off")
    (count,) = struct.unpack_from(">I", data)
    at = 4
    for _ in range(count):
        if len(data) - at < 4:
            raise Malformed("a list is cut off")
        (size,) = struct.unpack_from(">I", data, at)
        at += 4
        if size > len(data) - at:
            raise Malformed("a list is cut off")
        found.append(data[at : at + size])
        at += size
    if at != len(data):
        raise Malformed("something follows a list")
    return found


def number(data, size):
    if len(data) != size:
        raise Malformed("a number has another width")
    return int.from_bytes(data, "big")


def base32(data):
    """Ids and statements in text: lower case, without padding."""
    return base64.b32encode(data).decode().rstrip("=").lower()


def from_base32(text):
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))
