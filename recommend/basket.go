package recommend

import "slices"

// basket is the history of one request as a model knows it: items by ascending
// number with their values. It is scratch, filled again for each request.
type basket struct {
	items   []pair
	unknown int // items that the model does not know

	known, strange []uint64 // keys for Value.appendPairs
}

// fill looks up the history that a query gives.
func (b *basket) fill(q *Query, cat *catalogue) {
	b.items, b.unknown = b.items[:0], 0
	b.known, b.strange = b.known[:0], b.strange[:0]
	if q.History != nil {
		q.History.fill(b, q.User, cat)
		return
	}
	for k, name := range q.Items {
		if i, ok := cat.number[name]; ok {
			b.known = append(b.known, uint64(i)<<32|uint64(k))
		} else {
			b.unknown++
		}
	}
	slices.Sort(b.known)
	for _, key := range b.known {
		i, x := uint32(key>>32), 1.0
		if q.Weights != nil {
			x = q.Weights[uint32(key)]
		}
		if n := len(b.items); n > 0 && b.items[n-1].item == i {
			b.items[n-1].value = max(b.items[n-1].value, x)
		} else {
			b.items = append(b.items, pair{i, x})
		}
	}
}

func (h *History) fill(b *basket, user uint32, cat *catalogue) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	rows := h.of(user)
	for k, r := range rows {
		if i := cat.of(h, r.item); i != noItem {
			b.known = append(b.known, uint64(i)<<32|uint64(k))
		} else {
			b.strange = append(b.strange, uint64(r.item)<<32|uint64(k))
		}
	}
	b.items = h.set.value.appendPairs(b.items, rows, b.known)
	if len(b.strange) > 0 {
		known := len(b.items)
		b.items = h.set.value.appendPairs(b.items, rows, b.strange)
		b.unknown = len(b.items) - known
		b.items = b.items[:known]
	}
}

// appendPairs appends the values of a user's items. Keys, which it sorts, hold
// an item's number above 32 bits and the place of one of its rows below, so
// that the rows of an item follow one another in canonical order.
func (v Value) appendPairs(dst []pair, rows []row, keys []uint64) []pair {
	slices.Sort(keys)
	for len(keys) > 0 {
		item, n := keys[0]>>32, 1
		for n < len(keys) && keys[n]>>32 == item {
			n++
		}
		sum := rows[uint32(keys[0])].weight
		if n > 1 {
			var ws weightSum
			for _, key := range keys[:n] {
				ws.add(rows[uint32(key)].weight)
			}
			sum = ws.value()
		}
		if x := v.of(sum); x > 0 {
			dst = append(dst, pair{uint32(item), x})
		}
		keys = keys[n:]
	}
	return dst
}
