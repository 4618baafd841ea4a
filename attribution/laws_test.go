package attribution

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/zhun-go/zhun/internal/laws"
)

var lawStart = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// lawRow draws an event of the default vocabulary, well formed or not.
func lawRow(r *rand.Rand) laws.Row {
	row := laws.Row{
		User:   uint32(1 + r.IntN(4)),
		At:     lawStart.Add(time.Duration(r.IntN(2000)) * time.Hour / 4),
		Fields: map[string]any{"message_id": fmt.Sprint(r.IntN(50))},
	}
	if r.IntN(4) > 0 {
		row.Fields["context.campaign.source"] = []string{"google", "facebook", "newsletter", "tiktok"}[r.IntN(4)]
		row.Fields["context.campaign.medium"] = []string{"cpc", "email", "video", ""}[r.IntN(4)]
		row.Fields["context.campaign.name"] = []string{"spring", "autumn"}[r.IntN(2)]
		row.Fields["cost"] = float64(r.IntN(5)) / 8
	}
	switch r.IntN(9) {
	case 0, 1, 2:
		row.Event = "page"
		if r.IntN(2) == 0 {
			row.Fields["context.page.referrer"] = []string{"https://www.google.com/", "https://shop.example/a", ""}[r.IntN(3)]
			row.Fields["context.page.url"] = "https://shop.example/b"
		}
	case 3:
		row.Event = []string{"Ad Viewed", "Email Opened"}[r.IntN(2)]
	case 4:
		row.Event = "Order Refunded"
		row.Fields["order_id"] = fmt.Sprint(r.IntN(6))
		row.Fields["total"] = r.IntN(30)
	case 5:
		row.Event = "Order Cancelled"
		row.Fields["order_id"] = int64(r.IntN(6))
	case 6:
		row.Event = "Product Viewed"
	default:
		row.Event = "Order Completed"
		row.Fields["revenue"] = float64(r.IntN(40))
		row.Fields["currency"] = "EUR"
		if r.IntN(3) > 0 {
			row.Fields["order_id"] = fmt.Sprint(r.IntN(6))
		}
		if r.IntN(10) == 0 {
			delete(row.Fields, "message_id")
			row.Fields["revenue"] = "many"
		}
	}
	return row
}

func newJourneys(t testing.TB, opts *JourneysOptions) *Journeys {
	t.Helper()
	j, err := NewJourneys(opts)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestJourneysLaws(t *testing.T) {
	laws.CheckView(t, laws.ViewSpec[*Journeys]{
		New: func() *Journeys { return newJourneys(t, nil) },
		Row: lawRow,
	})
}

type lawSample struct {
	path              string
	conv, value, null float64
}

func TestPathsLaws(t *testing.T) {
	laws.CheckSummary(t, laws.SummarySpec[*Paths, lawSample]{
		New: func() *Paths { return new(Paths) },
		Sample: func(r *rand.Rand) lawSample {
			path := make([]byte, r.IntN(5))
			for i := range path {
				path[i] = "ABCDEFGH"[r.IntN(8)]
			}
			return lawSample{string(path), float64(r.IntN(9)), float64(r.IntN(1e9)), float64(r.IntN(9))}
		},
		Add:   func(p *Paths, s lawSample) error { return p.Add(channelsOf(s.path), s.conv, s.value, s.null) },
		Sub:   func(p *Paths, s lawSample) error { return p.Sub(channelsOf(s.path), s.conv, s.value, s.null) },
		Merge: func(dst, src *Paths) error { return dst.Merge(src) },
	})
}
