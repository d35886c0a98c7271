'use strict';
// Tink's streaming AEAD AES256_GCM_HKDF_1MB: how the bytes of an object are encrypted.
//
// Header: length byte 40, salt (32), nonce prefix (7). The key of a stream is HKDF-SHA256 of the data
// key with that salt and the associated data as info. Segments are AES-256-GCM; a segment of
// ciphertext has 1 MiB, the first one including the header. The nonce says which segment it is and
// whether it is the last, so that nothing can be cut off, reordered or spliced.

const crypto = require('crypto');

const SEGMENT = 1 << 20;
const HEADER = 40;
const TAG = 16;

class Corrupt extends Error {}

function streamKey(dataKey, header, associatedData) {
  const salt = header.subarray(1, 33);
  return Buffer.from(crypto.hkdfSync('sha256', dataKey, salt, associatedData, 32));
}

function nonceOf(header, segment, last) {
  const nonce = Buffer.alloc(12);
  header.copy(nonce, 0, 33);
  nonce.writeUInt32BE(segment, 7);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

// Cuts what `source` (an async iterable of Buffers) gives into `first` bytes, then `others` bytes
// each: [piece, is it the last]. One piece is held back, since only the end tells which is the last.
async function* pieces(source, first, others) {
  let held = [];
  let size = 0;
  let limit = first;
  for await (const chunk of source) {
    held.push(chunk);
    size += chunk.length;
    if (size <= limit) continue;
    let all = Buffer.concat(held);
    while (all.length > limit) {
      yield [all.subarray(0, limit), false];
      all = all.subarray(limit);
      limit = others;
    }
    held = [all];
    size = all.length;
  }
  yield [Buffer.concat(held), true];
}

async function* encrypt(dataKey, associatedData, source) {
  const header = Buffer.concat([Buffer.from([HEADER]), crypto.randomBytes(32 + 7)]);
  const key = streamKey(dataKey, header, associatedData);
  let segment = 0;
  for await (const [plain, last] of pieces(source, SEGMENT - HEADER - TAG, SEGMENT - TAG)) {
    const cipher = crypto.createCipheriv('aes-256-gcm', key, nonceOf(header, segment, last));
    const sealed = [cipher.update(plain), cipher.final(), cipher.getAuthTag()];
    yield Buffer.concat(segment === 0 ? [header, ...sealed] : sealed);
    segment += 1;
  }
}

// Gives verified plaintext only. When it throws, what came before is authentic but incomplete.
async function* decrypt(dataKey, associatedData, source) {
  let header = null;
  let key = null;
  let segment = 0;
  for await (const [piece, last] of pieces(source, SEGMENT, SEGMENT)) {
    let sealed = piece;
    if (header === null) {
      header = Buffer.from(piece.subarray(0, HEADER));
      if (header.length !== HEADER || header[0] !== HEADER) throw new Corrupt('no header');
      key = streamKey(dataKey, header, associatedData);
      sealed = piece.subarray(HEADER);
    }
    if (sealed.length < TAG) throw new Corrupt('a segment is cut off');
    const cipher = crypto.createDecipheriv('aes-256-gcm', key, nonceOf(header, segment, last));
    cipher.setAuthTag(sealed.subarray(sealed.length - TAG));
    const plain = cipher.update(sealed.subarray(0, sealed.length - TAG));
    try {
      cipher.final();
    } catch {
      throw new Corrupt(`segment ${segment} does not verify`);
    }
    yield plain;
    segment += 1;
  }
}

module.exports = { Corrupt, encrypt, decrypt };
