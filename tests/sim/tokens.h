#ifndef COMITY_TESTS_SIM_TOKENS_H_
#define COMITY_TESTS_SIM_TOKENS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"
#include "services/common/store/blob_store.h"
#include "services/custody/account.h"
#include "services/storage/account_store.h"
#include "services/storage/object_store.h"

// What a machine holds, as a row of tokens in which equal states read alike: digests of what is
// signed and drawn at random differ from path to path and stand for themselves only by where the
// same one stands again. Numbers of statements, versions of partitions, leaves and counters of
// progress decide nothing and are left out.
namespace comity::sim {

struct Token {
  uint64_t value = 0;
  std::optional<Digest> digest;  // instead of the value
};
using Tokens = std::vector<Token>;

// Names digests by the order of their first appearance.
class Namer final {
 public:
  uint64_t Hash(const Tokens& tokens);
  bool Knows(const Digest& digest) const { return names_.contains(digest); }
  uint64_t NameOf(const Digest& digest);

 private:
  std::map<Digest, uint64_t> names_;
};

// Not thread-safe.
class Reader final {
 public:
  // Statements that exist now are the same on every path; they are known by their digest.
  void Learn(const Statement& statement);

  // `objects` and `blobs` are read directly, without contacts.
  void AddStorage(const storage::AccountSnapshot* account, storage::ObjectStore& objects,
                  BlobStore& blobs, Tokens& out);
  void AddCustody(const custody::Account& account, Tokens& out);

 private:
  void Add(Tokens& out, uint64_t value) { out.push_back({value, std::nullopt}); }
  void Add(Tokens& out, std::string_view text);
  void Add(Tokens& out, const Digest& digest) { out.push_back({0, digest}); }
  void Add(Tokens& out, const Statement& statement);
  template <typename T>
  void Add(Tokens& out, const std::optional<T>& value) {
    Add(out, uint64_t{value.has_value()});
    if (value.has_value()) Add(out, *value);
  }
  void Add(Tokens& out, const custody::Endorsed& endorsed) { Add(out, endorsed.statement); }
  Tokens Describe(const Statement& statement) const;

  std::map<Digest, Tokens> statements_;
};

}  // namespace comity::sim

#endif  // COMITY_TESTS_SIM_TOKENS_H_
