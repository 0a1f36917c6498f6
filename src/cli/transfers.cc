// SPDX-License-Identifier: MIT
#include "cli/transfers.h"

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/ids.h"
#include "base/text.h"
#include "cli/connection.h"
#include "cli/follow.h"
#include "cli/pages.h"
#include "cli/simple.h"
#include "model/run.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kReportMax = 256 << 20;  // what the server takes at most

// The name of a test as the name of one folder: nothing that leaves the folder or that a file
// system refuses, and still different for different tests.
std::string folder_name(const std::string& test) {
  constexpr std::size_t kNameMax = 200;
  std::string name = client::escape(test);
  if (name.starts_with('.')) name.replace(0, 1, "%2E");
  if (name.size() > kNameMax)
    name = fmt::format("{}~{:016x}", name.substr(0, kNameMax), std::hash<std::string>{}(test));
  return name;
}

// Where an artifact goes below the folder: an attempt's in TEST/ATTEMPT, so that no attempt
// overwrites another's; the run's own beside them. Refuses what would leave the folder, whatever a
// server answers.
Result<std::filesystem::path> place_of(const json::value& item) {
  const std::string path = text_at(item, "path");
  BATON_TRY_VOID(model::check_artifact_path(path));
  const std::string test = text_at(item, "test");
  if (test.empty()) return std::filesystem::path{path};
  return std::filesystem::path{folder_name(test)} / text_at(item, "attempt") / path;
}

Result<void> save(client::ApiClient& api, std::int64_t run, const json::value& item,
                  const std::filesystem::path& file) {
  if (auto made = make_directories(file.parent_path().string()); !made)
    return tl::unexpected(of_file(std::move(made).error()));
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  std::string url = fmt::format("/runs/{}/artifacts", run);
  const std::string path = text_at(item, "path");
  for (const std::string_view part : split(path, '/'))
    url += "/" + client::escape(part);
  url += fmt::format("?test={}&attempt={}", client::escape(text_at(item, "test")),
                     integer_at(item, "attempt"));
  BATON_TRY_VOID(api.download(url, [&](std::string_view piece) {
    return static_cast<bool>(out.write(piece.data(), static_cast<std::streamsize>(piece.size())));
  }));
  out.close();
  if (!out)
    return tl::unexpected(of_file({Code::unavailable, file.string() + " cannot be written"}));
  return {};
}

// A file's part of a form. Its name is told as it was typed, without what would end the header.
Result<std::string> form_part(const std::string& boundary, const std::string& file) {
  const auto content = read_file(file, kReportMax);
  if (!content) return tl::unexpected(of_file(content.error()));
  std::string name;
  for (const char c : file)
    if (c != '"' && c != '\\' && c != '\r' && c != '\n') name += c;
  return fmt::format("--{}\r\nContent-Disposition: form-data; name=\"report\"; filename=\"{}\"\r\n"
                     "Content-Type: application/octet-stream\r\n\r\n{}\r\n",
                     boundary, name, *content);
}

Result<client::Call> upload_call(const Invocation& invocation) {
  client::Call call;
  call.method = "POST";
  call.path =
      fmt::format("/reports?suite={}&format={}", client::escape(invocation.value("--suite")),
                  client::escape(invocation.value("--format", "auto")));
  for (const auto& [flag, name] :
       {std::pair{"--ref", "reference"}, std::pair{"--revision", "revision"}})
    if (const std::string value = invocation.value(flag); !value.empty())
      call.path += fmt::format("&{}={}", name, client::escape(value));
  if (invocation.has("--partial")) call.path += "&partial=true";
  const std::string boundary = "baton-" + random_hex(16);
  call.content_type = "multipart/form-data; boundary=" + boundary;
  for (const std::string& file : invocation.arguments) {
    BATON_TRY(part, form_part(boundary, file));
    call.text += part;
  }
  call.text += fmt::format("--{}--\r\n", boundary);
  return call;
}

}  // namespace

int artifacts(Host&, const Invocation& invocation) {
  const auto run = run_argument(invocation);
  if (!run) return report("runs artifacts", run.error()), kUsage;
  const std::string path = fmt::format("/runs/{}/artifacts", *run);
  const std::string folder = invocation.value("--download");
  if (folder.empty())
    return print_page(invocation, "runs artifacts", path,
                      {{"PATH", "path"}, {"SIZE", "size"}, {"TYPE", "type"}, {"TEST", "test"},
                       {"ATTEMPT", "attempt"}});
  auto api = connect(invocation);
  if (!api) return report("runs artifacts", api.error());
  const auto items = all_items(*api, path);
  if (!items) return report("runs artifacts", items.error());
  for (const json::value& item : *items) {
    const auto place = place_of(item);
    auto saved = place ? save(*api, *run, item, folder / *place)
                       : Result<void>{tl::unexpected(place.error())};
    if (!saved) return report("runs artifacts " + harmless(text_at(item, "path")), saved.error());
    say(harmless((folder / *place).string()));
  }
  return kOk;
}

int upload_report(Host&, const Invocation& invocation) {
  if (invocation.value("--suite").empty())
    return report("report upload", Error{Code::invalid, "the suite is missing",
                                         "baton report upload FILE… --suite namespace/name"});
  const auto call = upload_call(invocation);
  if (!call) return report("report upload", call.error());
  auto api = connect(invocation);
  if (!api) return report("report upload", api.error());
  const auto reply = api->call(*call);
  if (!reply) return report("report upload", reply.error());
  print_object(invocation.output, reply->body,
               {{"run", "id"}, {"verdict", "verdict"}, {"counts", "counts"}});
  return invocation.has("--exit-code") ? exit_code_of_run(reply->body, false) : kOk;
}

}  // namespace baton::cli
