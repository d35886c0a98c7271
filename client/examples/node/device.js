'use strict';
// A device of an account, as a private folder: the one that the `comity` command uses, too.
//
//   device.key    P-256, PKCS#8 PEM        device.crt   self-signed, for TLS
//   sealing.key   X25519, 32 bytes         sealing.pub  32 bytes
//   account.json  what the device follows and signed

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const { u8, base32, fromBase32 } = require('./canonical');
const { Statement, sha256, spki, sign } = require('./statements');
const { selfSigned } = require('./certificate');

const CHAIN_ADD = 1;
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const P256_SPKI_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

// An account is its first device key: nobody else can be it, and no authority can name one.
const accountId = (deviceSpki) => sha256('comity account v1', deviceSpki).subarray(0, 20);

// DER SubjectPublicKeyInfo of the key that the printed recovery code stands for (docs/formats.md).
function recoverySpki(code) {
  return recoverySpkiOfSeed(
    Buffer.from(crypto.hkdfSync('sha256', code, '', 'comity recovery key v1', 32)));
}
function recoverySpkiOfSeed(seed) {
  const wide = crypto.hkdfSync('sha256', seed, '', 'derive EC key P-256', 48);
  const scalar = BigInt('0x' + Buffer.from(wide).toString('hex')) % P256_ORDER;
  const key = crypto.createECDH('prime256v1');
  key.setPrivateKey(Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex'));
  return Buffer.concat([P256_SPKI_PREFIX, key.getPublicKey()]);
}

// A key, and a certificate that carries it through TLS.
class Device {
  constructor(key, certificate) {
    this.key = key;
    this.certificate = certificate;
  }

  static generate() {
    const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    return new Device(privateKey, selfSigned(privateKey));
  }

  spki() {
    return spki(crypto.createPublicKey(this.key));
  }

  privateKeyPem() {
    return this.key.export({ type: 'pkcs8', format: 'pem' });
  }

  certificatePem() {
    return this.certificate;
  }
}

class Profile {
  constructor(folder) {
    this.folder = folder;
    this.device = new Device(
      crypto.createPrivateKey(fs.readFileSync(path.join(folder, 'device.key'))),
      fs.readFileSync(path.join(folder, 'device.crt')).toString(),
    );
    const saved = JSON.parse(fs.readFileSync(path.join(folder, 'account.json')));
    this.deployment = saved.deployment;
    this.account = fromBase32(saved.account);
    this.territory = saved.territory;
    this.homeRegion = saved.home_region;
    this.epoch = saved.epoch;
    this.lastNumber = saved.last_number;
    this.chain = saved.chain.map((s) => Statement.fromBytes(fromBase32(s)));
    this.statements = Object.fromEntries(
      Object.entries(saved.statements).map(([t, s]) => [t, Statement.fromBytes(fromBase32(s))]));
  }

  // Makes a new account of this device. Its keys are on disk before anything is sent, so that a
  // crash loses nothing. Gives the recovery code: show it once, store it nowhere.
  static create(folder, deployment, device, now) {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const code = crypto.randomBytes(20);
    const sealing = crypto.generateKeyPairSync('x25519');
    const sealingPublic = Buffer.from(sealing.publicKey.export({ format: 'jwk' }).x, 'base64url');
    const sealingPrivate = Buffer.from(sealing.privateKey.export({ format: 'jwk' }).d, 'base64url');
    const account = accountId(device.spki());
    // Entry 0 of the device chain: the first device, and the recovery key.
    const entry = sign(device.key, 'account.chain', deployment, account, 0, now,
      [16, u8(CHAIN_ADD)],
      [17, device.spki()],
      [18, sealingPublic],
      [19, recoverySpki(code)],
      [21, Buffer.alloc(32)]); // nothing before it
    write(path.join(folder, 'device.key'), device.privateKeyPem());
    write(path.join(folder, 'sealing.key'), sealingPrivate);
    write(path.join(folder, 'sealing.pub'), sealingPublic);
    write(path.join(folder, 'device.crt'), device.certificatePem());
    write(path.join(folder, 'account.json'), JSON.stringify({
      version: 1,
      deployment,
      account: base32(account),
      territory: '',
      home_region: '',
      epoch: 0,
      last_number: 0,
      chain: [base32(entry.toBytes())],
      statements: {},
    }, null, 2));
    return base32(code).match(/.{4}/g).join('-');
  }

  save() {
    write(path.join(this.folder, 'account.json'), JSON.stringify({
      version: 1,
      deployment: this.deployment,
      account: base32(this.account),
      territory: this.territory,
      home_region: this.homeRegion,
      epoch: this.epoch,
      last_number: this.lastNumber,
      chain: this.chain.map((s) => base32(s.toBytes())),
      statements: Object.fromEntries(
        Object.entries(this.statements).map(([t, s]) => [t, base32(s.toBytes())])),
    }, null, 2));
  }

  // A statement of this account with the next number, saved before it can leave: a number that was
  // used for two statements would be evidence against the device.
  sign(type, now, ...bodyFields) {
    const statement = sign(this.device.key, type, this.deployment, this.account,
      this.lastNumber + 1, now, ...bodyFields);
    this.lastNumber += 1;
    this.statements[type] = statement;
    this.save();
    return statement;
  }
}

// Private, durable, and whole or not at all.
function write(file, data) {
  const beside = `${file}.new`;
  const out = fs.openSync(beside, 'w', 0o600);
  fs.writeSync(out, data);
  fs.fsyncSync(out);
  fs.closeSync(out);
  fs.renameSync(beside, file);
  const folder = fs.openSync(path.dirname(file), 'r');
  fs.fsyncSync(folder);
  fs.closeSync(folder);
}

module.exports = { Device, Profile, recoverySpkiOfSeed };
