#ifndef COMITY_REVIEW_REVIEW_SERVICE_H_
#define COMITY_REVIEW_REVIEW_SERVICE_H_

#include <memory>

#include "services/common/server/guard.h"
#include "services/common/server/service_environment.h"
#include "services/review/review.h"

namespace comity::review {

// Who may call which method of comity.review.v1.ReviewService.
MethodRules ReviewRules();
// A delivery may take long, everything else may not.
CallLimits ReviewLimits();

// The gRPC adapter. Every method: identify and authorise, decode, domain call, encode.
// `environment` and `review` outlive it.
std::unique_ptr<grpc::Service> MakeReviewService(ServiceEnvironment* environment, Review* review);

}  // namespace comity::review

#endif  // COMITY_REVIEW_REVIEW_SERVICE_H_
