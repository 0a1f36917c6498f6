// SPDX-License-Identifier: MIT
package panics

import "testing"

func TestBefore(t *testing.T) {}

func TestPanics(t *testing.T) {
	var p *int
	*p = 1
}

func TestNever(t *testing.T) {}
