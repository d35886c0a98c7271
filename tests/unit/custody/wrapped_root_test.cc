#include "services/custody/wrapped_root.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/custody/pkcs11_token.h"
#include "tests/testing/golden.h"
#include "tests/testing/matchers.h"
#include "tests/testing/soft_token.h"

namespace comity::custody {
namespace {

WrappedRoot Example(const GoldenVectors& golden) {
  return {"x.test", *RegionId::Create("us"), "apple", std::string(12, 'i'), golden.at("sealed"),
          {}};
}

TEST(WrappedRootTest, RecordsAreThoseOfTheGoldenFile) {
  const GoldenVectors golden = GoldenVectors::Load("wrapped_root.txt");
  WrappedRoot wrapped = Example(golden);
  EXPECT_EQ(AssociatedDataOf(wrapped), golden.at("associated_data"));
  EXPECT_EQ(EncodeWrappedRoot(wrapped), golden.at("record"));
  wrapped.ring = "ring";
  EXPECT_EQ(AssociatedDataOf(wrapped), golden.at("associated_data"));
  EXPECT_EQ(EncodeWrappedRoot(wrapped), golden.at("record_with_ring"));
  ASSERT_OK_AND_ASSIGN(const WrappedRoot read, DecodeWrappedRoot(golden.at("record_with_ring")));
  EXPECT_EQ(read.ring, "ring");
  EXPECT_EQ(read.operator_name, "apple");
}

TEST(WrappedRootTest, TokenOpensWhatAnotherImplementationWrapped) {
  const GoldenVectors golden = GoldenVectors::Load("wrapped_root.txt");
  const SoftToken soft;
  soft.ImportKey("root-wrapping", std::string(32, 'h'));
  const WrappedRoot wrapped = Example(golden);
  ASSERT_OK_AND_ASSIGN(const auto token, Pkcs11Token::Open(SoftToken::Module(), "custody-us"));
  ASSERT_THAT(token->LogIn(SecretBytes::CopyOf(SoftToken::kPin)), IsOk());
  ASSERT_OK_AND_ASSIGN(const Pkcs11Token::Key key, token->FindKey("root-wrapping"));
  ASSERT_OK_AND_ASSIGN(const SecretBytes root,
                       token->Decrypt(key, wrapped.iv, AssociatedDataOf(wrapped), wrapped.sealed));
  EXPECT_EQ(root.RevealView(RevealKey::ForTest()), std::string(32, 'r'));
}

TEST(WrappedRootTest, OtherSizesAreRefused) {
  const GoldenVectors golden = GoldenVectors::Load("wrapped_root.txt");
  WrappedRoot wrapped = Example(golden);
  wrapped.iv += "i";
  EXPECT_THAT(DecodeWrappedRoot(EncodeWrappedRoot(wrapped)), RefusedWith(Reason::kFieldInvalid));
  wrapped = Example(golden);
  wrapped.sealed.pop_back();
  EXPECT_THAT(DecodeWrappedRoot(EncodeWrappedRoot(wrapped)), RefusedWith(Reason::kFieldInvalid));
}

}  // namespace
}  // namespace comity::custody
