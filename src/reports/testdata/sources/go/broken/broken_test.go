// SPDX-License-Identifier: MIT
package broken

import "testing"

func TestBroken(t *testing.T) { undefined() }
