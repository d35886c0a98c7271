'use strict';
// A self-signed X.509 certificate, as small as TLS takes it. It carries the device's key; nobody
// reads anything else in it. Node has no maker of certificates, and DER is little work.

const crypto = require('crypto');
const { spki } = require('./statements');

function der(tag, ...contents) {
  const body = Buffer.concat(contents.map((c) => Buffer.from(c)));
  const size = body.length < 0x80
    ? [body.length]
    : body.length < 0x100 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}
const sequence = (...contents) => der(0x30, ...contents);

const COMMON_NAME = der(0x06, [0x55, 0x04, 0x03]);
const ECDSA_WITH_SHA256 = sequence(der(0x06, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));

function selfSigned(privateKey) {
  const serial = crypto.randomBytes(16);
  serial[0] = (serial[0] & 0x3f) | 0x40; // positive, and of full length
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, 'comity device'))));
  const body = sequence(
    der(0xa0, der(0x02, [2])), // version 3
    der(0x02, serial),
    ECDSA_WITH_SHA256,
    name,
    sequence(der(0x17, '170101000000Z'), der(0x18, '21000101000000Z')), // 2017 to 2100
    name,
    spki(crypto.createPublicKey(privateKey)),
  );
  const signature = crypto.sign('sha256', body, privateKey);
  const certificate = sequence(body, ECDSA_WITH_SHA256, der(0x03, [0], signature));
  const lines = certificate.toString('base64').match(/.{1,64}/g).join('\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

module.exports = { selfSigned };
