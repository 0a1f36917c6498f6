// SPDX-License-Identifier: MIT
#pragma once
// The shapes of bodies as JSON Schema (2020-12), each with an example; parts of /openapi.json.
// The route table names them; the tests check every example and every answer against them.
#include <span>
#include <string_view>

namespace baton::api {

struct Schema {
  std::string_view name;
  std::string_view json;  // an object, with "examples"
};

std::span<const Schema> schemas();
/// Those of schemas_runs.cc, schemas_leases.cc, schemas_gates.cc and schemas_service.cc, which
/// schemas() puts together.
std::span<const Schema> run_schemas();
std::span<const Schema> lease_schemas();
std::span<const Schema> gate_schemas();
std::span<const Schema> service_schemas();

}  // namespace baton::api
