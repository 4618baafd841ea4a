package main

import (
	"fmt"
	"slices"
	"strings"
)

// section is one part of the report, ready to be printed: words and tables whose
// numbers are already written out, so that terminal and page show the same.
type section struct {
	ID     string
	Title  string
	Lead   string
	Tables []grid
	Notes  []string
	Warn   []string
}

// grid is a table. A column whose heading ends in ">" is aligned to the right.
type grid struct {
	Caption string
	Head    []string
	Rows    [][]string
	Foot    []string
	Wrap    int // in text, the width at which the last column is broken into lines; 0: never
}

// sections lays out the whole report.
func (r *Report) sections() []section {
	all := []section{r.ingestion()}
	if len(r.Audiences.List) > 0 {
		all = append(all, r.audiences())
	}
	if r.People != nil {
		all = append(all, r.people())
	}
	if r.Recommendations != nil {
		all = append(all, r.recommendations())
	}
	if r.Experiment != nil {
		all = append(all, r.experiment())
	}
	if r.Attribution != nil {
		all = append(all, r.attribution())
	}
	if r.Erasure != nil {
		all = append(all, r.erasure())
	}
	if len(r.LeftOut) > 0 {
		s := section{ID: "left-out", Title: "Left out"}
		for _, l := range r.LeftOut {
			s.Notes = append(s.Notes, l.Section+": "+l.Reason)
		}
		all = append(all, s)
	}
	return all
}

// title is the report's headline, subtitle the line below it.
func (r *Report) title() string {
	switch r.Input.Kind {
	case "simulator":
		return fmt.Sprintf("Simulated retailer, %s customers, %s days, seed %d",
			count(r.Input.Customers), count(r.Input.Days), r.Input.Seed)
	case "orders":
		return "Orders from " + r.Input.File
	}
	return "Events from " + r.Input.File
}

func (r *Report) subtitle() string {
	if r.Ingestion.Applied == 0 {
		return "no event in it could be applied"
	}
	s := fmt.Sprintf("%s to %s", day(r.Input.From), day(r.Input.To))
	if r.Input.Currency != "" {
		s += ", money in " + r.Input.Currency
	}
	return s
}

func (r *Report) ingestion() section {
	in := &r.Ingestion
	s := section{ID: "ingestion", Title: "Ingestion"}
	s.Lead = fmt.Sprintf("%s read: %s applied, %s, %s rejected, %s.",
		plural(in.Read, "event", "events"), count(in.Applied),
		plural(in.Duplicates, "duplicate", "duplicates"), count(total(in.Rejected)),
		plural(in.BadLines, "bad line", "bad lines"))
	if in.Applied > 0 {
		s.Lead += fmt.Sprintf(" They are of %s, after %s and %s.", plural(in.Profiles, "profile", "profiles"),
			plural(in.Merges, "merge", "merges"), plural(in.Splits, "split", "splits"))
	}

	if rows := r.Input.Rows; rows != nil {
		s.Tables = append(s.Tables, rowsGrid(rows))
	}
	names := grid{Head: []string{"event", "applied >", "event", "applied >"}}
	const most = 20
	list := in.Names
	if len(list) > most {
		rest := Count{Name: fmt.Sprintf("%d more", len(list)-most+1), N: total(list[most-1:])}
		list = append(slices.Clone(list[:most-1]), rest)
	}
	half := (len(list) + 1) / 2
	for i := range half {
		row := []string{list[i].Name, count(list[i].N), "", ""}
		if j := i + half; j < len(list) {
			row[2], row[3] = list[j].Name, count(list[j].N)
		}
		names.Rows = append(names.Rows, row)
	}
	if len(names.Rows) > 0 {
		s.Tables = append(s.Tables, names)
	}

	if len(in.Rejected) > 0 {
		s.Notes = append(s.Notes, "Rejected: "+counts(in.Rejected)+".")
	}
	if len(in.Fields) > 0 {
		s.Notes = append(s.Notes, "Fields left aside: "+counts(in.Fields)+".")
	}
	for _, e := range in.Samples {
		s.Warn = append(s.Warn, e.Error())
	}
	if n := in.BadLines - len(in.Samples); n > 0 {
		s.Warn = append(s.Warn, fmt.Sprintf("and %s", plural(n, "more bad line", "more bad lines")))
	}
	if id := in.Identity; id != nil {
		s.Notes = append(s.Notes, fmt.Sprintf(
			"Known truth: of the pairs of identifiers that the store joined, %s are one person (precision); "+
				"of the pairs that are one person, %s are joined (recall; %s would be attainable from the keys in the events). "+
				"%s on shared devices stand aside.",
			percent(id.Precision, 2), percent(id.Recall, 2), percent(id.Attainable, 2),
			plural(id.Shared, "identifier", "identifiers")))
	}
	return s
}

// rowsGrid accounts for the rows of an order file.
func rowsGrid(rows *OrderRows) grid {
	g := grid{Head: []string{"the file", "rows >", "became of them", "rows >"}, Rows: [][]string{
		{"read", count(rows.Rows), "lines sold", count(rows.Sold)},
		{"without customer", count(rows.WithoutCustomer), "lines returned", count(rows.Returned)},
		{"of cancellations", count(rows.Cancellations), "left out: no customer", count(rows.LeftCustomer)},
		{"exact duplicates", count(rows.Duplicates), "left out: duplicate", count(rows.LeftDuplicate)},
		{"service codes", count(rows.ServiceCodes), "left out: service code", count(rows.LeftService)},
		{"price or quantity not positive", count(rows.NonPositive), "left out: not positive", count(rows.LeftNonPositive)},
		{"invoices", count(rows.Invoices), "left out: unreadable", count(rows.LeftBad)},
		{"cancelled invoices", count(rows.CancelledInvoices), "", ""},
	}}
	g.Caption = fmt.Sprintf("%s and %s of %s, %s; %s of known customers held no product.",
		plural(rows.Orders, "order", "orders"), plural(rows.Refunds, "refund", "refunds"),
		plural(rows.Customers, "customer", "customers"), plural(rows.Products, "product", "products"),
		plural(rows.WithoutProducts, "invoice", "invoices"))
	return g
}

func (r *Report) audiences() section {
	a := &r.Audiences
	s := section{ID: "audiences", Title: "Audiences"}
	s.Lead = fmt.Sprintf("Of %s at the end; in and out during the last week, %s to %s.",
		plural(a.Profiles, "profile", "profiles"), day(a.WeekFrom), day(a.WeekTo))
	g := grid{Head: []string{"audience", "size >", "share >", "in >", "out >", "rule"}, Wrap: 52}
	for _, x := range a.List {
		g.Rows = append(g.Rows, []string{
			x.Name, count(x.Size), percent(x.Share, 1),
			signed(count(x.Entered)), signed(count(-x.Left)), x.Rule,
		})
	}
	s.Tables = append(s.Tables, g)
	if a.Parity != nil {
		s.Notes = append(s.Notes, a.Parity.String())
	}
	return s
}

func (r *Report) recommendations() section {
	rec := r.Recommendations
	s := section{ID: "recommendations", Title: "Recommendations"}
	if h := rec.Accuracy; h != nil {
		s.Lead = fmt.Sprintf("Held-out accuracy: fitted on what happened before %s, tested on the items that %s came to "+
			"by %s and did not have before.", day(h.Split), plural(h.Users, "user", "users"), day(h.Until))
		if h.Lost > 0 {
			s.Notes = append(s.Notes, fmt.Sprintf("Not counted are %s of those items, which nobody at all had before.", percent(h.Lost, 1)))
		}
		k := fmt.Sprint("@", h.K)
		g := grid{Head: []string{"model", "recall" + k + " >", "± se >", "NDCG" + k + " >", "± se >", "coverage >", "× popularity >"}}
		for _, m := range h.Models {
			g.Rows = append(g.Rows, []string{
				m.Model, grouped(m.Recall, 4), grouped(m.RecallSE, 4),
				grouped(m.NDCG, 4), grouped(m.NDCGSE, 4), percent(m.Coverage, 1), grouped(m.Lift, 2),
			})
		}
		s.Tables = append(s.Tables, g)
	}
	if len(rec.Users) > 0 {
		g := grid{
			Caption: fmt.Sprintf("Some of the audience %s and what the model would show them:", rec.Audience),
			Head:    []string{"user >", "items >", "latest", "recommended", "score >"},
		}
		for _, u := range rec.Users {
			for i := range max(len(u.Items), len(u.Recent), 1) {
				row := []string{"", "", "", "", ""}
				if i == 0 {
					row[0], row[1] = fmt.Sprint(u.User), count(u.History)
				}
				if i < len(u.Recent) {
					row[2] = u.Recent[i].String()
				}
				if i < len(u.Items) {
					row[3], row[4] = u.Items[i].String(), grouped(u.Items[i].Score, 3)
				}
				g.Rows = append(g.Rows, row)
			}
		}
		s.Tables = append(s.Tables, g)
	}
	return s
}

// String is the item's name, where it has one, after its identifier.
func (i Item) String() string {
	if i.Name == "" || i.Name == i.ID {
		return i.ID
	}
	return clip(i.ID+" "+i.Name, 34)
}

func (r *Report) experiment() section {
	e := r.Experiment
	s := section{ID: "experiment", Title: "Experiment " + e.Name}
	var arms []string
	for _, a := range e.Arms {
		arms = append(arms, fmt.Sprintf("%s %s (planned %s)", a.Name, count(a.Users), percent(a.Share, 0)))
	}
	verdict := "passes"
	if !e.SRM.Passed {
		verdict = "FAILS"
	}
	s.Lead = fmt.Sprintf("Exposed users: %s. The sample ratio %s its test: χ² = %s, p = %s.",
		strings.Join(arms, ", "), verdict, grouped(e.SRM.ChiSquare, 2), pValue(e.SRM.P))
	if e.Crossovers > 0 {
		s.Lead += fmt.Sprintf(" %s seen in both arms and left out.", plural(e.Crossovers, "user was", "users were"))
	}
	known := slices.ContainsFunc(e.Metrics, func(m Metric) bool { return m.Truth != nil })
	head := []string{"per exposed user", "control >", "treatment >", "effect >", interval(e) + " >", "relative >", "p >"}
	if known {
		head = append(head, "truth >")
	}
	g := grid{Head: head}
	for _, m := range e.Metrics {
		row := []string{
			m.label(e), amount(m.Control, m.Unit), amount(m.Treatment, m.Unit),
			signed(difference(m.Effect.Value, m.Unit)),
			signed(difference(m.Effect.Lo, m.Unit)) + " … " + signed(difference(m.Effect.Hi, m.Unit)),
			signed(percent(m.Relative.Value, 1)), pValue(m.P),
		}
		if known {
			row = append(row, "")
			if m.Truth != nil {
				row[len(row)-1] = signed(difference(*m.Truth, m.Unit))
			}
		}
		g.Rows = append(g.Rows, row)
		for _, w := range m.Warnings {
			s.Warn = append(s.Warn, m.label(e)+": "+w)
		}
	}
	s.Tables = append(s.Tables, g)
	s.Warn = append(s.Warn, e.Warnings...)
	if known {
		s.Notes = append(s.Notes, "Known truth: the mean difference between both potential outcomes of the same exposed users.")
	}
	return s
}

// label names a metric, and its arm where there is more than one to compare.
func (m *Metric) label(e *Experiment) string {
	if len(e.Arms) > 2 {
		return m.Name + ", " + m.Arm
	}
	return m.Name
}

// interval heads the column of confidence intervals with their level.
func interval(e *Experiment) string {
	if len(e.Metrics) == 0 {
		return "interval"
	}
	return percent(e.Metrics[0].Effect.Level, 0) + " interval"
}

// difference writes the difference of two amounts; one of shares is in points.
func difference(x float64, unit string) string {
	if unit == "share" {
		return grouped(100*x, 2) + " pp"
	}
	return amount(x, unit)
}

func (r *Report) attribution() section {
	a := r.Attribution
	s := section{ID: "attribution", Title: "Channel credit"}
	s.Lead = fmt.Sprintf("%s conversions worth %s, over %s distinct paths; %s journeys without a conversion; %s orders were taken back whole.",
		grouped(a.Conversions, 0), grouped(a.Value, 0), count(a.Paths), grouped(a.Nulls, 0), grouped(a.Voided, 0))

	known := a.Truth != nil
	head := []string{"conversions"}
	for _, m := range a.Models {
		head = append(head, m.Model+" >")
	}
	if known {
		head = append(head, "truth: Shapley >", "last in >")
	}
	g := grid{Head: head}
	totals := make([]float64, len(a.Models))
	for i, c := range a.Channels {
		row := []string{c.Name}
		for j, m := range a.Models {
			row = append(row, grouped(m.Conversions[i], 1))
			totals[j] += m.Conversions[i]
		}
		if known {
			row = append(row, "–", "–")
			if c.Increment != nil {
				row[len(row)-2], row[len(row)-1] = grouped(c.Increment.Shapley, 1), grouped(c.Increment.LastIn, 1)
			}
		}
		g.Rows = append(g.Rows, row)
	}
	rest, sum := []string{"unattributed"}, []string{"total"}
	for j, m := range a.Models {
		rest = append(rest, grouped(m.Unattributed, 1))
		sum = append(sum, grouped(totals[j]+m.Unattributed, 1))
	}
	if known {
		rest = append(rest, grouped(a.Truth.Baseline, 1), "")
		sum = append(sum, grouped(a.Truth.Orders, 1), "")
	}
	g.Rows = append(g.Rows, rest)
	g.Foot = sum
	s.Tables = append(s.Tables, g)

	head = []string{"return on the cost", "cost >"}
	for _, m := range a.Models {
		head = append(head, m.Model+" >")
	}
	g = grid{Head: head}
	for i, c := range a.Channels {
		if c.Cost == 0 {
			continue
		}
		row := []string{c.Name, grouped(c.Cost, 0)}
		for _, m := range a.Models {
			roi := "–"
			if m.ROI[i] != nil {
				roi = signed(percent(*m.ROI[i], 0))
			}
			row = append(row, roi)
		}
		g.Rows = append(g.Rows, row)
	}
	if len(g.Rows) > 0 {
		s.Tables = append(s.Tables, g)
	}
	if known {
		s.Notes = append(s.Notes, "Known truth: the orders that a channel causes, in expectation and before refunds: as the Shapley value over all "+
			"worlds in which only some of the channels are switched on, beside the orders that come without any marketing; and as "+
			"the loss when it alone is switched off. Credit tells who was there, the truth who made the sale.",
			"Person-time counts what happens per hour with and without a touch, and reads a visit from nowhere as no touch: its "+
				"unattributed orders are an estimate of those that come without marketing. A channel that seeks out people who "+
				"are about to buy, as display does here, deceives it too; only an experiment tells.")
	}
	s.Warn = append(s.Warn, a.Warnings...)
	return s
}

func (r *Report) erasure() section {
	e := r.Erasure
	var parts []string
	for _, t := range e.Traces {
		parts = append(parts, fmt.Sprintf("%s %s → %s", t.Package, count(t.Before), count(t.After)))
	}
	return section{
		ID: "erasure", Title: "Erasure",
		Lead: fmt.Sprintf("User %d was erased, with %s and %s. Bytes that each package holds of them, before → after: %s.",
			e.User, plural(e.Events, "event", "events"), plural(e.Identifiers, "identifier", "identifiers"), strings.Join(parts, ", ")),
	}
}

func total(list []Count) int {
	n := 0
	for _, c := range list {
		n += c.N
	}
	return n
}

func counts(list []Count) string {
	var parts []string
	for _, c := range list {
		parts = append(parts, fmt.Sprintf("%s %s", c.Name, count(c.N)))
	}
	return strings.Join(parts, ", ")
}
