"""Objects: encrypted here, stored as ciphertext, named in sealed attributes only.

Each version has two data keys, which custody makes and wraps: one for its bytes, one for its
attributes. Storage keeps the wraps beside the ciphertext and cannot open them; custody opens them for
a device of the account and never sees what they encrypt.
"""

import io
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import streaming
from canonical import fields, number, record, u64
from comity.common.v1 import common_pb2
from comity.custody.v1 import custody_pb2
from comity.storage.v1 import storage_pb2

CONTENT_DATA = b"comity object v1"
ATTRIBUTES_DATA = b"comity attributes v1"
PAGE = 1000


class NoSuchObject(Exception):
    pass


@dataclass
class StoredObject:
    name: str
    size: int
    version: int
    record: storage_pb2.ObjectVersion


def _context(object_id, content_id, purpose):
    """What a wrap is bound to: it opens for this object, this ciphertext and this purpose only."""
    return common_pb2.EncryptionContext(
        object_id=object_id, content_id=content_id, purpose=purpose
    )


def _unwrap(connection, account, wanted):
    """Data keys for pairs (context, wrap)."""
    found = []
    for begin in range(0, len(wanted), 1000):  # a call takes at most 1,024
        request = custody_pb2.BatchUnwrapDataKeysRequest(
            account_id=account, reason=custody_pb2.USE_REASON_OWNER_ACCESS
        )
        for context, wrapped in wanted[begin : begin + 1000]:
            request.items.add(context=context, wrapped=wrapped)
        found += connection.call(connection.custody.BatchUnwrapDataKeys, request).plaintexts
    return found


def seal_attributes(key, content_id, name, modified_ms, size, version):
    plain = record(
        (16, name.encode()),
        (17, b""),  # content type
        (18, u64(modified_ms)),
        (19, u64(size)),
        (20, u64(version)),
    )
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, plain, ATTRIBUTES_DATA + content_id)


def open_attributes(key, content_id, sealed):
    """(name, size, version)"""
    try:
        plain = AESGCM(key).decrypt(sealed[:12], sealed[12:], ATTRIBUTES_DATA + content_id)
    except InvalidTag:
        raise streaming.Corrupt("the attributes do not verify") from None
    found = fields(plain)
    return found[16].decode(), number(found[19], 8), number(found[20], 8)


def list_objects(connection, account):
    """All objects of the account, {name: StoredObject}. Names are opened here, page by page."""
    found = {}
    request = storage_pb2.ListObjectsRequest(account_id=account, page_size=PAGE)
    while True:
        page = connection.call(connection.storage.ListObjects, request)
        wanted = [
            (
                _context(o.object_id, o.content_id, common_pb2.PURPOSE_ATTRIBUTES),
                o.wrapped_attributes_key,
            )
            for o in page.objects
        ]
        for object_, key in zip(page.objects, _unwrap(connection, account, wanted)):
            name, size, version = open_attributes(
                key, object_.content_id, object_.sealed_attributes
            )
            # The sealed number is the owner's own word: another one shows a rolled-back store.
            if version != object_.version:
                raise streaming.Corrupt("a version is not the one that its owner sealed")
            found[name] = StoredObject(name, size, version, object_)
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def put(connection, account, name, path):
    """Stores a file. The same name again makes the next version."""
    before = list_objects(connection, account).get(name)
    object_id = before.record.object_id if before else os.urandom(16)
    version = before.version if before else 0
    content_id = os.urandom(16)  # fresh with each put: it names this ciphertext
    keys = connection.call(
        connection.custody.BatchGenerateDataKeys,
        custody_pb2.BatchGenerateDataKeysRequest(
            account_id=account,
            reason=custody_pb2.USE_REASON_OWNER_ACCESS,
            contexts=[
                _context(object_id, content_id, common_pb2.PURPOSE_CONTENT),
                _context(object_id, content_id, common_pb2.PURPOSE_ATTRIBUTES),
            ],
        ),
    ).keys
    info = os.stat(path)
    header = storage_pb2.PutObjectHeader(
        request_id=os.urandom(16),
        account_id=account,
        object_id=object_id,
        content_id=content_id,
        expected_version=version,  # somebody else's put in between is a CONFLICT
        wrapped_content_key=keys[0].wrapped,
        wrapped_attributes_key=keys[1].wrapped,
        sealed_attributes=seal_attributes(
            keys[1].plaintext,
            content_id,
            name,
            int(info.st_mtime) * 1000,
            info.st_size,
            version + 1,
        ),
    )

    def messages():
        yield storage_pb2.PutObjectRequest(header=header)
        with open(path, "rb") as source:
            for piece in streaming.encrypt(keys[0].plaintext, CONTENT_DATA + content_id, source):
                yield storage_pb2.PutObjectRequest(chunk=piece)

    stored = connection.call(connection.storage.PutObject, messages(), timeout=None)
    return StoredObject(name, info.st_size, stored.object.version, stored.object)


class _Chunks(io.RawIOBase):
    """The chunks of a download as a file to read from."""

    def __init__(self, messages):
        self._messages = messages
        self._rest = b""

    def readable(self):
        return True

    def read(self, size=-1):
        while not self._rest:
            message = next(self._messages, None)
            if message is None:
                return b""
            self._rest = message.chunk
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


def get(connection, account, name, path):
    """Reads an object back into a file, which appears under its name only when all has verified."""
    stored = list_objects(connection, account).get(name)
    if stored is None:
        raise NoSuchObject(name)
    messages = connection.stream(
        connection.storage.GetObject,
        storage_pb2.GetObjectRequest(
            account_id=account,
            object_id=stored.record.object_id,
            version=stored.version,
        ),
    )
    version = next(messages).object
    (key,) = _unwrap(
        connection,
        account,
        [
            (
                _context(version.object_id, version.content_id, common_pb2.PURPOSE_CONTENT),
                version.wrapped_content_key,
            )
        ],
    )
    partial = f"{path}.part"
    try:
        with open(partial, "wb") as out:
            source = _Chunks(messages)
            for piece in streaming.decrypt(key, CONTENT_DATA + version.content_id, source):
                out.write(piece)
        os.replace(partial, path)
    finally:
        if os.path.exists(partial):
            os.remove(partial)
    return stored
