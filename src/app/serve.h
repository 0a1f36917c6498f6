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

/// Tells on standard output where the server is and where its admin token; shows a token that is
/// new.
void greet(const App& app, config::Auth auth);
/// Tells on standard error why a server does not start.  Result: the exit code.
int complain(const Error& error);

/// Serves until SIGTERM, SIGINT or SIGHUP (drains; a second one ends at once).
/// Result: an exit code: 0, 2 for a bad configuration, 7 when address or data are in use, 1
/// otherwise.
int serve(ServeOptions options);

}  // namespace baton::app
