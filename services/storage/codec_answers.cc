// The other direction of codec.h: what storage answers.
#include <algorithm>
#include <utility>

#include "services/common/statement/proto_codec.h"
#include "services/storage/account_rules.h"
#include "services/storage/codec.h"

namespace comity::storage {
namespace {

constexpr size_t kMaxHistoryBytes = 5 << 18;  // 1.25 MiB of a 2 MiB message

pb::AccountState StateOf(const AccountSnapshot& account) {
  if (account.incoming.has_value()) return pb::ACCOUNT_STATE_INCOMING;
  switch (account.info.state) {
    case AccountState::kActive:
      return account.view.open_close().has_value() ? pb::ACCOUNT_STATE_CLOSING
                                                   : pb::ACCOUNT_STATE_ACTIVE;
    case AccountState::kIncoming:
      return pb::ACCOUNT_STATE_INCOMING;
    case AccountState::kMoved:
      return pb::ACCOUNT_STATE_MOVED;
    case AccountState::kClosed:
      return pb::ACCOUNT_STATE_CLOSED;
  }
  return pb::ACCOUNT_STATE_UNSPECIFIED;
}

pb::MoveStep StepOf(MoveStep step) { return static_cast<pb::MoveStep>(step); }

}  // namespace

static_assert(static_cast<int>(MoveStep::kAborted) == pb::MOVE_STEP_ABORTED &&
              static_cast<int>(MoveStep::kTold) == pb::MOVE_STEP_TOLD &&
              static_cast<int>(MoveStep::kPrepared) == pb::MOVE_STEP_PREPARED);
static_assert(static_cast<int>(Standing::kStays) == pb::STANDING_STAYS &&
              static_cast<int>(Standing::kClosing) == pb::STANDING_CLOSING);

void Encode(const StandingResult& standing, UnixMillis notified, const std::string& territory,
            pb::StandingInfo& message) {
  message.set_standing(static_cast<pb::Standing>(standing.standing));
  message.set_reason(standing.reason);
  message.set_territory(territory);
  message.set_scheduled_region(standing.scheduled_region.name());
  message.set_scheduled_time_ms(standing.scheduled_time);
  message.set_terms_version(standing.terms);
  message.set_window_end_ms(standing.window_end);
  message.set_notified_time_ms(notified);
}

void Encode(const AccountReport& report, pb::Account& message) {
  const AccountSnapshot& account = *report.account;
  message.set_account_id(std::string(account.account.bytes()));
  message.set_state(StateOf(account));
  message.set_account_epoch(account.info.epoch);
  message.set_home_region(account.info.serving.name());
  Encode(report.standing, account.info.notified_time, account.view.territory(),
         *message.mutable_standing());
  message.set_statement_number(account.view.newest_number());
  message.set_objects(report.sum.objects);
  message.set_bytes(report.sum.bytes);
  for (const Statement& entry : account.chain_entries) *message.add_chain() = ToProto(entry);
  // All of it, unless it is longer than a message: then the newest part.
  size_t bytes = 0;
  auto first = account.history.end();
  while (first != account.history.begin() && bytes < kMaxHistoryBytes) {
    --first;
    bytes += first->body.size() + 128 * first->signatures.size();
  }
  for (; first != account.history.end(); ++first) *message.add_statements() = ToProto(*first);
}

void Encode(const ObjectRecord& record, pb::ObjectVersion& message) {
  message.set_object_id(std::string(record.object.bytes()));
  message.set_version(record.version);
  message.set_content_id(std::string(record.content.bytes()));
  message.set_size(record.size);
  message.set_digest(std::string(record.digest.bytes()));
  message.set_wrapped_content_key(record.wrapped_content_key);
  message.set_wrapped_attributes_key(record.wrapped_attributes_key);
  message.set_sealed_attributes(record.sealed_attributes);
  message.set_create_time_ms(record.create_time);
}

void Encode(const AccountId& account, const ListedObjects& listed,
            pb::ListObjectsResponse& message) {
  for (const ObjectRecord& record : listed.objects) Encode(record, *message.add_objects());
  if (listed.more && !listed.objects.empty()) {
    std::string token(account.bytes());
    token.append(listed.objects.back().object.bytes());
    message.set_next_page_token(Base32Encode(token));
  }
}

void Encode(const std::vector<StandingCount>& counts, const std::vector<PlannedAccount>& page,
            bool more, pb::PlanMigrationResponse& message) {
  for (const StandingCount& count : counts) {
    pb::StandingCount& out = *message.add_counts();
    out.set_standing(static_cast<pb::Standing>(count.standing));
    out.set_territory(count.territory);
    out.set_accounts(count.accounts);
  }
  for (const PlannedAccount& planned : page) {
    pb::AccountStanding& out = *message.add_accounts();
    out.set_account_id(std::string(planned.account.bytes()));
    Encode(planned.standing, planned.notified_time, planned.territory, *out.mutable_standing());
  }
  if (more && !page.empty()) message.set_next_page_token(page.back().account.ToString());
}

void Encode(const MigrationReport& report, pb::GetMigrationResponse& message) {
  message.set_migration_id(std::string(report.migration.id.bytes()));
  message.set_done(report.done);
  message.set_accounts(report.migration.accounts);
  message.set_moved(report.moved);
  message.set_failed(report.failed);
  for (const MoveStatus& status : report.moves) {
    pb::MoveProgress& out = *message.add_moves();
    out.set_account_id(std::string(status.account.bytes()));
    out.set_step(StepOf(status.move.step));
    out.set_objects(status.move.objects);
    out.set_bytes(status.move.bytes);
    out.set_pause_ms(status.move.pause_ms);
    out.set_failure(static_cast<comity::common::v1::ErrorReason>(status.move.failure));
    out.set_destination(status.move.destination.name());
  }
}

void Encode(const HeldVersion& version, pb::CopiedVersion& message) {
  message.set_object_id(std::string(version.object.bytes()));
  message.set_version(version.version);
  message.set_record_digest(std::string(version.record.bytes()));
}

void Encode(const Scope& scope, pb::GetScopeResponse& message) {
  message.set_held(scope.held);
  message.set_truncated(scope.truncated);
  for (const ScopeItem& item : scope.items) {
    pb::ScopeItem& out = *message.add_items();
    out.set_object_id(std::string(item.object.bytes()));
    out.set_content_id(std::string(item.content.bytes()));
    out.set_create_time_ms(item.create_time);
    out.set_padded_size(item.padded_size);
  }
  for (const Statement& entry : scope.chain) *message.add_chain() = ToProto(entry);
}

void Encode(const StoredAnswer& answer, pb::ExecuteAuthorisationResponse& message) {
  for (const StoredObject& object : answer.objects) {
    Encode(object.record, *message.add_objects()->mutable_object());
  }
  *message.mutable_manifest() = ToProto(answer.manifest);
  message.set_leaf(answer.leaf);
  message.set_receipt(answer.receipt);
}

}  // namespace comity::storage
