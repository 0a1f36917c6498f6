// SPDX-License-Identifier: MIT
package calc

import (
	"fmt"
	"testing"
)

func TestAdds(t *testing.T) {
	if 2+2 != 4 {
		t.Fatal("no")
	}
}

func TestFails(t *testing.T) {
	fmt.Println("printed by the test")
	t.Errorf("got %d, want %d", 1, 2)
}

func TestSkips(t *testing.T) { t.Skip("no server here") }

func TestGroup(t *testing.T) {
	t.Run("first", func(t *testing.T) {})
	t.Run("second one", func(t *testing.T) { t.Error("second failed") })
}

func TestParallelA(t *testing.T) { t.Parallel(); t.Log("a") }
func TestParallelB(t *testing.T) { t.Parallel(); t.Log("b") }
