#!/usr/bin/python3
"""The formats of this client against the project's fixed bytes: test_formats.py GOLDEN-FOLDER"""

import io
import sys
import unittest
from pathlib import Path

import canonical
import streaming
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from device import P256_ORDER
from statements import spki

GOLDEN = Path(sys.argv.pop())


def golden(name):
    lines = (GOLDEN / name).read_text().splitlines()
    pairs = (line.split(" = ", 1) for line in lines if " = " in line and line[0] != "#")
    return {key: bytes.fromhex(value) for key, value in pairs}


class StreamingTest(unittest.TestCase):
    def setUp(self):
        self.bytes = golden("streaming.txt")

    def decrypt(self, ciphertext):
        return b"".join(
            streaming.decrypt(
                self.bytes["key"], self.bytes["associated_data"], io.BytesIO(ciphertext)
            )
        )

    def test_golden_streams_open(self):
        self.assertEqual(self.decrypt(self.bytes["empty_ciphertext"]), b"")
        self.assertEqual(
            self.decrypt(self.bytes["small_ciphertext"]), self.bytes["small_plaintext"]
        )

    def test_streams_of_all_sizes_open_again(self):
        first = streaming.SEGMENT - streaming.HEADER - streaming.TAG
        for size in (0, 1, first - 1, first, first + 1, first + streaming.SEGMENT):
            plain = bytes(size)
            sealed = b"".join(
                streaming.encrypt(
                    self.bytes["key"], self.bytes["associated_data"], io.BytesIO(plain)
                )
            )
            self.assertEqual(self.decrypt(sealed), plain, size)

    def test_changed_and_cut_streams_are_refused(self):
        sealed = self.bytes["small_ciphertext"]
        flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
        for bad in (flipped, sealed[:-1], sealed[: streaming.HEADER], sealed[:3], b""):
            with self.assertRaises(streaming.Corrupt):
                self.decrypt(bad)

    def test_stream_cut_between_segments_is_refused(self):
        plain = bytes(2 * streaming.SEGMENT)
        sealed = b"".join(
            streaming.encrypt(
                self.bytes["key"], self.bytes["associated_data"], io.BytesIO(plain)
            )
        )
        with self.assertRaises(streaming.Corrupt):
            self.decrypt(sealed[: streaming.SEGMENT])


class CanonicalTest(unittest.TestCase):
    def test_record_has_the_golden_bytes(self):
        self.assertEqual(canonical.record(), golden("canonical.txt")["version_only"])

    def test_other_encodings_are_refused(self):
        good = canonical.record((2, b"a"), (3, b"b"))
        self.assertEqual(canonical.fields(good), {2: b"a", 3: b"b"})
        two, three = good[8:15], good[15:]
        for bad in (good[:-1], good + b"\0", good[:8] + three + two, good[8:], b""):
            with self.assertRaises(canonical.Malformed):
                canonical.fields(bad)

    def test_lists_end_where_they_say(self):
        self.assertEqual(canonical.list_of(canonical.items([b"", b"x"])), [b"", b"x"])
        for bad in (b"", canonical.items([b"x"])[:-1], canonical.items([b"x"]) + b"\0"):
            with self.assertRaises(canonical.Malformed):
                canonical.list_of(bad)

    def test_base32_is_lower_case_without_padding(self):
        self.assertEqual(canonical.base32(b"comity"), "mnxw22luPE".lower())
        self.assertEqual(canonical.from_base32("mnxw22lupe"), b"comity")


class RecoveryKeyTest(unittest.TestCase):
    def test_key_of_a_seed_is_the_golden_one(self):
        found = golden("seeded_keys.txt")
        wide = HKDF(hashes.SHA256(), 48, salt=None, info=b"derive EC key P-256").derive(
            found["seed"]
        )
        key = ec.derive_private_key(int.from_bytes(wide, "big") % P256_ORDER, ec.SECP256R1())
        self.assertEqual(spki(key.public_key()), found["p256_spki"])


if __name__ == "__main__":
    unittest.main()
