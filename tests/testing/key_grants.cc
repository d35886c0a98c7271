#include "tests/testing/key_grants.h"

#include <string>

namespace comity {
namespace {

Envelope EnvelopeOf(const TestAccount& owner, UnixMillis time, UnixMillis expiry) {
  Envelope envelope;
  envelope.deployment = owner.chain().deployment();
  envelope.subject = std::string(owner.id().bytes());
  envelope.time = time;
  envelope.expiry = expiry;
  return envelope;
}

}  // namespace

KeyGrant ExampleGrant(const AccountId& grantee, char id) {
  KeyGrant grant;
  grant.epoch = 1;
  grant.grant = *GrantId::FromBytes(std::string(GrantId::kSize, id));
  grant.grantee = grantee;
  grant.operations = {KeyOperation::kUnwrap};
  grant.purposes = {KeyPurpose::kContent};
  return grant;
}

Statement SignGrant(const TestAccount& owner, const KeyGrant& grant, UnixMillis time,
                    UnixMillis end, size_t device) {
  return SignStatement(EnvelopeOf(owner, time, end), grant, owner.device(device).key);
}

Statement SignGrantRevocation(const TestAccount& owner, const GrantId& grant, UnixMillis time,
                              size_t device) {
  return SignStatement(EnvelopeOf(owner, time, 0), KeyGrantRevocation{grant},
                       owner.device(device).key);
}

}  // namespace comity
