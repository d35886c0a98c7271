#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/objects/object_name.h"
#include "services/common/limits/rate_limits.h"
#include "services/common/server/call_environment.h"
#include "services/common/server/doorman.h"
#include "services/common/server/limits.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/topology/topology.h"
#include "services/custody/codec.h"
#include "services/review/codec.h"
#include "services/storage/codec.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

// docs/limits.md against the code: what it promises is taken, and one more is refused as it says.
namespace comity {
namespace {

using google::protobuf::RepeatedPtrField;
namespace wire = comity::common::v1;

struct Line {
  std::string limit;
  std::string beyond;
  bool measured = false;  // marked "="
};

struct Page {
  std::map<std::string, Line> limits;           // by what
  std::map<std::string, std::string> remedies;  // by reason
};

std::vector<std::string> Cells(const std::string& row) {
  std::vector<std::string> cells;
  std::istringstream in(row.substr(1));
  for (std::string cell; std::getline(in, cell, '|');) {
    const size_t begin = cell.find_first_not_of(' ');
    cells.push_back(begin == std::string::npos
                        ? ""
                        : cell.substr(begin, cell.find_last_not_of(' ') - begin + 1));
  }
  return cells;
}

const Page& Doc() {
  static const Page* const kPage = [] {
    auto* page = new Page;
    std::ifstream in(COMITY_SOURCE_DIR "/docs/limits.md");
    for (std::string row; std::getline(in, row);) {
      if (!row.starts_with("| ") || row.starts_with("| what |") || row.starts_with("| reason |")) {
        continue;
      }
      const std::vector<std::string> cells = Cells(row);
      if (cells.size() == 2) {
        page->remedies[cells[0]] = cells[1];
      } else {
        page->limits[cells.at(0)] = {cells.at(1), cells.at(2), cells.at(3).starts_with("=")};
      }
    }
    return page;
  }();
  return *kPage;
}

wire::Statement SomeStatement(size_t body = 1, int signatures = 1) {
  wire::Statement statement;
  statement.set_body(std::string(body, 'b'));
  for (int i = 0; i < signatures; ++i) {
    wire::Signature& signature = *statement.add_signatures();
    signature.set_key_id(std::string(32, static_cast<char>('a' + i)));
    signature.set_algorithm(wire::SIGNATURE_ALGORITHM_ED25519);
    signature.set_signature(std::string(64, 's'));
  }
  return statement;
}

template <typename Field>
void Repeat(Field& field, size_t count, const typename Field::value_type& value) {
  for (size_t i = 0; i < count; ++i) *field.Add() = value;
}

storage::pb::PutObjectHeader Header() {
  storage::pb::PutObjectHeader header;
  header.set_request_id(std::string(16, 'r'));
  header.set_account_id(std::string(20, 'a'));
  header.set_object_id(std::string(16, 'o'));
  header.set_content_id(std::string(16, 'c'));
  header.set_wrapped_content_key("k");
  header.set_wrapped_attributes_key("k");
  header.set_sealed_attributes("s");
  return header;
}

wire::EncryptionContext Context() {
  wire::EncryptionContext context;
  context.set_object_id(std::string(16, 'o'));
  context.set_content_id(std::string(16, 'c'));
  context.set_purpose(wire::PURPOSE_CONTENT);
  return context;
}

absl::Status WithPairs(const std::map<std::string, std::string>& pairs) {
  custody::pb::GenerateDataKeyRequest request;
  request.set_account_id(std::string(20, 'a'));
  request.set_reason(custody::pb::USE_REASON_OWNER_ACCESS);
  *request.mutable_context() = Context();
  for (const auto& [name, value] : pairs) {
    wire::ContextPair& pair = *request.mutable_context()->add_pairs();
    pair.set_name(name);
    pair.set_value(value);
  }
  return custody::Decode(request).status();
}

review::pb::DecideCaseRequest Decision() {
  review::pb::DecideCaseRequest request;
  request.set_request_id(std::string(16, 'r'));
  request.set_case_id("case");
  *request.mutable_no_conflict() = SomeStatement();
  return request;
}

wire::Authorisation SomeAuthorisation() {
  wire::Authorisation authorisation;
  authorisation.set_core("core");
  *authorisation.mutable_request() = SomeStatement();
  *authorisation.mutable_grant() = SomeStatement();
  *authorisation.mutable_endorsement() = SomeStatement();
  authorisation.set_grant_leaf("l");
  authorisation.set_grant_receipt("r");
  return authorisation;
}

// What a request with this many, or this large, is answered.
struct Measure {
  size_t limit;
  std::string written;
  std::function<absl::Status(size_t)> take;
};

std::map<std::string, Measure> Measures() {
  std::map<std::string, Measure> all;
  all["entries of a page"] = {1'000, "1,000", [](size_t n) {
                                storage::pb::ListObjectsRequest request;
                                request.set_account_id(std::string(20, 'a'));
                                request.set_page_size(static_cast<int32_t>(n));
                                return storage::Decode(request).status();
                              }};
  all["the body of a statement"] = {65'535, "65,535 bytes",
                                    [](size_t n) { return FromProto(SomeStatement(n)).status(); }};
  all["signatures of a statement"] = {
      16, "16", [](size_t n) { return FromProto(SomeStatement(1, static_cast<int>(n))).status(); }};
  all["entries of a device chain"] = {256, "256", [](size_t n) {
                                        review::pb::ListNoticesRequest request;
                                        request.set_account_id(std::string(20, 'a'));
                                        Repeat(*request.mutable_chain(), n, SomeStatement());
                                        return review::Decode(request).status();
                                      }};
  all["statements delivered at once"] = {64, "64", [](size_t n) {
                                           custody::pb::DeliverStatementRequest request;
                                           request.set_account_id(std::string(20, 'a'));
                                           Repeat(*request.mutable_statements(), n,
                                                  SomeStatement());
                                           return custody::Decode(request).status();
                                         }};
  all["the text of a topology"] = {1 << 20, "1 MiB", [](size_t n) {
                                     std::string text = ReadTopologyTemplate();
                                     text.append(n - text.size(), '\n');
                                     return Topology::Parse(text, /*as_template=*/true).status();
                                   }};
  all["keys in a batch"] = {1'024, "1,024", [](size_t n) {
                              custody::pb::BatchGenerateDataKeysRequest request;
                              request.set_account_id(std::string(20, 'a'));
                              request.set_reason(custody::pb::USE_REASON_OWNER_ACCESS);
                              Repeat(*request.mutable_contexts(), n, Context());
                              return custody::Decode(request).status();
                            }};
  all["wraps made anew in a batch"] = {10'000, "10,000", [](size_t n) {
                                         custody::pb::BatchRewrapDataKeysRequest request;
                                         request.set_account_id(std::string(20, 'a'));
                                         request.set_reason(custody::pb::USE_REASON_OWNER_REWRAP);
                                         custody::pb::UnwrapItem item;
                                         *item.mutable_context() = Context();
                                         item.set_wrapped("w");
                                         Repeat(*request.mutable_items(), n, item);
                                         return custody::Decode(request).status();
                                       }};
  all["pairs of a context"] = {64, "64", [](size_t n) {
                                 std::map<std::string, std::string> pairs;
                                 for (size_t i = 0; i < n; ++i) pairs[std::to_string(i)] = "v";
                                 return WithPairs(pairs);
                               }};
  all["the name of a pair"] = {128, "128 bytes", [](size_t n) {
                                 return WithPairs({{std::string(n, 'n'), "v"}});
                               }};
  all["all pairs of a context"] = {8 << 10, "8 KiB", [](size_t n) {
                                     return WithPairs({{"n", std::string(n - 1, 'v')}});
                                   }};
  all["a wrapped key"] = {256, "256 bytes", [](size_t n) {
                            storage::pb::PutObjectHeader header = Header();
                            header.set_wrapped_content_key(std::string(n, 'k'));
                            return storage::Decode(header).status();
                          }};
  all["a nonce for a key location"] = {64, "16 to 64 bytes", [](size_t n) {
                                         custody::pb::GetKeyLocationRequest request;
                                         request.set_account_id(std::string(20, 'a'));
                                         request.set_nonce(std::string(n, 'n'));
                                         return custody::Decode(request).status();
                                       }};
  all["keys that cross a border"] = {64 << 10, "64 KiB", [](size_t n) {
                                       custody::pb::ImportKeysRequest request;
                                       request.set_account_id(std::string(20, 'a'));
                                       request.set_account_epoch(2);
                                       *request.mutable_consent() = SomeStatement();
                                       *request.mutable_export_statement() = SomeStatement();
                                       *request.mutable_endorsement() = SomeStatement();
                                       request.set_sealed_keys(std::string(n, 's'));
                                       return custody::Decode(request).status();
                                     }};
  all["a chunk"] = {1 << 20, "1 byte to 1 MiB",
                    [](size_t n) { return storage::CheckChunk(std::string(n, 'c')); }};
  all["sealed attributes"] = {16 << 10, "16 KiB", [](size_t n) {
                                storage::pb::PutObjectHeader header = Header();
                                header.set_sealed_attributes(std::string(n, 's'));
                                return storage::Decode(header).status();
                              }};
  all["the name of an object"] = {1'024, "1,024 bytes of UTF-8",
                                  [](size_t n) { return CheckObjectName(std::string(n, 'n')); }};
  all["a text of a decision"] = {4'096, "4,096 bytes", [](size_t n) {
                                   review::pb::DecideCaseRequest request = Decision();
                                   request.mutable_hold()->set_reason(std::string(n, 't'));
                                   return review::Decode(request).status();
                                 }};
  all["reasons of a rejection"] = {
      25, "25, each once", [](size_t n) {
        review::pb::DecideCaseRequest request = Decision();
        for (size_t i = 1; i <= n; ++i) {
          request.mutable_reject()->add_reasons(static_cast<review::pb::RejectionReason>(i));
        }
        return review::Decode(request).status();
      }};
  all["contents that a decision names"] = {
      4'096, "4,096", [](size_t n) {
        review::pb::DecideCaseRequest request = Decision();
        Repeat(*request.mutable_accept()->mutable_content_ids(), n, std::string(16, 'c'));
        return review::Decode(request).status();
      }};
  all["the core of an authorisation"] = {128 << 10, "128 KiB", [](size_t n) {
                                           wire::Authorisation message = SomeAuthorisation();
                                           message.set_core(std::string(n, 'c'));
                                           return FromProto(message).status();
                                         }};
  all["approvals beside an authorisation"] = {8, "8", [](size_t n) {
                                                wire::Authorisation message = SomeAuthorisation();
                                                Repeat(*message.mutable_approvals(), n,
                                                       SomeStatement());
                                                return FromProto(message).status();
                                              }};
  return all;
}

const ReasonInfo* ReasonNamed(const std::string& name) {
  const auto reasons = AllReasons();
  const auto found = std::ranges::find(reasons, name, &ReasonInfo::name);
  return found == reasons.end() ? nullptr : &*found;
}

TEST(LimitsGoldenTest, WhatThePagePromisesIsTakenAndOneMoreIsRefused) {
  for (const auto& [what, measure] : Measures()) {
    SCOPED_TRACE(what);
    const auto line = Doc().limits.find(what);
    ASSERT_NE(line, Doc().limits.end()) << "the page does not have it";
    EXPECT_TRUE(line->second.measured);
    EXPECT_EQ(line->second.limit, measure.written);
    const ReasonInfo* const reason = ReasonNamed(line->second.beyond);
    ASSERT_NE(reason, nullptr) << line->second.beyond;
    EXPECT_THAT(measure.take(measure.limit), IsOk());
    EXPECT_THAT(measure.take(measure.limit + 1), RefusedWith(reason->reason));
  }
}

TEST(LimitsGoldenTest, LimitsOfServersAreThoseOfThePage) {
  EXPECT_EQ(Doc().limits.at("a message").limit, std::to_string(kMaxMessageBytes >> 20) + " MiB");
  EXPECT_EQ(Doc().limits.at("metadata of a call").limit,
            std::to_string(kMaxMetadataBytes >> 10) + " KiB");
  const std::string time = Doc().limits.at("time of a call").limit;
  EXPECT_TRUE(time.starts_with(std::to_string(CallLimits().unary.count() / 1'000) + " s;")) << time;
  EXPECT_EQ(Doc().limits.at("calls waiting for a thread").limit,
            std::to_string(CallEnvironment::Options().pool_queue));
  const Doorman::Limits door;
  EXPECT_EQ(door.connections, 4'096u);
  EXPECT_EQ(Doc().limits.at("connections of a server").limit,
            "4,096, of these " + std::to_string(door.strangers) + " strangers");
}

// The rows of "Rates" in order, with what services go by unless they are told otherwise.
TEST(LimitsGoldenTest, RatesAreThoseOfThePage) {
  for (const LimitInfo& info : AllLimits()) {
    const auto line = Doc().limits.find("`" + std::string(info.name) + "`");
    ASSERT_NE(line, Doc().limits.end()) << "the page does not have " << info.name;
    EXPECT_EQ(line->second.limit, FormatRate(info.rate)) << info.name;
    EXPECT_EQ(line->second.beyond, "RATE_LIMITED") << info.name;
    EXPECT_TRUE(line->second.measured) << info.name;
  }
}

TEST(LimitsGoldenTest, LinesThatSayTheyAreMeasuredAre) {
  const std::map<std::string, Measure> measures = Measures();
  const std::set<std::string> of_servers = {"time of a call", "calls waiting for a thread",
                                            "connections of a server"};
  for (const auto& [what, line] : Doc().limits) {
    const bool is_rate = std::ranges::any_of(AllLimits(), [&what = what](const LimitInfo& info) {
      return what == "`" + std::string(info.name) + "`";
    });
    EXPECT_TRUE(!line.measured || measures.contains(what) || of_servers.contains(what) || is_rate)
        << what;
  }
}

TEST(LimitsGoldenTest, EveryReasonOfThePageIsToldWithItsRemedy) {
  std::set<std::string> named;
  for (const auto& [what, line] : Doc().limits) {
    if (line.beyond.empty()) continue;
    EXPECT_NE(ReasonNamed(line.beyond), nullptr) << what << ": " << line.beyond;
    EXPECT_TRUE(Doc().remedies.contains(line.beyond)) << what << ": " << line.beyond;
  }
  for (const auto& [name, remedy] : Doc().remedies) {
    const ReasonInfo* const reason = ReasonNamed(name);
    ASSERT_NE(reason, nullptr) << name;
    EXPECT_EQ(remedy, reason->remedy) << name;
  }
}

}  // namespace
}  // namespace comity
