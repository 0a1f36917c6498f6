// SPDX-License-Identifier: MIT
// Shapes of gates and deliveries.
#include <array>

#include "api/schemas.h"

namespace baton::api {
namespace {

constexpr std::array kSchemas{
    Schema{"Target", R"json({"type":"object","required":["link"],"description":
      "one operation of the link by its name, with its fields; none for a webhook (the guide)",
      "properties":{"link":{"type":"string","description":"KIND/PROFILE, or KIND beside profile"},
      "profile":{"type":"string"},"when":{"enum":["always","passed","failed"]}},
      "additionalProperties":{"type":"object"},
      "examples":[{"link":"gocd/main","run_stage":{"pipeline":"shop","counter":42,
      "stage":"accept"},"when":"passed"},{"link":"webhook/ci"}]})json"},
    Schema{"Subject", R"json({"type":"object","description":
      "exactly one: run, suite (with the fields of RunRequest), testkube, external",
      "properties":{"run":{"type":"integer"},"suite":{"type":"string"},
      "external":{"const":true},"testkube":{"type":"object","properties":{
      "profile":{"type":"string"},"tag":{"type":"string"},"workflow":{"type":"string"},
      "execution":{"type":"string"},"policy":{"enum":["latest","all"]},
      "config":{"$ref":"#/components/schemas/Texts"}}}},
      "examples":[{"suite":"pay/checkout"},{"external":true},
      {"testkube":{"profile":"tk","tag":"build=42"}}]})json"},
    Schema{"GateInput", R"json({"type":"object","required":["subject"],"additionalProperties":false,
      "properties":{"name":{"type":"string"},"key":{"type":"string"},
      "subject":{"$ref":"#/components/schemas/Subject"},
      "timeout":{"$ref":"#/components/schemas/Duration"},"on_timeout":{"enum":["failed","passed"]},
      "deliver":{"type":"array","maxItems":20,"items":{"$ref":"#/components/schemas/Target"}},
      "environment":{"type":"string"},"labels":{"$ref":"#/components/schemas/Texts"}},
      "examples":[{"key":"shop-main","subject":{"suite":"pay/checkout"},"timeout":"2h",
      "deliver":[{"link":"webhook/ci"}]}]})json"},
    Schema{"VerdictInput", R"json({"type":"object","required":["verdict"],
      "additionalProperties":false,"properties":{
      "verdict":{"enum":["passed","failed","errored","cancelled","timed_out"]},
      "reason":{"type":"string","maxLength":4000},"url":{"type":"string"},
      "artifacts":{"type":"array","items":{"type":"object","required":["path","url"],
      "properties":{"path":{"type":"string"},"url":{"type":"string"}}}}},
      "examples":[{"verdict":"failed","reason":"2 of 40 failed","url":"https://ci.corp/7"}]
      })json"},
    Schema{"Delivery", R"json({"type":"object",
      "required":["id","target","stage","state","attempts","created_at"],"properties":{
      "id":{"type":"string"},"gate":{"type":"string"},
      "target":{"$ref":"#/components/schemas/Target"},
      "stage":{"enum":["progress","verdict","after","status"]},
      "state":{"enum":["queued","delivered","dead","skipped"]},"attempts":{"type":"integer"},
      "next_at":{"type":"string"},"last_status":{"type":"integer"},"last_error":{"type":"string"},
      "error_class":{"enum":["transient","throttled","auth","peer_gone","rejected",
      "misconfigured"]},"created_at":{"type":"string"},"ended_at":{"type":"string"}},
      "examples":[{"id":"del_1","gate":"gat_1","target":{"link":"webhook/ci"},"stage":"verdict",
      "state":"delivered","attempts":1,"last_status":204,
      "created_at":"2026-03-01T12:00:00.000Z"}]})json"},
    Schema{"DeliveryList", R"json({"type":"object","required":["items"],"properties":{
      "items":{"type":"array","items":{"$ref":"#/components/schemas/Delivery"}},
      "next_cursor":{"type":"string"}},"examples":[{"items":[]}]})json"},
    Schema{"Gate", R"json({"type":"object","required":["id","state","verdict","reason","source",
      "subject","on_timeout","labels","created_at","deadline_at","log_bytes","links","deliveries"],
      "properties":{"id":{"type":"string"},"name":{"type":"string"},"key":{"type":"string"},
      "state":{"enum":["pending","decided","cancelled","superseded"]},
      "verdict":{"enum":[null,"passed","failed","errored","cancelled","timed_out"]},
      "reason":{"type":["string","null"]},
      "source":{"enum":[null,"run","testkube","report","timeout","cancel"]},
      "url":{"type":"string"},"subject":{"$ref":"#/components/schemas/Subject"},
      "on_timeout":{"enum":["failed","passed"]},"environment":{"type":"string"},
      "lease":{"type":"string"},"link":{"type":"string"},
      "labels":{"$ref":"#/components/schemas/Texts"},"opened_by":{"type":"string"},
      "created_at":{"type":"string"},"deadline_at":{"type":"string"},
      "decided_at":{"type":"string"},"log_bytes":{"type":"integer"},"watched":{"type":"object"},
      "links":{"type":"object"},
      "deliveries":{"type":"array","items":{"$ref":"#/components/schemas/Delivery"}}},
      "examples":[{"id":"gat_1","state":"pending","verdict":null,"reason":null,"source":null,
      "subject":{"external":true},"on_timeout":"failed","labels":{},
      "created_at":"2026-03-01T12:00:00.000Z","deadline_at":"2026-03-01T13:00:00.000Z",
      "log_bytes":0,"links":{},"deliveries":[]}]})json"},
    Schema{"GateList", R"json({"type":"object","required":["items"],"properties":{
      "items":{"type":"array","items":{"$ref":"#/components/schemas/Gate"}},
      "next_cursor":{"type":"string"}},"examples":[{"items":[]}]})json"},
    Schema{"GateLogSize", R"json({"type":"object","required":["log_bytes"],"properties":{
      "log_bytes":{"type":"integer"}},"examples":[{"log_bytes":12}]})json"},
    Schema{"GateArtifact", R"json({"type":"object","required":["path"],"properties":{
      "path":{"type":"string"},"size":{"type":"integer"},"type":{"type":"string"},
      "state":{"enum":["ready","processing","failed","missing"]},"url":{"type":"string"},
      "digest":{"type":"string"}},
      "examples":[{"path":"out/report.xml","size":3,"type":"application/xml","state":"ready"}]
      })json"},
    Schema{"GateArtifactList", R"json({"type":"object","required":["items"],"properties":{
      "items":{"type":"array","items":{"$ref":"#/components/schemas/GateArtifact"}},
      "next_cursor":{"type":"string"}},"examples":[{"items":[]}]})json"},
    Schema{"GoTaken", R"json({"type":"object","required":["message","delivery"],"properties":{
      "message":{"type":"string"},"delivery":{"type":"string"}},
      "examples":[{"message":"Request to schedule stage shop/42/accept accepted",
      "delivery":"del_1"}]})json"},
    Schema{"Inbound", R"json({"type":"object","description":
      "the gate, or {ignored:REASON} for what is no question; pollers get what they read",
      "properties":{"id":{"type":"string"},"ignored":{"type":"string"},
      "events":{"type":"array","items":{"type":"object"}},
      "status":{"enum":["passed","failed","pending"]},"message":{"type":"string"}},
      "examples":[{"id":"gat_1","status":"pending"},{"ignored":"ping"}]})json"},
};

}  // namespace

std::span<const Schema> gate_schemas() { return kSchemas; }

}  // namespace baton::api
