#include <string>
#include <utility>

#include "client/deployment/paths.h"
#include "client/key/key.h"
#include "client/scenario/world.h"
#include "client/seal/seal.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

// The root key of a custody and the people who hold it; other versions of the keys under it.
namespace comity::scenario {
namespace {

absl::StatusOr<std::string> SealOne(World& world, const Fields& fields) {
  ASSIGN_OR_RETURN(Actor * actor, world.FindActor(fields.Text("as")));
  ASSIGN_OR_RETURN(const RegionId region, world.FindRegion(actor->person->region));
  ASSIGN_OR_RETURN(const SealView view, SealCustody(*actor->session, region));
  if (!view.sealed) return Unmet("custody of region " + region.name() + " is open");
  return actor->person->name + " alone sealed the custody of region " + region.name() +
         ": its root key and every opened key are gone from memory";
}

absl::StatusOr<std::string> EnterOne(World& world, const Fields& fields) {
  ASSIGN_OR_RETURN(Actor * actor, world.FindActor(fields.Text("as")));
  const Person& person = *actor->person;
  ASSIGN_OR_RETURN(const RegionId region, world.FindRegion(person.region));
  const std::string whose = fields.Has("share-of") ? fields.Text("share-of") : person.name;
  ASSIGN_OR_RETURN(
      const SecretBytes share,
      ReadPrivateFile(DeploymentPaths(world.directory()).SealShare(region.name(), whose)));
  ASSIGN_OR_RETURN(const SealView view, EnterShare(*actor->session, region, share));
  if (view.sealed != fields.Flag("sealed") || view.entered != fields.Number("entered")) {
    return Unmet("custody of region " + region.name() + " is " + (view.sealed ? "sealed" : "open") +
                 ", and " + std::to_string(view.entered) + " shares are entered");
  }
  return person.name + " entered a share of the root key: " +
         (view.sealed ? std::to_string(view.entered) + " of " + std::to_string(view.needed)
                      : "custody of region " + region.name() + " is open");
}

absl::StatusOr<std::string> RotateKeys(World& world, const Fields& fields) {
  for (const std::string& name : fields.Texts("who")) {
    ASSIGN_OR_RETURN(Owner * owner, world.FindOwner(name));
    ASSIGN_OR_RETURN(const RotatedKey rotated, RotateKey(*owner->session, *owner->profile));
    if (rotated.version != fields.Number("version")) {
      return Unmet("the new version of " + name + " is " + std::to_string(rotated.version));
    }
  }
  return "the keys of " + Join(fields.Texts("who")) + " have version " +
         std::to_string(fields.Number("version")) +
         "; what was wrapped under those before still opens";
}

}  // namespace

Outcome PerformKeyStep(World& world, const Step& step) {
  if (step.verb == "seal-custody") return SealOne(world, step.fields);
  if (step.verb == "enter-share") return EnterOne(world, step.fields);
  if (step.verb == "rotate-key") return RotateKeys(world, step.fields);
  return std::nullopt;
}

}  // namespace comity::scenario
