// SPDX-License-Identifier: MIT
package basket

import (
	"os"
	"testing"
)

func wished(what string) bool {
	return os.Getenv("EXAMPLE_"+what) != "" || os.Getenv("BATON_PARAM_EXAMPLE_"+what) != ""
}

func total(prices ...int) (sum int) {
	for _, price := range prices {
		sum += price
	}
	return sum
}

func TestStartsEmpty(t *testing.T) {
	if total() != 0 {
		t.Fatal("it is not empty")
	}
}

func TestAddsUp(t *testing.T) {
	want := 7
	if wished("FAIL") {
		want = 8
	}
	t.Run("two teas", func(t *testing.T) {
		if got := total(3, 4); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	})
}

func TestKeepsItsConnection(t *testing.T) {
	attempt := os.Getenv("BATON_ATTEMPT")
	if wished("FLAKY") && (attempt == "" || attempt == "1") {
		t.Fatal("the connection was lost")
	}
}

func TestTakesPayment(t *testing.T) { t.Skip("the payment service is not part of this example") }
