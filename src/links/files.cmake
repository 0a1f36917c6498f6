# SPDX-License-Identifier: MIT
set(SOURCES
  adapters.cc
  address_guard.cc
  allow_list.cc
  azure_devops.cc
  azure_devops_check.cc
  azure_devops_inbound.cc
  azure_devops_log.cc
  azure_devops_results.cc
  github.cc
  github_commit.cc
  github_inbound.cc
  github_messages.cc
  github_peer.cc
  github_report.cc
  github_rule.cc
  message.cc
  peer.cc
  peer_http.cc
  progress.cc
  signature.cc)
set(TESTS
  address_guard_test.cc
  allow_list_test.cc
  azure_devops_inbound_test.cc
  azure_devops_test.cc
  github_inbound_test.cc
  github_test.cc
  message_test.cc
  signature_test.cc)
set(LIBRARIES Boost::json OpenSSL::Crypto)
set(PRECOMPILED std)
