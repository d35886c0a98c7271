#include "tests/sim/lines.h"

#include <algorithm>
#include <optional>

#include "services/common/statement/custody.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "tests/sim/ports.h"

namespace comity::sim {
namespace {

using storage::CopyReceiver;

// One stream of copies. Each version is a message of its own: it arrives whole, late, or not at
// all, and what arrives late is what a stream does that its sender has given up.
class CopyLine final : public storage::CopyStream {
 public:
  CopyLine(Kernel* kernel, Machine to, int life, std::shared_ptr<CopyReceiver> receiver,
           bool loses_copies)
      : kernel_(kernel),
        to_(to),
        life_(life),
        receiver_(std::move(receiver)),
        loses_copies_(loses_copies) {}

  absl::StatusOr<std::optional<storage::HeldVersion>> NextHeld() override {
    if (kernel_->life(to_) != life_) return Broken();
    return receiver_->NextHeld();
  }
  absl::Status Send(const ObjectRecord& record, std::string_view first) override {
    RETURN_IF_ERROR(Flush());
    record_ = record;
    bytes_ = first;
    return absl::OkStatus();
  }
  absl::Status SendChunk(std::string_view chunk) override {
    bytes_ += chunk;
    return absl::OkStatus();
  }
  absl::Status SendDeletion(const ObjectId& object) override {
    RETURN_IF_ERROR(Flush());
    return Tell("CopyDeletion",
                [object](CopyReceiver& receiver) { return receiver.Delete(object); });
  }
  absl::Status Finish() override { return Flush(); }

 private:
  static absl::Status Broken() { return Refuse(Reason::kPeerUnavailable, "the stream broke"); }

  absl::Status Flush() {
    if (!record_.has_value()) return absl::OkStatus();
    const ObjectRecord record = *std::exchange(record_, std::nullopt);
    const std::string bytes = std::exchange(bytes_, std::string());
    if (loses_copies_) return absl::OkStatus();
    return Tell("CopyVersion", [record, bytes](CopyReceiver& receiver) -> absl::Status {
      RETURN_IF_ERROR(receiver.Begin(record));
      RETURN_IF_ERROR(receiver.Write(bytes));
      return receiver.End();
    });
  }

  absl::Status Tell(std::string name, std::function<absl::Status(CopyReceiver&)> what) {
    // A stream brings nothing twice.
    return CallOver<absl::Status>(
        *kernel_, to_, AccountWork(std::move(name)),
        [kernel = kernel_, to = to_, life = life_, receiver = receiver_,
         what = std::move(what)]() -> absl::Status {
          if (kernel->life(to) != life) return Broken();
          return what(*receiver);
        },
        false);
  }

  Kernel* const kernel_;
  const Machine to_;
  const int life_;
  const std::shared_ptr<CopyReceiver> receiver_;
  const bool loses_copies_;
  std::optional<ObjectRecord> record_;
  std::string bytes_;
};

}  // namespace

absl::Status PeerStorageLine::Prepare(const RegionId& /*region*/,
                                      const storage::PrepareCommand& command) {
  return CallOver<absl::Status>(*kernel_, to_, ArrivalWork("Prepare"),
                                [node = node_, caller = caller_, command] {
                                  return node()->incoming().Prepare(caller, command);
                                });
}

absl::StatusOr<std::unique_ptr<storage::CopyStream>> PeerStorageLine::Copy(
    const RegionId& /*region*/, const AccountId& account, AccountEpoch epoch, bool /*urgent*/) {
  using Receiver = absl::StatusOr<std::shared_ptr<CopyReceiver>>;
  const int life = kernel_->life(to_);
  ASSIGN_OR_RETURN(
      std::shared_ptr<CopyReceiver> receiver,
      CallOver<Receiver>(*kernel_, to_, ArrivalWork("CopyObjects"),
                         [node = node_, caller = caller_, account, epoch]() -> Receiver {
                           ASSIGN_OR_RETURN(std::unique_ptr<CopyReceiver> opened,
                                            node()->incoming().BeginCopy(caller, account, epoch));
                           return std::shared_ptr<CopyReceiver>(std::move(opened));
                         }));
  return std::make_unique<CopyLine>(kernel_, to_, life, std::move(receiver), loses_copies_);
}

absl::StatusOr<storage::ConfirmedManifest> PeerStorageLine::Confirm(const RegionId& /*region*/,
                                                                    const AccountId& account,
                                                                    AccountEpoch epoch,
                                                                    const Statement& manifest,
                                                                    const Statement& endorsement) {
  return CallOver<absl::StatusOr<storage::ConfirmedManifest>>(
      *kernel_, to_, ArrivalWork("Confirm"),
      [node = node_, caller = caller_, account, epoch, manifest, endorsement] {
        return node()->incoming().Confirm(caller, account, epoch, manifest, endorsement);
      });
}

absl::StatusOr<std::vector<Statement>> PeerStorageLine::Deliver(
    const RegionId& /*region*/, const AccountId& account,
    const std::vector<Statement>& statements) {
  return CallOver<absl::StatusOr<std::vector<Statement>>>(
      *kernel_, to_, ArrivalWork("Deliver to storage"),
      [node = node_, caller = caller_, account, statements] {
        return node()->deliveries().Deliver(caller, account, statements);
      });
}

absl::StatusOr<std::vector<Statement>> OwnCustodyLine::Deliver(
    const AccountId& account, const std::vector<Statement>& statements) {
  return CallOver<absl::StatusOr<std::vector<Statement>>>(
      *kernel_, to_, TurnWork("Deliver to custody"),
      [node = node_, caller = caller_, account, statements] {
        return node()->messenger().Deliver(caller, account, statements);
      });
}

absl::StatusOr<custody::Endorsed> PeerCustodyLine::GetTransportKey(const RegionId& /*region*/,
                                                                   const AccountId& account,
                                                                   AccountEpoch epoch) {
  using Answer = absl::StatusOr<custody::Endorsed>;
  return CallOver<Answer>(
      *kernel_, to_, FreeWork("GetTransportKey"),
      [node = node_, caller = caller_, offered = offered_, account, epoch]() -> Answer {
        ASSIGN_OR_RETURN(Statement key,
                         node()->importer().OfferTransportKey(caller, account, epoch));
        offered(key);
        return custody::Endorsed{std::move(key), node()->site().endorsement()};
      });
}

absl::StatusOr<custody::Endorsed> PeerCustodyLine::ImportKeys(
    const RegionId& /*region*/, const custody::ImportCommand& command) {
  using Answer = absl::StatusOr<custody::Endorsed>;
  return CallOver<Answer>(
      *kernel_, to_, FreeWork("ImportKeys"),
      [node = node_, caller = caller_, used = used_, command]() -> Answer {
        ASSIGN_OR_RETURN(Statement receipt, node()->importer().Import(caller, command));
        const auto sent = ParseStatement<KeyExport>(command.key_export);
        if (sent.ok()) used(sent->body.transport_key);
        return custody::Endorsed{std::move(receipt), node()->site().endorsement()};
      });
}

absl::StatusOr<std::vector<Statement>> PeerCustodyLine::DeliverStatement(
    const RegionId& /*region*/, const AccountId& account,
    const std::vector<Statement>& statements) {
  const bool abort = std::ranges::any_of(
      statements, [](const Statement& statement) { return ParseStatement<Abort>(statement).ok(); });
  if (abort && swallows_aborts_) return std::vector<Statement>();
  return CallOver<absl::StatusOr<std::vector<Statement>>>(
      *kernel_, to_, FreeWork("Deliver to the other custody"),
      [node = node_, caller = caller_, account, statements] {
        return node()->messenger().Deliver(caller, account, statements);
      });
}

}  // namespace comity::sim
