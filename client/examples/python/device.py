"""A device of an account, as a private folder: the one that the `comity` command uses, too.

    device.key    P-256, PKCS#8 PEM        device.crt   self-signed, for TLS
    sealing.key   X25519, 32 bytes         sealing.pub  32 bytes
    account.json  what the device follows and signed

So `COMITY_HOME=... comity --profile NAME ls` and this client can take turns on one account.
"""

import datetime
import json
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID

from canonical import base32, from_base32, u8
from statements import Statement, sha256, sign, spki

CHAIN_ADD = 1
NO_ENTRY_BEFORE = bytes(32)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def account_id(device_spki):
    """An account is its first device key: nobody else can be it, and no authority can name one."""
    return sha256(b"comity account v1" + device_spki)[:20]


def recovery_key(code):
    """The key that the printed recovery code stands for (docs/formats.md)."""
    seed = HKDF(hashes.SHA256(), 32, salt=None, info=b"comity recovery key v1").derive(code)
    wide = HKDF(hashes.SHA256(), 48, salt=None, info=b"derive EC key P-256").derive(seed)
    return ec.derive_private_key(int.from_bytes(wide, "big") % P256_ORDER, ec.SECP256R1())


class Device:
    """A key, and a certificate that carries it through TLS."""

    def __init__(self, key, certificate):
        self.key = key
        self._certificate = certificate

    @staticmethod
    def generate():
        key = ec.generate_private_key(ec.SECP256R1())
        return Device(key, _self_signed(key))

    def private_key_pem(self):
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def certificate_pem(self):
        return self._certificate


class Profile:
    def __init__(self, folder):
        """Loads a profile."""
        self.folder = Path(folder)
        key = serialization.load_pem_private_key((self.folder / "device.key").read_bytes(), None)
        self.device = Device(key, (self.folder / "device.crt").read_bytes())
        saved = json.loads((self.folder / "account.json").read_text())
        self.deployment = saved["deployment"]
        self.account = from_base32(saved["account"])
        self.territory = saved["territory"]
        self.home_region = saved["home_region"]
        self.epoch = saved["epoch"]
        self.last_number = saved["last_number"]
        self.chain = [Statement.from_bytes(from_base32(s)) for s in saved["chain"]]
        self.statements = {
            type_: Statement.from_bytes(from_base32(s))
            for type_, s in saved["statements"].items()
        }

    @staticmethod
    def create(folder, deployment, device, now):
        """Makes a new account of this device. Its keys are on disk before anything is sent, so that a crash
        loses nothing. Gives the profile and its recovery code: show it once, store it nowhere."""
        folder = Path(folder)
        os.makedirs(folder, mode=0o700)
        sealing = x25519.X25519PrivateKey.generate()
        code = os.urandom(20)
        device_spki = spki(device.key.public_key())
        account = account_id(device_spki)
        raw = serialization.Encoding.Raw
        sealing_public = sealing.public_key().public_bytes(raw, serialization.PublicFormat.Raw)
        # Entry 0 of the device chain: the first device, and the recovery key.
        entry = sign(
            device.key,
            "account.chain",
            deployment,
            account,
            0,
            now,
            (16, u8(CHAIN_ADD)),
            (17, device_spki),
            (18, sealing_public),
            (19, spki(recovery_key(code).public_key())),
            (21, NO_ENTRY_BEFORE),
        )
        _write(folder / "device.key", device.private_key_pem())
        _write(
            folder / "sealing.key",
            sealing.private_bytes(
                raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
            ),
        )
        _write(folder / "sealing.pub", sealing_public)
        _write(folder / "device.crt", device.certificate_pem())
        saved = {
            "version": 1,
            "deployment": deployment,
            "account": base32(account),
            "territory": "",
            "home_region": "",
            "epoch": 0,
            "last_number": 0,
            "chain": [base32(entry.to_bytes())],
            "statements": {},
        }
        _write(folder / "account.json", json.dumps(saved, indent=2).encode() + b"\n")
        text = base32(code)
        return Profile(folder), "-".join(text[i : i + 4] for i in range(0, len(text), 4))

    def save(self):
        saved = {
            "version": 1,
            "deployment": self.deployment,
            "account": base32(self.account),
            "territory": self.territory,
            "home_region": self.home_region,
            "epoch": self.epoch,
            "last_number": self.last_number,
            "chain": [base32(s.to_bytes()) for s in self.chain],
            "statements": {t: base32(s.to_bytes()) for t, s in self.statements.items()},
        }
        _write(self.folder / "account.json", json.dumps(saved, indent=2).encode() + b"\n")

    def sign(self, type_, now, *body_fields):
        """A statement of this account with the next number, saved before it can leave: a number that
        was used for two statements would be evidence against the device."""
        statement = sign(
            self.device.key,
            type_,
            self.deployment,
            self.account,
            self.last_number + 1,
            now,
            *body_fields,
        )
        self.last_number += 1
        self.statements[type_] = statement
        self.save()
        return statement


def _self_signed(key):
    """Carries the key through TLS; nobody reads anything else in it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "comity device")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2017, 1, 1))
        .not_valid_after(datetime.datetime(2100, 1, 1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def _write(path, data):
    """Private, durable, and whole or not at all."""
    beside = path.with_name(path.name + ".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    os.replace(beside, path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
