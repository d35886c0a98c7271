"""Signed statements (docs/formats.md): a body in canonical encoding, and signatures over it.

Devices sign with ECDSA P-256, services and operators with Ed25519. A statement is believed because
of who signed it, never because of who brought it.
"""

import hashlib
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from canonical import Malformed, fields, items, list_of, number, record, u8, u64
from comity.common.v1 import common_pb2

ED25519 = 1
ECDSA_P256 = 2
PREFIX = b"comity statement v1\n"


class Untrusted(Exception):
    """A signature is missing or does not verify, or the statement says something else."""


def sha256(data):
    return hashlib.sha256(data).digest()


def spki(public_key):
    """DER SubjectPublicKeyInfo: how public keys are written everywhere."""
    return public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@dataclass
class Statement:
    body: bytes
    signatures: list = field(default_factory=list)  # (key id, algorithm, 64 bytes)

    def digest(self):
        return sha256(self.body)

    def to_proto(self):
        message = common_pb2.Statement(body=self.body)
        for key_id, algorithm, signature in self.signatures:
            message.signatures.add(key_id=key_id, algorithm=algorithm, signature=signature)
        return message

    @staticmethod
    def from_proto(message):
        return Statement(
            message.body, [(s.key_id, s.algorithm, s.signature) for s in message.signatures]
        )

    def to_bytes(self):
        """The file form."""
        signatures = [
            record((16, key_id), (17, u8(algorithm)), (18, signature))
            for key_id, algorithm, signature in self.signatures
        ]
        return record((16, self.body), (17, items(signatures)))

    @staticmethod
    def from_bytes(data):
        outer = fields(data)
        signatures = []
        for item in list_of(outer[17]):
            inner = fields(item)
            signatures.append((inner[16], number(inner[17], 1), inner[18]))
        return Statement(outer[16], signatures)


def sign(key, type_, deployment, account, number_, time, *body_fields, expiry=0):
    """A device's statement about its account. `body_fields` are (tag, bytes) from tag 16."""
    key_id = sha256(spki(key.public_key()))
    body = record(
        (2, type_.encode()),
        (3, deployment.encode()),
        (4, b""),  # the region of the issuer: devices belong to none
        (5, account),
        (6, key_id),
        (7, u64(number_)),
        (8, u64(time)),
        (9, u64(expiry)),
        *body_fields,
    )
    der = key.sign(PREFIX + body, ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(der)
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return Statement(body, [(key_id, ECDSA_P256, signature)])


@dataclass
class Claim:
    """What a body says. Nothing is verified by reading it."""

    type: str
    deployment: str
    region: str
    subject: bytes
    number: int
    time: int
    expiry: int
    body: dict  # {tag: bytes} from tag 16


def read(statement, type_):
    """The claim, if it is of this type. Whoever reads the body takes its fields with `pop`, and what
    is left then was not understood: see `finish`."""
    found = fields(statement.body)
    try:
        claim = Claim(
            type=found.pop(2).decode(),
            deployment=found.pop(3).decode(),
            region=found.pop(4).decode(),
            subject=found.pop(5),
            number=number(found.pop(7), 8),
            time=number(found.pop(8), 8),
            expiry=number(found.pop(9), 8),
            body=found,
        )
        found.pop(6)  # the issuer's key id: a hint, the signatures count
    except KeyError as missing:
        raise Malformed(f"field {missing} is missing") from None
    if claim.type != type_:
        raise Malformed(f"not a {type_}")
    return claim


def finish(claim):
    """Refuses a body with fields that were not read: a newer meaning must not be overlooked."""
    if claim.body:
        raise Malformed(f"unknown fields {sorted(claim.body)}")


def verify(statement, key_spki):
    """Does this key sign the statement?"""
    for key_id, algorithm, signature in statement.signatures:
        if key_id != sha256(key_spki):
            continue
        key = serialization.load_der_public_key(key_spki)
        try:
            if algorithm == ED25519 and isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, PREFIX + statement.body)
                return
            if algorithm == ECDSA_P256 and isinstance(key, ec.EllipticCurvePublicKey):
                r = int.from_bytes(signature[:32], "big")
                s = int.from_bytes(signature[32:], "big")
                key.verify(
                    encode_dss_signature(r, s),
                    PREFIX + statement.body,
                    ec.ECDSA(hashes.SHA256()),
                )
                return
        except InvalidSignature:
            pass
        raise Untrusted("a signature does not verify")
    raise Untrusted("the expected key did not sign")
