#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "comity/custody/store/v1/store.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/store/open.h"
#include "services/storage/stored_codec.h"
#include "tests/e2e/program.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

// `comity check` over the stores of a real deployment, before and after they are damaged.
namespace comity::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The stores of one stopped service, opened to be damaged.
class Store final {
 public:
  explicit Store(const std::string& directory) : directory_(directory) {
    records_ = *OpenRocksRecordStore(directory);
  }

  std::vector<std::string> Partitions(const std::string& prefix) {
    return *records_->Partitions(prefix, "", 10'000);
  }
  std::vector<std::string> Keys(const std::string& partition, const std::string& prefix) {
    std::vector<std::string> keys;
    const ScanPage page = *records_->Scan(partition, "", "", 10'000);
    for (const auto& [key, value] : page.items) {
      if (key.starts_with(prefix)) keys.push_back(key);
    }
    return keys;
  }
  std::string Get(const std::string& partition, const std::string& key) {
    const Snapshot snapshot = *records_->Get(partition, {key});
    const std::string* value = snapshot.Find(key);
    if (value == nullptr) ADD_FAILURE() << partition << " has no " << key;
    return value == nullptr ? "" : *value;
  }
  void Put(const std::string& partition, const std::string& key, const std::string& value) {
    Change(partition, Mutation::Put(key, value));
  }
  // The first key with this prefix; there must be one.
  void Delete(const std::string& partition, const std::string& prefix) {
    const std::vector<std::string> keys = Keys(partition, prefix);
    ASSERT_FALSE(keys.empty()) << partition << " has no " << prefix;
    Change(partition, Mutation::Delete(keys.front()));
  }

  // The files of blobs whose name contains `part`.
  std::vector<fs::path> Blobs(const std::string& part) const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory_ + "/blobs/data")) {
      if (entry.is_regular_file() && entry.path().string().find(part) != std::string::npos) {
        files.push_back(entry.path());
      }
    }
    std::ranges::sort(files);
    return files;
  }
  static void FlipAByte(const fs::path& file) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    const int byte = stream.get();
    stream.seekp(0);
    stream.put(static_cast<char>(byte ^ 1));
  }

 private:
  void Change(const std::string& partition, const Mutation& mutation) {
    ASSERT_THAT(records_->Commit(partition, RandomId<RequestId>(), {}, {mutation}), IsOk());
  }

  const std::string directory_;
  std::unique_ptr<RecordStore> records_;
};

// One deployment for all tests, made once, stopped, and put back after each.
class CheckTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir();
    fs::create_directories(dir_->path() + "/files");
    for (int i = 0; i < 6; ++i) {
      std::ofstream(dir_->path() + "/files/" + std::to_string(i)) << std::string(3000, 'a' + i);
    }
    const ProgramResult made =
        RunComity(dir_->path() + "/home",
                  {"--json", "scenario", "run", COMITY_SOURCE_DIR "/tests/e2e/checked-world",
                   "--files", dir_->path() + "/files", "--dir", World()});
    ASSERT_EQ(made.exit_code, 0) << made.output;
    fs::copy(World(), World() + "-as-it-was", fs::copy_options::recursive);
  }
  static void TearDownTestSuite() {
    delete dir_;
    dir_ = nullptr;
  }

  void SetUp() override {
    ASSERT_TRUE(fs::exists(World() + "-as-it-was")) << "the world could not be made";
    fs::remove_all(World());
    fs::copy(World() + "-as-it-was", World(), fs::copy_options::recursive);
    Store storage(Directory("us/storage"));
    for (const std::string& partition : storage.Partitions("storage/")) {
      const auto info = storage::DecodeInfo(storage.Get(partition, "account"));
      ASSERT_THAT(info, IsOk());
      const std::string id = partition.substr(partition.find('/') + 1);
      if (info->state == storage::AccountState::kActive) {
        stays_ = id;
      } else {
        (info->data_here ? moved_ : confirmed_) = id;
      }
    }
  }

  static std::string World() { return dir_->path() + "/world"; }
  static std::string Directory(const std::string& service) {
    return World() + "/" + service + "/store";
  }
  static std::unique_ptr<Store> Open(const std::string& service) {
    return std::make_unique<Store>(Directory(service));
  }

  static json Check(int exit_code, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"--json", "--deployment", World(), "check"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = RunComity(dir_->path() + "/home", arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.output;
    return json::parse(result.output, nullptr, /*allow_exceptions=*/false);
  }
  // "us/storage blob account …: what is wrong", one for each violation.
  static std::vector<std::string> Violations(const json& check) {
    std::vector<std::string> texts;
    for (const json& violation : check.value("violations", json::array())) {
      texts.push_back(violation["service"].get<std::string>() + " " +
                      violation["rule"].get<std::string>() + " " +
                      violation["where"].get<std::string>() + ": " +
                      violation["what"].get<std::string>());
    }
    return texts;
  }

  static TempDir* dir_;
  std::string moved_;      // to cn; its old copies are there
  std::string confirmed_;  // to cn; its old copies are destroyed
  std::string stays_;      // in us
};
TempDir* CheckTest::dir_ = nullptr;

TEST_F(CheckTest, NothingIsFoundInAWorldThatIsAsItShouldBe) {
  const json check = Check(0, {"--settled"});
  EXPECT_EQ(check["ok"], true);
  EXPECT_EQ(check["services"], 6);
  EXPECT_EQ(check["accounts"], 3);
  EXPECT_EQ(check["objects"], 6);
  EXPECT_EQ(check["cases"], 1);
  EXPECT_THAT(check["notes"], IsEmpty());
}

TEST_F(CheckTest, DamageToRecordsIsNamed) {
  {
    const auto custody = Open("us/custody");
    custody->Delete("custody/" + moved_, "leaf/");
    custody->Delete("custody/" + confirmed_, "decision/");
    const std::string key = custody->Keys("custody/" + stays_, "account/key/").front();
    std::string sealed = custody->Get("custody/" + stays_, key);
    sealed.back() = static_cast<char>(sealed.back() ^ 1);
    custody->Put("custody/" + stays_, key, sealed);

    const auto storage = Open("us/storage");
    storage->Delete("storage/" + confirmed_, "s/");
    Store::FlipAByte(storage->Blobs("objects/" + stays_).front());

    const auto there = Open("cn/custody");
    there->Delete("custody/" + moved_, "used/");
    there->Delete("custody/" + confirmed_, "account/history");

    const auto review = Open("cn/review");
    for (const std::string& partition : review->Partitions("review/2")) {
      review->Delete(partition, "case/");
    }
  }
  const std::vector<std::string> found = Violations(Check(3));
  EXPECT_THAT(found, Contains(HasSubstr("us/custody leaf account " + moved_)));
  EXPECT_THAT(found, Contains(HasSubstr("us/custody decision account " + confirmed_)));
  EXPECT_THAT(found, Contains(HasSubstr("us/custody key account " + stays_)));
  EXPECT_THAT(found, Contains(HasSubstr("us/storage lost account " + confirmed_)));
  EXPECT_THAT(found, Contains(HasSubstr("us/storage blob account " + stays_)));
  EXPECT_THAT(found, Contains(HasSubstr("custody of cn knows nothing of it")));
  EXPECT_THAT(found, Contains(HasSubstr("cn/custody record account " + confirmed_)));
  EXPECT_THAT(found, Contains(HasSubstr("cn/review lost case cn-2018")));
}

TEST_F(CheckTest, ASecondActiveSideIsNamed) {
  {
    const auto storage = Open("us/storage");
    auto info = storage::DecodeInfo(storage->Get("storage/" + moved_, "account"));
    ASSERT_THAT(info, IsOk());
    info->state = storage::AccountState::kActive;
    storage->Put("storage/" + moved_, "account", storage::EncodeInfo(*info));

    const auto custody = Open("us/custody");
    custody::store::v1::AccountRecord record;
    ASSERT_TRUE(record.ParseFromString(custody->Get("custody/" + moved_, "account/record")));
    for (auto& key : *record.mutable_keys()) key.set_state(custody::store::v1::KEY_STATE_ACTIVE);
    record.set_presence(custody::store::v1::PRESENCE_ACTIVE);
    custody->Put("custody/" + moved_, "account/record", record.SerializeAsString());
  }
  const std::vector<std::string> found = Violations(Check(3));
  EXPECT_THAT(found, Contains(" one-side account " + moved_ + ": it is served in cn and us"));
  EXPECT_THAT(found,
              Contains(" keys-one-side account " + moved_ + ": its keys are active in cn and us"));
}

TEST_F(CheckTest, DamageToObjectsLogsAndCasesIsNamed) {
  {
    const auto storage = Open("us/storage");
    fs::remove(storage->Blobs("objects/" + stays_).front());
    fs::remove(storage->Blobs("log/storage/tile/entries").front());

    const auto there = Open("cn/storage");
    there->Delete("storage/" + moved_, "used/");
    for (const std::string& partition : there->Partitions("objects/" + moved_ + "/")) {
      if (there->Keys(partition, "o/").empty()) continue;
      there->Delete(partition, "o/");
      break;
    }
    const std::string bucket = there->Partitions("objects/" + confirmed_ + "/").front();
    there->Put(bucket, "gate", storage::EncodeGate({storage::GateKind::kFenced, 2}));
    there->Put("objects/" + confirmed_ + "/zz", "gate",
               storage::EncodeGate({storage::GateKind::kOpen, 2}));

    const auto custody = Open("us/custody");
    custody::store::v1::LeafOpening opening;
    const std::string leaf = custody->Keys("custody/" + stays_, "leaf/").front();
    ASSERT_TRUE(opening.ParseFromString(custody->Get("custody/" + stays_, leaf)));
    opening.set_log_index(10'000);
    custody->Put("custody/" + stays_, leaf, opening.SerializeAsString());

    const auto review = Open("cn/review");
    review->Delete("service/review-key", "record-key");
  }
  const std::vector<std::string> found = Violations(Check(3));
  EXPECT_THAT(found, Contains(HasSubstr("us/storage blob account " + stays_)));
  EXPECT_THAT(found, Contains(HasSubstr("us/storage log log ")));
  EXPECT_THAT(found, Contains(HasSubstr("storage of cn knows nothing of it")));
  EXPECT_THAT(found, Contains(HasSubstr("cn/storage lost account " + moved_)));
  EXPECT_THAT(found, Contains(HasSubstr("cn/storage gate account " + confirmed_)));
  EXPECT_THAT(found, Contains(HasSubstr("cn/storage gate partition objects/" + confirmed_)));
  EXPECT_THAT(found, Contains(HasSubstr("claims entry 10000 of the log, which ends before it")));
  EXPECT_THAT(found, Contains(HasSubstr("cn/review key record key")));
}

TEST_F(CheckTest, ALostAccountAndItsRestAreNamed) {
  {
    const auto storage = Open("us/storage");
    storage->Delete("storage/" + stays_, "account");
    const auto custody = Open("cn/custody");
    for (const std::string& key : custody->Keys("custody/" + moved_, "")) {
      custody->Delete("custody/" + moved_, key);
    }
    const auto review = Open("cn/review");
    for (const std::string& partition : review->Partitions("review/2")) {
      for (const std::string prefix : {"case/", "rev/"}) review->Delete(partition, prefix);
    }
  }
  const std::vector<std::string> found = Violations(Check(3));
  EXPECT_THAT(found, Contains(HasSubstr("us/storage lost account " + stays_)));
  EXPECT_THAT(found, Contains(HasSubstr("us/storage lost partition objects/" + stays_)));
  EXPECT_THAT(found, Contains(HasSubstr("cn/custody record account " + moved_)));
  EXPECT_THAT(found, Contains(HasSubstr("there are results of it, and its record is missing")));
  EXPECT_THAT(found, Contains(HasSubstr("cn/review lost cases")));
}

TEST_F(CheckTest, AnAcknowledgedActThatIsNotThereIsNamed) {
  const std::string acts = dir_->path() + "/acts";
  std::ofstream(acts) << R"({"act":"account","account":")" << moved_ << "\"}\n"
                      << R"({"act":"object","account":")" << moved_
                      << R"(","object":"never","version":1})"
                      << "\n";
  const std::vector<std::string> found = Violations(Check(3, {"--expect", acts}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0], HasSubstr("object never: version 1 was stored, and is not there"));
}

TEST_F(CheckTest, AStoreInUseIsNotChecked) {
  const auto held = OpenFileBlobStore(Directory("cn/review"));
  ASSERT_THAT(held, IsOk());
  const json answer = Check(1);
  EXPECT_EQ(answer["error"]["reason"], "STORE_UNAVAILABLE");
  EXPECT_THAT(answer["error"]["cause"].get<std::string>(), HasSubstr("cn/review"));
}

}  // namespace
}  // namespace comity::testing
