package attribution

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/zhun-go/zhun/internal/ids"
	"github.com/zhun-go/zhun/internal/stats"
)

// Credit is what a model gives one channel.
type Credit struct {
	Channel     string
	Conversions float64
	Value       float64
	// Effect is what the model measured where that is not the credit itself:
	// the removal effect of a Markov model, the Shapley value of a game whose
	// worth is a rate. Otherwise it equals Conversions.
	Effect float64
	// Spend is what the channel cost, 0 if that is unknown.
	Spend float64
}

// ROAS returns value ÷ spend; it is undefined without spend.
func (c Credit) ROAS() (float64, bool) { return ratio(c.Value, c.Spend) }

// ROI returns (margin × value − spend) ÷ spend, where margin is the share of
// a sale's value that is left after its own costs; it is undefined without
// spend.
func (c Credit) ROI(margin float64) (float64, bool) { return ratio(margin*c.Value-c.Spend, c.Spend) }

// CPA returns spend ÷ conversions; it is undefined without conversions, and
// without spend, for what a channel cost that is not known is not 0. With
// paths of [PathOptions].NewCustomers it is the cost of acquiring a customer,
// CAC.
func (c Credit) CPA() (float64, bool) {
	if c.Spend == 0 {
		return 0, false
	}
	return ratio(c.Spend, c.Conversions)
}

func ratio(a, b float64) (float64, bool) {
	if b == 0 {
		return 0, false
	}
	return a / b, true
}

// Credits are the result of a model: what each channel gets, and what nobody
// gets. Credits and the unattributed line add up to the total.
//
// It is the caller's own copy; methods do not change it.
type Credits struct {
	Model    string
	Channels []Credit // by name
	// Unattributed are the conversions that belong to no channel: those
	// without any touch, and, in games that know one, the baseline of
	// conversions that would have happened anyway.
	Unattributed Credit
	// Total are all conversions, their value, and all spend.
	Total    Credit
	Currency string
	// Warnings are doubts about the result, among them [ErrDescriptive].
	Warnings []error
}

// Of returns the credit of a channel, and whether the paths know it.
func (c Credits) Of(channel string) (Credit, bool) {
	i, ok := slices.BinarySearchFunc(c.Channels, channel, func(c Credit, name string) int { return ids.Compare(c.Channel, name) })
	if !ok {
		return Credit{Channel: channel}, false
	}
	return c.Channels[i], true
}

// Paid returns the sum over the channels that cost something. Its figures of
// return and cost are those of paid marketing, where those of Total are
// blended with what came for nothing.
func (c Credits) Paid() Credit {
	var conv, value, effect, spend stats.Sum
	for _, k := range c.Channels {
		if k.Spend != 0 {
			conv.Add(k.Conversions)
			value.Add(k.Value)
			effect.Add(k.Effect)
			spend.Add(k.Spend)
		}
	}
	return Credit{Conversions: conv.Value(), Value: value.Value(), Effect: effect.Value(), Spend: spend.Value()}
}

// String returns the credits as a table, the largest first.
func (c Credits) String() string {
	var b strings.Builder
	spend := c.Total.Spend != 0
	fmt.Fprintf(&b, "%s\n", c.Model)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := []string{"channel", "conversions", "share", "value"}
	if spend {
		head = append(head, "spend", "ROAS")
	}
	line := func(cells ...string) { fmt.Fprintf(t, "%s\t\n", strings.Join(cells, "\t")) }
	// tabwriter aligns all columns alike, so the names are padded to stand left.
	width := len("unattributed")
	for _, k := range c.Channels {
		width = max(width, len([]rune(k.Channel)))
	}
	row := func(name string, k Credit, ends bool) {
		share := "—"
		if s, ok := ratio(100*k.Conversions, c.Total.Conversions); ok {
			share = fmt.Sprintf("%.1f%%", s)
		}
		cells := []string{fmt.Sprintf("%-*s", width, name), fmt.Sprintf("%.2f", k.Conversions), share, fmt.Sprintf("%.2f", k.Value)}
		if spend {
			roas := "—"
			if r, ok := k.ROAS(); ok && ends {
				roas = fmt.Sprintf("%.2f", r)
			}
			cells = append(cells, fmt.Sprintf("%.2f", k.Spend), roas)
		}
		line(cells...)
	}
	head[0] = fmt.Sprintf("%-*s", width, head[0])
	line(head...)
	sorted := slices.Clone(c.Channels)
	slices.SortStableFunc(sorted, func(a, b Credit) int {
		switch {
		case a.Conversions > b.Conversions:
			return -1
		case a.Conversions < b.Conversions:
			return 1
		}
		return 0
	})
	for _, k := range sorted {
		row(k.Channel, k, true)
	}
	row("unattributed", c.Unattributed, false)
	row("total", c.Total, true)
	_ = t.Flush() // a strings.Builder takes everything
	for _, w := range c.Warnings {
		fmt.Fprintf(&b, "warning: %v\n", w)
	}
	return b.String()
}

// share is what a model gives, summed up by channel.
type share struct{ conv, value stats.Sum }

// credits makes the result of a model that gives each conversion with a touch
// to channels, and the others to nobody.
func (p *Paths) credits(model string, shares []share, warnings ...error) Credits {
	total, empty := p.total(), p.empty()
	c := Credits{
		Model: model, Currency: p.currency, Warnings: warnings,
		Unattributed: Credit{Conversions: empty.conv.Value(), Value: empty.value.Value(), Effect: empty.conv.Value()},
		Total:        Credit{Conversions: total.conv.Value(), Value: total.value.Value(), Effect: total.conv.Value()},
	}
	var spend stats.Sum
	for _, ch := range p.inUse() {
		k := Credit{Channel: p.channels.Name(ch), Conversions: shares[ch].conv.Value(), Value: shares[ch].value.Value()}
		k.Effect = k.Conversions
		if int(ch) < len(p.cost) {
			k.Spend = p.cost[ch].spend()
			spend.Add(k.Spend)
		}
		c.Channels = append(c.Channels, k)
	}
	c.Total.Spend = spend.Value()
	return c
}

// descriptive is the warning of the models that share out all conversions.
func descriptive(model string) error {
	return fmt.Errorf("%s: %w: it shares out all conversions, also those that would have happened without any touch", model, ErrDescriptive)
}
