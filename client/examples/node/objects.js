'use strict';
// Objects: encrypted here, stored as ciphertext, named in sealed attributes only.
//
// Each version has two data keys, which custody makes and wraps: one for its bytes, one for its
// attributes. Storage keeps the wraps beside the ciphertext and cannot open them; custody opens them
// for a device of the account and never sees what they encrypt.

const crypto = require('crypto');
const fs = require('fs');
const { pipeline } = require('stream/promises');

const { u64, record, fields, take, takeNumber } = require('./canonical');
const streaming = require('./streaming');

const OWNER_ACCESS = 'USE_REASON_OWNER_ACCESS';
const CONTENT = 'PURPOSE_CONTENT';
const ATTRIBUTES = 'PURPOSE_ATTRIBUTES';
const contentData = (contentId) => Buffer.concat([Buffer.from('comity object v1'), contentId]);
const attributesData = (contentId) =>
  Buffer.concat([Buffer.from('comity attributes v1'), contentId]);

class NoSuchObject extends Error {}

// What a wrap is bound to: it opens for this object, this ciphertext and this purpose only.
const context = (object, purpose) =>
  ({ object_id: object.object_id, content_id: object.content_id, purpose });

// Data keys for {context, wrapped}; a call takes at most 1,024.
async function unwrap(connection, account, wanted) {
  const found = [];
  for (let begin = 0; begin < wanted.length; begin += 1000) {
    const answer = await connection.call(connection.custody, 'BatchUnwrapDataKeys', {
      account_id: account, reason: OWNER_ACCESS, items: wanted.slice(begin, begin + 1000),
    });
    found.push(...answer.plaintexts);
  }
  return found;
}

function sealAttributes(key, contentId, { name, modified, size, version }) {
  const plain = record(
    [16, name], [17, ''], [18, u64(modified)], [19, u64(size)], [20, u64(version)]);
  const nonce = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv('aes-256-gcm', key, nonce).setAAD(attributesData(contentId));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function openAttributes(key, contentId, sealed) {
  const end = sealed.length - 16;
  const cipher = crypto.createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
  cipher.setAAD(attributesData(contentId));
  cipher.setAuthTag(sealed.subarray(end));
  let plain;
  try {
    plain = Buffer.concat([cipher.update(sealed.subarray(12, end)), cipher.final()]);
  } catch {
    throw new streaming.Corrupt('the attributes do not verify');
  }
  const found = fields(plain);
  return {
    name: take(found, 16).toString(),
    size: takeNumber(found, 19, 8),
    version: takeNumber(found, 20, 8),
  };
}

// All objects of the account, Map of name to {name, size, version, record}.
async function list(connection, account) {
  const found = new Map();
  for (let token = ''; ; ) {
    const page = await connection.call(connection.storage, 'ListObjects', {
      account_id: account, page_size: 1000, page_token: token,
    });
    const keys = await unwrap(connection, account, page.objects.map((o) =>
      ({ context: context(o, ATTRIBUTES), wrapped: o.wrapped_attributes_key })));
    page.objects.forEach((object, i) => {
      const attributes = openAttributes(keys[i], object.content_id, object.sealed_attributes);
      // The sealed number is the owner's own word: another one shows a rolled-back store.
      if (attributes.version !== object.version) {
        throw new streaming.Corrupt('a version is not the one that its owner sealed');
      }
      found.set(attributes.name, { ...attributes, record: object });
    });
    token = page.next_page_token;
    if (!token) return found;
  }
}

// Stores a file. The same name again makes the next version.
async function put(connection, account, name, file) {
  const before = (await list(connection, account)).get(name);
  const object = {
    object_id: before ? before.record.object_id : crypto.randomBytes(16),
    content_id: crypto.randomBytes(16), // fresh with each put: it names this ciphertext
  };
  const version = before ? before.version : 0;
  const { keys } = await connection.call(connection.custody, 'BatchGenerateDataKeys', {
    account_id: account,
    reason: OWNER_ACCESS,
    contexts: [context(object, CONTENT), context(object, ATTRIBUTES)],
  });
  const info = fs.statSync(file);
  const header = {
    request_id: crypto.randomBytes(16),
    account_id: account,
    ...object,
    expected_version: version, // somebody else's put in between is a CONFLICT
    wrapped_content_key: keys[0].wrapped,
    wrapped_attributes_key: keys[1].wrapped,
    sealed_attributes: sealAttributes(keys[1].plaintext, object.content_id, {
      name,
      modified: Math.floor(info.mtimeMs / 1000) * 1000,
      size: info.size,
      version: version + 1,
    }),
  };
  async function* messages() {
    yield { header };
    const source = fs.createReadStream(file);
    const sealed = streaming.encrypt(keys[0].plaintext, contentData(object.content_id), source);
    for await (const chunk of sealed) yield { chunk };
  }
  const stored = await connection.send(connection.storage, 'PutObject', messages());
  return { name, size: info.size, version: stored.object.version };
}

// Reads an object back into a file, which appears under its name only when all has verified.
async function get(connection, account, name, file) {
  const stored = (await list(connection, account)).get(name);
  if (!stored) throw new NoSuchObject(name);
  const messages = connection.receive(connection.storage, 'GetObject', {
    account_id: account, object_id: stored.record.object_id, version: stored.version,
  });
  const { object } = (await messages.next()).value;
  const [key] = await unwrap(connection, account,
    [{ context: context(object, CONTENT), wrapped: object.wrapped_content_key }]);
  async function* chunks() {
    for await (const message of messages) yield message.chunk;
  }
  const partial = `${file}.part`;
  try {
    await pipeline(
      streaming.decrypt(key, contentData(object.content_id), chunks()),
      fs.createWriteStream(partial),
    );
    fs.renameSync(partial, file);
  } finally {
    fs.rmSync(partial, { force: true });
  }
  return stored;
}

module.exports = { NoSuchObject, list, put, get };
