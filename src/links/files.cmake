# SPDX-License-Identifier: MIT
set(SOURCES
  adapters.cc
  gocd.cc
  gocd_files.cc
  gocd_schedule.cc
  gocd_stage.cc
  message.cc
  peer.cc
  peer_http.cc
  signature.cc)
set(TESTS
  gocd_files_test.cc
  gocd_test.cc
  message_test.cc
  signature_test.cc)
set(LIBRARIES Boost::json OpenSSL::Crypto)
set(PRECOMPILED std)
