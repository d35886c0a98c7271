"""Creating an account: first its keys at custody, then its place at storage."""

import os

from canonical import items, number, record, u8, u64
from comity.custody.v1 import custody_pb2
from comity.storage.v1 import storage_pb2
from deployment import CUSTODY
from statements import Statement, Untrusted, finish, read, sha256, verify

RESIDENT = 1


class TermsNeeded(Exception):
    """The rules of the day ask for these terms; read them, and accept them by their version."""


class KeysElsewhere(Exception):
    """This client makes resident accounts only: data and keys in one region."""


def create(deployment, profile, territory, accepted_terms, now):
    """May be repeated after a crash: the same statements are sent again, with the same effect.
    Gives storage's view of the account."""
    if "account.record" not in profile.statements:
        home = deployment.home_of(territory, now)
        terms_hash = None
        if home.terms:
            if accepted_terms != home.terms:
                raise TermsNeeded(home.terms)
            terms = next(t for t in deployment.topology.terms if t.version == home.terms)
            terms_hash = sha256(terms.text.encode())
        if home.keys and home.keys != home.region:
            raise KeysElsewhere(f"the keys of {territory} are kept in region {home.keys}")
        profile.territory = territory
        profile.home_region = home.region
        # Where keys may be. Resident: in the home region, and nowhere else.
        policy = record((16, u8(RESIDENT)), (17, items([home.region.encode()])), (18, items([])))
        head = profile.chain[-1]
        profile.sign(
            "account.record",
            now,
            (16, territory.encode()),
            (17, home.region.encode()),
            (18, items([policy])),
            (19, u64(len(profile.chain) - 1)),
            (20, head.digest()),
            (21, terms_hash),
        )
    connection = deployment.connect(profile.home_region, profile.device)
    chain = [entry.to_proto() for entry in profile.chain]
    account_record = profile.statements["account.record"].to_proto()

    # 1. Custody makes the account key and states, signed, that it is active there.
    made = connection.call(
        connection.custody.CreateAccount,
        custody_pb2.CreateAccountRequest(
            request_id=os.urandom(16), chain=chain, account_record=account_record
        ),
    )
    metadata_key = _check_activation(
        deployment,
        profile,
        Statement.from_proto(made.activation),
        Statement.from_proto(made.endorsement),
        now,
    )

    # 2. The device vouches for the metadata key that custody made, and storage opens the account
    #    when all of this fits together.
    if "account.metadata-key" not in profile.statements:
        profile.sign("account.metadata-key", now, (16, metadata_key))
    opened = connection.call(
        connection.storage.CreateAccount,
        storage_pb2.CreateAccountRequest(
            request_id=os.urandom(16),
            chain=chain,
            account_record=account_record,
            activations=[made.activation],
            endorsements=[made.endorsement],
            metadata_key=profile.statements["account.metadata-key"].to_proto(),
        ),
    )
    profile.epoch = opened.account.account_epoch
    profile.save()
    return opened.account


def _check_activation(deployment, profile, activation, endorsement, now):
    claim = read(activation, "key.activation")
    key = deployment.endorsed_key(endorsement, profile.home_region, CUSTODY, now)
    verify(activation, key)
    body = claim.body
    epoch = number(body.pop(16), 4)
    chain_number = number(body.pop(17), 8)
    chain_hash = body.pop(18)
    body.pop(19)  # newest version of the account key
    metadata_key = body.pop(20)
    body.pop(21)  # the release that it follows from; none at creation
    finish(claim)
    said = (claim.deployment, claim.region, claim.subject, epoch, chain_number, chain_hash)
    expected = (
        deployment.name,
        profile.home_region,
        profile.account,
        1,
        len(profile.chain) - 1,
        profile.chain[-1].digest(),
    )
    if said != expected:
        raise Untrusted("the activation is about something else")
    return metadata_key
