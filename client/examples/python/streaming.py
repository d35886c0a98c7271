"""Tink's streaming AEAD AES256_GCM_HKDF_1MB: how the bytes of an object are encrypted.

Header: length byte 40, salt (32), nonce prefix (7). The key of a stream is HKDF-SHA256 of the data
key with that salt and the associated data as info. Segments are AES-256-GCM; a segment of ciphertext
has 1 MiB, the first one including the header, the last one what is left. The nonce says which
segment it is and whether it is the last, so that nothing can be cut off, reordered or spliced.
"""

import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEGMENT = 1 << 20
HEADER = 40
TAG = 16


class Corrupt(Exception):
    """The ciphertext does not verify. What was decrypted before it is authentic, but incomplete."""


def _cipher(data_key, header, associated_data):
    derived = HKDF(hashes.SHA256(), 32, salt=header[1:33], info=associated_data).derive(data_key)
    return AESGCM(derived)


def _nonce(header, segment, last):
    return header[33:] + struct.pack(">IB", segment, 1 if last else 0)


def _pieces(source, first, others):
    """Pairs (piece, is it the last): `first` bytes, then `others` bytes each. Reads one ahead, since
    only then is it known whether a piece is the last. An empty source has one empty piece."""
    piece = _exactly(source, first)
    while True:
        following = _exactly(source, others) if len(piece) in (first, others) else b""
        yield piece, not following
        if not following:
            return
        piece = following


def _exactly(source, size):
    data = b""
    while len(data) < size:
        more = source.read(size - len(data))
        if not more:
            break
        data += more
    return data


def encrypt(data_key, associated_data, source):
    """Yields ciphertext of the file `source`, in pieces of at most 1 MiB."""
    header = bytes([HEADER]) + os.urandom(32 + 7)
    cipher = _cipher(data_key, header, associated_data)
    pieces = _pieces(source, SEGMENT - HEADER - TAG, SEGMENT - TAG)
    for segment, (plain, last) in enumerate(pieces):
        sealed = cipher.encrypt(_nonce(header, segment, last), plain, None)
        yield header + sealed if segment == 0 else sealed


def decrypt(data_key, associated_data, source):
    """Yields verified plaintext of the ciphertext file `source`."""
    header = _exactly(source, HEADER)
    if len(header) != HEADER or header[0] != HEADER:
        raise Corrupt("no header")
    cipher = _cipher(data_key, header, associated_data)
    for segment, (sealed, last) in enumerate(_pieces(source, SEGMENT - HEADER, SEGMENT)):
        try:
            yield cipher.decrypt(_nonce(header, segment, last), sealed, None)
        except InvalidTag:
            raise Corrupt(f"segment {segment} does not verify") from None
