'use strict';
// Signed statements (docs/formats.md): a body in canonical encoding, and signatures over it. Devices
// sign with ECDSA P-256, services and operators with Ed25519. A statement is believed because of who
// signed it, never because of who brought it.

const crypto = require('crypto');
const {
  Malformed, u8, u64, record, items, fields, listOf, take, takeNumber, nothingLeft,
} = require('./canonical');

class Untrusted extends Error {}

const ALGORITHMS = ['', 'SIGNATURE_ALGORITHM_ED25519', 'SIGNATURE_ALGORITHM_ECDSA_P256'];
const ED25519 = 1;
const ECDSA_P256 = 2;
const PREFIX = Buffer.from('comity statement v1\n');

const sha256 = (...parts) => {
  const hash = crypto.createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const spki = (publicKey) => publicKey.export({ type: 'spki', format: 'der' });

class Statement {
  constructor(body, signatures) {
    this.body = body;
    this.signatures = signatures; // {keyId, algorithm, signature}
  }

  digest() {
    return sha256(this.body);
  }

  toProto() {
    return {
      body: this.body,
      signatures: this.signatures.map((s) => ({
        key_id: s.keyId,
        algorithm: ALGORITHMS[s.algorithm],
        signature: s.signature,
      })),
    };
  }

  static fromProto(message) {
    return new Statement(
      message.body,
      message.signatures.map((s) => ({
        keyId: s.key_id,
        algorithm: ALGORITHMS.indexOf(s.algorithm),
        signature: s.signature,
      })),
    );
  }

  // The file form.
  toBytes() {
    const signatures = this.signatures.map((s) =>
      record([16, s.keyId], [17, u8(s.algorithm)], [18, s.signature]));
    return record([16, this.body], [17, items(signatures)]);
  }

  static fromBytes(data) {
    const outer = fields(data);
    const signatures = listOf(take(outer, 17)).map((item) => {
      const inner = fields(item);
      return {
        keyId: take(inner, 16),
        algorithm: takeNumber(inner, 17, 1),
        signature: take(inner, 18),
      };
    });
    return new Statement(take(outer, 16), signatures);
  }
}

// A device's statement about its account; `bodyFields` are [tag, bytes] from tag 16.
function sign(privateKey, type, deployment, account, number, time, ...bodyFields) {
  const keyId = sha256(spki(crypto.createPublicKey(privateKey)));
  const body = record(
    [2, type],
    [3, deployment],
    [4, ''], // the region of the issuer: devices belong to none
    [5, account],
    [6, keyId],
    [7, u64(number)],
    [8, u64(time)],
    [9, u64(0)], // never expires
    ...bodyFields,
  );
  const signature = crypto.sign('sha256', Buffer.concat([PREFIX, body]), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363', // r || s, 64 bytes
  });
  return new Statement(body, [{ keyId, algorithm: ECDSA_P256, signature }]);
}

// What a body says; nothing is verified by reading it. `body` holds the type's own fields: take
// them, then call nothingLeft().
function read(statement, type) {
  const body = fields(statement.body);
  const claim = {
    type: take(body, 2).toString(),
    deployment: take(body, 3).toString(),
    region: take(body, 4).toString(),
    subject: take(body, 5),
    issuer: take(body, 6), // a hint: the signatures count
    number: takeNumber(body, 7, 8),
    time: takeNumber(body, 8, 8),
    expiry: takeNumber(body, 9, 8),
    body,
  };
  if (claim.type !== type) throw new Malformed(`not a ${type}`);
  return claim;
}

// Does this key (DER SubjectPublicKeyInfo) sign the statement?
function verify(statement, keySpki) {
  const keyId = sha256(keySpki);
  const found = statement.signatures.find((s) => keyId.equals(s.keyId));
  if (!found) throw new Untrusted('the expected key did not sign');
  const key = crypto.createPublicKey({ key: Buffer.from(keySpki), format: 'der', type: 'spki' });
  const signed = Buffer.concat([PREFIX, statement.body]);
  const good =
    found.algorithm === ED25519 && key.asymmetricKeyType === 'ed25519'
      ? crypto.verify(null, signed, key, found.signature)
      : found.algorithm === ECDSA_P256 && key.asymmetricKeyType === 'ec'
        ? crypto.verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, found.signature)
        : false;
  if (!good) throw new Untrusted('a signature does not verify');
}

module.exports = { Untrusted, Statement, sha256, spki, sign, read, verify, nothingLeft };
