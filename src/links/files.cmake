# SPDX-License-Identifier: MIT
set(SOURCES
  adapters.cc
  address_guard.cc
  allow_list.cc
  message.cc
  peer_http.cc
  signature.cc)
set(TESTS
  address_guard_test.cc
  allow_list_test.cc
  message_test.cc
  signature_test.cc)
set(LIBRARIES Boost::json OpenSSL::Crypto)
set(PRECOMPILED std)
