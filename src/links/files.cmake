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
  message.cc
  peer.cc
  peer_http.cc
  signature.cc)
set(TESTS
  address_guard_test.cc
  allow_list_test.cc
  azure_devops_inbound_test.cc
  azure_devops_test.cc
  message_test.cc
  signature_test.cc)
set(LIBRARIES Boost::json OpenSSL::Crypto)
set(PRECOMPILED std)
