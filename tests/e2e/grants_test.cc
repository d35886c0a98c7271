#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/deployment/supervisor.h"
#include "services/common/files/files.h"
#include "services/common/ids/ids.h"
#include "tests/e2e/program.h"
#include "tests/testing/temp_dir.h"

// One account lets another one use its key, as both meet it: real processes over mTLS in two
// regions, the commands of docs/custody.md.
namespace comity::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class GrantsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteFileDurably(home() + "/letter", "a letter", FileMode::kPublic).ok());
    ASSERT_TRUE(WriteFileDurably(home() + "/diary", "a diary", FileMode::kPublic).ok());
    Run({"up", "icloud-cn-2018", "--dir", home() + "/world"});
    owner_ = Create("owner", "US");
    grantee_ = Create("grantee", "US");
    Create("stranger", "US");
    As("owner", {"put", home() + "/letter", home() + "/diary"});
  }
  void TearDown() override { RunComity(home(), {"down"}); }

  std::string home() const { return dir_.path(); }
  std::string Run(const std::vector<std::string>& arguments, int exit_code = 0) {
    const ProgramResult result = RunComity(home(), arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.output;
    return result.output;
  }
  std::string As(const std::string& who, std::vector<std::string> arguments, int exit_code = 0) {
    arguments.insert(arguments.begin(), {"--profile", who});
    return Run(arguments, exit_code);
  }
  json JsonAs(const std::string& who, std::vector<std::string> arguments, int exit_code = 0) {
    arguments.insert(arguments.begin(), "--json");
    return json::parse(As(who, std::move(arguments), exit_code));
  }
  std::string Create(const std::string& who, const std::string& territory) {
    return JsonAs(who, {"account", "create", "--territory", territory})["account"];
  }
  // To open `object`, or all, for a month.
  std::string Give(const std::string& who, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"key",    "grant",   who,         "--operations",
                                          "unwrap", "--until", "2018-02-01"};
    arguments.insert(arguments.end(), {"--purposes", "content"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return JsonAs("owner", arguments)["grant"];
  }
  std::string Ticket(const std::string& object, const std::string& grant,
                     const std::string& purpose = "content") {
    const std::string file = home() + "/" + object + "." + purpose + "." + grant;
    EXPECT_TRUE(WriteFileDurably(
                    file,
                    As("owner", {"key", "ticket", object, "--grant", grant, "--purpose", purpose}),
                    FileMode::kPublic)
                    .ok());
    return file;
  }
  // Empty: it was opened, into <home>/key.
  std::string WhyNot(const std::string& who, const std::string& ticket) {
    const ProgramResult result = RunComity(
        home(), {"--json", "--profile", who, "key", "open", ticket, "--output", home() + "/key"});
    const json answer = json::parse(result.output, nullptr, false);
    return result.exit_code == 0 ? "" : answer["error"].value("reason", result.output);
  }

  const TempDir dir_;
  std::string owner_;
  std::string grantee_;
};

TEST_F(GrantsTest, GranteeOpensWhatItWasGrantedUntilItIsRevoked) {
  const std::string grant = Give(grantee_, {"--object", "letter"});
  const std::string letter = Ticket("letter", grant);
  EXPECT_EQ(WhyNot("grantee", letter), "");
  EXPECT_EQ(fs::file_size(home() + "/key"), 32u);
  EXPECT_EQ(fs::status(home() + "/key").permissions() & fs::perms::all,
            fs::perms::owner_read | fs::perms::owner_write);
  const std::string key = ReadFile(home() + "/key").value();
  // Nothing else, and nobody else.
  EXPECT_EQ(WhyNot("grantee", Ticket("diary", grant)), "GRANT_EXCEEDED");
  EXPECT_EQ(WhyNot("grantee", Ticket("letter", grant, "attributes")), "GRANT_EXCEEDED");
  EXPECT_EQ(WhyNot("stranger", letter), "ACCOUNT_NOT_YOURS");
  EXPECT_EQ(WhyNot("owner", letter), "ACCOUNT_NOT_YOURS");
  EXPECT_EQ(WhyNot("grantee", Ticket("letter", Base32Encode(std::string(16, 'x')))),
            "ACCOUNT_NOT_YOURS");

  const json grants = JsonAs("owner", {"key", "grants"});
  ASSERT_EQ(grants.size(), 1u);
  EXPECT_EQ(grants[0]["grant"], grant);
  EXPECT_EQ(grants[0]["grantee"], grantee_);
  EXPECT_EQ(grants[0]["state"], "in force");
  EXPECT_EQ(grants[0]["signed_by_own_device"], true);
  EXPECT_THAT(As("owner", {"key", "grants"}), HasSubstr("unwrap of content, 1 object"));
  EXPECT_EQ(JsonAs("grantee", {"key", "grants"}).size(), 0u);

  // Through the death of custody, both ways.
  absl::StatusOr<Supervisor> supervisor = Supervisor::Open(home() + "/world");
  ASSERT_TRUE(supervisor.ok());
  const auto restart = [&] {
    ASSERT_TRUE(supervisor->Kill("us", ServiceKind::kCustody).ok());
    ASSERT_TRUE(supervisor->Start().ok());
  };
  restart();
  EXPECT_EQ(WhyNot("grantee", letter), "");
  EXPECT_EQ(ReadFile(home() + "/key").value(), key) << "the same key";
  EXPECT_THAT(As("owner", {"key", "revoke-grant", grant}), HasSubstr("opens nothing since"));
  EXPECT_EQ(WhyNot("grantee", letter), "GRANT_NOT_IN_FORCE");
  restart();
  EXPECT_EQ(WhyNot("grantee", letter), "GRANT_NOT_IN_FORCE");
  As("owner", {"key", "revoke-grant", grant});
  EXPECT_EQ(JsonAs("owner", {"key", "grants"})[0]["state"], "revoked");

  // Who it was stands in the records, and every act in the log.
  std::istringstream records(Run({"--json", "--as", "us/ops-evans", "custody", "audit", "--account",
                                  owner_, "--method", "BatchUnwrapDataKeys"}));
  size_t uses = 0;
  for (std::string line; std::getline(records, line);) {
    const json record = json::parse(line);
    if (record.value("use", "") != "grant" || record["outcome"] != "OK") continue;
    ++uses;
    EXPECT_EQ(record["grant"], grant);
  }
  EXPECT_EQ(uses, 2u);
  Run({"log", "verify"});
  Run({"down"});
  Run({"check"});
}

TEST_F(GrantsTest, GrantEndsOnItsDayAndWithAMove) {
  Create("mei", "CN");
  As("mei", {"put", home() + "/letter"});
  const std::string ends = Give(grantee_);
  const std::string letter = Ticket("letter", ends);
  EXPECT_EQ(WhyNot("grantee", letter), "");
  Run({"test", "clock", "advance", "2018-02-01"});
  EXPECT_EQ(WhyNot("grantee", letter), "GRANT_NOT_IN_FORCE");
  EXPECT_EQ(JsonAs("owner", {"key", "grants"})[0]["state"], "expired");
  EXPECT_EQ(JsonAs("owner",
                   {"key", "grant", grantee_, "--operations", "unwrap", "--purposes", "content",
                    "--until", "2018-01-15"},
                   1)["error"]["reason"],
            "FIELD_INVALID")
      << "a day that is over";
  // An owner of mainland China, whose key moves.
  const std::string grant =
      JsonAs("mei", {"key", "grant", grantee_, "--operations", "unwrap", "--purposes", "content",
                     "--until", "2018-06-01"})["grant"];
  const std::string ticket = home() + "/mei.ticket";
  ASSERT_TRUE(WriteFileDurably(ticket, As("mei", {"key", "ticket", "letter", "--grant", grant}),
                               FileMode::kPublic)
                  .ok());
  EXPECT_EQ(WhyNot("grantee", ticket), "");
  As("mei", {"account", "accept-terms"});
  Run({"test", "clock", "advance", "2018-03-01"});
  Run({"--as", "us/ops-evans", "migrate", "run"});
  EXPECT_EQ(JsonAs("mei", {"key", "where"})["region"], "cn");
  EXPECT_EQ(WhyNot("grantee", ticket), "ACCOUNT_NOT_YOURS");
  EXPECT_EQ(JsonAs("mei", {"key", "grants"}).size(), 0u);
  // Given anew it names a custody that does not know the grantee, and opens nothing.
  const std::string again =
      JsonAs("mei", {"key", "grant", grantee_, "--operations", "unwrap", "--purposes", "content",
                     "--until", "2018-06-01"})["grant"];
  const std::string there = As("mei", {"key", "ticket", "letter", "--grant", again});
  EXPECT_THAT(there, HasSubstr("\"region\":\"cn\""));
  ASSERT_TRUE(WriteFileDurably(ticket, there, FileMode::kPublic).ok());
  EXPECT_EQ(WhyNot("grantee", ticket), "ACCOUNT_NOT_YOURS");
  // Who has come along opens it.
  const std::string wei = JsonAs(
      "wei", {"account", "create", "--territory", "CN", "--accept-terms", "cn-2018-02"})["account"];
  const std::string last =
      JsonAs("mei", {"key", "grant", wei, "--operations", "unwrap", "--purposes", "content",
                     "--until", "2018-06-01"})["grant"];
  ASSERT_TRUE(WriteFileDurably(ticket, As("mei", {"key", "ticket", "letter", "--grant", last}),
                               FileMode::kPublic)
                  .ok());
  EXPECT_EQ(WhyNot("wei", ticket), "");
  EXPECT_EQ(WhyNot("grantee", ticket), "ACCOUNT_NOT_YOURS");
}

TEST_F(GrantsTest, WrongCommandLinesSayWhatIsWrong) {
  const auto cause = [&](std::vector<std::string> arguments) -> std::string {
    return JsonAs("owner", std::move(arguments), 1)["error"]["cause"];
  };
  EXPECT_THAT(cause({"key", "grant", grantee_, "--operations", "read", "--purposes", "content",
                     "--until", "2018-02-01"}),
              HasSubstr("there are: generate, wrap, unwrap, rewrap"));
  EXPECT_THAT(cause({"key", "grant", grantee_, "--operations", "unwrap", "--purposes", "all",
                     "--until", "2018-02-01"}),
              HasSubstr("there are: content, attributes"));
  EXPECT_THAT(cause({"key", "grant", "nobody", "--operations", "unwrap", "--purposes", "content",
                     "--until", "2018-02-01"}),
              HasSubstr("is no account"));
  EXPECT_THAT(cause({"key", "grant", grantee_, "--operations", "unwrap", "--purposes", "content",
                     "--context", "project", "--until", "2018-02-01"}),
              HasSubstr("NAME=VALUE"));
  EXPECT_THAT(cause({"key", "grant", owner_, "--operations", "unwrap", "--purposes", "content",
                     "--until", "2018-02-01"}),
              Not(HasSubstr("internal")));
  EXPECT_THAT(cause({"key", "revoke-grant", "nothing"}), HasSubstr("is no grant"));
  EXPECT_EQ(JsonAs("owner",
                   {"key", "grant", grantee_, "--operations", "unwrap", "--purposes", "content",
                    "--object", "nowhere", "--until", "2018-02-01"},
                   1)["error"]["reason"],
            "OBJECT_NOT_FOUND");
  EXPECT_EQ(WhyNot("grantee", home() + "/letter"), "FIELD_INVALID");
}

}  // namespace
}  // namespace comity::testing
