#include "tests/hygiene/fuzz_targets.h"

#include <gmock/gmock.h>

namespace comity::hygiene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> NamesIn(std::string_view text) {
  std::vector<std::string> names;
  for (const Decoder& decoder : FindDecoders(MakeFile("services/custody/codec.h", text))) {
    names.push_back(decoder.name +
                    (decoder.message.empty() ? std::string() : " " + decoder.message));
  }
  return names;
}

std::vector<SourceFile> Tree(std::string_view header, std::string_view target,
                             std::string_view exempt = "") {
  return {MakeFile("services/custody/codec.h", header),
          MakeFile("tests/fuzz/CMakeLists.txt", "comity_fuzz(codec_fuzz SOURCES codec_fuzz.cc)"),
          MakeFile("tests/fuzz/codec_fuzz.cc", target), MakeFile("tests/fuzz/exempt.txt", exempt)};
}

constexpr std::string_view kInclude = "#include \"services/custody/codec.h\"\n";

TEST(FuzzTargetsTest, EveryDecoderOfTheTreeHasATarget) {
  size_t decoders = 0;
  for (const SourceFile& file : Repository()) decoders += FindDecoders(file).size();
  EXPECT_GT(decoders, 80u);
  const std::vector<std::string> findings = CheckFuzzTargets(Repository());
  EXPECT_TRUE(findings.empty()) << Listing(findings);
}

TEST(FuzzTargetsTest, DeclarationsAreFoundWhateverTheirType) {
  EXPECT_THAT(NamesIn("absl::StatusOr<Topology> ParseTopology(std::string_view text);\n"
                      "  static absl::StatusOr<FixedId> FromBytes(std::string_view bytes);\n"
                      "inline std::optional<std::map<A, B>> DecodeMap(\n"
                      "    std::string_view bytes);\n"),
              ElementsAre("ParseTopology", "FromBytes", "DecodeMap"));
}

TEST(FuzzTargetsTest, OverloadsAreToldApartByTheirMessage) {
  EXPECT_THAT(NamesIn("absl::StatusOr<A> Decode(const pb::GetRequest& request);\n"
                      "absl::StatusOr<B> Decode(\n"
                      "    const google::protobuf::RepeatedPtrField<v1::Statement>& messages);\n"),
              ElementsAre("Decode GetRequest", "Decode Statement"));
}

TEST(FuzzTargetsTest, CallsCommentsAndOtherNamesAreNoDecoders) {
  EXPECT_THAT(NamesIn("  return DecodeRecord<A>(bytes);\n"
                      "  return Parse(text);\n"
                      "// Parse(text) reads it.\n"
                      "std::string EncodeRecord(const A& a);\n"
                      "void Decoded(int n);\n"
                      "Statement ToProto(const A& a);\n"),
              IsEmpty());
}

TEST(FuzzTargetsTest, DecoderThatATargetCallsPasses) {
  EXPECT_THAT(CheckFuzzTargets(Tree("A ParseA(std::string_view text);\n",
                                    std::string(kInclude) + "ParseA(input);\n")),
              IsEmpty());
}

TEST(FuzzTargetsTest, DecoderWithoutATargetIsFound) {
  EXPECT_THAT(CheckFuzzTargets(Tree("A ParseA(std::string_view text);\n", kInclude)),
              ElementsAre(HasSubstr("codec.h:1: no fuzz target calls ParseA")));
}

TEST(FuzzTargetsTest, ATargetOfAnotherHeaderDoesNotCount) {
  EXPECT_THAT(CheckFuzzTargets(Tree("A ParseA(std::string_view text);\n",
                                    "#include \"services/review/codec.h\"\nParseA(input);\n")),
              SizeIs(1));
}

TEST(FuzzTargetsTest, EachMessageOfAnOverloadNeedsATarget) {
  EXPECT_THAT(CheckFuzzTargets(Tree("A Decode(const pb::One& a);\nA Decode(const pb::Two& a);\n",
                                    std::string(kInclude) + "Decode(One());\n")),
              ElementsAre(HasSubstr("codec.h:2: no fuzz target calls Decode(Two)")));
}

TEST(FuzzTargetsTest, AnExemptionNeedsAReasonAndAUse) {
  const std::string_view header = "A ParseA(std::string_view text);\n";
  EXPECT_THAT(CheckFuzzTargets(
                  Tree(header, kInclude, "# comment\nservices/custody/codec.h ParseA: a flag\n")),
              IsEmpty());
  EXPECT_THAT(CheckFuzzTargets(Tree(header, kInclude, "services/custody/codec.h ParseA\n")),
              ElementsAre(HasSubstr("exempt.txt:1: is not"), HasSubstr("no fuzz target")));
  EXPECT_THAT(CheckFuzzTargets(Tree("", kInclude, "services/custody/codec.h ParseA: gone\n")),
              ElementsAre(HasSubstr("exempts nothing")));
}

TEST(FuzzTargetsTest, ATargetThatIsNotDeclaredIsFound) {
  std::vector<SourceFile> tree = Tree("", kInclude);
  tree.push_back(MakeFile("tests/fuzz/other_fuzz.cc", ""));
  EXPECT_THAT(CheckFuzzTargets(tree), ElementsAre(HasSubstr("other_fuzz.cc:1: no comity_fuzz()")));
}

}  // namespace
}  // namespace comity::hygiene
