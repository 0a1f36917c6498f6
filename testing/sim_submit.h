// SPDX-License-Identifier: MIT
#pragma once
// SimWorld::submit, for its two sources.
#include <utility>

#include "testing/sim_world.h"

namespace baton::sim {

// The handler hears the answer unless it is lost on the way.
template <class R, class Operation, class Handler>
void SimWorld::submit(Operation operation, Handler handler) {
  ++commands_;
  writer_->submit<R>(engine::Operation<R>(std::move(operation)),
                     [this, handler = std::move(handler)](Result<R> result) mutable {
                       if (!losing_) handler(std::move(result));
                     });
}

// Of the answer only a refusal that nothing in the simulation explains matters. An operation
// without a value is wrapped, because a Result<void> cannot be stored by the writer's template as
// others are.
template <class R, class Operation>
void SimWorld::submit(Operation operation) {
  if constexpr (std::is_void_v<R>) {
    submit<int>(
        [operation = std::move(operation)](engine::Context& context) mutable -> Result<int> {
          BATON_TRY_VOID(operation(context));
          return 0;
        },
        [this](Result<int> result) { expect(result); });
  } else {
    submit<R>(std::move(operation), [this](Result<R> result) { expect(result); });
  }
}

}  // namespace baton::sim
