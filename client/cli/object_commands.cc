#include "client/cli/object_commands.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cli/followed_device.h"
#include "client/objects/object_name.h"
#include "client/objects/objects.h"
#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

using nlohmann::json;

json ToJson(const ObjectInfo& info) {
  json out = {{"object", info.id.ToString()},
              {"version", info.version},
              {"stored_size", info.stored_size},
              {"stored", FormatTime(info.stored)},
              {"key_version", info.key_version}};
  if (info.locked == Reason::kUnspecified) {
    out["name"] = info.attributes.name;
    out["size"] = info.attributes.size;
  } else {
    out["locked"] = Describe(info.locked).name;
  }
  return out;
}

Progress ShowProgress(const Context& context, const std::string& what) {
  return [&context, what](uint64_t done, uint64_t total) {
    std::string text = what + "  " + HumanBytes(done);
    if (total != 0) text += " of " + HumanBytes(total);
    context.Progress(text);
  };
}

struct PutOptions {
  std::vector<std::string> files;
  std::string name;
};

absl::StatusOr<ObjectInfo> PutOne(const Context& context, ObjectClient& objects,
                                  const std::string& file, const std::string& name) {
  ObjectAttributes attributes;
  attributes.name = name;
  attributes.size = kUnknownSize;
  if (file == "-")
    return objects.Put(std::cin, attributes, ShowProgress(context, PrintableName(name)));
  struct stat info {};
  std::ifstream in(file, std::ios::binary);
  if (!in || stat(file.c_str(), &info) != 0 || S_ISDIR(info.st_mode)) {
    return Refuse(Reason::kFieldInvalid, "cannot read the file " + file);
  }
  if (S_ISREG(info.st_mode)) attributes.size = static_cast<uint64_t>(info.st_size);
  attributes.modified_ms = static_cast<int64_t>(info.st_mtim.tv_sec) * 1000;
  return objects.Put(in, attributes, ShowProgress(context, PrintableName(name)));
}

absl::Status Put(const Context& context, const PutOptions& options) {
  if (!options.name.empty() && options.files.size() != 1) {
    return Refuse(Reason::kFieldInvalid, "--name goes with one file");
  }
  ASSIGN_OR_RETURN(Context::Device device, OpenFollowed(context));
  ObjectClient objects(device.session.get(), device.profile.get());
  json value = json::array();
  std::string text;
  for (const std::string& file : options.files) {
    std::string name =
        options.name.empty() ? std::filesystem::path(file).filename().string() : options.name;
    if (file == "-" && options.name.empty()) {
      return Refuse(Reason::kFieldInvalid, "standard input needs a --name");
    }
    ASSIGN_OR_RETURN(const ObjectInfo info, PutOne(context, objects, file, name));
    context.EndProgress();
    value.push_back(ToJson(info));
    text += "stored " + PrintableName(info.attributes.name) + "  version " +
            std::to_string(info.version) + "  " + HumanBytes(info.attributes.size) + "\n";
  }
  context.Print(text, value);
  return absl::OkStatus();
}

struct GetOptions {
  std::string name;
  std::string output;
};

// A file that was not there before, whatever somebody else may have put into the folder.
bool MakeNewFile(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  return fd >= 0 && close(fd) == 0;
}

// Into a file beside the destination first: what does not verify to its end is never seen under the
// name that was asked for.
absl::StatusOr<ObjectInfo> GetToFile(const Context& context, ObjectClient& objects,
                                     const GetOptions& options, const std::string& path) {
  const std::string partial = path + "." + Base32Encode(RandomBytes(5)) + ".part";
  if (!MakeNewFile(partial)) return Refuse(Reason::kStoreUnavailable, "cannot write " + partial);
  std::ofstream out(partial, std::ios::binary | std::ios::trunc);
  absl::StatusOr<ObjectInfo> info =
      objects.Get(options.name, out, ShowProgress(context, PrintableName(options.name)));
  out.close();
  std::error_code error;
  if (info.ok() && out) std::filesystem::rename(partial, path, error);
  if (!info.ok() || !out || error) {
    std::filesystem::remove(partial, error);
    if (!info.ok()) return info.status();
    return Refuse(Reason::kStoreUnavailable, "cannot write " + path);
  }
  return info;
}

// Where an object goes: into the file that was named, or under its own last part into the folder
// that was named or the one we are in. Never out of that folder, whatever the object is called.
absl::StatusOr<std::string> DestinationOf(const GetOptions& options) {
  std::error_code error;
  const bool folder = std::filesystem::is_directory(options.output, error);
  if (!options.output.empty() && !folder) return options.output;
  const std::optional<std::string> file = FileNameOf(options.name);
  if (!file.has_value()) {
    return Refuse(Reason::kFieldInvalid,
                  "the name of the object does not end in the name of a file; name one with "
                  "--output");
  }
  return folder ? (std::filesystem::path(options.output) / *file).string() : *file;
}

absl::Status Get(const Context& context, const GetOptions& options) {
  ASSIGN_OR_RETURN(Context::Device device, OpenFollowed(context));
  ObjectClient objects(device.session.get(), device.profile.get());
  if (options.output == "-") {
    ASSIGN_OR_RETURN(const ObjectInfo info, objects.Get(options.name, std::cout));
    std::cout << std::flush;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::string path, DestinationOf(options));
  ASSIGN_OR_RETURN(const ObjectInfo info, GetToFile(context, objects, options, path));
  context.EndProgress();
  json value = ToJson(info);
  value["path"] = path;
  context.Print("wrote " + PrintableName(path) + "  " + HumanBytes(info.attributes.size) + "\n",
                value);
  return absl::OkStatus();
}

absl::Status List(const Context& context) {
  ASSIGN_OR_RETURN(Context::Device device, OpenFollowed(context));
  ObjectClient objects(device.session.get(), device.profile.get());
  ASSIGN_OR_RETURN(const std::vector<ObjectInfo> all, objects.List());
  json value = json::array();
  std::string text;
  for (const ObjectInfo& info : all) {
    value.push_back(ToJson(info));
    const bool locked = info.locked != Reason::kUnspecified;
    char line[64];
    std::snprintf(line, sizeof(line), "%11s  v%-4llu %s  ",
                  HumanBytes(locked ? info.stored_size : info.attributes.size).c_str(),
                  static_cast<unsigned long long>(info.version), FormatTime(info.stored).c_str());
    text += line;
    text += locked ? "(cannot be opened: key version " + std::to_string(info.key_version) +
                         (info.locked == Reason::kKeyDestroyed ? " is destroyed)" : " is disabled)")
                   : PrintableName(info.attributes.name);
    text += "\n";
  }
  if (text.empty()) text = "No objects. Store some with: comity put FILE...\n";
  context.Print(text, value);
  return absl::OkStatus();
}

struct RemoveOptions {
  std::vector<std::string> names;
  bool lost = false;
};

absl::Status Remove(const Context& context, const RemoveOptions& options) {
  if (options.names.empty() != options.lost) {
    return Refuse(Reason::kFieldInvalid, "names of objects, or --lost");
  }
  ASSIGN_OR_RETURN(Context::Device device, OpenFollowed(context));
  ObjectClient objects(device.session.get(), device.profile.get());
  if (options.lost) {
    ASSIGN_OR_RETURN(const size_t removed, objects.RemoveLost());
    context.Print("removed " + std::to_string(removed) + " that nothing could open any more\n",
                  {{"removed", removed}});
    return absl::OkStatus();
  }
  std::string text;
  for (const std::string& name : options.names) {
    RETURN_IF_ERROR(objects.Remove(name));
    text += "removed " + PrintableName(name) + "\n";
  }
  context.Print(text, json(options.names));
  return absl::OkStatus();
}

}  // namespace

void AddObjectCommands(CLI::App& app, Context& context) {
  CLI::App* put = app.add_subcommand("put", "Encrypt files here and store them in your region");
  auto put_options = std::make_shared<PutOptions>();
  put->add_option("files", put_options->files, "Files; - reads standard input")
      ->required()
      ->type_name("FILE");
  put->add_option("--name", put_options->name, "Name to store it under (one file)");
  put->footer(
      "Examples:\n"
      "  comity put letter.pdf photos/cat.jpg              under the names letter.pdf and cat.jpg\n"
      "  tar c photos | comity put - --name photos.tar     from a pipe, of any size\n"
      "An object is named as its file is; the same name again makes the next version, and only "
      "the\n"
      "newest is kept. Next: `comity ls`, and `comity get NAME` to read it back.");
  put->callback([&context, put_options] {
    context.command = [&context, put_options] { return Put(context, *put_options); };
  });

  CLI::App* get = app.add_subcommand("get", "Read an object back, decrypted and verified here");
  auto get_options = std::make_shared<GetOptions>();
  get->add_option("name", get_options->name, "Name of the object")->required()->type_name("OBJECT");
  get->add_option("-o,--output", get_options->output,
                  "File to write, or folder to write it into; - for standard output; default: here")
      ->type_name("FILE");
  get->footer(
      "Examples:\n"
      "  comity get letter.pdf                       into letter.pdf here\n"
      "  comity get photos.tar -o - | tar x          into a pipe\n"
      "A file appears under its name only when all of it has verified. In a pipe an error comes "
      "at\n"
      "the end: what was read before it is authentic but incomplete, so throw it away.");
  get->callback([&context, get_options] {
    context.command = [&context, get_options] { return Get(context, *get_options); };
  });

  CLI::App* ls =
      app.add_subcommand("ls", "List the objects of the account: size, version, time, name");
  ls->footer(
      "Examples:\n"
      "  comity ls\n"
      "  comity ls --json | jq -r .[].name           the names alone, for a script\n"
      "Names are known to your devices only; they are decrypted here.");
  ls->callback([&context] { context.command = [&context] { return List(context); }; });

  CLI::App* rm = app.add_subcommand("rm", "Delete objects of the account");
  auto options = std::make_shared<RemoveOptions>();
  rm->add_option("names", options->names, "Names of objects")->type_name("OBJECT");
  rm->add_flag("--lost", options->lost,
               "Those whose key version is destroyed, which have no names any more");
  rm->footer(
      "Examples:\n"
      "  comity rm letter.pdf photos.tar\n"
      "  comity rm --lost\n"
      "There is no way back. Whoever copied the ciphertext before has it still, but can read it "
      "only\n"
      "with the account's key.");
  rm->callback([&context, options] {
    context.command = [&context, options] { return Remove(context, *options); };
  });
}

}  // namespace comity::cli
