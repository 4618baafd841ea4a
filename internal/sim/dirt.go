package sim

import "time"

// sink receives events at the instant at which they happen, adds what goes wrong on the
// way, and keeps them until the day of their receipt is complete.
//
// An event is received at or after the instant at which it happens. When all events of day
// d have been written, the bucket of d is therefore complete; what is late waits in the
// bucket of a later day.
type sink struct {
	w       *World
	buckets [][]Event // by day of receipt; nil once delivered; the last is for all that comes after the end
}

// client takes an event from a device whose clock is skew ahead.
func (o *sink) client(e *Event, k key, d, index int, at, skew int64) {
	rates := &o.w.opts
	u := k.uniform(d, purposeSend, index)
	delay := int64(u * u * 2e9) // devices send in small batches
	switch v := k.uniform(d, purposeDirt, index); {
	case v < rates.Late:
		delay = 6*60*minute + int64(u*float64(66*60*minute))
		e.Hidden.Late = true
	case v < rates.Late+rates.Disorder:
		delay = minute + int64(u*float64(29*minute))
	}
	w := k.bits(d, purposeMessage, index)
	latency := 40e6 + int64(w>>32%800)*1e6
	e.Hidden.Skewed = skew != 0
	e.Original, e.Sent = milli(at+skew), milli(at+delay+skew)
	o.deliver(e, k, d, index, at, at+delay+latency)
}

// server takes an event from the shop's own systems, whose clocks are right.
func (o *sink) server(e *Event, k key, d, index int, at int64) {
	latency := 20e6 + int64(k.bits(d, purposeMessage, index)>>32%400)*1e6
	e.Original, e.Sent, e.Timestamp = milli(at), milli(at), milli(at)
	o.deliver(e, k, d, index, at, at+latency)
}

func (o *sink) deliver(e *Event, k key, d, index int, at, received int64) {
	if at >= o.w.last {
		return
	}
	id := k.bits(d, purposeMessage, index)
	e.ID, e.order = "m"+hex16(id), id
	e.Hidden.Time = time.Unix(0, at).UTC()
	if k.chance(d, purposeDirt, 1<<12|index, o.w.opts.Missing) {
		e.missing = o.lose(e, 1+missing(id>>20%uint64(missingKinds-1)))
		e.Hidden.Missing = e.missing != nothing
	}
	o.put(e, received)
	if k.chance(d, purposeDirt, 2<<12|index, o.w.opts.Duplicates) {
		again := *e
		again.Hidden.Duplicate = true
		wait := int64(float64(60*minute) * k.uniform(d, purposeSend, 1<<12|index))
		if id>>50%5 == 0 {
			wait *= 40 // a retry on the next days
		}
		o.put(&again, received+second+wait)
	}
}

// lose gives the field that is missing, or nothing where the event would not have it or
// could not be understood without it.
func (o *sink) lose(e *Event, m missing) missing {
	switch m {
	case missingAgent:
		if e.Agent == "" {
			return nothing
		}
	case missingCookie:
		if e.UserID == "" || e.AnonymousID == "" {
			return nothing
		}
	case missingCategory:
		if len(e.Products) == 0 {
			return nothing
		}
	case missingPrice:
		if e.Name != "Product Viewed" && e.Name != "Product Added" {
			return nothing
		}
	}
	return m
}

func (o *sink) put(e *Event, received int64) {
	e.Received = milli(received)
	b := o.w.dayOf(received)
	o.buckets[b] = append(o.buckets[b], *e)
}

// milli is the instant cut to milliseconds, as it is written.
func milli(ns int64) time.Time { return time.UnixMilli(ns / 1e6).UTC() }
