# SPDX-License-Identifier: MIT
set(SOURCES app.cc blob_sweep.cc cleaner.cc delivery_pump.cc delivery_queue.cc demo.cc
    discovery.cc embed.cc github_watch.cc hooks.cc journal_reader.cc lease_notifier.cc
    pause_clock.cc programs.cc serve.cc slot_hooks.cc stop_signals.cc testkube_logs.cc
    testkube_poller.cc testkube_watch.cc)
# With the server of the tests of `api`, and the helpers of those of `net`.
set(TESTS delivery_pump_test.cc delivery_queue_test.cc testkube_watch_test.cc
    ../api/schema_check.cc ../api/test_server.cc ../net/test_support.cc)
set(LIBRARIES Boost::json)
set(PRECOMPILED edge)
