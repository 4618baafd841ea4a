package sim_test

import (
	"context"
	"fmt"
	"time"

	"github.com/zhun-go/zhun/internal/sim"
)

func ExampleWorld_Events() {
	w, err := sim.New(&sim.Options{Customers: 100, Days: 30, Zone: time.UTC})
	if err != nil {
		fmt.Println(err)
		return
	}
	for e := range w.Events() {
		if e.Name == "Store Visited" {
			fmt.Println(string(e.AppendSegment(nil)))
			fmt.Println("really customer", e.Customer())
			break
		}
	}
	// Output:
	// {"type":"track","messageId":"m2f2cc15756267c9f","event":"Store Visited","originalTimestamp":"2025-01-07T20:36:03.656Z","sentAt":"2025-01-07T20:36:03.656Z","receivedAt":"2025-01-07T20:36:03.907Z","timestamp":"2025-01-07T20:36:03.656Z","properties":{"cost":0.35},"context":{"campaign":{"source":"offline","medium":"offline","name":"city-flyer-01","content":"v1"},"externalIds":[{"id":"L3483508733","type":"loyalty_id","collection":"users","encoding":"none"}],"traits":{"loyalty_id":"L3483508733"},"library":{"name":"server"}}}
	// really customer 54
}

func ExampleWorld_Increments() {
	w, err := sim.New(&sim.Options{Customers: 100, Zone: time.UTC})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := w.Increments(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f orders, %.1f of them without any marketing\n", r.All, r.None)
	for _, c := range r.Channels {
		fmt.Printf("%-8s %6.2f\n", c.Channel, c.Shapley)
	}
	// Output:
	// 94.9 orders, 61.5 of them without any marketing
	// search     3.62
	// social    10.13
	// display    0.00
	// email      8.82
	// video      7.57
	// offline    3.17
	// direct     0.11
}

func ExampleWorld_Truth() {
	w, err := sim.New(&sim.Options{Customers: 300, Zone: time.UTC})
	if err != nil {
		fmt.Println(err)
		return
	}
	x := w.Truth().Experiment
	for _, t := range sim.Types() {
		e := x.ByType[t]
		fmt.Printf("%-16s %+.3f\n", t, e.Treatment.Conversion-e.Control.Conversion)
	}
	// Output:
	// price-sensitive  +0.100
	// quality-seeking  +0.000
	// socially-driven  +0.018
	// rest             +0.053
}

func ExampleNewHazard() {
	h, err := sim.NewHazard(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	t := h.Truth()
	fmt.Printf("%.1f conversions, %.1f without any channel\n", t.Conversions, t.Baseline)
	for c, phi := range t.Shapley {
		fmt.Printf("%c %.1f\n", 'A'+c, phi)
	}
	// Output:
	// 4128.3 conversions, 2352.6 without any channel
	// A 803.4
	// B 352.7
	// C 0.0
	// D 467.2
	// E 0.0
	// F 152.3
}
