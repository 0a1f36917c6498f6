// SPDX-License-Identifier: MIT
#include "links/redact.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "links/signature.h"
#include "model/sealed.h"
#include "net/url.h"

namespace baton::links {
namespace {

constexpr std::size_t kSecretMin = 4;

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
}

// As it may stand in a text.
std::vector<std::string> forms_of(const std::string& secret) {
  std::string in_json = json_quote(secret);
  in_json = in_json.substr(1, in_json.size() - 2);
  return {secret, in_json, net::percent_encode(secret), to_base64(secret)};
}

}  // namespace

std::vector<std::string> secrets_of(const model::LinkProfile& profile) {
  std::vector<std::string> secrets{profile.token.value, profile.password.value,
                                   profile.private_key.value};
  for (const model::Secret& secret : profile.secrets) secrets.push_back(secret.value);
  return secrets;
}

std::vector<std::string> secrets_of(const net::Headers& headers) {
  std::vector<std::string> secrets{std::string{headers.get("PRIVATE-TOKEN")}};
  const std::string_view header = headers.get("Authorization");
  const std::string_view credentials = header.substr(std::min(header.find(' ') + 1, header.size()));
  secrets.emplace_back(credentials);
  if (!header.starts_with("Basic ")) return secrets;
  if (const auto pair = from_base64(credentials))
    secrets.push_back(pair->substr(std::min(pair->find(':') + 1, pair->size())));
  return secrets;
}

std::string redact(std::string text, const std::vector<std::string>& secrets) {
  std::set<std::string> forms;
  for (const std::string& secret : secrets)
    if (secret.size() >= kSecretMin)
      for (std::string& form : forms_of(secret)) forms.insert(std::move(form));
  // The longest first: one may be the beginning of another.
  std::vector<std::string> sorted(forms.begin(), forms.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.size() > b.size(); });
  for (const std::string& form : sorted) replace_all(text, form, model::kHidden);
  return text;
}

}  // namespace baton::links
