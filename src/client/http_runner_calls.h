// SPDX-License-Identifier: MIT
#pragma once
// The runner's calls over HTTP. Blocking; one thread per object.
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "client/runner_calls.h"

namespace baton::client {

struct RunnerEndpoint {
  std::string url;           // used when there is no address file
  std::string
      address_file;  // {"url":…,"key_pin":…}; read again whenever the server does not answer
  std::string token;
  RunId run{};
  int epoch = 0;
};

class HttpRunnerCalls final : public RunnerCalls {
 public:
  HttpRunnerCalls(RunnerEndpoint endpoint, std::stop_token stop);
  ~HttpRunnerCalls() override;
  Result<wire::Job> job() override;
  Result<wire::RecordsAnswer> send_records(std::string batch) override;
  Result<StoredArtifact> put_artifact(const ArtifactUpload& upload) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace baton::client
