#include "services/common/statement/operator.h"

namespace comity {

std::string_view Name(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::kStorage:
      return "storage";
    case ServiceKind::kCustody:
      return "custody";
    case ServiceKind::kReview:
      return "review";
  }
  return "";
}

}  // namespace comity
