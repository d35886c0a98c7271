#include "tests/testing/spoilt_messages.h"

#include <limits>
#include <memory>
#include <string_view>

#include <google/protobuf/descriptor.h>

namespace comity {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kManyElements = 5'000;
constexpr size_t kHugeBytes = 100'000;
constexpr int kDepth = 8;

// A singular field, or the first element of a list.
class Place final {
 public:
  Place(Message& message, const FieldDescriptor& field)
      : message_(message), field_(field), reflection_(*message.GetReflection()) {
    if (field.is_repeated() && reflection_.FieldSize(message, &field) == 0) AddElement();
  }

  void SetString(const std::string& value) {
    field_.is_repeated() ? reflection_.SetRepeatedString(&message_, &field_, 0, value)
                         : reflection_.SetString(&message_, &field_, value);
  }
  void SetEnum(int value) {
    field_.is_repeated() ? reflection_.SetRepeatedEnumValue(&message_, &field_, 0, value)
                         : reflection_.SetEnumValue(&message_, &field_, value);
  }
  // As much of it as the field can hold.
  void SetNumber(int64_t value) {
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection_.SetInt32(&message_, &field_, static_cast<int32_t>(value));
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection_.SetInt64(&message_, &field_, value);
      case FieldDescriptor::CPPTYPE_UINT32:
        return reflection_.SetUInt32(&message_, &field_, static_cast<uint32_t>(value));
      case FieldDescriptor::CPPTYPE_UINT64:
        return reflection_.SetUInt64(&message_, &field_, static_cast<uint64_t>(value));
      default:
        return;
    }
  }
  Message& MutableMessage() {
    return field_.is_repeated() ? *reflection_.MutableRepeatedMessage(&message_, &field_, 0)
                                : *reflection_.MutableMessage(&message_, &field_);
  }
  // Another element like the first.
  void AddElement() {
    const bool first = reflection_.FieldSize(message_, &field_) == 0;
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        reflection_.AddString(
            &message_, &field_,
            first ? std::string() : reflection_.GetRepeatedString(message_, &field_, 0));
        return;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection_.AddEnumValue(&message_, &field_, 1);
        return;
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        Message& added = *reflection_.AddMessage(&message_, &field_);
        if (!first) added.CopyFrom(reflection_.GetRepeatedMessage(message_, &field_, 0));
        return;
      }
      default:
        return;
    }
  }

 private:
  Message& message_;
  const FieldDescriptor& field_;
  const Reflection& reflection_;
};

std::string WellFormed(const FieldDescriptor& field) {
  const std::string& name = field.name();
  const auto ends = [&](std::string_view end) { return std::string_view(name).ends_with(end); };
  if (name == "case_id") return "cn-201803-0a-aaaaaaaaaaaaaaaa";
  if (name == "signature") return std::string(64, 's');
  if (ends("account_id")) return std::string(20, 'a');
  if (ends("object_id") || ends("content_id") || ends("request_id") || ends("migration_id")) {
    return std::string(16, 'i');
  }
  if (ends("page_token")) return {};
  if (ends("region") || ends("destination")) return "us";
  return std::string(32, 'x');
}

const std::vector<std::string>& NastyTexts() {
  static const auto* const kTexts = new std::vector<std::string>{
      "",
      "x",
      "../../etc/passwd",
      "/etc/passwd",
      std::string("a\0b", 3),
      "line\nline\r\x1b[2J",
      "%s%n%d",
      "\xff\xfe",
      "CN'; DROP",
      std::string(20, '\0'),
      std::string(16, '\xff'),
      std::string(kHugeBytes, 'A'),
  };
  return *kTexts;
}

bool IsNumber(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return !field.is_repeated();
    default:
      return false;
  }
}

void Fill(Message& message, int depth) {
  const Descriptor& descriptor = *message.GetDescriptor();
  const Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const auto* const oneof = field.real_containing_oneof();
    if (field.is_map() || (oneof != nullptr && reflection.HasOneof(message, oneof))) continue;
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (depth < kDepth) Fill(Place(message, field).MutableMessage(), depth + 1);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      Place(message, field).SetString(WellFormed(field));
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      Place(message, field).SetEnum(1);
    } else if (IsNumber(field)) {
      Place(message, field).SetNumber(1);
    }
  }
}

class Spoiler final {
 public:
  explicit Spoiler(const Message& filled) : whole_(filled.New()) { whole_->CopyFrom(filled); }

  std::vector<SpoiltMessage> Run() {
    Spoil(*whole_, whole_->GetDescriptor()->name(), 0);
    return std::move(spoilt_);
  }

 private:
  void Keep(std::string what) {
    spoilt_.push_back({std::move(what), whole_->SerializePartialAsString()});
  }

  // Changes one field of `part`, which belongs to the whole, and puts it back.
  template <typename Change>
  void With(Message& part, const std::string& what, const Change& change) {
    const std::unique_ptr<Message> before(part.New());
    before->CopyFrom(part);
    change();
    Keep(what);
    part.CopyFrom(*before);
  }

  void Spoil(Message& part, const std::string& path, int depth) {
    const Descriptor& descriptor = *part.GetDescriptor();
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const FieldDescriptor& field = *descriptor.field(i);
      SpoilField(part, field, path + "." + field.name(), depth);
    }
  }

  void SpoilField(Message& part, const FieldDescriptor& field, const std::string& path, int depth) {
    const Reflection& reflection = *part.GetReflection();
    With(part, path + ": missing", [&] { reflection.ClearField(&part, &field); });
    if (field.is_map()) return SpoilMap(part, field, path);
    if (field.is_repeated()) {
      With(part, path + ": many", [&] {
        Place place(part, field);
        for (int n = 1; n < kManyElements; ++n) place.AddElement();
      });
    }
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      for (const std::string& text : NastyTexts()) {
        With(part, path + ": " + std::to_string(text.size()) + " bytes",
             [&] { Place(part, field).SetString(text); });
      }
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      for (const int value : {0, 999, -1}) {
        With(part, path + ": value " + std::to_string(value),
             [&] { Place(part, field).SetEnum(value); });
      }
    } else if (IsNumber(field)) {
      for (const int64_t value : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::max(),
                                  std::numeric_limits<int64_t>::min()}) {
        With(part, path + ": " + std::to_string(value),
             [&] { Place(part, field).SetNumber(value); });
      }
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && depth < kDepth) {
      // A member of a oneof that was not filled takes the place of the one that was.
      const std::unique_ptr<Message> before(part.New());
      before->CopyFrom(part);
      const bool filled = field.is_repeated() ? reflection.FieldSize(part, &field) > 0
                                              : reflection.HasField(part, &field);
      Message& inside = Place(part, field).MutableMessage();
      if (!filled) Fill(inside, depth + 1);
      Spoil(inside, path, depth + 1);
      part.CopyFrom(*before);
    }
  }

  // Of texts to texts.
  void SpoilMap(Message& part, const FieldDescriptor& field, const std::string& path) {
    const Reflection& reflection = *part.GetReflection();
    const FieldDescriptor* const key = field.message_type()->map_key();
    const FieldDescriptor* const value = field.message_type()->map_value();
    const auto add = [&](const std::string& k, const std::string& v) {
      Message& entry = *reflection.AddMessage(&part, &field);
      entry.GetReflection()->SetString(&entry, key, k);
      entry.GetReflection()->SetString(&entry, value, v);
    };
    With(part, path + ": many", [&] {
      for (int n = 0; n < kManyElements; ++n) add(std::to_string(n), "v");
    });
    With(part, path + ": empty key", [&] { add("", "v"); });
    With(part, path + ": huge key", [&] { add(std::string(kHugeBytes, 'k'), "v"); });
    With(part, path + ": huge value", [&] { add("k", std::string(kHugeBytes, 'v')); });
    With(part, path + ": one key twice", [&] { add("k", "v"), add("k", "w"); });
  }

  const std::unique_ptr<Message> whole_;
  std::vector<SpoiltMessage> spoilt_;
};

}  // namespace

void FillMessage(Message& message) { Fill(message, 0); }

std::vector<SpoiltMessage> SpoilEachField(const Message& filled) { return Spoiler(filled).Run(); }

}  // namespace comity
