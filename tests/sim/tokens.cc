#include "tests/sim/tokens.h"

#include "services/common/statement/custody.h"
#include "services/common/status/check.h"
#include "services/storage/content_reader.h"
#include "tests/sim/kernel.h"

namespace comity::sim {
namespace {

// Calls `use` with the body if the statement is of that type.
template <typename Body, typename Use>
bool IfIs(const Statement& statement, const Use& use) {
  const absl::StatusOr<Parsed<Body>> parsed = ParseStatement<Body>(statement);
  if (!parsed.ok()) return false;
  use(parsed->body);
  return true;
}

bool Readable(BlobStore& blobs, const AccountId& account, const storage::StoredObject& object) {
  storage::ContentReader reader(&blobs, account, object.tree, object.record.size);
  return reader.Next().ok();
}

}  // namespace

uint64_t Namer::NameOf(const Digest& digest) {
  return names_.try_emplace(digest, names_.size() + 1).first->second;
}

uint64_t Namer::Hash(const Tokens& tokens) {
  uint64_t hash = tokens.size();
  for (const Token& token : tokens) {
    hash = Mix(hash, token.digest.has_value() ? NameOf(*token.digest) : token.value);
  }
  return hash;
}

void Reader::Add(Tokens& out, std::string_view text) { Add(out, HashOf(text)); }

void Reader::Learn(const Statement& statement) {
  Tokens tokens;
  Add(tokens, statement.digest().bytes());
  statements_[statement.digest()] = std::move(tokens);
}

void Reader::Add(Tokens& out, const Statement& statement) {
  const Digest digest = statement.digest();
  auto it = statements_.find(digest);
  if (it == statements_.end()) it = statements_.emplace(digest, Describe(statement)).first;
  out.insert(out.end(), it->second.begin(), it->second.end());
}

Tokens Reader::Describe(const Statement& statement) const {
  Tokens out;
  Reader writer;
  const absl::StatusOr<Envelope> envelope = PeekEnvelope(statement);
  COMITY_CHECK(envelope.ok());
  writer.Add(out, envelope->type);
  writer.Add(out, envelope->region);
  // Two that say the same, signed at different moments, are told apart only where it matters which
  // one somebody refers to.
  const auto add = [&](auto&&... values) { (writer.Add(out, values), ...); };
  const bool known =
      IfIs<KeyExport>(statement,
                      [&](const KeyExport& b) {
                        add(uint64_t{b.epoch}, b.transport_key, statement.digest());
                      }) ||
      IfIs<TransportKey>(
          statement, [&](const TransportKey& b) { add(uint64_t{b.epoch}, statement.digest()); }) ||
      IfIs<KeyReceipt>(
          statement,
          [&](const KeyReceipt& b) { add(uint64_t{b.epoch}, b.key_export, statement.digest()); }) ||
      IfIs<Release>(statement,
                    [&](const Release& b) {
                      add(uint64_t{b.epoch}, b.receipt, b.manifest_root, statement.digest());
                    }) ||
      IfIs<Activation>(statement,
                       [&](const Activation& b) { add(uint64_t{b.epoch}, b.release); }) ||
      IfIs<Abort>(
          statement,
          [&](const Abort& b) { add(uint64_t{b.epoch}, static_cast<uint64_t>(b.reason)); }) ||
      IfIs<DataFence>(statement,
                      [&](const DataFence& b) { add(uint64_t{b.epoch}, b.manifest_root); }) ||
      IfIs<DataManifest>(statement, [&](const DataManifest& b) {
        add(uint64_t{b.epoch}, b.root, b.versions, b.bytes);
      });
  if (!known) writer.Add(out, envelope->number);
  if (!known && !envelope->region.empty()) out.pop_back();  // a service's numbers follow the clock
  return out;
}

void Reader::AddStorage(const storage::AccountSnapshot* account, storage::ObjectStore& objects,
                        BlobStore& blobs, Tokens& out) {
  Add(out, uint64_t{account != nullptr});
  if (account == nullptr) return;
  const storage::AccountInfo& info = account->info;
  Add(out, static_cast<uint64_t>(info.state));
  Add(out, uint64_t{info.epoch});
  Add(out, info.serving.name());
  Add(out, static_cast<uint64_t>(info.destroy_time));
  Add(out, uint64_t{info.data_here});
  Add(out, uint64_t{info.aborted_epoch});
  Add(out, uint64_t{info.erasing.has_value()});
  Add(out, account->fence.has_value() ? uint64_t{account->fence->epoch} : 0);
  Add(out, uint64_t{account->move.has_value()});
  if (account->move.has_value()) {
    const storage::MoveRecord& move = *account->move;
    Add(out, uint64_t{move.epoch});
    Add(out, static_cast<uint64_t>(move.step));
    Add(out, static_cast<uint64_t>(move.fence_time));
    Add(out, move.fence);
    Add(out, move.source_manifest);
    Add(out, move.destination_manifest);
    Add(out, uint64_t{move.destination_told} + 2 * uint64_t{move.finished});
  }
  Add(out, uint64_t{account->incoming.has_value()});
  if (account->incoming.has_value()) {
    const storage::IncomingRecord& incoming = *account->incoming;
    Add(out, uint64_t{incoming.epoch});
    Add(out, incoming.confirmed_root);
    Add(out, incoming.manifest);
    Add(out, uint64_t{incoming.void_consent});
  }
  Add(out, account->history.size());
  for (const Statement& statement : account->history) Add(out, statement);
  for (const uint8_t bucket : account->buckets) {
    Add(out, uint64_t{bucket});
    const auto gate = objects.GetGate(account->account, bucket);
    COMITY_CHECK(gate.ok());
    Add(out, gate->has_value() ? static_cast<uint64_t>((*gate)->kind) * 64 + (*gate)->epoch : 0);
    const auto page = objects.List(account->account, bucket, std::nullopt, 64);
    COMITY_CHECK(page.ok());
    for (const storage::StoredObject& object : page->objects) {
      Add(out, object.record.object.bytes());
      Add(out, object.record.version);
      Add(out, object.record.digest.bytes());
      Add(out, uint64_t{Readable(blobs, account->account, object)});
    }
  }
}

void Reader::AddCustody(const custody::Account& account, Tokens& out) {
  Add(out, static_cast<uint64_t>(account.presence));
  Add(out, uint64_t{account.epoch});
  for (const auto& [number, statement] : account.statements) Add(out, number);
  for (const custody::KeyRecord& key : account.keys) {
    Add(out, uint64_t{key.epoch} * 64 + static_cast<uint64_t>(key.state));
  }
  for (const auto& [epoch, sealed] : account.metadata_keys) Add(out, uint64_t{epoch});
  Add(out, account.activation);
  Add(out, uint64_t{account.closing.has_value()});
  Add(out, uint64_t{account.outgoing.has_value()});
  if (account.outgoing.has_value()) {
    const custody::Outgoing& move = *account.outgoing;
    Add(out, uint64_t{move.epoch});
    Add(out, static_cast<uint64_t>(move.fenced_at));
    Add(out, move.manifest_root);
    Add(out, uint64_t{move.source_manifest.has_value()} +
                 2 * uint64_t{move.destination_manifest.has_value()});
    Add(out, uint64_t{move.sent.has_value()});
    if (move.sent.has_value()) Add(out, move.sent->statement);
    Add(out, move.receipt);
    Add(out, uint64_t{move.decision.has_value()});
    if (move.decision.has_value()) Add(out, move.decision->statement);
    Add(out, move.activation);
    Add(out, static_cast<uint64_t>(move.activated_at));
  }
  Add(out, uint64_t{account.last_decided});
  for (const custody::UntoldAbort& untold : account.untold_aborts) Add(out, untold.abort);
  Add(out, uint64_t{account.incoming.has_value()});
  if (account.incoming.has_value()) {
    Add(out, uint64_t{account.incoming->epoch});
    Add(out, account.incoming->key_export);
    Add(out, account.incoming->receipt);
  }
  for (const auto& [region, epoch] : account.aborted_incoming) Add(out, uint64_t{epoch});
  for (const auto& [epoch, statement] : account.destructions) Add(out, uint64_t{epoch});
}

}  // namespace comity::sim
