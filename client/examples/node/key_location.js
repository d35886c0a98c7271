'use strict';
// Where is my key, who operates it, who can compel it? Custody answers signed; anybody can verify.

const crypto = require('crypto');
const { listOf, take, takeNumber } = require('./canonical');
const { Statement, Untrusted, read, verify, nothingLeft } = require('./statements');

// Asks custody of the home region, with a nonce of our own, and verifies the answer.
async function ask(deployment, connection, profile, now) {
  const nonce = crypto.randomBytes(32);
  const answer = await connection.call(connection.custody, 'GetKeyLocation', {
    account_id: profile.account, nonce,
  });
  const location = check(deployment, profile.account,
    Statement.fromProto(answer.attestation), Statement.fromProto(answer.endorsement), now);
  if (!location.nonce.equals(nonce)) {
    throw new Untrusted('the attestation answers another question');
  }
  return location;
}

// Verifies an attestation without asking anybody.
function check(deployment, account, attestation, endorsement, now) {
  const claim = read(attestation, 'key.location');
  if (!deployment.regions.has(claim.region)) {
    throw new Untrusted('the attestation is of no region of this deployment');
  }
  // The operator vouches for custody's statement key, the topology for the operator's key.
  verify(attestation, deployment.endorsedKey(endorsement, claim.region, 'custody', now));
  const body = claim.body;
  const location = {
    region: claim.region,
    epoch: takeNumber(body, 16, 4),
    operator: take(body, 17).toString(),
    mode: takeNumber(body, 18, 1),
    seal: take(body, 19).toString(),
    development: takeNumber(body, 20, 1) !== 0,
    newestVersion: takeNumber(body, 21, 4),
    canCompel: listOf(take(body, 22)).map(String),
    scheduledRegion: take(body, 23).toString(),
    scheduledTime: takeNumber(body, 24, 8),
    nonce: take(body, 25),
    active: takeNumber(body, 26, 1) === 1,
    signed: claim.time,
    expires: claim.expiry,
  };
  nothingLeft(body);
  if (claim.deployment !== deployment.name || !claim.subject.equals(account)) {
    throw new Untrusted('the attestation is about something else');
  }
  // What it says must be what the topology lets us compute ourselves.
  if (location.operator !== deployment.service(claim.region, 'custody').operator) {
    throw new Untrusted('the attestation names another operator');
  }
  if (location.canCompel.join() !== deployment.canCompel(claim.region, 'custody').join()) {
    throw new Untrusted('the attestation does not say who can compel');
  }
  if (claim.expiry !== 0 && claim.expiry <= now) {
    throw new Untrusted('the attestation has expired');
  }
  return location;
}

module.exports = { ask, check };
