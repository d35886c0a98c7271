#ifndef COMITY_CLIENT_TESTING_DEPLOYMENT_TEST_H_
#define COMITY_CLIENT_TESTING_DEPLOYMENT_TEST_H_

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "client/testing/running_deployment.h"

namespace comity::testing {

// The base of a GoogleTest suite that needs a deployment: one for the whole suite, started before
// its first test (about a second) and removed after its last. Tests share it: give each its own
// users.
//
//   class LetterTest : public comity::testing::DeploymentTest {};
//   TEST_F(LetterTest, ComesBackAsItWas) {
//     auto user = deployment().CreateUser("HK");
//     ASSERT_TRUE(user.ok()) << user.status();
//     ...
//   }
//
// A suite of another topology defines `static void SetUpTestSuite() { StartDeployment("name"); }`.
class DeploymentTest : public ::testing::Test {
 public:
  static void SetUpTestSuite() { StartDeployment("icloud-cn-2018"); }
  static void TearDownTestSuite() { running_.reset(); }

 protected:
  static void StartDeployment(const std::string& topology) {
    absl::StatusOr<std::unique_ptr<RunningDeployment>> started = RunningDeployment::Start(topology);
    // A fatal failure here would not keep the tests from running.
    if (started.ok()) {
      running_ = *std::move(started);
    } else {
      ADD_FAILURE() << "no deployment: " << started.status();
    }
  }
  void SetUp() override {
    if (running_ == nullptr) GTEST_FAIL() << "the suite has no deployment";
  }
  static RunningDeployment& deployment() { return *running_; }

 private:
  static inline std::unique_ptr<RunningDeployment> running_;
};

}  // namespace comity::testing

#endif  // COMITY_CLIENT_TESTING_DEPLOYMENT_TEST_H_
