// SPDX-License-Identifier: MIT
#pragma once
// Every handler of the route table, by the file that holds it.
#include "api/route.h"

namespace baton::api {

// suite_routes.cc
Async list_suites(Context& context, Call& call);
Async get_suite(Context& context, Call& call);
Async put_suite(Context& context, Call& call);
Async delete_suite(Context& context, Call& call);

// run_routes.cc
Async start_run(Context& context, Call& call);
Async list_runs(Context& context, Call& call);
Async get_run(Context& context, Call& call);
Async cancel_run(Context& context, Call& call);
Async rerun_run(Context& context, Call& call);
Async delete_run(Context& context, Call& call);

// test_routes.cc
Async list_tests(Context& context, Call& call);
Async get_junit(Context& context, Call& call);
Async get_ctrf(Context& context, Call& call);

// log_routes.cc
Async get_log(Context& context, Call& call);

// stream_routes.cc
Async stream_run(Context& context, Call& call);

// artifact_routes.cc
Async list_artifacts(Context& context, Call& call);
Async get_artifact(Context& context, Call& call);

// report_routes.cc
Async upload_report(Context& context, Call& call);

// schedule_routes.cc
Async list_schedules(Context& context, Call& call);
Async get_schedule(Context& context, Call& call);
Async put_schedule(Context& context, Call& call);
Async delete_schedule(Context& context, Call& call);
Async pause_schedule(Context& context, Call& call);
Async resume_schedule(Context& context, Call& call);
Async trigger_schedule(Context& context, Call& call);

// lease_routes.cc
Async acquire_lease(Context& context, Call& call);
Async list_leases(Context& context, Call& call);
Async get_lease(Context& context, Call& call);
Async renew_lease(Context& context, Call& call);
Async release_lease(Context& context, Call& call);
Async transfer_lease(Context& context, Call& call);
Async revoke_lease(Context& context, Call& call);

// environment_routes.cc
Async list_environments(Context& context, Call& call);
Async get_environment(Context& context, Call& call);
Async put_environment(Context& context, Call& call);
Async delete_environment(Context& context, Call& call);
Async start_maintenance(Context& context, Call& call);
Async drain_environment(Context& context, Call& call);
Async enable_environment(Context& context, Call& call);
Async restore_environment(Context& context, Call& call);
Async check_fence(Context& context, Call& call);

// environment_history_routes.cc
Async environment_history(Context& context, Call& call);
Async environment_utilisation(Context& context, Call& call);

// token_routes.cc
Async create_token(Context& context, Call& call);
Async list_tokens(Context& context, Call& call);
Async delete_token(Context& context, Call& call);
Async list_audit(Context& context, Call& call);
Async whoami(Context& context, Call& call);

// event_routes.cc
Async list_events(Context& context, Call& call);

// service_routes.cc
Async livez(Context& context, Call& call);
Async readyz(Context& context, Call& call);
Async get_metrics(Context& context, Call& call);
Async get_openapi(Context& context, Call& call);
Async get_config_schema(Context& context, Call& call);

// runner_routes.cc
Async get_job(Context& context, Call& call);
Async post_records(Context& context, Call& call);
Async put_artifact(Context& context, Call& call);

// legacy_routes.cc
Async legacy_list_suites(Context& context, Call& call);
Async legacy_start_run(Context& context, Call& call);
Async legacy_list_runs(Context& context, Call& call);
Async legacy_get_run(Context& context, Call& call);
Async legacy_get_test(Context& context, Call& call);

// legacy_maybe_routes.cc
Async legacy_maybe_get(Context& context, Call& call);
Async legacy_maybe_post(Context& context, Call& call);
Async legacy_maybe_delete(Context& context, Call& call);

// gate_routes.cc
Async open_gate(Context& context, Call& call);
Async list_gates(Context& context, Call& call);
Async get_gate(Context& context, Call& call);
Async decide_gate(Context& context, Call& call);
Async cancel_gate(Context& context, Call& call);
Async list_deliveries(Context& context, Call& call);
Async get_delivery(Context& context, Call& call);
Async redrive_delivery(Context& context, Call& call);

// gate_log_routes.cc
Async get_gate_log(Context& context, Call& call);
Async append_gate_log(Context& context, Call& call);

// gate_artifact_routes.cc
Async list_gate_artifacts(Context& context, Call& call);
Async get_gate_artifact(Context& context, Call& call);
Async put_gate_artifact(Context& context, Call& call);
Async get_gate_zip(Context& context, Call& call);
Async get_gate_junit(Context& context, Call& call);

// legacy_go_routes.cc
Async go_run_stage(Context& context, Call& call);
Async go_schedule(Context& context, Call& call);
Async go_put_file(Context& context, Call& call);
Async go_get_file(Context& context, Call& call);

// inbound_routes.cc
Async call_inbound(Context& context, Call& call);
Async cloudevents_handshake(Context& context, Call& call);

// booking_routes.cc
Async list_bookings(Context& context, Call& call);
Async get_bookings_calendar(Context& context, Call& call);
Async get_booking(Context& context, Call& call);
Async create_booking(Context& context, Call& call);
Async delete_booking(Context& context, Call& call);

// legacy_schedule_routes.cc
Async legacy_list_schedules(Context& context, Call& call);
Async legacy_put_schedule(Context& context, Call& call);
Async legacy_delete_schedule(Context& context, Call& call);

}  // namespace baton::api
