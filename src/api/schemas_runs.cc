// SPDX-License-Identifier: MIT
// Shapes of suites, runs, cases, artifacts and schedules.
#include <array>

#include "api/schemas.h"

namespace baton::api {
namespace {

constexpr std::array kSchemas{
    Schema{"Texts", R"json({"type":"object","additionalProperties":{"type":"string"},
      "examples":[{"team":"pay"}]})json"},
    Schema{"Case", R"json({"type":"object","required":["name","labels"],"properties":{
      "name":{"type":"string"},"description":{"type":"string"},"file":{"type":"string"},
      "line":{"type":"integer"},"labels":{"$ref":"#/components/schemas/Texts"},
      "max_attempts":{"type":"integer"},"timeout_ms":{"type":"integer"}},
      "examples":[{"name":"places_an_order","labels":{},"file":"checkout.cc","line":12}]})json"},
    Schema{"SuiteInput", R"json({"type":"object","required":["kind","command"],
      "additionalProperties":false,
      "description":"A declaration. What is left out returns to its default.","properties":{
      "namespace":{"type":"string"},"name":{"type":"string"},"description":{"type":"string"},
      "owner":{"type":"string"},"labels":{"$ref":"#/components/schemas/Texts"},
      "kind":{"enum":["gtest","catch2","doctest","ctest","pytest","playwright","go","tap","junit",
      "command"]},
      "command":{"type":"array","items":{"type":"string"}},"folder":{"type":"string"},
      "variables":{"$ref":"#/components/schemas/Texts"},"environment":{"type":"string"},
      "isolate":{"enum":["suite","case"]},"workers":{"type":"integer","minimum":1,"maximum":64},
      "running_runs":{"type":"integer","minimum":0,"maximum":10000,
      "description":"runs of it at the same time; 0: only the server's limit"},
      "max_attempts":{"type":"integer","minimum":1,"maximum":100},
      "back_off":{"$ref":"#/components/schemas/Duration"},"back_off_ms":{"type":"integer"},
      "timeout":{"$ref":"#/components/schemas/Duration"},"timeout_ms":{"type":"integer"},
      "attempt_timeout":{"$ref":"#/components/schemas/Duration"},"attempt_timeout_ms":{
      "type":"integer"},
      "kill_grace":{"$ref":"#/components/schemas/Duration"},"kill_grace_ms":{"type":"integer"},
      "log_limit":{"type":"integer"},"reports":{"type":"array","items":{"type":"string"}},
      "artifacts":{"type":"array","items":{"type":"string"}},"allow_empty":{"type":"boolean"},
      "source":{},"cases":{},"discovery_error":{},"revision":{},"schedules":{},"last_run":{},
      "links":{}},
      "examples":[{"kind":"junit","command":["./run.sh"],"reports":["out/**/*.xml"],
      "timeout":"10m"}]})json"},
    Schema{"Suite", R"json({"type":"object","required":["namespace","name","description","owner",
      "labels","kind",
      "cases","max_attempts","timeout_ms","schedules"],"properties":{
      "namespace":{"type":"string"},"name":{"type":"string"},"description":{"type":"string"},
      "owner":{"type":"string"},"labels":{"$ref":"#/components/schemas/Texts"},
      "kind":{"enum":["cpp","gtest","catch2","doctest","ctest","pytest","playwright","go","tap",
      "junit","command"]},
      "source":{"enum":["file","api","adhoc"]},"command":{"type":"array","items":{"type":"string"}},
      "folder":{"type":"string"},"variables":{"$ref":"#/components/schemas/Texts"},
      "environment":{"type":"string"},"isolate":{"enum":["suite","case"]},"workers":{
      "type":"integer"},"running_runs":{"type":"integer"},
      "max_attempts":{"type":"integer"},"back_off_ms":{"type":"integer"},"timeout_ms":{
      "type":"integer"},
      "attempt_timeout_ms":{"type":"integer"},"kill_grace_ms":{"type":"integer"},"log_limit":{
      "type":"integer"},
      "reports":{"type":"array","items":{"type":"string"}},"artifacts":{"type":"array","items":{
      "type":"string"}},
      "allow_empty":{"type":"boolean"},"cases":{"type":"array","items":{
      "$ref":"#/components/schemas/Case"}},
      "discovery_error":{"type":"string"},"revision":{"type":"integer"},
      "schedules":{"type":"array","items":{"type":"string"}},"last_run":{
      "$ref":"#/components/schemas/Run"},
      "links":{"$ref":"#/components/schemas/Texts"}},
      "examples":[{"namespace":"pay","name":"checkout","description":"","owner":"","labels":{},
      "kind":"gtest",
      "cases":[],"max_attempts":3,"timeout_ms":600000,"schedules":["nightly"]}]})json"},
    Schema{"SuiteList", R"json({"type":"object","required":["items"],"properties":{
      "items":{"type":"array","items":{"$ref":"#/components/schemas/Suite"}},"next_cursor":{
      "type":"string"}},
      "examples":[{"items":[]}]})json"},
    Schema{"RunRequest", R"json({"type":"object","required":["suite"],"additionalProperties":false,
      "properties":{
      "suite":{"type":"string","description":"namespace/name, or name where that is unique"},
      "filter":{"type":"string","description":"RE2, unanchored, over the names of cases"},
      "environment":{"type":"string"},"reference":{"type":"string"},"triggered_by":{
      "type":"string"},
      "labels":{"$ref":"#/components/schemas/Texts"},"params":{"$ref":"#/components/schemas/Texts"},
      "max_attempts":{"type":"integer","minimum":1,"maximum":100},
      "timeout":{"$ref":"#/components/schemas/Duration"},"allow_empty":{"type":"boolean"},
      "revision":{"type":"string"},"branch":{"type":"string"}},
      "examples":[{"suite":"pay/checkout","filter":"order","reference":"build 42","params":{
      "user":"alice"}}]})json"},
    Schema{"Counts", R"json({"type":"object","required":["total","passed","failed","errored",
      "skipped","flaky",
      "quarantined","pending"],"additionalProperties":{"type":"integer"},
      "examples":[{"total":3,"passed":2,"failed":0,"errored":0,"skipped":0,"flaky":1,
      "quarantined":0,"pending":0}]})json"},
    Schema{"Run", R"json({"type":"object","required":["id","suite","namespace","state","verdict",
      "flaky","counts",
      "queued_at","reference","triggered_by","labels","params","links"],"properties":{
      "id":{"type":"integer"},"suite":{"type":"string"},"namespace":{"type":"string"},
      "state":{"enum":["queued","waiting","running","finished"]},
      "verdict":{"enum":[null,"passed","failed","errored","cancelled","timed_out","empty"]},
      "flaky":{"type":"boolean"},"counts":{"$ref":"#/components/schemas/Counts"},
      "environment":{"type":"string"},"lease":{"type":"string"},
      "waiting":{"type":"object","required":["position","ahead"],
      "description":"its place in the queue; of one run only","properties":{
      "position":{"type":["integer","null"]},"ahead":{"type":"array"},
      "eta_ms":{"type":"integer"}}},"fence":{"type":"integer"},
      "environment_events":{"type":"array","items":{"type":"object"},
      "description":"what else happened on the environment while it ran"},
      "queued_at":{"type":"string","format":"date-time"},"started_at":{"type":"string",
      "format":"date-time"},
      "finished_at":{"type":"string","format":"date-time"},"duration_ms":{"type":"integer"},
      "reference":{"type":"string"},"triggered_by":{"type":"string"},
      "labels":{"$ref":"#/components/schemas/Texts"},"params":{"$ref":"#/components/schemas/Texts"},
      "filter":{"type":"string"},"revision":{"type":"string"},"branch":{"type":"string"},
      "max_attempts":{"type":"integer"},"timeout_ms":{"type":"integer"},"allow_empty":{
      "type":"boolean"},
      "schedule":{"type":"string"},"rerun_of":{"type":"integer"},"number":{"type":"integer"},
      "message":{"type":"string"},"cancel_requested":{"type":"boolean"},"cancel_reason":{
      "type":"string"},
      "setup_log":{"type":"string"},"resumes":{"type":"integer"},"links":{
      "$ref":"#/components/schemas/Texts"}},
      "examples":[{"id":17,"suite":"checkout","namespace":"pay","state":"queued","verdict":null,
      "flaky":false,
      "counts":{"total":0,"passed":0,"failed":0,"errored":0,"skipped":0,"flaky":0,"quarantined":0,
      "pending":0},
      "queued_at":"2026-03-01T12:00:00.000Z","reference":"build 42","triggered_by":"ci","labels":
      {},"params":{},
      "links":{"self":"/api/v1/runs/17"}}]})json"},
    Schema{"RunList", R"json({"type":"object","required":["items"],"properties":{
      "items":{"type":"array","items":{"$ref":"#/components/schemas/Run"}},"next_cursor":{
      "type":"string"}},
      "examples":[{"items":[]}]})json"},
    Schema{"CancelRequest", R"json({"type":"object","additionalProperties":false,
      "properties":{"reason":{"type":"string"}},"examples":[{"reason":"superseded"},{}]})json"},
    Schema{"RerunRequest", R"json({"type":"object","additionalProperties":false,
      "properties":{"failed_only":{"type":"boolean"}},"examples":[{"failed_only":true}]})json"},
    Schema{"Artifact", R"json({"type":"object","required":["path","size","type"],"properties":{
      "path":{"type":"string"},"size":{"type":"integer"},"type":{"type":"string"},"test":{
      "type":"string"},
      "attempt":{"type":"integer"}},
      "examples":[{"path":"shots/a.png","size":1234,"type":"image/png","test":"logs_in",
      "attempt":1}]})json"},
    Schema{"ArtifactList", R"json({"type":"object","required":["items"],"properties":{
      "items":{"type":"array","items":{"$ref":"#/components/schemas/Artifact"}},"next_cursor":{
      "type":"string"}},
      "examples":[{"items":[]}]})json"},
    Schema{"Attempt", R"json({"type":"object","required":["attempt","outcome","soft_failure",
      "started_at",
      "duration_ms","spans","values","artifacts","log_bytes"],"properties":{
      "attempt":{"type":"integer"},
      "outcome":{"enum":["running","passed","failed","errored","skipped","timed_out","cancelled"]},
      "soft_failure":{"type":"boolean"},"started_at":{"type":"string","format":"date-time"},
      "duration_ms":{"type":"integer"},"message":{"type":"string"},"file":{"type":"string"},
      "line":{"type":"integer"},"spans":{"type":"array","items":{"type":"object",
      "required":["name","started_at","duration_ms","context"],"properties":{"name":{
      "type":"string"},
      "started_at":{"type":"string"},"duration_ms":{"type":"integer"},
      "context":{"$ref":"#/components/schemas/Texts"}}}},
      "values":{"$ref":"#/components/schemas/Texts"},
      "artifacts":{"type":"array","items":{"$ref":"#/components/schemas/Artifact"}},
      "log_bytes":{"type":"integer"}},
      "examples":[{"attempt":1,"outcome":"passed","soft_failure":false,
      "started_at":"2026-03-01T12:00:00.000Z",
      "duration_ms":12,"spans":[],"values":{"order":"7"},"artifacts":[],"log_bytes":40}]})json"},
    Schema{"CaseResult", R"json({"type":"object","required":["name","verdict","outcome","attempts",
      "flaky",
      "quarantined"],"properties":{"name":{"type":"string"},
      "verdict":{"enum":["pending","passed","failed","errored","skipped","timed_out","cancelled",
      "flaky",
      "quarantined_failure"]},
      "outcome":{"enum":[null,"running","passed","failed","errored","skipped","timed_out",
      "cancelled"]},
      "attempts":{"type":"array","items":{"$ref":"#/components/schemas/Attempt"}},
      "flaky":{"type":"boolean"},"quarantined":{"type":"boolean"}},
      "examples":[{"name":"logs_in","verdict":"pending","outcome":null,"attempts":[],"flaky":false,
      "quarantined":false}]})json"},
    Schema{"CaseList", R"json({"type":"object","required":["items"],"properties":{
      "items":{"type":"array","items":{"$ref":"#/components/schemas/CaseResult"}},"next_cursor":{
      "type":"string"}},
      "examples":[{"items":[]}]})json"},
    Schema{"ScheduleInput", R"json({"type":"object","required":["suite"],
      "additionalProperties":false,
      "description":"Exactly one of cron and every.","properties":{"name":{"type":"string"},
      "suite":{"type":"string"},"cron":{"type":"string"},"every":{
      "$ref":"#/components/schemas/Duration"},
      "time_zone":{"type":"string"},"filter":{"type":"string"},"max_runs":{"type":"integer"},
      "until":{"type":"string","format":"date-time"},"overlap":{"enum":["skip","queue","allow"]},
      "catch_up":{"enum":["none","once"]},"paused":{"type":"boolean"},"every_ms":{},"source":{},
      "next_at":{},
      "last_run":{},"run_count":{},"revision":{}},
      "examples":[{"suite":"pay/checkout","cron":"0 2 * * *","time_zone":"Europe/Vienna"}]})json"},
    Schema{"Schedule", R"json({"type":"object","required":["name","suite","time_zone","overlap",
      "catch_up","paused",
      "next_at","last_run","run_count"],"properties":{"name":{"type":"string"},"suite":{
      "type":"string"},
      "cron":{"type":"string"},"every":{"type":"string"},"every_ms":{"type":"integer"},
      "time_zone":{"type":"string"},"filter":{"type":"string"},"max_runs":{"type":"integer"},
      "until":{"type":"string"},"overlap":{"enum":["skip","queue","allow"]},"catch_up":{"enum":[
      "none","once"]},
      "source":{"enum":["file","api","adhoc"]},"paused":{"type":"boolean"},
      "next_at":{"type":["string","null"]},"last_run":{"type":["integer","null"]},
      "run_count":{"type":"integer"},"revision":{"type":"integer"}},
      "examples":[{"name":"nightly","suite":"pay/checkout","cron":"0 2 * * *",
      "time_zone":"Europe/Vienna",
      "overlap":"skip","catch_up":"once","paused":false,"next_at":"2026-03-02T01:00:00.000Z",
      "last_run":null,
      "run_count":0}]})json"},
    Schema{"ScheduleList", R"json({"type":"object","required":["items"],"properties":{
      "items":{"type":"array","items":{"$ref":"#/components/schemas/Schedule"}},"next_cursor":{
      "type":"string"}},
      "examples":[{"items":[]}]})json"},
};

}  // namespace

std::span<const Schema> run_schemas() { return kSchemas; }

}  // namespace baton::api
