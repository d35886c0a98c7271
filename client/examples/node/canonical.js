'use strict';
// The canonical encoding (docs/formats.md): everything that is signed, bound or hashed.
//
// A record is a sequence of fields, each u16 tag, u32 length, bytes; tags strictly ascending; tag 1
// is the version. There is exactly one encoding of a record. Protobuf carries these bytes, but is
// never signed itself.

class Malformed extends Error {}

function integer(size) {
  return (value) => {
    const out = Buffer.alloc(8);
    out.writeBigUInt64BE(BigInt(value));
    return out.subarray(8 - size);
  };
}
const u8 = integer(1);
const u16 = integer(2);
const u32 = integer(4);
const u64 = integer(8);

// A record of version 1 with these [tag, bytes]; a field whose bytes are null is absent.
function record(...fields) {
  const out = [];
  let last = 0;
  for (const [tag, value] of [[1, u16(1)], ...fields]) {
    if (value === null) continue;
    if (tag <= last) throw new Error('tags must ascend');
    last = tag;
    const bytes = Buffer.from(value);
    out.push(u16(tag), u32(bytes.length), bytes);
  }
  return Buffer.concat(out);
}

// A list as the bytes of one field.
function items(values) {
  const out = [u32(values.length)];
  for (const value of values) {
    const bytes = Buffer.from(value);
    out.push(u32(bytes.length), bytes);
  }
  return Buffer.concat(out);
}

// The fields of a record of version 1, Map of tag to bytes.
function fields(data) {
  const found = new Map();
  let last = 0;
  for (let at = 0; at < data.length; ) {
    if (data.length - at < 6) throw new Malformed('a field is cut off');
    const tag = data.readUInt16BE(at);
    const size = data.readUInt32BE(at + 2);
    at += 6;
    if (tag <= last || size > data.length - at) {
      throw new Malformed('tags do not ascend, or a field is cut off');
    }
    found.set(tag, data.subarray(at, at + size));
    last = tag;
    at += size;
  }
  const version = found.get(1);
  if (!version || !version.equals(u16(1))) throw new Malformed('not version 1');
  found.delete(1);
  return found;
}

function listOf(data) {
  if (data.length < 4) throw new Malformed('a list is cut off');
  const found = [];
  let at = 4;
  for (let count = data.readUInt32BE(0); count > 0; --count) {
    if (data.length - at < 4) throw new Malformed('a list is cut off');
    const size = data.readUInt32BE(at);
    at += 4;
    if (size > data.length - at) throw new Malformed('a list is cut off');
    found.push(data.subarray(at, at + size));
    at += size;
  }
  if (at !== data.length) throw new Malformed('something follows a list');
  return found;
}

// Takes a field out of the map; whoever has taken all that it knows calls nothingLeft().
function take(map, tag) {
  const value = map.get(tag);
  if (value === undefined) throw new Malformed(`field ${tag} is missing`);
  map.delete(tag);
  return value;
}
function takeNumber(map, tag, size) {
  const value = take(map, tag);
  if (value.length !== size) throw new Malformed('a number has another width');
  const number = BigInt('0x' + value.toString('hex'));
  if (number > BigInt(Number.MAX_SAFE_INTEGER)) throw new Malformed('a number is too large');
  return Number(number);
}
// A newer meaning must not be overlooked.
function nothingLeft(map) {
  if (map.size !== 0) throw new Malformed(`unknown fields ${[...map.keys()]}`);
}

// Ids and statements in text: lower-case base32 without padding.
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
function base32(data) {
  let bits = '';
  for (const byte of data) bits += byte.toString(2).padStart(8, '0');
  let out = '';
  for (let at = 0; at < bits.length; at += 5) {
    out += ALPHABET[parseInt(bits.slice(at, at + 5).padEnd(5, '0'), 2)];
  }
  return out;
}
function fromBase32(text) {
  let bits = '';
  for (const c of text) bits += ALPHABET.indexOf(c).toString(2).padStart(5, '0');
  const out = [];
  for (let at = 0; at + 8 <= bits.length; at += 8) out.push(parseInt(bits.slice(at, at + 8), 2));
  return Buffer.from(out);
}

module.exports = {
  Malformed, u8, u16, u32, u64, record, items, fields, listOf, take, takeNumber, nothingLeft,
  base32, fromBase32,
};
