'use strict';
// Creating an account: first its keys at custody, then its place at storage.

const crypto = require('crypto');
const { u8, u64, record, items, take, takeNumber } = require('./canonical');
const { Statement, Untrusted, read, verify, nothingLeft } = require('./statements');

const RESIDENT = 1;

// The rules of the day ask for these terms; read them, and accept them by their version.
class TermsNeeded extends Error {}

// This client makes resident accounts only: data and keys in one region.
class KeysElsewhere extends Error {}

// May be repeated after a crash: the same statements are sent again, with the same effect. Gives
// storage's view of the account.
async function create(deployment, profile, territory, acceptedTerms, now) {
  if (!profile.statements['account.record']) {
    const home = deployment.homeOf(territory, now);
    if (home.terms && acceptedTerms !== home.terms) throw new TermsNeeded(home.terms);
    if (home.keys && home.keys !== home.region) {
      throw new KeysElsewhere(`the keys of ${territory} are kept in region ${home.keys}`);
    }
    profile.territory = territory;
    profile.homeRegion = home.region;
    // Where keys may be. Resident: in the home region, and nowhere else.
    const policy = record([16, u8(RESIDENT)], [17, items([home.region])], [18, items([])]);
    profile.sign('account.record', now,
      [16, territory],
      [17, home.region],
      [18, items([policy])],
      [19, u64(profile.chain.length - 1)],
      [20, profile.chain.at(-1).digest()],
      [21, home.terms ? deployment.termsHash(home.terms) : null]);
  }
  const connection = deployment.connect(profile.homeRegion, profile.device);
  try {
    const chain = profile.chain.map((s) => s.toProto());
    const accountRecord = profile.statements['account.record'].toProto();

    // 1. Custody makes the account key and states, signed, that it is active there.
    const made = await connection.call(connection.custody, 'CreateAccount', {
      request_id: crypto.randomBytes(16), chain, account_record: accountRecord,
    });
    const metadataKey = checkActivation(deployment, profile,
      Statement.fromProto(made.activation), Statement.fromProto(made.endorsement), now);

    // 2. The device vouches for the metadata key that custody made, and storage opens the account
    //    when all of this fits together.
    if (!profile.statements['account.metadata-key']) {
      profile.sign('account.metadata-key', now, [16, metadataKey]);
    }
    const opened = await connection.call(connection.storage, 'CreateAccount', {
      request_id: crypto.randomBytes(16),
      chain,
      account_record: accountRecord,
      activations: [made.activation],
      endorsements: [made.endorsement],
      metadata_key: profile.statements['account.metadata-key'].toProto(),
    });
    profile.epoch = opened.account.account_epoch;
    profile.save();
    return opened.account;
  } finally {
    connection.close();
  }
}

function checkActivation(deployment, profile, activation, endorsement, now) {
  const claim = read(activation, 'key.activation');
  verify(activation, deployment.endorsedKey(endorsement, profile.homeRegion, 'custody', now));
  const body = claim.body;
  const epoch = takeNumber(body, 16, 4);
  const chainNumber = takeNumber(body, 17, 8);
  const chainHash = take(body, 18);
  take(body, 19); // newest version of the account key
  const metadataKey = take(body, 20);
  take(body, 21); // the release that it follows from; none at creation
  nothingLeft(body);
  if (claim.deployment !== deployment.name || claim.region !== profile.homeRegion ||
      !claim.subject.equals(profile.account) || epoch !== 1 ||
      chainNumber !== profile.chain.length - 1 ||
      !chainHash.equals(profile.chain.at(-1).digest())) {
    throw new Untrusted('the activation is about something else');
  }
  return metadataKey;
}

module.exports = { KeysElsewhere, TermsNeeded, create };
