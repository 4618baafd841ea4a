package segment

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/zhun-go/zhun/internal/bits"
	"github.com/zhun-go/zhun/internal/ids"
)

// Audience is a named rule. Immutable; safe for concurrent use.
type Audience struct {
	Name string `json:"name"`
	Rule string `json:"rule"` // as it was defined
	// Normal is the rule as the index reads it: shared predicates in their
	// canonical spelling. It means the same and compiles to itself.
	Normal string `json:"-"`
}

// String returns the audience as "name: rule".
func (a *Audience) String() string { return a.Name + ": " + a.Rule }

// audience is a defined rule and its members. What a flip of a predicate asks
// for comes first, in one or two lines of memory.
type audience struct {
	mark  uint64     // the step that made it dirty
	cause *predicate // what did
	id    uint32
	rank  uint32 // place by name
	plan  plan   // formula, for known truths

	level      int // above the audiences it refers to
	dependents []*audience
	public     *Audience
	formula    *formula
	members    bits.Live // but for what still waits, see move
}

// Define gives a rule a name and keeps its members up to date from now on,
// with the users held taken in at once. Defining a name again replaces its
// rule and moves only the users for whom that makes a difference; the same
// rule again changes nothing. Transitions have the cause [ByDefinition].
//
// Errors are of type [*RuleError].
func (x *Index) Define(name, rule string) (*Audience, error) {
	if name == "" || !utf8.ValidString(name) {
		return nil, fmt.Errorf("segment: define: bad name %q of an audience", name)
	}
	x.mu.Lock()
	defer x.release()
	return x.define(name, rule)
}

func (x *Index) define(name, rule string) (*Audience, error) {
	old := x.byName[name]
	if old != nil && old.public.Rule == rule {
		return old.public, nil
	}
	f, err := x.compile(rule, true)
	if err != nil {
		return nil, err
	}
	if err := x.resolve(f, rule, old); err != nil {
		return nil, err
	}
	fresh := x.intern(f)
	a := old
	if a == nil {
		a = &audience{}
		if n := len(x.freeAuds); n > 0 {
			a.id = x.freeAuds[n-1]
			x.freeAuds = x.freeAuds[:n-1]
			x.audiences[a.id] = a
		} else {
			a.id = uint32(len(x.audiences))
			x.audiences = append(x.audiences, a)
		}
		x.byName[name] = a
	} else {
		x.unlink(a)
	}
	before := a.formula
	a.formula, a.plan = f, planOf(f)
	a.public = &Audience{Name: name, Rule: rule, Normal: f.text()}
	x.link(a)
	x.arrange()
	x.backfill(a, fresh)
	if before != nil {
		x.discard(before)
	}
	return a.public, nil
}

// resolve finds the audiences that a formula refers to. They must be defined,
// and none may refer to the one being defined.
func (x *Index) resolve(f *formula, rule string, self *audience) error {
	var err error
	f.walk(func(f *formula) {
		if f.op != opRef || err != nil {
			return
		}
		f.to = x.byName[f.ref]
		switch {
		case f.to == nil:
			names := make([]string, len(x.ordered))
			for i, a := range x.ordered {
				names[i] = a.public.Name
			}
			e := ruleError(rule, f.from, ErrUnknown, "unknown audience %q", f.ref)
			if e.Nearest = nearest(f.ref, names); e.Nearest != "" {
				e.Message += fmt.Sprintf(", did you mean %q?", e.Nearest)
			}
			err = e
		case self != nil && f.to.reaches(self):
			err = ruleError(rule, f.from, ErrCycle, "%q refers back to %q", f.ref, self.public.Name)
		}
	})
	return err
}

// reaches reports whether an audience is, or refers to, the other.
func (a *audience) reaches(other *audience) bool {
	seen := make(map[*audience]bool)
	var visit func(*audience) bool
	visit = func(a *audience) bool {
		if a == other {
			return true
		}
		if seen[a] {
			return false
		}
		seen[a] = true
		found := false
		a.formula.walk(func(f *formula) {
			if f.op == opRef && !found {
				found = visit(f.to)
			}
		})
		return found
	}
	return visit(a)
}

// link makes the audience a dependent of its predicates and references.
func (x *Index) link(a *audience) {
	a.formula.walk(func(f *formula) {
		switch f.op {
		case opLeaf:
			if !slices.Contains(f.pred.audiences, a) {
				f.pred.audiences = append(f.pred.audiences, a)
			}
		case opRef:
			if !slices.Contains(f.to.dependents, a) {
				f.to.dependents = append(f.to.dependents, a)
			}
		}
	})
}

func (x *Index) unlink(a *audience) {
	drop := func(list []*audience) []*audience {
		return slices.DeleteFunc(list, func(b *audience) bool { return a == b })
	}
	a.formula.walk(func(f *formula) {
		switch f.op {
		case opLeaf:
			f.pred.audiences = drop(f.pred.audiences)
		case opRef:
			f.to.dependents = drop(f.to.dependents)
		}
	})
}

// discard forgets the predicates of a formula that nobody uses now.
func (x *Index) discard(f *formula) {
	f.walk(func(f *formula) {
		if f.op == opLeaf && len(f.pred.audiences) == 0 && x.predByKey[f.pred.key] == f.pred {
			x.drop(f.pred)
		}
	})
}

// arrange puts the audiences in order, by name and by level of reference, and
// finds those to look at for a new user: the ones that hold a user of whom
// nothing is known.
func (x *Index) arrange() {
	x.circuit.Store(nil)
	x.ordered = x.ordered[:0]
	for _, a := range x.audiences {
		if a != nil {
			x.ordered = append(x.ordered, a)
		}
	}
	slices.SortFunc(x.ordered, func(a, b *audience) int { return ids.Compare(a.public.Name, b.public.Name) })
	for i, a := range x.ordered {
		a.rank, a.level = uint32(i), unknownLevel
	}
	x.levels = 0
	for _, a := range x.ordered {
		x.levels = max(x.levels, a.raise()+1)
	}
	byLevel := x.ordered
	if x.levels > 1 {
		byLevel = slices.Clone(x.ordered)
		slices.SortStableFunc(byLevel, func(a, b *audience) int { return a.level - b.level })
	}
	x.blankIn = x.blankIn[:0]
	var member words
	for _, a := range byLevel {
		if a.plan.holds(x.blank, member) {
			member.set(a.id, true)
			x.blankIn = append(x.blankIn, a)
		}
	}
	// And whatever refers to those: a new user who turns out not to be in one
	// of them never enters it, which must not go unnoticed further up.
	for i := 0; i < len(x.blankIn); i++ {
		for _, d := range x.blankIn[i].dependents {
			if !slices.Contains(x.blankIn, d) {
				x.blankIn = append(x.blankIn, d)
			}
		}
	}
}

// unknownLevel is the level of an audience that is not known yet.
const unknownLevel = -1

// raise finds the level of an audience, and of those it refers to.
func (a *audience) raise() int {
	if a.level == unknownLevel {
		level := 0
		a.formula.walk(func(f *formula) {
			if f.op == opRef {
				level = max(level, f.to.raise()+1)
			}
		})
		a.level = level
	}
	return a.level
}

// backfill brings the users held up to date with a new or changed rule.
func (x *Index) backfill(a *audience, fresh []*predicate) {
	for r := range x.table.all() {
		x.startStep()
		for _, p := range fresh {
			x.evaluate(r, p)
		}
		x.touch(a, nil)
		a.cause = nil
		x.finish(r, ByDefinition, a.public.Name)
	}
}

// Remove forgets an audience; its members leave it. The error wraps
// [ErrAudience] when there is none of the name, and [ErrReferenced] when the
// rule of another one refers to it.
func (x *Index) Remove(name string) error {
	x.mu.Lock()
	defer x.release()
	a := x.byName[name]
	if a == nil {
		return audienceError("remove", name)
	}
	if len(a.dependents) > 0 {
		return fmt.Errorf("segment: remove: %q: %w by %q", name, ErrReferenced, a.dependents[0].public.Name)
	}
	before := a.formula
	x.unlink(a)
	a.formula = always(false)
	a.plan = planOf(a.formula)
	x.arrange()
	x.backfill(a, nil)
	x.settle()
	x.discard(before)
	delete(x.byName, name)
	x.audiences[a.id] = nil
	x.freeAuds = append(x.freeAuds, a.id)
	x.arrange()
	return nil
}

// Audiences returns what is defined, by name.
func (x *Index) Audiences() []*Audience {
	x.mu.RLock()
	defer x.mu.RUnlock()
	list := make([]*Audience, len(x.ordered))
	for i, a := range x.ordered {
		list[i] = a.public
	}
	return list
}
