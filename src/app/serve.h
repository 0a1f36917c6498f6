// SPDX-License-Identifier: MIT
#pragma once
// `baton serve` and `baton up`: read the configuration, start the App, wait for a signal.
#include <map>
#include <string>

#include "app/app.h"
#include "config/config.h"

namespace baton::app {

struct ServeOptions {
  config::Sources sources;
  bool quiet = false;        // print neither address nor token
  bool open_browser = false;
  Options app;               // `config` is filled from the sources
};

/// Serves until SIGTERM or SIGINT (drains; a second one ends at once).
/// Result: an exit code: 0, 2 for a bad configuration, 7 when address or data are in use, 1 otherwise.
int serve(ServeOptions options);

}  // namespace baton::app
