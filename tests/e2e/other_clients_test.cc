// The example clients in Python and Node against real services: they and the `comity` command read
// each other's files and take turns on one account.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/e2e/program.h"
#include "tests/testing/temp_dir.h"

namespace comity::testing {
namespace {

using ::testing::HasSubstr;

std::string Contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// A client: the words before its command, given a deployment and a profile's folder.
struct Client {
  const char* name;
  std::string (*command)(const std::string& world, const std::string& profile);
  // Takes storage's address for custody's, and prints why it was refused.
  const char* crossed;
};

constexpr char kExamples[] = COMITY_SOURCE_DIR "/client/examples";

constexpr char kCrossedPython[] = R"sh(cat > crossed.py <<'END'
from deployment import CUSTODY, STORAGE, Deployment, Refused
from device import Device
world = Deployment("world/bundle")
custody, storage = world.service("us", CUSTODY), world.service("us", STORAGE)
custody.address, storage.address = storage.address, custody.address
try:
    world.now(Device.generate())
except Refused as why:
    print("refused:", why)
END
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=)sh" COMITY_PYTHON_MESSAGES ":" COMITY_SOURCE_DIR
                                  "/client/examples/python /usr/bin/python3 crossed.py";
#ifdef COMITY_NODE_MODULES
constexpr char kCrossedNode[] = R"sh(cat > crossed.js <<'END'
const { Deployment } = require(`${process.argv[2]}/deployment`);
const { Device } = require(`${process.argv[2]}/device`);
const world = new Deployment('world/bundle');
const service = world.service.bind(world);
const other = { custody: 'storage', storage: 'custody' };
world.service = (region, kind) =>
  ({ ...service(region, kind), address: service(region, other[kind]).address });
world.now(Device.generate()).catch((why) => console.log('refused:', why.message));
END
NODE_PATH=)sh" COMITY_NODE_MODULES " node crossed.js " COMITY_SOURCE_DIR "/client/examples/node";
#endif

const Client kClients[] = {
    {"Python",
     [](const std::string& world, const std::string& profile) {
       return "PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=" COMITY_PYTHON_MESSAGES " /usr/bin/python3 " +
              std::string(kExamples) + "/python/comity_example.py --bundle " + world +
              " --profile " + profile + " ";
     },
     kCrossedPython},
#ifdef COMITY_NODE_MODULES
    {"Node",
     [](const std::string& world, const std::string& profile) {
       return "NODE_PATH=" COMITY_NODE_MODULES " node " + std::string(kExamples) +
              "/node/comity_example.js " + world + " " + profile + " ";
     },
     kCrossedNode},
#endif
};

class OtherClientsTest : public ::testing::TestWithParam<Client> {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<TempDir>();
    ASSERT_EQ(Bash("comity up --dir world").exit_code, 0);
    std::ofstream small(Path("small.txt"));
    small << "A letter.\n";
    const std::ofstream empty(Path("empty.txt"));
    // Three segments and a bit.
    std::ofstream large(Path("large.bin"), std::ios::binary);
    for (uint32_t i = 0; i < 820'000; ++i) large.write(reinterpret_cast<const char*>(&i), 4);
  }
  static void TearDownTestSuite() {
    Bash("comity --deployment world down");
    dir_.reset();
  }
  void SetUp() override {
    // "AccountAndFiles/Python" gives a name of its own to each.
    profile_ = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(profile_.begin(), profile_.end(), '/', '-');
  }

  static std::string Path(const std::string& name) { return dir_->path() + "/" + name; }
  static ProgramResult Bash(const std::string& line) {
    return RunProgram(Path("home"), {"/bin/bash", "-c",
                                     "PATH=\"$COMITY_BIN_DIR:$PATH\"; cd '" + dir_->path() + "'; " +
                                         line + " 2>&1"});
  }
  // The other language's client, and our own, on the same profile.
  ProgramResult Theirs(const std::string& words) {
    return Bash(GetParam().command("world/bundle", "home/profiles/" + profile_) + words);
  }
  ProgramResult Ours(const std::string& words) {
    return Bash("comity --profile " + profile_ + " " + words);
  }

  static std::unique_ptr<TempDir> dir_;
  std::string profile_;
};
std::unique_ptr<TempDir> OtherClientsTest::dir_;

TEST_P(OtherClientsTest, AccountAndFilesOfTheOtherClientAreReadByOurs) {
  const ProgramResult made = Theirs("create CN");
  ASSERT_EQ(made.exit_code, 0) << made.output;
  EXPECT_THAT(made.output, HasSubstr("region         us, epoch 1"));
  for (const char* file : {"empty.txt", "large.bin"}) {
    const ProgramResult put = Theirs(std::string("put ") + file);
    ASSERT_EQ(put.exit_code, 0) << put.output;
    const ProgramResult got = Ours(std::string("get ") + file + " -o back");
    ASSERT_EQ(got.exit_code, 0) << got.output;
    EXPECT_TRUE(Contents(Path("back")) == Contents(Path(file))) << file;
  }
  EXPECT_THAT(Ours("ls").output, HasSubstr("large.bin"));
}

TEST_P(OtherClientsTest, AccountAndFilesOfOursAreReadByTheOtherClient) {
  ASSERT_EQ(Ours("account create --territory HK").exit_code, 0);
  for (const char* file : {"empty.txt", "large.bin"}) {
    ASSERT_EQ(Ours(std::string("put ") + file).exit_code, 0);
    const ProgramResult got = Theirs(std::string("get ") + file + " back");
    ASSERT_EQ(got.exit_code, 0) << got.output;
    EXPECT_TRUE(Contents(Path("back")) == Contents(Path(file))) << file;
  }
  // The next version, by turns.
  EXPECT_THAT(Theirs("put small.txt empty.txt").output, HasSubstr("version 2"));
  EXPECT_THAT(Ours("put empty.txt").output, HasSubstr("version 3"));
}

TEST_P(OtherClientsTest, KeyLocationIsVerified) {
  ASSERT_EQ(Theirs("create CN").exit_code, 0);
  const ProgramResult where = Theirs("where");
  EXPECT_EQ(where.exit_code, 0);
  EXPECT_THAT(where.output, HasSubstr("active in region us, operated by apple"));
  EXPECT_THAT(where.output, HasSubstr("can compel it: United States"));
}

TEST_P(OtherClientsTest, ForgedTopologyIsRefused) {
  ASSERT_EQ(Bash("mkdir forged; cp world/bundle/topology.txtpb* forged; "
                 "sed -i 's/home_jurisdictions: \"CN\"/home_jurisdictions: \"US\"/' "
                 "forged/topology.txtpb")
                .exit_code,
            0);
  const ProgramResult made = Bash(GetParam().command("forged", "nowhere") + "create CN");
  EXPECT_EQ(made.exit_code, 1);
  EXPECT_THAT(made.output, HasSubstr("Untrusted"));
  EXPECT_FALSE(std::filesystem::exists(Path("nowhere")));
  Bash("rm -r forged");
}

TEST_P(OtherClientsTest, ServiceThatIsAnotherThanTheTopologySaysIsRefused) {
  const ProgramResult crossed = Bash(GetParam().crossed);
  EXPECT_THAT(crossed.output, HasSubstr("refused:"));
  EXPECT_THAT(crossed.output, HasSubstr("spiffe://us.icloud-cn-2018.comity.test/operator/apple/"
                                        "custody/0"));
}

TEST_P(OtherClientsTest, RefusalSaysTheReasonOfTheService) {
  ASSERT_EQ(Theirs("create CN").exit_code, 0);
  ASSERT_EQ(Ours("account close").exit_code, 0);
  const ProgramResult put = Theirs("put small.txt");
  EXPECT_EQ(put.exit_code, 1);
  EXPECT_THAT(put.output, HasSubstr("ACCOUNT_CLOSING"));
}

INSTANTIATE_TEST_SUITE_P(, OtherClientsTest, ::testing::ValuesIn(kClients),
                         [](const ::testing::TestParamInfo<Client>& client) {
                           return std::string(client.param.name);
                         });

}  // namespace
}  // namespace comity::testing
