package attribution

import "fmt"

// conversions returns the conversions up to the end of the period, each id
// once, refunds taken off, in the common currency.
func (b *pathBuilder) conversions(u snapshotUser) ([]conversionRow, error) {
	if len(u.conversions) == 0 && len(u.refunds) == 0 {
		return nil, nil
	}
	rows := make([]conversionRow, 0, len(u.conversions))
	byID := make(map[string]int)
	for _, c := range u.conversions {
		if b.asOf.before(c.at) {
			break
		}
		if _, seen := byID[c.id]; seen && c.id != "" {
			if b.within(c.at) {
				b.paths.counts.repeats.Add(1)
			}
			continue
		}
		byID[c.id] = len(rows)
		rows = append(rows, c)
	}
	refunded := make([]float64, len(rows))
	void := make([]bool, len(rows))
	for _, r := range u.refunds {
		if b.asOf.before(r.at) {
			break
		}
		i, ok := byID[r.id]
		if !ok {
			if b.within(r.at) {
				b.paths.counts.orphans.Add(1)
			}
			continue
		}
		refunded[i] += r.value
		void[i] = void[i] || r.whole
	}
	kept := rows[:0]
	for i, c := range rows {
		// An order worth nothing is not taken back by a refund of nothing.
		if void[i] || refunded[i] > 0 && refunded[i] >= c.value {
			if b.within(c.at) {
				b.paths.counts.voided.Add(1)
			}
			continue
		}
		var err error
		if c.value, err = b.value(u.user, c, c.value-refunded[i]); err != nil {
			return nil, err
		}
		if refunded[i] > 0 && b.within(c.at) {
			back, err := b.value(u.user, c, refunded[i])
			if err != nil {
				return nil, err
			}
			b.paths.counts.refunds.Add(back)
		}
		kept = append(kept, c)
	}
	return kept, nil
}

// value returns a value in the common currency.
func (b *pathBuilder) value(user uint32, c conversionRow, v float64) (float64, error) {
	currency := b.names[c.currency]
	if b.opts.Convert == nil || currency == "" || currency == b.opts.Currency {
		if currency != "" && b.paths.currency != "" && currency != b.paths.currency {
			return 0, &InputError{
				Verb: "Paths", User: user, Field: "currency", Value: currency, Err: ErrCurrency,
				Reason: fmt.Sprintf("values in %q came before; give PathOptions.Convert", b.paths.currency),
			}
		}
		if currency != "" {
			b.paths.currency = currency
		}
		return v, nil
	}
	out, err := b.opts.Convert(v, currency, c.at.time())
	if err != nil {
		return 0, &InputError{Verb: "Paths", User: user, Field: "currency", Value: currency, Err: err}
	}
	if !amount(out) {
		return 0, inputError("Paths", user, "converted value", out, "not a number within 0 and 1e100")
	}
	return out, nil
}
