#include "client/objects/attributes.h"

#include <string>

#include <gmock/gmock.h>

#include "services/common/crypto/random.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using testing::HasSubstr;
using testing::Not;

class AttributesTest : public testing::Test {
 protected:
  const SecretBytes key_ = RandomSecret(32);
  const ContentId content_ = RandomId<ContentId>();
  const ObjectAttributes attributes_{"photos/cat.jpg", "image/jpeg", 1'512'086'400'123, 12'345, 3};
  const std::string sealed_ = SealAttributes(attributes_, content_, key_);
};

TEST_F(AttributesTest, WhatWasSealedOpens) {
  ASSERT_OK_AND_ASSIGN(const ObjectAttributes opened, OpenAttributes(sealed_, content_, key_));
  EXPECT_EQ(opened.name, attributes_.name);
  EXPECT_EQ(opened.content_type, attributes_.content_type);
  EXPECT_EQ(opened.modified_ms, attributes_.modified_ms);
  EXPECT_EQ(opened.size, attributes_.size);
  EXPECT_EQ(opened.version, attributes_.version);
}

TEST_F(AttributesTest, TheNameIsNotReadable) { EXPECT_THAT(sealed_, Not(HasSubstr("cat"))); }

TEST_F(AttributesTest, TheSameAttributesAreSealedDifferentlyEachTime) {
  EXPECT_NE(SealAttributes(attributes_, content_, key_), sealed_);
}

TEST_F(AttributesTest, AnyFlippedByteIsRefused) {
  for (size_t i = 0; i < sealed_.size(); ++i) {
    std::string flipped = sealed_;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_THAT(OpenAttributes(flipped, content_, key_), RefusedWith(Reason::kDataCorrupt)) << i;
  }
}

TEST_F(AttributesTest, EveryShorterOrLongerTextIsRefused) {
  for (size_t n = 0; n < sealed_.size(); ++n) {
    EXPECT_THAT(OpenAttributes(sealed_.substr(0, n), content_, key_),
                RefusedWith(Reason::kDataCorrupt))
        << n;
  }
  EXPECT_THAT(OpenAttributes(sealed_ + '\0', content_, key_), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(AttributesTest, AnotherContentsAttributesAreRefused) {
  EXPECT_THAT(OpenAttributes(sealed_, RandomId<ContentId>(), key_),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(AttributesTest, AnotherKeyIsRefused) {
  EXPECT_THAT(OpenAttributes(sealed_, content_, RandomSecret(32)),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(AttributesTest, AssociatedDataNamesFormatAndContent) {
  EXPECT_EQ(ContentAssociatedData(content_), "comity object v1" + std::string(content_.bytes()));
}

}  // namespace
}  // namespace comity
