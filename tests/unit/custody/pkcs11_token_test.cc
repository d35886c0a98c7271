#include "services/custody/pkcs11_token.h"

#include <filesystem>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/files/files.h"
#include "services/custody/pkcs11_names.h"
#include "services/custody/seal_trouble.h"
#include "tests/testing/matchers.h"
#include "tests/testing/soft_token.h"

namespace comity::custody {
namespace {

using testing::HasSubstr;

constexpr char kLabel[] = "root-wrapping";
const std::string kIv(kTokenIvSize, 'i');

// SEALED, for this.
MATCHER_P2(IsTrouble, trouble, cause, "") {
  *result_listener << DescribeStatus(StatusOf(arg));
  return ReasonOf(StatusOf(arg)) == Reason::kSealed && TroubleOf(StatusOf(arg)) == trouble &&
         CauseOf(StatusOf(arg)).find(cause) != std::string::npos;
}

class Pkcs11TokenTest : public testing::Test {
 protected:
  static absl::StatusOr<std::unique_ptr<Pkcs11Token>> Open() {
    return Pkcs11Token::Open(SoftToken::Module(), "custody-us");
  }
  static absl::Status LogIn(Pkcs11Token& token, std::string_view pin = SoftToken::kPin) {
    return token.LogIn(SecretBytes::CopyOf(pin));
  }
  // What FindKey() says in a session of its own.
  static absl::Status Find() {
    const auto token = Open();
    if (!token.ok()) return token.status();
    if (absl::Status in = LogIn(**token); !in.ok()) return in;
    return (*token)->FindKey(kLabel).status();
  }

  const SoftToken soft_;
  const SecretBytes plaintext_ = SecretBytes::CopyOf(std::string(32, 'p'));
};

TEST_F(Pkcs11TokenTest, WhatAKeyEncryptsItDecryptsInAnotherSession) {
  std::string sealed;
  {
    ASSERT_OK_AND_ASSIGN(const auto token, Open());
    ASSERT_THAT(LogIn(*token), IsOk());
    EXPECT_THAT(token->FindKey(kLabel), IsTrouble(SealTrouble::kKeyMissing, kLabel));
    ASSERT_THAT(token->MakeKey(kLabel), IsOk());
    ASSERT_OK_AND_ASSIGN(const Pkcs11Token::Key key, token->FindKey(kLabel));
    ASSERT_OK_AND_ASSIGN(sealed, token->Encrypt(key, kIv, "aad", plaintext_));
    EXPECT_EQ(sealed.size(), 48u);
  }
  ASSERT_OK_AND_ASSIGN(const auto token, Open());
  ASSERT_THAT(LogIn(*token), IsOk());
  ASSERT_OK_AND_ASSIGN(const Pkcs11Token::Key key, token->FindKey(kLabel));
  ASSERT_OK_AND_ASSIGN(const SecretBytes opened, token->Decrypt(key, kIv, "aad", sealed));
  EXPECT_TRUE(opened.ConstantTimeEquals(plaintext_));
  EXPECT_THAT(token->Decrypt(key, kIv, "dad", sealed), IsTrouble(SealTrouble::kRecord, "C_Decry"));
  EXPECT_THAT(token->Decrypt(key, std::string(kTokenIvSize, 'j'), "aad", sealed),
              IsTrouble(SealTrouble::kRecord, "C_Decrypt"));
  for (const size_t at : {size_t{0}, size_t{31}, size_t{32}, size_t{47}}) {
    std::string spoilt = sealed;
    spoilt[at] ^= 1;
    EXPECT_THAT(token->Decrypt(key, kIv, "aad", spoilt), IsTrouble(SealTrouble::kRecord, "C_Dec"));
  }
  EXPECT_THAT(token->Decrypt(key, kIv, "aad", "short"), IsTrouble(SealTrouble::kRecord, "short"));
}

TEST_F(Pkcs11TokenTest, KeyThatItMakesIsFit) {
  {
    ASSERT_OK_AND_ASSIGN(const auto token, Open());
    ASSERT_THAT(LogIn(*token), IsOk());
    ASSERT_THAT(token->MakeKey(kLabel), IsOk());
  }
  EXPECT_THAT(Find(), IsOk());
  EXPECT_EQ(soft_.CountKeys(kLabel), 1u);
}

TEST_F(Pkcs11TokenTest, KeyThatCouldLeaveOrDoesMoreIsRefused) {
  const std::pair<SoftToken::Key, const char*> kSpoilt[] = {
      {SoftToken::Key::kExtractable, "it can leave the token"},
      {SoftToken::Key::kAlsoWraps, "it wraps other keys"},
      {SoftToken::Key::kReadable, "its bytes can be read"}};
  for (const auto& [kind, why] : kSpoilt) {
    soft_.AddKey(kLabel, kind);
    EXPECT_THAT(Find(), IsTrouble(SealTrouble::kKeyUnfit, why));
    soft_.DeleteKeys(kLabel);
  }
  soft_.ImportKey(kLabel, std::string(16, 'k'));
  EXPECT_THAT(Find(), IsTrouble(SealTrouble::kKeyUnfit, "it is no AES key of 256 bits"));
}

TEST_F(Pkcs11TokenTest, TwoKeysOfOneLabelAreRefused) {
  soft_.AddKey(kLabel);
  EXPECT_THAT(Find(), IsOk());
  soft_.AddKey(kLabel);
  EXPECT_THAT(Find(), IsTrouble(SealTrouble::kKeyAmbiguous, kLabel));
}

TEST_F(Pkcs11TokenTest, WrongPinIsRefusedAndTheTokenTellsOfIt) {
  {
    ASSERT_OK_AND_ASSIGN(const auto token, Open());
    EXPECT_EQ(token->wrong_pins(), Pkcs11Token::WrongPins::kNone);
    EXPECT_THAT(LogIn(*token, "another-pin"),
                IsTrouble(SealTrouble::kPinRefused, "C_Login: CKR_PIN_INCORRECT"));
  }
  ASSERT_OK_AND_ASSIGN(const auto token, Open());
  EXPECT_EQ(token->wrong_pins(), Pkcs11Token::WrongPins::kSome);
  EXPECT_THAT(LogIn(*token), IsOk());
}

TEST_F(Pkcs11TokenTest, TokenIsFoundByItsLabelAlone) {
  EXPECT_THAT(Pkcs11Token::Open(SoftToken::Module(), "custody-u"),
              IsTrouble(SealTrouble::kTokenAbsent, "no token is called \"custody-u\""));
  soft_.AddToken("custody-cn");
  EXPECT_THAT(Open(), IsOk());
  soft_.AddToken("custody-us");
  EXPECT_THAT(Open(), IsTrouble(SealTrouble::kTokenAbsent, "two tokens are called"));
}

TEST_F(Pkcs11TokenTest, TokenThatWentAndCameBackIsFoundAnew) {
  ASSERT_THAT(Open(), IsOk());
  soft_.TakeOut();
  EXPECT_THAT(Open(), IsTrouble(SealTrouble::kTokenAbsent, "no token"));
  soft_.PutBack();
  EXPECT_THAT(Open(), IsOk());
}

TEST_F(Pkcs11TokenTest, OnlyAModuleThatNobodyElseCanChangeIsLoaded) {
  const TempDir dir;
  const std::string path = dir.path() + "/module.so";
  const auto open = [&] { return Pkcs11Token::Open(path, "custody-us").status(); };
  EXPECT_THAT(open(), IsTrouble(SealTrouble::kModule, "there is no module"));
  ASSERT_THAT(WriteFileDurably(path, "no library", FileMode::kPublic), IsOk());
  EXPECT_THAT(open(), IsTrouble(SealTrouble::kModule, "module.so"));
  std::filesystem::permissions(path, std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  EXPECT_THAT(open(), IsTrouble(SealTrouble::kModule, "can be changed by others"));
}

TEST(Pkcs11NamesTest, WhatTheStandardNamesHasItsName) {
  EXPECT_EQ(CkrName(0), "CKR_OK");
  EXPECT_EQ(CkrName(0xa4), "CKR_PIN_LOCKED");
  EXPECT_EQ(CkrName(0x80000003), "CKR 0x80000003");
}

}  // namespace
}  // namespace comity::custody
