#ifndef COMITY_COMMON_STATEMENT_FIELDS_H_
#define COMITY_COMMON_STATEMENT_FIELDS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "services/common/encoding/canonical.h"
#include "services/common/ids/ids.h"
#include "services/common/status/reason.h"

// One description per record type serves writing and reading: each body has
//   template <class Io, class Self> static void Fields(Io& io, Self& b) { io(16, b.x); ... }
// with tags strictly ascending. Kinds of members: std::string, u8/u16/u32/u64, int64 (as u64, must
// not be negative), FixedId, RegionId, enum classes over uint8_t with IsValid(E), std::optional of
// these (absent field), std::vector<std::string>, std::vector<FixedId>, std::map of strings, and
// vectors of nested records (each with its own Fields and kVersion 1).
namespace comity {

template <typename T>
inline constexpr bool kIsFixedId = false;
template <typename Tag, size_t kBytes>
inline constexpr bool kIsFixedId<FixedId<Tag, kBytes>> = true;
template <typename T>
inline constexpr bool kIsVector = false;
template <typename T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

class FieldWriter;
class FieldReader;

template <typename Record>
std::string EncodeRecord(const Record& record);
template <typename Record>
absl::StatusOr<Record> DecodeRecord(std::string_view bytes);

class FieldWriter final {
 public:
  explicit FieldWriter(CanonicalWriter& writer) : writer_(writer) {}

  template <typename T>
  void operator()(uint16_t tag, const T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      writer_.Bytes(tag, value);
    } else if constexpr (std::is_enum_v<T>) {
      writer_.U8(tag, static_cast<uint8_t>(value));
    } else if constexpr (std::is_same_v<T, uint8_t>) {
      writer_.U8(tag, value);
    } else if constexpr (std::is_same_v<T, uint16_t>) {
      writer_.U16(tag, value);
    } else if constexpr (std::is_same_v<T, uint32_t>) {
      writer_.U32(tag, value);
    } else if constexpr (std::is_same_v<T, uint64_t> || std::is_same_v<T, int64_t>) {
      writer_.U64(tag, static_cast<uint64_t>(value));
    } else if constexpr (kIsFixedId<T>) {
      writer_.Bytes(tag, value.bytes());
    } else if constexpr (std::is_same_v<T, RegionId>) {
      writer_.Bytes(tag, value.name());
    } else if constexpr (kIsOptional<T>) {
      if (value.has_value()) (*this)(tag, *value);
    } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
      writer_.Map(tag, value);
    } else if constexpr (kIsVector<T>) {
      using E = typename T::value_type;
      std::vector<std::string> items;
      for (const E& e : value) {
        if constexpr (std::is_same_v<E, std::string>) {
          items.push_back(e);
        } else if constexpr (kIsFixedId<E>) {
          items.emplace_back(e.bytes());
        } else if constexpr (std::is_enum_v<E>) {
          items.emplace_back(1, static_cast<char>(e));
        } else {
          items.push_back(EncodeRecord(e));
        }
      }
      writer_.List(tag, items);
    } else {
      static_assert(!sizeof(T), "no canonical form for this type");
    }
  }

 private:
  CanonicalWriter& writer_;
};

// Collects the first error; members read after it keep their default.
class FieldReader final {
 public:
  explicit FieldReader(CanonicalReader& reader) : reader_(reader) {}
  const absl::Status& status() const { return status_; }

  template <typename T>
  void operator()(uint16_t tag, T& value) {
    if (!status_.ok()) return;
    if constexpr (std::is_same_v<T, std::string>) {
      Take(reader_.Bytes(tag), [&](std::string_view v) { value = std::string(v); });
    } else if constexpr (std::is_enum_v<T>) {
      Take(reader_.U8(tag), [&](uint8_t v) { TakeEnum(v, value); });
    } else if constexpr (std::is_same_v<T, uint8_t>) {
      Take(reader_.U8(tag), [&](uint8_t v) { value = v; });
    } else if constexpr (std::is_same_v<T, uint16_t>) {
      Take(reader_.U16(tag), [&](uint16_t v) { value = v; });
    } else if constexpr (std::is_same_v<T, uint32_t>) {
      Take(reader_.U32(tag), [&](uint32_t v) { value = v; });
    } else if constexpr (std::is_same_v<T, uint64_t>) {
      Take(reader_.U64(tag), [&](uint64_t v) { value = v; });
    } else if constexpr (std::is_same_v<T, int64_t>) {
      Take(reader_.U64(tag), [&](uint64_t v) {
        if (v >> 63) {
          status_ = Refuse(Reason::kStatementMalformed, "negative time");
        } else {
          value = static_cast<int64_t>(v);
        }
      });
    } else if constexpr (kIsFixedId<T>) {
      Take(reader_.FixedBytes(tag, T::kSize),
           [&](std::string_view v) { value = *T::FromBytes(v); });
    } else if constexpr (std::is_same_v<T, RegionId>) {
      Take(reader_.Bytes(tag), [&](std::string_view v) {
        if (absl::StatusOr<RegionId> r = RegionId::Create(v); r.ok()) {
          value = *std::move(r);
        } else {
          status_ = Refuse(Reason::kStatementMalformed, "not a region name");
        }
      });
    } else if constexpr (kIsOptional<T>) {
      if (reader_.Has(tag)) {
        value.emplace();
        (*this)(tag, *value);
      }
    } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
      Take(reader_.Map(tag), [&](auto v) { value = std::move(v); });
    } else if constexpr (kIsVector<T>) {
      Take(reader_.List(tag), [&](std::vector<std::string> items) {
        for (std::string& item : items) TakeItem(item, value);
      });
    } else {
      static_assert(!sizeof(T), "no canonical form for this type");
    }
  }

 private:
  template <typename V, typename F>
  void Take(absl::StatusOr<V> value, F use) {
    if (value.ok()) {
      use(*std::move(value));
    } else {
      status_ = value.status();
    }
  }
  template <typename E>
  void TakeEnum(uint8_t v, E& value) {
    if (IsValid(static_cast<E>(v))) {
      value = static_cast<E>(v);
    } else {
      status_ = Refuse(Reason::kStatementMalformed, "no such enum value");
    }
  }
  template <typename E>
  void TakeItem(std::string& item, std::vector<E>& out) {
    if (!status_.ok()) return;
    if constexpr (std::is_same_v<E, std::string>) {
      out.push_back(std::move(item));
    } else if constexpr (kIsFixedId<E>) {
      if (item.size() == E::kSize) {
        out.push_back(*E::FromBytes(item));
      } else {
        status_ = Refuse(Reason::kStatementMalformed, "id of a wrong length");
      }
    } else if constexpr (std::is_enum_v<E>) {
      E value{};
      if (item.size() != 1) {
        status_ = Refuse(Reason::kStatementMalformed, "enum of a wrong length");
        return;
      }
      TakeEnum(static_cast<uint8_t>(item[0]), value);
      out.push_back(value);
    } else {
      if (absl::StatusOr<E> record = DecodeRecord<E>(item); record.ok()) {
        out.push_back(*std::move(record));
      } else {
        status_ = record.status();
      }
    }
  }

  CanonicalReader& reader_;
  absl::Status status_;
};

// A record that is not a statement: version 1, then its fields.
template <typename Record>
std::string EncodeRecord(const Record& record) {
  CanonicalWriter writer(1);
  FieldWriter fields(writer);
  Record::Fields(fields, record);
  return std::move(writer).Finish();
}

template <typename Record>
absl::StatusOr<Record> DecodeRecord(std::string_view bytes) {
  absl::StatusOr<CanonicalReader> reader = CanonicalReader::Open(bytes, 1);
  if (!reader.ok()) return reader.status();
  Record record{};
  FieldReader fields(*reader);
  Record::Fields(fields, record);
  if (!fields.status().ok()) return fields.status();
  if (absl::Status s = reader->Finish(); !s.ok()) return s;
  return record;
}

}  // namespace comity

#endif  // COMITY_COMMON_STATEMENT_FIELDS_H_
