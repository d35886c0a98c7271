#include "client/legal/package_reader.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "client/objects/attributes.h"
#include "services/common/crypto/hpke.h"
#include "services/common/crypto/random.h"
#include "services/common/files/files.h"
#include "services/common/statement/proto_codec.h"
#include "tests/testing/authorisation.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

namespace pb = comity::review::v1;
using testing::HasSubstr;

constexpr UnixMillis kNow = TestDeployment::kHandover + kDayMs;

const TestDeployment& Shared() {
  static const TestDeployment deployment;
  return deployment;
}

std::string ContentsOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// A package as review sends it, of objects that a test adds; a test spoils one thing.
class PackageReaderTest : public testing::Test {
 protected:
  struct Object {
    ContentId content;
    std::string ciphertext;
  };

  PackageReaderTest() : authorisation_(Shared(), AccountId(), {ContentId()}, kNow) {
    EXPECT_THAT(MakePrivateFolders(folder()), IsOk());
    EXPECT_THAT(WritePrivateFile(directory_.path() + "/recipient-" +
                                     Base32Encode(authorisation_.core.recipient_key) + ".key",
                                 authorisation_.recipient_private_key()),
                IsOk());
  }
  std::string folder() const { return directory_.path() + "/files"; }

  // Adds an object to the account's head; its ciphertext is sent by Contents().
  void AddObject(const std::string& name, const std::string& plain,
                 const ContentId& content = RandomId<ContentId>()) {
    const SecretBytes data_key = RandomSecret(32);
    const SecretBytes attributes_key = RandomSecret(32);
    Object object{content, {}};
    StreamEncrypter encrypter =
        StreamEncrypter::Create(data_key, ContentAssociatedData(content)).value();
    encrypter.Update(plain, object.ciphertext);
    std::move(encrypter).Finish(object.ciphertext);
    auto& version = *head_.add_objects();
    version.set_object_id(std::string(RandomId<ObjectId>().bytes()));
    version.set_version(1);
    version.set_content_id(std::string(content.bytes()));
    version.set_size(object.ciphertext.size());
    version.set_digest(std::string(Sha256Digest(object.ciphertext).bytes()));
    version.set_wrapped_content_key("k");
    version.set_wrapped_attributes_key("k");
    version.set_sealed_attributes(SealAttributes({.name = name}, content, attributes_key));
    answer_.keys.push_back(
        {content, KeyPurpose::kContent, std::string(data_key.RevealView(RevealKey::ForTest()))});
    answer_.keys.push_back({content, KeyPurpose::kAttributes,
                            std::string(attributes_key.RevealView(RevealKey::ForTest()))});
    objects_.push_back(std::move(object));
  }

  // The head with storage's manifest over its objects, and custody's answer.
  pb::DownloadPackageResponse Head() {
    const Authorisation authorisation = authorisation_.Build();
    pb::DownloadPackageResponse message;
    pb::PackageAccount& account = *message.mutable_account();
    account = head_;
    *account.mutable_authorisation() = ToProto(authorisation);
    LegalManifest manifest{.authorisation = authorisation.digest()};
    for (const auto& object : head_.objects()) {
      ObjectRecord record;
      record.object = *ObjectId::FromBytes(object.object_id());
      record.version = object.version();
      record.content = *ContentId::FromBytes(object.content_id());
      record.size = object.size();
      record.digest = *Digest::FromBytes(object.digest());
      record.wrapped_content_key = object.wrapped_content_key();
      record.wrapped_attributes_key = object.wrapped_attributes_key();
      record.sealed_attributes = object.sealed_attributes();
      manifest.objects.push_back(ObjectRecordDigest(record));
    }
    const TestService& storage = Shared().service("cn", ServiceKind::kStorage);
    const Envelope envelope{.deployment = Shared().topology().deployment(),
                            .region = "cn",
                            .subject = std::string(authorisation_.core.account.bytes()),
                            .time = kNow};
    *account.mutable_manifest() = ToProto(SignStatement(envelope, manifest, storage.statement_key));
    *account.mutable_storage_endorsement() = ToProto(storage.endorsement);
    const std::string info = "comity answer v1" + std::string(authorisation.digest().bytes()) +
                             "custody" + std::string(4, '\0');
    account.set_sealed_answer(HpkeSeal(authorisation_.core.recipient_key, info, "",
                                       SecretBytes::CopyOf(EncodeRecord(answer_)))
                                  .value());
    return message;
  }
  static pb::DownloadPackageResponse Content(const ContentId& content) {
    pb::DownloadPackageResponse message;
    message.mutable_content()->set_content_id(std::string(content.bytes()));
    return message;
  }
  static pb::DownloadPackageResponse Chunk(const std::string& chunk) {
    pb::DownloadPackageResponse message;
    message.set_chunk(chunk);
    return message;
  }
  std::vector<pb::DownloadPackageResponse> Whole() {
    std::vector<pb::DownloadPackageResponse> messages = {Head()};
    for (const Object& object : objects_) {
      messages.push_back(Content(object.content));
      if (!object.ciphertext.empty()) messages.push_back(Chunk(object.ciphertext));
    }
    return messages;
  }
  absl::StatusOr<std::vector<OpenedFile>> Read(
      const std::vector<pb::DownloadPackageResponse>& messages) {
    PackageReader reader({.topology = &Shared().topology(),
                          .now = kNow,
                          .person_folder = directory_.path(),
                          .case_id = authorisation_.core.case_id,
                          .folder = folder()});
    for (const pb::DownloadPackageResponse& message : messages) {
      if (absl::Status taken = reader.Take(message); !taken.ok()) return taken;
    }
    return reader.Finish();
  }
  absl::Status Refusal(const std::vector<pb::DownloadPackageResponse>& messages) {
    return Read(messages).status();
  }

  const TempDir directory_;
  TestAuthorisation authorisation_;
  pb::PackageAccount head_;
  LegalAnswer answer_;
  std::vector<Object> objects_;
};

TEST_F(PackageReaderTest, FilesComeBackAsTheyWereStored) {
  AddObject("letter.txt", "Dear sir");
  ASSERT_OK_AND_ASSIGN(const std::vector<OpenedFile> files, Read(Whole()));
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].name, "letter.txt");
  EXPECT_EQ(files[0].size, 8u);
  EXPECT_EQ(ContentsOf(files[0].path), "Dear sir");
}

TEST_F(PackageReaderTest, AnObjectWithoutAByteIsAnEmptyFile) {
  AddObject("empty", "");
  ASSERT_OK_AND_ASSIGN(const std::vector<OpenedFile> files, Read(Whole()));
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].size, 0u);
  EXPECT_TRUE(std::filesystem::is_empty(files[0].path));
}

TEST_F(PackageReaderTest, NoNameLeadsOutOfTheFolder) {
  for (const std::string& name :
       {std::string("../../etc/passwd"), std::string("/abs"), std::string("a/../b"),
        std::string(".."), std::string("a\0b", 3), std::string("a\nb"), std::string("\u202egpj"),
        std::string("\xff"), std::string(64 << 10, 'n'), std::string("/")}) {
    AddObject(name, "x");
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<OpenedFile> files, Read(Whole()));
  ASSERT_EQ(files.size(), 10u);
  for (const OpenedFile& file : files) {
    EXPECT_EQ(std::filesystem::path(file.path).lexically_normal().parent_path(), folder());
    EXPECT_EQ(ContentsOf(file.path), "x");
  }
}

TEST_F(PackageReaderTest, ObjectsOfOneNameDoNotReplaceEachOther) {
  // Their owner chose the ids too: the first letters are the same.
  std::string bytes(16, 'c');
  for (char c = 'a'; c < 'e'; ++c) {
    bytes.back() = c;
    AddObject("same.txt", std::string(1, c), *ContentId::FromBytes(bytes));
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<OpenedFile> files, Read(Whole()));
  ASSERT_EQ(files.size(), 4u);
  for (size_t i = 0; i < files.size(); ++i) {
    EXPECT_EQ(ContentsOf(files[i].path), std::string(1, static_cast<char>('a' + i)));
  }
}

TEST_F(PackageReaderTest, APackageOfAnotherCaseIsRefused) {
  AddObject("a", "x");
  const std::vector<pb::DownloadPackageResponse> messages = Whole();
  authorisation_.core.case_id = "another";
  EXPECT_THAT(Refusal(messages), RefusedWith(Reason::kAuthorisationInvalid));
}

TEST_F(PackageReaderTest, AListThatStorageDidNotSignIsRefused) {
  AddObject("a", "x");
  std::vector<pb::DownloadPackageResponse> messages = Whole();
  messages[0].mutable_account()->mutable_objects(0)->set_version(2);
  EXPECT_THAT(Refusal(messages), RefusedWith(Reason::kDataCorrupt));
  messages = Whole();
  messages[0].mutable_account()->mutable_manifest()->mutable_signatures(0)->set_signature(
      std::string(64, 's'));
  EXPECT_THAT(Refusal(messages), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(PackageReaderTest, AContentThatIsNotInTheListIsRefused) {
  AddObject("a", "x");
  std::vector<pb::DownloadPackageResponse> messages = Whole();
  messages.push_back(Content(RandomId<ContentId>()));
  EXPECT_THAT(Refusal(messages), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(PackageReaderTest, AContentThatComesTwiceIsRefused) {
  AddObject("a", "x");
  std::vector<pb::DownloadPackageResponse> messages = Whole();
  messages.push_back(messages[1]);
  EXPECT_THAT(Refusal(messages), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(PackageReaderTest, AContentThatIsCutOrChangedIsRefused) {
  AddObject("a", "a content of some length");
  std::vector<pb::DownloadPackageResponse> messages = Whole();
  const std::string chunk = messages.back().chunk();
  messages.back().set_chunk(chunk.substr(0, chunk.size() - 1));
  EXPECT_THAT(Refusal(messages), RefusedWith(Reason::kDataCorrupt));
  messages.back().set_chunk(chunk + "x");
  EXPECT_THAT(Refusal(messages), RefusedWith(Reason::kDataCorrupt));
  messages.pop_back();
  EXPECT_THAT(Refusal(messages), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(PackageReaderTest, PartsOutOfOrderAreRefused) {
  AddObject("a", "x");
  const std::vector<pb::DownloadPackageResponse> messages = Whole();
  EXPECT_THAT(Refusal({messages[2]}), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(Refusal({messages[1]}), RefusedWith(Reason::kDataCorrupt));
  const absl::Status empty = Refusal({pb::DownloadPackageResponse()});
  EXPECT_THAT(empty, RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(CauseOf(empty), HasSubstr("empty part"));
}

TEST_F(PackageReaderTest, KeysOfAWrongLengthAreRefused) {
  AddObject("a", "x");
  answer_.keys[0].data_key.pop_back();
  EXPECT_THAT(Refusal(Whole()), RefusedWith(Reason::kDataCorrupt));
  answer_.keys.erase(answer_.keys.begin());
  EXPECT_THAT(Refusal(Whole()), RefusedWith(Reason::kDataCorrupt));
  answer_.keys[0].data_key.clear();
  EXPECT_THAT(Refusal(Whole()), RefusedWith(Reason::kDataCorrupt));
}

}  // namespace
}  // namespace comity
