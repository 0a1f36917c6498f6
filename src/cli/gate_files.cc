// SPDX-License-Identifier: MIT
#include "cli/gate_files.h"

#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/ids.h"
#include "base/text.h"
#include "cli/connection.h"
#include "cli/gate_name.h"
#include "cli/gate_wait.h"
#include "cli/output.h"
#include "cli/pages.h"
#include "client/boot_clock.h"
#include "client/lease_wait.h"
#include "model/run.h"
#include "net/mime.h"

namespace baton::cli {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;
using client::BootClock;

// A restarting server, and an artifact that its origin has not finished, are waited for.
constexpr Duration kPatience{60'000};
constexpr Duration kRetryPause{1'000};
// One file of the largest size that a server takes, over a slow line.
constexpr Duration kTransferMax{std::chrono::hours{2}};

std::string artifact_url(const std::string& id, std::string_view path) {
  std::string url = gate_path(id) + "/artifacts";
  for (const std::string_view part : split(path, '/')) url += "/" + client::escape(part);
  return url;
}

Error cannot_write(const fs::path& file) {
  return of_file({Code::unavailable, file.string() + " cannot be written"});
}

// Beside its place first: whoever looks there finds a whole file or none.
Result<void> save_once(client::ApiClient& api, const std::string& url, const fs::path& file) {
  const fs::path half = file.parent_path() / fmt::format(".baton-{}", random_hex(8));
  std::ofstream out(half, std::ios::binary | std::ios::trunc);
  if (!out) return tl::unexpected(cannot_write(file));
  auto loaded = api.download(url, [&](std::string_view piece) {
    return static_cast<bool>(out.write(piece.data(), static_cast<std::streamsize>(piece.size())));
  });
  const bool written = static_cast<bool>(out);
  out.close();
  std::error_code bad;
  if (loaded && out) {
    fs::rename(half, file, bad);
    if (!bad) return {};
  }
  std::error_code ignored;
  fs::remove(half, ignored);
  if (!written || loaded) return tl::unexpected(cannot_write(file));
  return loaded;
}

Result<void> save(client::ApiClient& api, const std::string& url, const fs::path& file) {
  if (auto made = make_directories(file.parent_path().string()); !made)
    return tl::unexpected(of_file(std::move(made).error()));
  const auto until = BootClock::now() + kPatience;
  for (bool told = false;;) {
    auto saved = save_once(api, url, file);
    if (saved || !client::is_transient(saved.error().code) || BootClock::now() >= until)
      return saved;
    if (!told) say(harmless(fmt::format("{}; trying again", saved.error().message)));
    told = true;
    client::pause({}, kRetryPause);
  }
}

bool is_wanted(std::string_view path, const std::vector<std::string>& wanted) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](std::string_view one) {
           while (one.ends_with('/')) one.remove_suffix(1);
           return path == one || (path.starts_with(one) && path.substr(one.size()).front() == '/');
         });
}

Result<json::array> selected(client::ApiClient& api, const GateArgument& gate) {
  BATON_TRY(all, all_items(api, gate_path(gate.id) + "/artifacts"));
  for (const std::string& wanted : gate.rest)
    if (std::none_of(all.begin(), all.end(), [&](const json::value& item) {
          return is_wanted(text_at(item, "path"), {wanted});
        }))
      return fail_with_fix(Code::not_found, "baton gate artifacts " + gate.id,
                           "the gate {} has no artifact \"{}\"", gate.id, wanted);
  json::array items;
  for (json::value& item : all)
    if (is_wanted(text_at(item, "path"), gate.rest)) items.push_back(std::move(item));
  return items;
}

int save_all(client::ApiClient& api, const GateArgument& gate, const json::array& items,
             const fs::path& folder) {
  // A file that cannot be had, or written, keeps nobody from the others.
  int exit = kOk;
  for (const json::value& item : items) {
    const std::string path = text_at(item, "path");
    if (const std::string url = text_at(item, "url"); !url.empty()) {
      // Another system's, which wants its own credentials: people fetch it, not we.
      say(harmless(fmt::format("{} is kept elsewhere: {}", path, url)));
      continue;
    }
    auto saved = model::check_artifact_path(path);
    if (saved) saved = save(api, artifact_url(gate.id, path), folder / path);
    if (saved) {
      say(harmless((folder / path).string()));
      continue;
    }
    exit = report("gate artifacts " + harmless(path), saved.error());
    if (saved.error().code == Code::unreachable) break;
  }
  return exit;
}

// The name of a file with the gate: as it is written where that stays below, else its last part.
std::string name_for(const fs::path& file) {
  const std::string name = file.lexically_normal().generic_string();
  return model::check_artifact_path(name) ? name : file.filename().generic_string();
}

Result<void> add_folder(const fs::path& folder, std::vector<GateFile>& files) {
  std::error_code bad;
  std::vector<GateFile> found;
  const std::string below = name_for(folder);
  // Links are not followed: they lead anywhere.
  for (fs::recursive_directory_iterator at(folder, bad), end; !bad && at != end;
       at.increment(bad)) {
    if (at->symlink_status(bad).type() != fs::file_type::regular) continue;
    const fs::path inner = at->path().lexically_relative(folder);
    const bool here = below.empty() || below == ".";
    found.push_back({at->path().string(), (here ? inner : below / inner).generic_string()});
  }
  if (bad)
    return tl::unexpected(
        of_file({Code::unavailable, fmt::format("{}: {}", folder.string(), bad.message())}));
  std::sort(found.begin(), found.end(),
            [](const GateFile& a, const GateFile& b) { return a.path < b.path; });
  for (GateFile& file : found) files.push_back(std::move(file));
  return {};
}

}  // namespace

Result<std::vector<GateFile>> gate_files_of(const std::vector<std::string>& names) {
  std::vector<GateFile> files;
  for (const std::string& name : names) {
    std::error_code bad;
    const fs::file_status status = fs::status(name, bad);
    if (!fs::exists(status))
      return fail_with_fix(Code::not_found, "check the path", "there is no file {}",
                           json_quote(name));
    if (fs::is_directory(status)) {
      const fs::path folder{name.ends_with('/') ? name.substr(0, name.size() - 1) : name};
      BATON_TRY_VOID(add_folder(folder, files));
    } else {
      files.push_back({name, name_for(name)});
    }
  }
  for (std::size_t i = 0; i < files.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (files[i].path == files[k].path && files[i].file != files[k].file)
        return fail_with_fix(Code::invalid, "call it from a folder above both, with relative paths",
                             "{} and {} would both be {}", files[k].file, files[i].file,
                             files[i].path);
  return files;
}

Result<void> put_gate_file(client::ApiClient& api, const std::string& id, const GateFile& file) {
  BATON_TRY_VOID(model::check_artifact_path(file.path));
  if (::access(file.file.c_str(), R_OK) != 0)
    return tl::unexpected(of_file(errno_error(file.file, errno)));
  const auto until = BootClock::now() + kPatience;
  for (;;) {
    client::Call call;
    call.method = "PUT";
    call.path = artifact_url(id, file.path);
    std::error_code bad;
    // An empty file is no body file to the client.
    if (fs::file_size(file.file, bad) > 0 && !bad) call.body_file = file.file;
    call.content_type = net::content_type_of(file.path);
    call.timeout = kTransferMax;
    auto reply = api.call(call);
    if (reply) return {};
    if (!client::is_transient(reply.error().code) || BootClock::now() >= until)
      return tl::unexpected(std::move(reply).error());
    client::pause({}, kRetryPause);
  }
}

int gate_artifacts(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("gate artifacts", api.error());
  const auto gate = gate_argument(invocation, *api);
  if (!gate) return report("gate artifacts", gate.error());
  if (const std::string file = invocation.value("--junit"); !file.empty()) {
    const auto saved = save_gate_junit(*api, gate->id, file);
    if (!saved) return report("gate artifacts --junit " + file, saved.error());
    if (gate->rest.empty() && invocation.value("--download").empty()) return kOk;
  }
  const auto items = selected(*api, *gate);
  if (!items) return report("gate artifacts", items.error());
  const std::string folder = invocation.value("--download", gate->rest.empty() ? "" : ".");
  if (!folder.empty()) return save_all(*api, *gate, *items, folder);
  print(invocation.output, json::object{{"items", *items}},
        {{"PATH", "path"}, {"SIZE", "size"}, {"TYPE", "type"}, {"STATE", "state"}, {"URL", "url"}});
  return kOk;
}

int gate_artifacts_put(Host&, const Invocation& invocation) {
  auto api = connect(invocation);
  if (!api) return report("gate artifacts put", api.error());
  const auto gate = gate_argument(invocation, *api);
  if (!gate) return report("gate artifacts put", gate.error());
  if (gate->rest.empty())
    return report("gate artifacts put",
                  Error{Code::invalid, "no file is named", "baton gate artifacts put GATE FILE…"}),
           kUsage;
  const auto files = gate_files_of(gate->rest);
  if (!files) return report("gate artifacts put", files.error());
  for (const GateFile& file : *files) {
    const auto put = put_gate_file(*api, gate->id, file);
    if (!put) return report("gate artifacts put " + harmless(file.file), put.error());
    say(harmless(fmt::format("{} → {}", file.file, file.path)));
  }
  return kOk;
}

}  // namespace baton::cli
