'use strict';
// The formats of this client against the project's fixed bytes: node test_formats.js GOLDEN-FOLDER

const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { test } = require('node:test');

const canonical = require('./canonical');
const streaming = require('./streaming');
const textproto = require('./textproto');
const { recoverySpkiOfSeed } = require('./device');

const GOLDEN = process.argv[2];

function golden(name) {
  const found = {};
  for (const line of fs.readFileSync(path.join(GOLDEN, name), 'utf8').split('\n')) {
    const match = /^(\w+) = ([0-9a-f]*)$/.exec(line);
    if (match) found[match[1]] = Buffer.from(match[2], 'hex');
  }
  return found;
}

async function all(pieces) {
  const found = [];
  for await (const piece of pieces) found.push(piece);
  return Buffer.concat(found);
}
const stream = golden('streaming.txt');
const decrypt = (sealed) => all(streaming.decrypt(stream.key, stream.associated_data, [sealed]));
const encrypt = (plain) => all(streaming.encrypt(stream.key, stream.associated_data, [plain]));

test('golden streams open', async () => {
  assert.deepStrictEqual(await decrypt(stream.empty_ciphertext), Buffer.alloc(0));
  assert.deepStrictEqual(await decrypt(stream.small_ciphertext), stream.small_plaintext);
});

test('streams of all sizes open again', async () => {
  const first = (1 << 20) - 40 - 16;
  for (const size of [0, 1, first - 1, first, first + 1, first + (1 << 20)]) {
    assert.strictEqual((await decrypt(await encrypt(Buffer.alloc(size)))).length, size);
  }
});

test('changed and cut streams are refused', async () => {
  const sealed = stream.small_ciphertext;
  const flipped = Buffer.from(sealed);
  flipped[flipped.length - 1] ^= 1;
  const long = await encrypt(Buffer.alloc(2 << 20));
  for (const bad of [flipped, sealed.subarray(0, -1), sealed.subarray(0, 40), sealed.subarray(0, 3),
    Buffer.alloc(0), long.subarray(0, 1 << 20)]) {
    await assert.rejects(decrypt(bad), streaming.Corrupt);
  }
});

test('a record has the golden bytes', () => {
  assert.deepStrictEqual(canonical.record(), golden('canonical.txt').version_only);
});

test('other encodings are refused', () => {
  const good = canonical.record([2, 'a'], [3, 'b']);
  assert.deepStrictEqual([...canonical.fields(good).keys()], [2, 3]);
  const swapped = Buffer.concat([good.subarray(0, 8), good.subarray(15), good.subarray(8, 15)]);
  for (const bad of [good.subarray(0, -1), Buffer.concat([good, Buffer.from([0])]), swapped,
    good.subarray(8), Buffer.alloc(0)]) {
    assert.throws(() => canonical.fields(bad), canonical.Malformed);
  }
});

test('base32 is lower case without padding', () => {
  assert.strictEqual(canonical.base32(Buffer.from('comity')), 'mnxw22lupe');
  assert.strictEqual(canonical.fromBase32('mnxw22lupe').toString(), 'comity');
});

test('the key of a seed is the golden one', () => {
  const found = golden('seeded_keys.txt');
  assert.deepStrictEqual(recoverySpkiOfSeed(found.seed), found.p256_spki);
});

test('text format is read as a topology uses it', () => {
  const found = textproto.parse(
    'serial: 7 # a number\nregions { name: "us" }\nregions: { name: "c" \'n\' }\n' +
      'key: "\\000\\x41\\n\\"é"  kinds: [A, B];');
  assert.deepStrictEqual(found.serial, ['7']);
  assert.deepStrictEqual(found.regions.map((r) => r.name[0].toString()), ['us', 'cn']);
  assert.deepStrictEqual(found.key[0], Buffer.from('\0A\n"é'));
  assert.deepStrictEqual(found.kinds, ['A', 'B']);
  for (const bad of ['a {', 'a: [1', 'a: "b', 'a: ^']) {
    assert.throws(() => textproto.parse(bad), textproto.BadText);
  }
});
