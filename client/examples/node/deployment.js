'use strict';
// The deployment as a client must know it: its signed topology, and channels to its services.
//
// The topology is one public file (docs/topology.md): regions with their roots and addresses,
// operators with their keys, and where accounts of a territory live. All operators sign it.
// Everything that a service says of itself is checked against it.

const fs = require('fs');
const path = require('path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const { take, takeNumber } = require('./canonical');
const { Statement, Untrusted, sha256, read, verify, nothingLeft } = require('./statements');
const textproto = require('./textproto');

const PROTO = path.join(__dirname, '..', '..', '..', 'proto');
const api = grpc.loadPackageDefinition(
  protoLoader.loadSync(
    ['comity/common/v1/common.proto', 'comity/custody/v1/custody.proto',
      'comity/storage/v1/storage.proto'],
    { includeDirs: [PROTO], keepCase: true, longs: Number, enums: String, defaults: true,
      oneofs: true },
  ),
).comity;

const KINDS = { storage: 1, custody: 2, review: 3 };
const CLOCK_SKEW_MS = 5000;
const LONGEST_ENDORSEMENT_MS = 90 * 24 * 3600 * 1000;

// A service said no: why, and what to do next.
class Refused extends Error {
  constructor(error) {
    const [bytes] = error.metadata?.get('comity-error-bin') ?? [];
    const info = bytes ? decodeErrorInfo(bytes) : { reason: 'UNKNOWN', remedy: '' };
    super(`${error.details} (${info.reason}). ${info.remedy}`);
    this.reason = info.reason;
  }
}

// message ErrorInfo { ErrorReason reason = 1; string remedy = 2; uint32 retry_after_ms = 3; }
// The loader makes no decoder of a single message, and these few bytes need none.
function decodeErrorInfo(bytes) {
  const found = { reason: 'UNKNOWN', remedy: '' };
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === 8) {
      const number = varint();
      const values = api.common.v1.ErrorReason.type.value;
      const named = values.find((v) => v.number === number);
      found.reason = named ? named.name.replace('ERROR_REASON_', '') : String(number);
    } else if (tag === 18) {
      const size = varint();
      found.remedy = bytes.subarray(at, at + size).toString();
      at += size;
    } else {
      varint();
    }
  }
  return found;
}

const one = (message, field) => message[field]?.[0]?.toString() ?? '';

class Deployment {
  // Loads the signed topology in a client bundle (docs/client-bundle.md).
  constructor(folder) {
    const data = fs.readFileSync(path.join(folder, 'topology.txtpb'));
    const signature = Statement.fromBytes(
      fs.readFileSync(path.join(folder, 'topology.txtpb.sig')));
    this.topology = textproto.parse(data.toString());
    this.name = one(this.topology, 'deployment');
    this.serial = Number(one(this.topology, 'serial'));
    this.development = one(this.topology, 'development') === 'true';
    this.digest = sha256(data);
    this.regions = new Map(this.topology.regions.map((r) => [one(r, 'name'), r]));
    this.operators = new Map(this.topology.operators.map((o) => [one(o, 'name'), o]));
    this.jurisdictions = new Map(
      this.topology.jurisdictions.map((j) => [one(j, 'code'), one(j, 'title')]));
    this.checkSignatures(signature);
  }

  checkSignatures(signature) {
    const claim = read(signature, 'operator.topology');
    const signed = take(claim.body, 16);
    take(claim.body, 17); // of the serial before
    nothingLeft(claim.body);
    if (!signed.equals(this.digest) || claim.number !== this.serial) {
      throw new Untrusted('the signatures are over another topology');
    }
    for (const operator of this.operators.values()) verify(signature, operator.public_key[0]);
  }

  service(region, kind) {
    const name = `SERVICE_KIND_${kind.toUpperCase()}`;
    const found = this.regions.get(region).services.find((s) => one(s, 'kind') === name);
    return { operator: one(found, 'operator'), address: one(found, 'address') };
  }

  // The dated home of a territory today: its region, the terms that it needs, and the region
  // of the keys if that is another one.
  homeOf(territory, now) {
    const find = (code) => this.topology.territories.find((t) => one(t, 'code') === code);
    const homes = (find(territory) ?? find('*')).homes;
    let today = homes[0];
    for (const home of homes.slice(1)) {
      if (Date.parse(one(home, 'from')) <= now) today = home;
    }
    return { region: one(today, 'region'), terms: one(today, 'terms'), keys: one(today, 'keys') };
  }

  termsHash(version) {
    const terms = this.topology.terms.find((t) => one(t, 'version') === version);
    return sha256(terms.text[0]);
  }

  // Law of the place, and of the operator's homes: who can compel a service.
  canCompel(region, kind) {
    const operator = this.operators.get(this.service(region, kind).operator);
    const homes = (operator.home_jurisdictions ?? []).map(String);
    return [...new Set([one(this.regions.get(region), 'jurisdiction'), ...homes])].sort();
  }

  // The statement key of a service, as its operator vouches for it.
  endorsedKey(endorsement, region, kind, now) {
    const operator = this.service(region, kind).operator;
    const claim = read(endorsement, 'operator.endorsement');
    const kindNamed = takeNumber(claim.body, 16, 1);
    const operatorNamed = take(claim.body, 17).toString();
    const key = take(claim.body, 18);
    nothingLeft(claim.body);
    verify(endorsement, this.operators.get(operator).public_key[0]);
    if (claim.deployment !== this.name || claim.region !== region ||
        claim.subject.toString() !== kind || kindNamed !== KINDS[kind] ||
        operatorNamed !== operator) {
      throw new Untrusted('the endorsement is for something else');
    }
    if (claim.time > now + CLOCK_SKEW_MS || claim.expiry <= now) {
      throw new Untrusted('the endorsement is not valid now');
    }
    // In development endorsements live as long as the certificates.
    if (!this.development && claim.expiry - claim.time > LONGEST_ENDORSEMENT_MS) {
      throw new Untrusted('the endorsement is for too long');
    }
    return key;
  }

  connect(region, device) {
    return new Connection(this, region, device);
  }

  // The deployment's time, from whichever region comes first.
  async now(device) {
    const connection = this.connect(this.regions.keys().next().value, device);
    try {
      return await connection.now();
    } finally {
      connection.close();
    }
  }
}

// Channels to custody and storage of a region, as a device: it presents a certificate that it signed
// itself, since its key is what counts. The service must present one that the region's own root
// vouches for, with exactly the name that the topology gives it.
class Connection {
  constructor(deployment, region, device) {
    this.deployment = deployment;
    this.region = region;
    const channel = (kind, Client) => {
      const { operator, address } = deployment.service(region, kind);
      const name = `spiffe://${region}.${deployment.name}/operator/${operator}/${kind}/0`;
      const credentials = grpc.credentials.createSsl(
        deployment.regions.get(region).root_certificate[0],
        Buffer.from(device.privateKeyPem()),
        Buffer.from(device.certificatePem()),
        {
          // The chain is checked already; what a host is called means nothing here.
          checkServerIdentity: (host, certificate) =>
            certificate.subjectaltname === `URI:${name}`
              ? undefined
              : new Error(`the server is not ${name}`),
        },
      );
      // Any name that is no address: TLS wants to be told one.
      const options = { 'grpc.ssl_target_name_override': `${kind}.${region}.${deployment.name}` };
      return new Client(address, credentials, options);
    };
    this.custody = channel('custody', api.custody.v1.CustodyService);
    this.storage = channel('storage', api.storage.v1.StorageService);
  }

  // One unary call: connection.call(connection.custody, 'GetStatus', {}).
  call(client, method, request) {
    return new Promise((resolve, reject) => {
      const deadline = { deadline: Date.now() + 30000 };
      client[method](request, deadline, (error, response) =>
        error ? reject(new Refused(error)) : resolve(response));
    });
  }

  // A call with a stream of requests, from an async iterable.
  async send(client, method, requests) {
    let call;
    const answer = new Promise((resolve, reject) => {
      call = client[method]((error, response) =>
        error ? reject(new Refused(error)) : resolve(response));
    });
    answer.catch(() => {}); // it is awaited below, also when sending fails first
    for await (const request of requests) {
      if (call.destroyed || call.writableEnded) break;
      if (!call.write(request)) await Promise.race([new Promise((go) => call.once('drain', go)),
        answer]);
    }
    call.end();
    return answer;
  }

  // The messages of a streamed answer.
  async *receive(client, method, request) {
    try {
      yield* client[method](request);
    } catch (error) {
      throw error.metadata ? new Refused(error) : error;
    }
  }

  // The deployment's time, Unix milliseconds. A development deployment has a clock of its own, which
  // its services tell; elsewhere this is the time of day.
  async now() {
    return (await this.call(this.custody, 'GetStatus', {})).status.time_ms;
  }

  close() {
    this.custody.close();
    this.storage.close();
  }
}

module.exports = { Deployment, Refused };
