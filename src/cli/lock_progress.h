// SPDX-License-Identifier: MIT
#pragma once
// What a wait for a lease shows on stderr: on a terminal one line that is drawn anew, otherwise a
// line at its begin and one every 30 s. For one thread.
#include <boost/json/value.hpp>
#include <string>

#include "base/result.h"
#include "client/boot_clock.h"

namespace baton::cli {

class LockProgress {
 public:
  explicit LockProgress(std::string what);

  void queued(const boost::json::value& lease);
  void trouble(const Error& error);
  /// Wipes the line.
  void end();

 private:
  void show(const std::string& line, bool at_once);

  const std::string what_;
  const bool terminal_;
  const client::BootTime start_;
  client::BootTime last_{};
  bool said_ = false;      // the first line
  bool troubled_ = false;  // the failure was told
  bool drawn_ = false;
};

/// "waiting for uat, 2nd in the queue behind a, b; about 3 m": where a queued lease stands.
std::string describe_place(const std::string& what, const boost::json::value& lease);
/// "uat is in maintenance: new disks; db is booked by load-test until …": what keeps a queued lease
/// out besides holders; "" when nothing does.
std::string describe_bars(const boost::json::value& lease);

}  // namespace baton::cli
