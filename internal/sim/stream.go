package sim

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// Events yields the whole record in the order of receipt: by Received, then by customer,
// then by message. Late events stand where they arrive, and those still under way at the
// end follow. The sequence can be run any number of times, also at the same time, and is
// always the same. One day of events is held in memory, and what is late.
func (w *World) Events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		people := make([]person, w.opts.Customers)
		for i := range people {
			people[i] = w.newPerson(i)
		}
		out := &sink{w: w, buckets: make([][]Event, len(w.days)+1)}
		var order []receipt
		for d := range w.days {
			for i := range people {
				t := w.live(&people[i], d, w.on)
				w.emitDay(&people[i], d, &t, out)
			}
			for i := range w.bots() {
				w.emitBot(i, d, out)
			}
			if !out.flush(d, &order, yield) {
				return
			}
		}
		out.flush(len(w.days), &order, yield)
	}
}

// receipt is the place of an event in the order of receipt.
type receipt struct {
	received int64
	customer int
	id       uint64
	index    int32
}

// flush delivers a bucket and leaves its memory to the next day. It gives false if the receiver has enough.
func (o *sink) flush(b int, order *[]receipt, yield func(Event) bool) bool {
	events := o.buckets[b]
	list := (*order)[:0]
	for i := range events {
		e := &events[i]
		list = append(list, receipt{e.Received.UnixMilli(), e.Hidden.Customer, e.order, int32(i)})
	}
	*order = list
	slices.SortFunc(list, func(a, b receipt) int {
		return cmp.Or(cmp.Compare(a.received, b.received), cmp.Compare(a.customer, b.customer),
			cmp.Compare(a.id, b.id), cmp.Compare(a.index, b.index))
	})
	for _, r := range list {
		if !yield(events[r.index]) {
			return false
		}
	}
	o.buckets[b] = nil
	if next := b + 1; next < len(o.buckets) {
		// the waiting events move into the memory that has become free
		o.buckets[next] = append(events[:0], o.buckets[next]...)
	}
	return true
}

// dayOf gives the day of an instant, the number of days for one after the end.
func (w *World) dayOf(at int64) int {
	return sort.Search(len(w.days), func(i int) bool { return at < w.days[i].end() })
}
