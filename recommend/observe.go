package recommend

import (
	"slices"
	"strconv"
	"time"

	"github.com/zhun-go/zhun/internal/value"
)

// Observe records the items of an event of a kind that HistoryOptions.Events
// names, each with the weight of the kind; other events are ignored. An event
// of whose list no object names an item is read at its root. An item that an
// event names twice counts once. What cannot be used is counted in
// [Stats] and ignored; only user 0 is an error, [ErrUser]. The fields are
// read during the call only.
func (h *History) Observe(user uint32, event string, fields map[string]any, at time.Time) error {
	if !h.made() {
		return badOption("History.Observe", nil, "want a history of NewHistory")
	}
	if user == 0 {
		return &Error{Where: "History.Observe", Value: event, Err: ErrUser}
	}
	kind, ok := h.set.kindOf[event]
	if !ok {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !validTime(at) {
		h.skipped.BadTime++
		return nil
	}
	found := h.scratch[:0]
	for _, object := range objects(fields[h.set.list]) {
		found = h.appendItem(found, object)
	}
	if len(found) == 0 {
		found = h.appendItem(found, fields)
	}
	h.scratch = found
	if len(found) == 0 {
		h.skipped.NoItem++
		return nil
	}
	slices.Sort(found)
	for _, item := range slices.Compact(found) {
		h.insert(user, newRow(item, kind, h.set.weights[kind-1], at))
	}
	return nil
}

func objects(v any) []map[string]any {
	if list, ok := v.([]map[string]any); ok {
		return list
	}
	if v == nil {
		return nil
	}
	n, _ := value.Normalize(v)
	list, _ := n.([]map[string]any)
	return list
}

// appendItem appends the number of the item that an object names, if any.
func (h *History) appendItem(dst []uint32, object map[string]any) []uint32 {
	for _, field := range h.set.item {
		v, ok := object[field]
		if !ok || v == nil || v == "" {
			continue
		}
		if name, ok := itemName(v); ok {
			return append(dst, h.items.ID(name))
		}
		h.skipped.BadItem++
	}
	return dst
}

// itemName reads an item id: text, or a whole number of any kind in decimal.
func itemName(v any) (string, bool) {
	v, ok := value.Normalize(v)
	if !ok {
		return "", false
	}
	switch x := v.(type) {
	case string:
		return x, usableItem(x)
	case int64:
		return strconv.FormatInt(x, 10), true
	case float64:
		return strconv.FormatInt(int64(x), 10), isWhole(x)
	}
	return "", false
}
