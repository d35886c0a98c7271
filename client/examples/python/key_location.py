"""Where is my key, who operates it, who can compel it? Custody answers signed; anybody can verify."""

import os
from dataclasses import dataclass

from canonical import list_of, number
from comity.custody.v1 import custody_pb2
from deployment import CUSTODY
from statements import Statement, Untrusted, finish, read, verify


@dataclass
class KeyLocation:
    active: bool
    region: str
    operator: str
    seal: str
    development: bool
    newest_version: int
    epoch: int
    can_compel: list
    scheduled_region: str
    scheduled_time: int
    signed: int
    expires: int


def ask(deployment, connection, profile, now):
    """Asks custody of the home region, with a nonce of our own, and verifies the answer."""
    nonce = os.urandom(32)
    answer = connection.call(
        connection.custody.GetKeyLocation,
        custody_pb2.GetKeyLocationRequest(account_id=profile.account, nonce=nonce),
    )
    location, echoed = check(
        deployment,
        profile.account,
        Statement.from_proto(answer.attestation),
        Statement.from_proto(answer.endorsement),
        now,
    )
    if echoed != nonce:
        raise Untrusted("the attestation answers another question")
    return location


def check(deployment, account, attestation, endorsement, now):
    """Verifies an attestation without asking anybody. Gives what it says, and its nonce."""
    claim = read(attestation, "key.location")
    if claim.region not in deployment.regions:
        raise Untrusted("the attestation is of no region of this deployment")
    # The operator vouches for custody's statement key, the topology for the operator's key.
    verify(attestation, deployment.endorsed_key(endorsement, claim.region, CUSTODY, now))
    body = claim.body
    epoch = number(body.pop(16), 4)
    operator = body.pop(17).decode()
    body.pop(18)  # custody mode
    seal = body.pop(19).decode()
    development = number(body.pop(20), 1) != 0
    newest_version = number(body.pop(21), 4)
    can_compel = [code.decode() for code in list_of(body.pop(22))]
    scheduled_region = body.pop(23).decode()
    scheduled_time = number(body.pop(24), 8)
    nonce = body.pop(25)
    active = number(body.pop(26), 1) == 1
    finish(claim)
    if claim.deployment != deployment.name or claim.subject != account:
        raise Untrusted("the attestation is about something else")
    # What it says must be what the topology lets us compute ourselves.
    if operator != deployment.service(claim.region, CUSTODY).operator:
        raise Untrusted("the attestation names another operator")
    if can_compel != deployment.can_compel(claim.region, CUSTODY):
        raise Untrusted("the attestation does not say who can compel")
    if claim.expiry and claim.expiry <= now:
        raise Untrusted("the attestation has expired")
    return (
        KeyLocation(
            active,
            claim.region,
            operator,
            seal,
            development,
            newest_version,
            epoch,
            can_compel,
            scheduled_region,
            scheduled_time,
            claim.time,
            claim.expiry,
        ),
        nonce,
    )
