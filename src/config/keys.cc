// SPDX-License-Identifier: MIT
#include "config/keys.h"

#include "config/make.h"

namespace baton::config {

const std::vector<std::string>& sections_without_effect() {
  static const std::vector<std::string> kSections{"notify"};
  return kSections;
}

const Schema& file_schema() {
  static const Schema kFile =
      make::object("The configuration of one server.", {
                                                           {"server", server_section()},
                                                           {"limits", limits_section()},
                                                           {"maybe", maybe_section()},
                                                           {"suites", suites_section()},
                                                           {"schedules", schedules_section()},
                                                           {"environments", environments_section()},
                                                           {"links", links_section()},
                                                           {"deliveries", deliveries_section()},
                                                           {"notify", notify_section()},
                                                       });
  return kFile;
}

}  // namespace baton::config
