// SPDX-License-Identifier: MIT
#pragma once
// A runner's records in their two other forms: entries of the run's stream (output and facts, for
// logs and live events) and records of the operation (what becomes rows). Pure.
#include <span>
#include <vector>

#include "model/record.h"
#include "store/blobs/stream_entry.h"
#include "wire/records.h"

namespace baton::api {

/// Output becomes "nothing to do but to acknowledge".
std::vector<model::Record> to_model(std::span<const wire::Record> records);

/// What the stream keeps of the record.
store::StreamEntry to_entry(const wire::Record& record, int epoch);

}  // namespace baton::api
