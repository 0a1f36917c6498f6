# SPDX-License-Identifier: MIT
set(SOURCES
  adapters.cc
  message.cc
  peer_http.cc
  signature.cc)
set(TESTS
  message_test.cc
  signature_test.cc)
set(LIBRARIES Boost::json OpenSSL::Crypto)
set(PRECOMPILED std)
