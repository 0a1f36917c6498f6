// SPDX-License-Identifier: MIT
// The route table: everything that Baton answers over HTTP. Dispatch, authorisation, body limits,
// the description (/openapi.json) and docs/reference/http-api.md come from it alone.
// A literal path stands before a pattern that would match it too.
#include <array>

#include "api/handlers.h"
#include "api/route.h"

namespace baton::api {
namespace {

using enum Access;
constexpr std::string_view kPage = "limit cursor";

// clang-format off
constexpr std::array kRoutes{
  Route{"GET", "/livez", open, Body::none,
        "Whether the process lives", "", "", 200, "Health", livez},
  Route{"GET", "/readyz", open, Body::none,
        "Whether the server takes work; 503 while it starts or drains, or cannot store changes",
        "", "", 200, "Health", readyz},
  Route{"GET", "/healthz", open, Body::none,
        "The same as /readyz", "", "", 200, "Health", readyz},
  Route{"GET", "/ready", open, Body::none,
        "The same as /readyz (legacy)", "", "", 200, "Health", readyz},
  Route{"GET", "/metrics", open, Body::none,
        "Metrics in the Prometheus text format", "", "", 200, "text/plain", get_metrics},
  Route{"GET", "/openapi.json", open, Body::none,
        "This description", "", "", 200, "Description", get_openapi},
  Route{"GET", "/api/v1/openapi.json", open, Body::none,
        "This description", "", "", 200, "Description", get_openapi},
  Route{"GET", "/api/v1/config.schema.json", open, Body::none,
        "JSON Schema of `baton.yaml`, for editors",
        "", "", 200, "application/schema+json", get_config_schema},
  Route{"GET", "/api/v1/whoami", viewer, Body::none,
        "Who the token belongs to and what it may do", "", "", 200, "Who", whoami},

  Route{"GET", "/api/v1/suites", viewer, Body::none,
        "Suites by name", "namespace limit cursor", "", 200, "SuiteList", list_suites},
  Route{"GET", "/api/v1/suites/{namespace}/{name}", viewer, Body::none,
        "One suite with its cases, schedules and last run", "", "", 200, "Suite", get_suite},
  Route{"PUT", "/api/v1/suites/{namespace}/{name}", admin, Body::json,
        "Declare a suite; 409 when a file declares it", "", "SuiteInput", 200, "Suite", put_suite,
        true},
  Route{"DELETE", "/api/v1/suites/{namespace}/{name}", admin, Body::none,
        "Remove a suite; its runs stay", "", "", 204, "", delete_suite},

  Route{"POST", "/api/v1/runs", operator_, Body::json,
        "Start a run", "", "RunRequest", 201, "Run", start_run},
  Route{"GET", "/api/v1/runs", viewer, Body::none,
        "Runs, newest first",
        "suite state verdict reference label environment schedule q limit cursor",
        "", 200, "RunList", list_runs},
  Route{"GET", "/api/v1/runs/{id}", viewer, Body::none,
        "One run; with wait, as soon as its state changes", "wait", "", 200, "Run", get_run},
  Route{"DELETE", "/api/v1/runs/{id}", operator_, Body::none,
        "Delete a finished run with its logs and artifacts", "", "", 204, "", delete_run},
  Route{"POST", "/api/v1/runs/{id}/cancel", operator_, Body::json,
        "Cancel a run; harmless when it is or was cancelled, 409 when it finished otherwise",
        "", "CancelRequest", 200, "Run", cancel_run},
  Route{"POST", "/api/v1/runs/{id}/rerun", operator_, Body::json,
        "Start the same run again, whole or what failed",
        "", "RerunRequest", 201, "Run", rerun_run},
  Route{"GET", "/api/v1/runs/{id}/tests", viewer, Body::none,
        "Cases with their attempts, also while the run goes on",
        "verdict limit cursor", "", 200, "CaseList", list_tests},
  Route{"GET", "/api/v1/runs/{id}/log", viewer, Body::none,
        "Output as it was written; Range is honoured",
        "test attempt from_line lines", "", 200, "text/plain", get_log},
  Route{"GET", "/api/v1/runs/{id}/events", viewer, Body::none,
        "Live events: attempt_started, log, attempt_finished, run_finished; resumable "
        "with Last-Event-ID",
        "logs", "", 200, "text/event-stream", stream_run},
  Route{"GET", "/api/v1/runs/{id}/artifacts", viewer, Body::none,
        "Files that the run kept", "test attempt", "", 200, "ArtifactList", list_artifacts},
  Route{"GET", "/api/v1/runs/{id}/artifacts/{path...}", viewer, Body::none,
        "One file; ETag and Range are honoured",
        "test attempt", "", 200, "application/octet-stream", get_artifact},
  Route{"GET", "/api/v1/runs/{id}/junit.xml", viewer, Body::none,
        "The result as JUnit XML with every attempt", "", "", 200, "application/xml", get_junit},
  Route{"GET", "/api/v1/runs/{id}/ctrf.json", viewer, Body::none,
        "The result as CTRF", "", "", 200, "application/json", get_ctrf},
  Route{"POST", "/api/v1/reports", operator_, Body::report,
        "Store result files of a run that happened elsewhere",
        "suite format reference revision branch environment triggered_by label partial",
        "", 201, "Run", upload_report},

  Route{"GET", "/api/v1/schedules", viewer, Body::none,
        "Schedules by name", kPage, "", 200, "ScheduleList", list_schedules},
  Route{"GET", "/api/v1/schedules/{name}", viewer, Body::none,
        "One schedule", "", "", 200, "Schedule", get_schedule},
  Route{"PUT", "/api/v1/schedules/{name}", operator_, Body::json,
        "Declare a schedule", "", "ScheduleInput", 200, "Schedule", put_schedule, true},
  Route{"DELETE", "/api/v1/schedules/{name}", operator_, Body::none,
        "Remove a schedule; its runs stay", "", "", 204, "", delete_schedule},
  Route{"POST", "/api/v1/schedules/{name}/pause", operator_, Body::none,
        "Stop firing until it is resumed", "", "", 200, "Schedule", pause_schedule},
  Route{"POST", "/api/v1/schedules/{name}/resume", operator_, Body::none,
        "Fire again", "", "", 200, "Schedule", resume_schedule},
  Route{"POST", "/api/v1/schedules/{name}/trigger", operator_, Body::none,
        "Start its run now", "", "", 201, "Run", trigger_schedule},

  Route{"GET", "/api/v1/events", viewer, Body::none,
        "The journal, oldest first; with Accept: text/event-stream as a stream",
        "after kind subject wait limit cursor", "", 200, "EventList", list_events},
  Route{"POST", "/api/v1/tokens", admin, Body::json,
        "Make a token; its secret is shown once", "", "TokenRequest", 201, "Token", create_token},
  Route{"GET", "/api/v1/tokens", admin, Body::none,
        "Tokens of people and services, newest first", kPage, "", 200, "TokenList", list_tokens},
  Route{"DELETE", "/api/v1/tokens/{id}", admin, Body::none,
        "Revoke a token at once", "", "", 204, "", delete_token},
  Route{"GET", "/api/v1/audit", admin, Body::none,
        "Who did what, newest first", kPage, "", 200, "AuditList", list_audit},

  Route{"GET", "/api/v1/runner/runs/{id}/job", runner, Body::none,
        "What a runner shall do", "epoch", "", 200, "Job", get_job},
  Route{"POST", "/api/v1/runner/runs/{id}/records", runner, Body::records,
        "What a runner did, in order",
        "epoch", "application/x-baton-records", 200, "RecordsAnswer", post_records},
  Route{"PUT", "/api/v1/runner/runs/{id}/artifacts", runner, Body::artifact,
        "A file that a test left",
        "epoch path test attempt", "application/octet-stream", 200, "StoredArtifact", put_artifact},

  Route{"GET", "/suites", viewer, Body::none,
        "Suites (legacy)", "", "", 200, "LegacySuiteList", legacy_list_suites},
  Route{"POST", "/suites/{name}/runs", operator_, Body::none,
        "Start a run (legacy)", "filter ref initiatedby", "", 201, "LegacyRun", legacy_start_run},
  Route{"GET", "/suites/{name}/runs", viewer, Body::none,
        "Runs of a suite by number (legacy)", "", "", 200, "LegacyRunList", legacy_list_runs},
  Route{"GET", "/suites/{name}/runs/{id}", viewer, Body::none,
        "One run of a suite by its number (legacy)", "", "", 200, "LegacyRun", legacy_get_run},
  Route{"GET", "/suites/{name}/runs/{id}/test/{test}", viewer, Body::none,
        "Attempts of one test (legacy)", "", "", 200, "LegacyTestList", legacy_get_test},
  Route{"GET", "/schedules", viewer, Body::none,
        "Schedules (legacy)", "", "", 200, "LegacyScheduleList", legacy_list_schedules},
  Route{"POST", "/schedules/{name}", operator_, Body::json,
        "Declare a schedule: the expression in the header `schedule` or as JSON (legacy)",
        "suite filter", "LegacyScheduleInput", 201, "LegacySchedule", legacy_put_schedule},
  Route{"DELETE", "/schedules/{name}", operator_, Body::none,
        "Remove a schedule (legacy)", "", "", 204, "", legacy_delete_schedule},
};

constexpr std::array kQuery{
  QueryParameter{"after", "integer", "only events after this position; 0 is the beginning, what is "
                 "beyond the end is the end"},
  QueryParameter{"attempt", "integer", "number of the attempt, from 1"},
  QueryParameter{"branch", "string", "branch that was tested"},
  QueryParameter{"cursor", "string", "next_cursor of the page before"},
  QueryParameter{"environment", "string", "name of the environment"},
  QueryParameter{"epoch", "integer", "counts the runners of the run"},
  QueryParameter{"filter", "string", "regular expression over the names of cases"},
  QueryParameter{"format", "string",
                 "auto, junit, ctrf, tap, gotest, gtest, playwright, trx, nunit, xunit "
                 "or cucumber"},
  QueryParameter{"from_line", "integer", "first line to give, from 1"},
  QueryParameter{"initiatedby", "string", "who starts it"},
  QueryParameter{"kind", "string", "only events whose kind begins so: run."},
  QueryParameter{"label", "string", "key=value; repeat it to ask for several"},
  QueryParameter{"limit", "integer", "items per page: 50, at most 500"},
  QueryParameter{"lines", "integer", "how many lines to give"},
  QueryParameter{"logs", "boolean", "whether to tell the output as well; true"},
  QueryParameter{"namespace", "string", "only this namespace"},
  QueryParameter{"partial", "boolean", "store what can be read of malformed files"},
  QueryParameter{"path", "string", "relative path of the file"},
  QueryParameter{"q", "string", "words of reference, suite, initiator and failure messages"},
  QueryParameter{"ref", "string", "reference of the run"},
  QueryParameter{"reference", "string", "reference of the run"},
  QueryParameter{"revision", "string", "revision that was tested"},
  QueryParameter{"schedule", "string", "only runs of this schedule"},
  QueryParameter{"state", "string", "queued, waiting, running or finished"},
  QueryParameter{"subject", "string", "only events about this: run:17"},
  QueryParameter{"suite", "string", "namespace/name, or name"},
  QueryParameter{"test", "string", "name of the case"},
  QueryParameter{"triggered_by", "string", "who or what started it"},
  QueryParameter{"verdict", "string", "only this verdict"},
  QueryParameter{"wait", "string", "how long to wait for a change: 25s, at most 60s"},
};
// clang-format on

}  // namespace

std::span<const Route> routes() { return kRoutes; }
std::span<const QueryParameter> query_parameters() { return kQuery; }

}  // namespace baton::api
