# SPDX-License-Identifier: MIT
# Boost.Beast is in request_parser.cc only, Asio in await, acceptor, server and session*.cc, OpenSSL
# in transport_tls.cc and key_pin.cc, libcurl in client.cc.
set(SOURCES
  acceptor.cc await.cc chunk_decoder.cc client.cc http.cc key_pin.cc listener.cc mime.cc
  multipart.cc
  request_parser.cc response_head.cc server.cc session.cc session_body.cc session_io.cc
  session_reply.cc sse.cc transport.cc transport_tls.cc url.cc)
set(TESTS
  abuse_test.cc await_test.cc client_test.cc limits_test.cc multipart_test.cc
  request_parser_test.cc server_test.cc sse_test.cc stream_test.cc test_support.cc tls_test.cc
  url_test.cc)
set(LIBRARIES CURL::libcurl OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
set(PUBLIC_LIBRARIES Boost::headers)
set(PRECOMPILED asio)
