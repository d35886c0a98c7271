#ifndef COMITY_CUSTODY_CUSTODY_SERVICE_MESSAGES_H_
#define COMITY_CUSTODY_CUSTODY_SERVICE_MESSAGES_H_

#include <cstddef>

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include "absl/status/status.h"

#include "services/common/status/reason.h"
#include "services/custody/codec.h"

namespace comity::custody {

// Request and response of a call whose messages hold plain keys. They are read from the call's
// bytes and written to them here and not by gRPC, so that whoever answers decides when they are
// wiped, and can use them again for its next call. Not thread-safe.
template <typename Request, typename Response>
class SecretMessages final {
 public:
  SecretMessages() = default;
  SecretMessages(const SecretMessages&) = delete;
  SecretMessages& operator=(const SecretMessages&) = delete;
  ~SecretMessages() { Wipe(); }

  const Request& request() const { return request_; }
  Response& response() { return response_; }

  // FIELD_INVALID, and an empty request, for bytes that are no Request.
  absl::Status Read(const grpc::ByteBuffer& bytes) {
    large_ = bytes.Length() > kMaxKeptBytes;
    bool read = false;
    // Where the bytes lie: a copy of them would have to be wiped too.
    if (grpc::Slice whole; bytes.TrySingleSlice(&whole).ok()) {
      read = request_.ParseFromArray(whole.begin(), static_cast<int>(whole.size()));
    } else {
      grpc::ByteBuffer pieces = bytes;  // shares them
      read = grpc::SerializationTraits<Request>::Deserialize(&pieces, &request_).ok();
    }
    if (!read) {
      Wipe();
      return Refuse(Reason::kFieldInvalid, "the bytes are no message of this method");
    }
    return absl::OkStatus();
  }

  absl::Status Write(grpc::ByteBuffer& bytes) const {
    bool own = false;
    return grpc::SerializationTraits<Response>::Serialize(response_, &bytes, &own).ok()
               ? absl::OkStatus()
               : Refuse(Reason::kInternal, "the answer cannot be written");
  }

  // Both are empty then. What they take up stays with them, unless that is much.
  void Wipe() {
    WipeSecrets(request_);
    WipeSecrets(response_);
    if (large_) {
      request_ = Request();
      response_ = Response();
    } else {
      request_.Clear();
      response_.Clear();
    }
  }

 private:
  // More than a batch of 256 keys with short contexts.
  static constexpr size_t kMaxKeptBytes = 128 << 10;

  Request request_;
  Response response_;
  bool large_ = false;
};

// Those of the calling thread, wiped at the end of the scope. For calls that are answered before
// the thread does anything else.
template <typename Request, typename Response>
class ThreadsSecretMessages final {
 public:
  ThreadsSecretMessages() = default;
  ThreadsSecretMessages(const ThreadsSecretMessages&) = delete;
  ThreadsSecretMessages& operator=(const ThreadsSecretMessages&) = delete;
  ~ThreadsSecretMessages() { messages_.Wipe(); }

  SecretMessages<Request, Response>* operator->() { return &messages_; }

 private:
  static SecretMessages<Request, Response>& OfThread() {
    static thread_local SecretMessages<Request, Response> messages;
    return messages;
  }
  SecretMessages<Request, Response>& messages_ = OfThread();
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_CUSTODY_SERVICE_MESSAGES_H_
