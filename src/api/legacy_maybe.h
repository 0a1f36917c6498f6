// SPDX-License-Identifier: MIT
#pragma once
// What the route /maybe has of its own: answers in call-me's form, because its clients cannot read
// problem+json, and the slots that are kept for a client between its GET and its POST.
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace baton::api {

bool is_maybe(const net::RequestHead& head);
/// {"code","message"} as application/json.  status: 0 = the error's own.
net::Response maybe_problem(const net::RequestHead& head, const Error& error, int status = 0);
/// 405 in the same form.
net::Response maybe_not_allowed(std::string_view method);

/// Who was told that the environment is free and is expected to take it: a client that holds no
/// lease yet has no name but its token and its connection. What is forgotten here lapses by itself.
/// Any thread.
class Expected {
 public:
  struct Client {
    std::string token;
    std::string environment;
    std::string peer;
  };
  void add(Client client, std::string lease);
  /// The lease that is kept for this client: for its connection, else for its token. "" when none.
  std::string take(const Client& client);

 private:
  struct Entry {
    Client client;
    std::string lease;
  };
  std::mutex mutex_;
  std::deque<Entry> entries_;  // the oldest first
};

}  // namespace baton::api
