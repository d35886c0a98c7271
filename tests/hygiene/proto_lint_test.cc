#include "tests/hygiene/proto_lint.h"

#include <fstream>
#include <iterator>
#include <memory>

#include <gmock/gmock.h>
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

namespace comity::hygiene {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The protos of the tree, as protoc described them.
class ProtoTree : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ifstream in(COMITY_PROTOSET, std::ios::binary);
    FileDescriptorSet set;
    ASSERT_TRUE(set.ParseFromIstream(&in)) << COMITY_PROTOSET;
    for (const FileDescriptorProto& proto : set.file()) {
      const FileDescriptor* file = pool_.BuildFile(proto);
      ASSERT_NE(file, nullptr) << proto.name();
      if (proto.name().starts_with("comity/")) files_.push_back(file);
    }
    ASSERT_FALSE(files_.empty());
    for (const SourceFile& file : Repository()) {
      if (file.path == "tests/hygiene/proto_exemptions.txt") {
        exemptions_ = ParseProtoExemptions(file);
      }
    }
    ASSERT_THAT(exemptions_.errors, IsEmpty());
  }

  DescriptorPool pool_;
  std::vector<const FileDescriptor*> files_;
  ProtoExemptions exemptions_;
};

TEST_F(ProtoTree, NamesFollowTheRules) {
  for (const FileDescriptor* file : files_) {
    const std::vector<std::string> findings = CheckNames(*file);
    EXPECT_TRUE(findings.empty()) << Listing(findings);
  }
}

TEST_F(ProtoTree, EverythingIsCommented) {
  for (const FileDescriptor* file : files_) {
    const std::vector<std::string> findings = CheckComments(*file);
    EXPECT_TRUE(findings.empty()) << Listing(findings);
  }
}

TEST_F(ProtoTree, RequestsFollowTheRules) {
  for (const FileDescriptor* file : files_) {
    const std::vector<std::string> findings = CheckRequests(*file, exemptions_);
    EXPECT_TRUE(findings.empty()) << Listing(findings);
  }
}

TEST_F(ProtoTree, EveryExemptionIsNeeded) {
  const std::vector<std::string> findings = CheckExemptionsUsed(pool_, exemptions_);
  EXPECT_TRUE(findings.empty()) << Listing(findings);
}

// One file given as text, for the rules themselves.
class ProtoLintTest : public ::testing::Test {
 protected:
  const FileDescriptor& Parse(
      const std::string& body, const std::string& name = "comity/sample/v1/sample.proto",
      const std::string& head = "syntax = \"proto3\";\npackage comity.sample.v1;\n") {
    const std::string text = head + body;
    google::protobuf::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
    google::protobuf::io::Tokenizer tokenizer(&input, nullptr);
    FileDescriptorProto proto;
    EXPECT_TRUE(google::protobuf::compiler::Parser().Parse(&tokenizer, &proto)) << text;
    proto.set_name(name);
    const FileDescriptor* file = pool_.BuildFile(proto);
    if (file == nullptr) {
      ADD_FAILURE() << text;
      return *pool_.FindFileByName(name);
    }
    return *file;
  }

  DescriptorPool pool_;
};

constexpr char kGood[] = R"(
  // A service.
  service SampleService {
    // Reads.
    rpc GetThing(GetThingRequest) returns (GetThingResponse);
    // Changes.
    rpc PutThing(stream PutThingRequest) returns (PutThingResponse);
    // Lists.
    rpc ListThings(ListThingsRequest) returns (ListThingsResponse);
  }
  // A color.
  enum ThingColor {
    // None.
    THING_COLOR_UNSPECIFIED = 0;
    // Red.
    THING_COLOR_RED = 1;
  }
  // Empty.
  message GetThingRequest {}
  // Empty.
  message GetThingResponse {}
  // Header.
  message PutThingHeader {
    // 16 bytes.
    bytes request_id = 1;
  }
  // Header or bytes.
  message PutThingRequest {
    // One of the two.
    oneof part {
      PutThingHeader header = 1;
      bytes data = 2;
    }
  }
  // Empty.
  message PutThingResponse {}
  // Paged.
  message ListThingsRequest {
    // Size.
    int32 page_size = 1;
    // Token.
    string page_token = 2;
  }
  // Paged.
  message ListThingsResponse {
    // Token.
    string next_page_token = 1;
  }
)";

TEST_F(ProtoLintTest, GoodFileHasNoFindings) {
  const FileDescriptor& file = Parse(kGood);
  EXPECT_THAT(CheckNames(file), IsEmpty());
  EXPECT_THAT(CheckComments(file), IsEmpty());
  EXPECT_THAT(CheckRequests(file, {}), IsEmpty());
}

TEST_F(ProtoLintTest, PackageOfAnotherFolderIsFound) {
  EXPECT_THAT(CheckNames(Parse("", "comity/other/v1/sample.proto")),
              ElementsAre(HasSubstr("is not the package of its folder")));
}

TEST_F(ProtoLintTest, PackageWithoutVersionIsFound) {
  EXPECT_THAT(CheckNames(Parse("", "comity/sample/sample.proto",
                               "syntax = \"proto3\";\npackage comity.sample;\n")),
              ElementsAre(HasSubstr("is not comity.<service>.v<n>")));
}

TEST_F(ProtoLintTest, OldSyntaxIsFound) {
  EXPECT_THAT(CheckNames(Parse("", "comity/sample/v1/sample.proto",
                               "syntax = \"proto2\";\npackage comity.sample.v1;\n")),
              ElementsAre(HasSubstr("is not proto3")));
}

TEST_F(ProtoLintTest, ServiceWithoutSuffixIsFound) {
  EXPECT_THAT(CheckNames(Parse("service Sample {}")),
              ElementsAre(HasSubstr("is not CamelCaseService")));
}

TEST_F(ProtoLintTest, SharedMessageIsFound) {
  EXPECT_THAT(CheckNames(Parse("message Thing {} message GetThingResponse {}"
                               "service SampleService {"
                               "  rpc GetThing(Thing) returns (GetThingResponse); }")),
              ElementsAre(HasSubstr("not GetThingRequest of its package")));
}

TEST_F(ProtoLintTest, BadNamesAreFound) {
  EXPECT_THAT(CheckNames(Parse("message bad_name { int32 badField = 1; }")),
              ElementsAre(HasSubstr("bad_name is not CamelCase"),
                          HasSubstr("badField is not lower_snake_case")));
}

TEST_F(ProtoLintTest, EnumWithoutUnspecifiedZeroIsFound) {
  EXPECT_THAT(CheckNames(Parse("enum ThingColor { THING_COLOR_RED = 0; }")),
              ElementsAre(HasSubstr("does not start with THING_COLOR_UNSPECIFIED = 0")));
}

TEST_F(ProtoLintTest, EnumValueWithoutPrefixIsFound) {
  EXPECT_THAT(CheckNames(Parse("enum ThingColor { THING_COLOR_UNSPECIFIED = 0; RED = 1; }")),
              ElementsAre(HasSubstr("RED does not start with THING_COLOR_")));
}

TEST_F(ProtoLintTest, EverythingWithoutCommentIsFound) {
  EXPECT_THAT(CheckComments(Parse("message A { int32 x = 1; message B {} }\n"
                                  "enum E { E_UNSPECIFIED = 0; }\n"
                                  "service S { rpc M(A) returns (A); }\n")),
              ElementsAre(HasSubstr(".S has"), HasSubstr(".S.M has"), HasSubstr(".A has"),
                          HasSubstr(".A.x has"), HasSubstr(".A.B has"), HasSubstr(".E has"),
                          HasSubstr(".E_UNSPECIFIED has")));
}

TEST_F(ProtoLintTest, ChangeWithoutRequestIdIsFoundUnlessExempt) {
  const FileDescriptor& file = Parse(
      "message PutRequest { string request_id = 1; } message PutResponse {}"
      "service SampleService { rpc Put(PutRequest) returns (PutResponse); }");
  EXPECT_THAT(CheckRequests(file, {}), ElementsAre(HasSubstr("without bytes request_id")));
  ProtoExemptions exemptions;
  exemptions.request_id["comity.sample.v1.SampleService.Put"] = "repeatable by its digest";
  EXPECT_THAT(CheckRequests(file, exemptions), IsEmpty());
  EXPECT_THAT(CheckExemptionsUsed(pool_, exemptions), IsEmpty());
}

TEST_F(ProtoLintTest, HalfAPageIsFound) {
  EXPECT_THAT(CheckRequests(Parse("message GetRequest { int32 page_size = 1; }"
                                  "message GetResponse { string next_page_token = 1; }"
                                  "service SampleService {"
                                  "  rpc Get(GetRequest) returns (GetResponse); }"),
                            {}),
              ElementsAre(HasSubstr("belong together")));
}

TEST_F(ProtoLintTest, ListWithoutPagesIsFound) {
  EXPECT_THAT(CheckRequests(Parse("message ListRequest {} message ListResponse {}"
                                  "service SampleService {"
                                  "  rpc List(ListRequest) returns (ListResponse); }"),
                            {}),
              ElementsAre(HasSubstr("lists without pages")));
}

TEST_F(ProtoLintTest, BoolInARequestIsFoundUnlessExempt) {
  const FileDescriptor& file = Parse(
      "message GetRequest { bool force = 1; } message GetResponse { bool done = 1; }"
      "service SampleService { rpc Get(GetRequest) returns (GetResponse); }");
  EXPECT_THAT(CheckRequests(file, {}), ElementsAre(HasSubstr("GetRequest.force is a bool")));
  ProtoExemptions exemptions;
  exemptions.bool_field["comity.sample.v1.GetRequest.force"] = "a filter";
  EXPECT_THAT(CheckRequests(file, exemptions), IsEmpty());
}

TEST_F(ProtoLintTest, StoredMessageOnTheWireIsFound) {
  Parse("", "comity/sample/store/v1/record.proto",
        "syntax = \"proto3\";\npackage comity.sample.store.v1;\n");
  EXPECT_THAT(CheckRequests(Parse("", "comity/sample/v1/sample.proto",
                                  "syntax = \"proto3\";\npackage comity.sample.v1;\n"
                                  "import \"comity/sample/store/v1/record.proto\";\n"),
                            {}),
              ElementsAre(HasSubstr("imports what belongs on disk")));
}

TEST_F(ProtoLintTest, ServiceOverStoredMessagesIsFound) {
  EXPECT_THAT(CheckRequests(Parse("service SampleService {}", "comity/sample/store/v1/a.proto",
                                  "syntax = \"proto3\";\npackage comity.sample.store.v1;\n"),
                            {}),
              ElementsAre(HasSubstr("has a service")));
}

TEST_F(ProtoLintTest, UselessExemptionIsFound) {
  ProtoExemptions exemptions;
  exemptions.request_id["comity.sample.v1.SampleService.Gone"] = "was here once";
  exemptions.bool_field["comity.sample.v1.Gone.force"] = "was here once";
  EXPECT_THAT(CheckExemptionsUsed(pool_, exemptions),
              ElementsAre(HasSubstr("Gone exempts nothing"), HasSubstr("force exempts nothing")));
}

TEST_F(ProtoLintTest, ExemptionWithoutReasonIsFound) {
  EXPECT_THAT(ParseProtoExemptions(MakeFile("x.txt",
                                            "request_id a.B.C\nother a.B.C: why\n"
                                            "bool a.B.c: why\n"))
                  .errors,
              ElementsAre(HasSubstr("x.txt:1"), HasSubstr("x.txt:2")));
}

}  // namespace
}  // namespace comity::hygiene
