#ifndef COMITY_TESTS_TESTING_SPOILT_MESSAGES_H_
#define COMITY_TESTS_TESTING_SPOILT_MESSAGES_H_

#include <string>
#include <vector>

#include <google/protobuf/message.h>

// Messages that no client of ours sends, made from the descriptors alone, so that a new field or
// message is spoilt without anybody thinking of it.
namespace comity {

// Fills every field with something of the right form where the field's name tells one: ids of their
// lengths, enums of their first value, one element of each list. Of a oneof the first member.
void FillMessage(google::protobuf::Message& message);

struct SpoiltMessage {
  std::string what;   // "PutObjectRequest.header.object_id: 0 bytes"
  std::string bytes;  // of the whole message
};

// The filled message with one thing wrong each time, at every depth: fields that are missing; texts
// that are empty, short, huge, no UTF-8, or look like paths and escapes; enum values that are zero
// or unknown; numbers at both ends; lists of 5,000 elements; maps with too many and with huge
// entries; every member of a oneof.
std::vector<SpoiltMessage> SpoilEachField(const google::protobuf::Message& filled);

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_SPOILT_MESSAGES_H_
