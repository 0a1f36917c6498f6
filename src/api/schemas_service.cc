// SPDX-License-Identifier: MIT
// Shapes of problems, tokens, the audit, the journal, the service's own answers, the runner's calls
// and the legacy routes.
#include <array>
#include <vector>

#include "api/schemas.h"

namespace baton::api {
namespace {

constexpr std::array kSchemas{
    Schema{"Duration", R"json({"type":"string","pattern":"^(0|([0-9]+(ms|s|m|h|d))+)$",
      "examples":["90s","1h30m"]})json"},
    Schema{"Problem", R"json({"type":"object","required":["type","title","status","detail",
      "instance","code","fix",
      "request_id"],"properties":{"type":{"type":"string"},"title":{"type":"string"},
      "status":{"type":"integer"},"detail":{"type":"string"},"instance":{"type":"string"},
      "code":{"enum":["invalid","unauthenticated","forbidden","not_found","conflict","stale_fence",
      "deadlock",
      "busy","gone","too_large","unprocessable","unsatisfiable","limit","unavailable","timeout",
      "unreachable",
      "internal"]},"fix":{"type":"string"},"request_id":{"type":"string"},
      "errors":{"type":"array","items":{"type":"object","required":["pointer","detail"],
      "properties":{"pointer":{"type":"string"},"detail":{"type":"string"}}}}},
      "examples":[{"type":"about:blank","title":"Not found","status":404,
      "detail":"there is no run 7",
      "instance":"/api/v1/runs/7","code":"not_found","fix":"`baton runs ls` lists the runs",
      "request_id":"req_1"}]})json"},
    Schema{"TokenRequest", R"json({"type":"object","required":["name","scope"],
      "additionalProperties":false,
      "properties":{"name":{"type":"string"},"scope":{"enum":["viewer","operator","admin"]},
      "expires":{"type":"string","description":"an RFC 3339 time, or a duration from now"}},
      "examples":[{"name":"ci","scope":"operator","expires":"90d"}]})json"},
    Schema{"Token", R"json({"type":"object","required":["id","name","scope","created_at"],
      "properties":{
      "id":{"type":"string"},"token":{"type":"string","description":"shown once"},"name":{
      "type":"string"},
      "scope":{"enum":["runner","viewer","operator","admin"]},"run":{"type":"integer"},
      "created_at":{"type":"string"},"expires_at":{"type":"string"},"last_used_at":{
      "type":"string"}},
      "examples":[{"id":"tok_1","name":"ci","scope":"operator",
      "created_at":"2026-03-01T12:00:00.000Z"}]})json"},
    Schema{"TokenList", R"json({"type":"object","required":["items"],"properties":{
      "items":{"type":"array","items":{"$ref":"#/components/schemas/Token"}},"next_cursor":{
      "type":"string"}},
      "examples":[{"items":[]}]})json"},
    Schema{"AuditList", R"json({"type":"object","required":["items"],"properties":{
      "items":{"type":"array","items":{"type":"object","required":["id","at","actor","action",
      "subject","detail"],
      "properties":{"id":{"type":"integer"},"at":{"type":"string"},"actor":{"type":"string"},
      "action":{"type":"string"},"subject":{"type":"string"},"detail":{"type":"object"},
      "request_id":{"type":"string"},"address":{"type":"string"}}}},"next_cursor":{
      "type":"string"}},
      "examples":[{"items":[{"id":1,"at":"2026-03-01T12:00:00.000Z","actor":"admin",
      "action":"token.create",
      "subject":"token:tok_1","detail":{}}]}]})json"},
    Schema{"EventList", R"json({"type":"object","required":["items","last_seq"],"properties":{
      "items":{"type":"array","items":{"type":"object","required":["seq","at","kind","subject",
      "data"],
      "properties":{"seq":{"type":"integer"},"at":{"type":"string"},"kind":{"type":"string"},
      "subject":{"type":"string"},"data":{"type":"object"}}}},
      "last_seq":{"type":"integer","description":"what to give as `after` next"},
      "next_cursor":{"type":"string"}},
      "examples":[{"items":[{"seq":3,"at":"2026-03-01T12:00:00.000Z","kind":"run.queued",
      "subject":"run:1",
      "data":{}}],"last_seq":3}]})json"},
    Schema{"Who", R"json({"type":"object","required":["name","scope"],"properties":{
      "name":{"type":"string"},"scope":{"enum":["runner","viewer","operator","admin"]},"token":{
      "type":"string"}},
      "examples":[{"name":"ci","scope":"operator","token":"tok_1"}]})json"},
    Schema{"Health", R"json({"type":"object","required":["status"],"properties":{
      "status":{"enum":["ok","starting","draining","unavailable"]},"version":{"type":"string"},
      "instance":{"type":"string"},"detail":{"type":"string"}},
      "examples":[{"status":"ok","version":"0.1.0"}]})json"},
    Schema{"Description", R"json({"type":"object","required":["openapi","info","paths"],
      "examples":[{"openapi":"3.1.0","info":{},"paths":{}}]})json"},
    Schema{"Job", R"json({"type":"object","description":"docs/formats/runner.md","examples":[
      {}]})json"},
    Schema{"RecordsAnswer", R"json({"type":"object","required":["acked","cancel","reason"],
      "properties":{
      "acked":{"type":"integer"},"cancel":{"type":"boolean"},"reason":{"type":"string"}},
      "examples":[{"acked":12,"cancel":false,"reason":""}]})json"},
    Schema{"StoredArtifact", R"json({"type":"object","required":["size","digest","type"],
      "properties":{
      "size":{"type":"integer"},"digest":{"type":"string"},"type":{"type":"string"}},
      "examples":[{"size":3,"digest":"2c26b46b","type":"text/plain"}]})json"},
    Schema{"LegacySuiteList", R"json({"type":"array","items":{"type":"object","required":["name"]},
      "examples":[[{"name":"checkout"}]]})json"},
    Schema{"LegacyRun", R"json({"type":"object","required":["id","suiteName","result","tests",
      "flaky","params",
      "scheduled","start","end","durationInMs","setupLogs","initiatedBy","reference",
      "idempotencyKey",
      "environment","testResults"],"properties":{"id":{"type":"integer"},"suiteName":{
      "type":"string"},
      "result":{"enum":["pending","skipped","passed","failed"]},"tests":{"type":"integer"},
      "flaky":{"type":"boolean"},"scheduled":{"type":"string"},"start":{"type":["string","null"]},
      "end":{"type":["string","null"]},"durationInMs":{"type":"integer"},"testResults":{
      "type":"array"}},
      "examples":[{"id":1,"suiteName":"checkout","result":"pending","tests":0,"flaky":false,
      "params":{},
      "scheduled":"2026-03-01T12:00:00.000Z","start":null,"end":null,"durationInMs":0,
      "setupLogs":"",
      "initiatedBy":"","reference":"","idempotencyKey":"","environment":"","testResults":
      []}]})json"},
    Schema{"LegacyRunList", R"json({"type":"array","items":{
      "$ref":"#/components/schemas/LegacyRun"},
      "examples":[[]]})json"},
    Schema{"LegacyTestList", R"json({"type":"array","items":{"type":"object","required":[
      "suiteName","suiteRunId",
      "name","result","attempt","softFailure","logs","start","end","durationInMs","spans",
      "context"]},
      "examples":[[]]})json"},
    Schema{"LegacySchedule", R"json({"type":"object","required":["Name","TestSuiteName","Schedule",
      "TestFilter",
      "RunCount","MaxRuns"],
      "examples":[{"Name":"nightly","TestSuiteName":"checkout","Schedule":"0 2 * * *",
      "TestFilter":"",
      "RunCount":0,"MaxRuns":0}]})json"},
    Schema{"LegacyScheduleList", R"json({"type":"array","items":{
      "$ref":"#/components/schemas/LegacySchedule"},
      "examples":[[]]})json"},
    Schema{"LegacyScheduleInput", R"json({"type":"object","additionalProperties":false,
      "properties":{"schedule":{"type":"string"},"suite":{"type":"string"},"filter":{
      "type":"string"},
      "max_runs":{"type":"integer"}},"examples":[{"schedule":"0 2 * * *",
      "suite":"checkout"}]})json"},
};

}  // namespace

std::span<const Schema> service_schemas() { return kSchemas; }

std::span<const Schema> schemas() {
  static const std::vector<Schema> all = [] {
    std::vector<Schema> list;
    for (const Schema& schema : run_schemas()) list.push_back(schema);
    for (const Schema& schema : lease_schemas()) list.push_back(schema);
    for (const Schema& schema : gate_schemas()) list.push_back(schema);
    for (const Schema& schema : service_schemas()) list.push_back(schema);
    return list;
  }();
  return all;
}

}  // namespace baton::api
