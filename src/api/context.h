// SPDX-License-Identifier: MIT
#pragma once
// What the handlers work on, and the two functions that plug the API into a net::Server. Made by
// the composition root; everything it refers to outlives it, and it outlives the server.
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "api/auth.h"
#include "api/disk.h"
#include "api/journal_metrics.h"
#include "api/legacy_maybe.h"
#include "api/metrics.h"
#include "api/remote_calls.h"
#include "api/secrets.h"
#include "api/unnamed_blobs.h"
#include "api/watch.h"
#include "base/time.h"
#include "engine/feed.h"
#include "engine/rules.h"
#include "engine/writer.h"
#include "links/profiles.h"
#include "links/secret_box.h"
#include "net/http.h"
#include "store/blobs/artifact_blobs.h"
#include "store/blobs/gate_logs.h"
#include "store/blobs/run_streams.h"
#include "store/store.h"

namespace baton::api {

struct Settings {
  /// False: everybody may do everything; the composition root allows it on loopback only.
  bool auth = true;
  std::string instance = "baton";  // a label of the metrics
  std::string version = "0.1.0";
  std::string spill_folder = "/tmp";  // for uploads; on the disk of the blobs
  std::string environment;            // shown by the legacy routes
  /// How others reach this server, without a slash at the end: what Location, Link and `links`
  /// begin with. "": they are paths.
  std::string public_url;
  // The legacy route /maybe: how long requests are held, and its leases last (0: for ever).
  Duration maybe_hold{0};
  Duration maybe_ttl = std::chrono::hours{2};
  links::Profiles links;  // of the configuration, with their secrets: never to be shown
  std::string config_schema;  // JSON Schema of baton.yaml, served as it is
  // A request of an API client is a few hundred bytes; 1 MiB holds 100 labels and params with room.
  std::uint64_t json_bytes = 1 << 20;
  std::uint64_t report_bytes = 256 << 20;
  std::uint64_t artifact_bytes = 1 << 30;
  // Proxies and load balancers cut a stream that is quiet for 30 to 60 s.
  Duration heartbeat{15'000};
  // Beyond this a new event stream is refused with 503: each holds a connection for as long as it
  // likes.
  int streams_max = 10'000;
};

struct Context {
  /// What the API works on; all of it outlives the Context.
  struct Parts {
    store::Store& store;
    engine::Writer& writer;
    engine::Feed& feed;
    const engine::Rules& rules;
    store::RunStreams& streams;
    store::ArtifactBlobs& artifacts;
    store::GateLogs& gate_logs;
    const links::SecretBox& secret_box;
    std::function<Now()> clock;
  };
  Context(Parts parts, Settings settings_in);

  store::Store& store;
  engine::Writer& writer;
  engine::Feed& feed;
  const engine::Rules& rules;
  store::RunStreams& streams;
  store::ArtifactBlobs& artifacts;
  store::GateLogs& gate_logs;
  const links::SecretBox& secret_box;
  const std::function<Now()> clock;
  const Settings settings;
  /// The server drains: it answers, but starts nothing new. Set by the composition root.
  std::atomic<bool> stopping = false;
  /// A Testkube execution has news; set by the composition root, any thread.
  std::function<void(const model::LinkProfile&, const std::string& execution)> look_again;
  /// Why the server is not ready ("" = it is): asked by /readyz, set by the composition root.
  std::function<std::string()> not_ready;

  Watch watch;
  Metrics metrics;
  JournalMetrics journal_metrics;
  Tokens tokens;
  RecentSecrets recent_secrets;
  UnnamedBlobs unnamed;
  Expected expected;
  std::atomic<int> open_streams = 0;
  Disk disk;           // its threads use what is above, as those of `remote` do
  RemoteCalls remote;  // to be stopped before the server, whose handlers wait for it
};

/// Decides from the head of a request where it goes, who asks and how its body is taken; refusals
/// (401, 403, 404, 405) leave before the body is read.
net::Admit make_admit(Context& context);
net::Handler make_handler(Context& context);
/// For net::Server::on_problem: what the server itself refuses (400, 413 …) looks as ours does.
net::Response server_problem(int status, const Error& error, const net::RequestHead& head);

}  // namespace baton::api
