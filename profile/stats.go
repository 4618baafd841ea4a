package profile

// Stats count what a store has seen and holds.
type Stats struct {
	// Events counts the events given to the store: Applied + Duplicates +
	// Refused.
	Events uint64
	// Applied counts the events that became facts.
	Applied uint64
	// Duplicates counts the events that had been applied before.
	Duplicates uint64
	// Refused counts the events that were not applied, by reason.
	Refused Refusals
	// Bots counts the events that were refused as a program's, by reason.
	Bots BotCounts
	// FieldsDropped counts fields that cannot be held: of a foreign kind, too
	// long, beyond Options.MaxAttributes or MaxPersonAttributes, or named like a computed trait.
	FieldsDropped uint64
	// FieldsMissing counts fields whose text stands for no value, such as
	// "n/a".
	FieldsMissing uint64
	// FieldsRepaired counts fields that were brought into the declared form,
	// or into Unicode's normal form C, and FieldsUnfit those that could not
	// be and were dropped.
	FieldsRepaired, FieldsUnfit uint64
	// KeysBlocked counts keys whose value identifies nobody, such as "null".
	KeysBlocked uint64
	// KeysDropped counts keys that are too long, not UTF-8, or not what
	// their kind requires.
	KeysDropped uint64
	// TimesClamped counts events whose time lay after their reception.
	TimesClamped uint64
	// Expired counts events that were older than the horizon when they
	// came: they count for identity, attributes and consent only.
	Expired uint64
	// Late counts the events that were applied although they were late.
	Late uint64
	// DedupeOverruns counts how often more than Options.DedupeEvents ids came
	// within a window, so that the oldest were forgotten early.
	DedupeOverruns uint64
	// Merges counts numbers folded into another.
	Merges uint64
	// Splits counts numbers that came to stand on their own again.
	Splits uint64
	// Profiles is how many persons the store holds.
	Profiles int
	// Retained is how many events it holds.
	Retained int
	// Keys is how many identifiers it holds, Shared how many of them belong
	// to several persons and therefore to none.
	Keys, Shared int
}

// Refusals count refused events by reason.
type Refusals struct {
	Malformed uint64 // lines that are not an event
	NoKey     uint64
	NoTime    uint64
	NoName    uint64
	Bot       uint64
	Erased    uint64
	TooLarge  uint64
	Late      uint64
	Type      uint64
}

// Total returns how many events were refused.
func (r Refusals) Total() uint64 {
	return r.Malformed + r.NoKey + r.NoTime + r.NoName + r.Bot + r.Erased + r.TooLarge + r.Late + r.Type
}

func (r *Refusals) count(reason error) {
	switch reason {
	case ErrNoKey:
		r.NoKey++
	case ErrNoTime:
		r.NoTime++
	case ErrNoName:
		r.NoName++
	case ErrBot:
		r.Bot++
	case ErrErased:
		r.Erased++
	case ErrTooLarge:
		r.TooLarge++
	case ErrLate:
		r.Late++
	case ErrType:
		r.Type++
	default:
		r.Malformed++
	}
}

// since returns the counts of s that came after o; what is held stays as it
// is.
func (s Stats) since(o Stats) Stats {
	s.Events -= o.Events
	s.Applied -= o.Applied
	s.Duplicates -= o.Duplicates
	s.Refused.Malformed -= o.Refused.Malformed
	s.Refused.NoKey -= o.Refused.NoKey
	s.Refused.NoTime -= o.Refused.NoTime
	s.Refused.NoName -= o.Refused.NoName
	s.Refused.Bot -= o.Refused.Bot
	s.Refused.Erased -= o.Refused.Erased
	s.Refused.TooLarge -= o.Refused.TooLarge
	s.Refused.Late -= o.Refused.Late
	s.Refused.Type -= o.Refused.Type
	s.FieldsDropped -= o.FieldsDropped
	s.FieldsMissing -= o.FieldsMissing
	s.FieldsRepaired -= o.FieldsRepaired
	s.FieldsUnfit -= o.FieldsUnfit
	s.KeysBlocked -= o.KeysBlocked
	s.KeysDropped -= o.KeysDropped
	s.TimesClamped -= o.TimesClamped
	s.Expired -= o.Expired
	s.Late -= o.Late
	s.Bots = s.Bots.since(o.Bots)
	s.DedupeOverruns -= o.DedupeOverruns
	s.Merges -= o.Merges
	s.Splits -= o.Splits
	return s
}

// counters returns every counter, in an order that stays.
func (s *Stats) counters() []*uint64 {
	r, b := &s.Refused, &s.Bots
	return []*uint64{
		&s.Events, &s.Applied, &s.Duplicates,
		&r.Malformed, &r.NoKey, &r.NoTime, &r.NoName, &r.Bot, &r.Erased, &r.TooLarge, &r.Late, &r.Type,
		&b.AgentListed, &b.NetListed, &b.Flag, &b.AgentMissing, &b.AgentBuiltIn, &b.Rate, &b.Speed, &b.Dwell,
		&s.FieldsDropped, &s.FieldsMissing, &s.FieldsRepaired, &s.FieldsUnfit, &s.KeysBlocked, &s.KeysDropped,
		&s.TimesClamped, &s.Expired, &s.Late, &s.DedupeOverruns, &s.Merges, &s.Splits,
	}
}
