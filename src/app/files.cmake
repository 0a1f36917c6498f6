# SPDX-License-Identifier: MIT
set(SOURCES app.cc blob_sweep.cc cleaner.cc delivery_pump.cc demo.cc discovery.cc embed.cc
    github_watch.cc hooks.cc journal_reader.cc lease_notifier.cc pause_clock.cc programs.cc
    serve.cc slot_hooks.cc stop_signals.cc testkube_logs.cc testkube_poller.cc testkube_watch.cc)
set(TESTS)
set(LIBRARIES Boost::json)
set(PRECOMPILED edge)
