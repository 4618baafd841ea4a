package segment

import (
	"cmp"
	"math"
	"slices"
)

// circuit computes all audiences of one user at once, without a branch that
// depends on the user: a byte for each predicate, then and, or and not gates,
// shared among audiences and laid out by level so that one loop runs over all
// gates of a kind. It is made of the definitions when first asked for.
type circuit struct {
	blank  []byte   // predicates, for a user of whom nothing is known
	slot   []uint32 // of predicates by number
	attrs  []wiring // by attribute
	moving []*predicate
	runs   []run
	scores []tally
	size   int // bytes of a computation
	roots  []uint32
	names  []string // of audiences, as roots
}

// wiring is what an attribute decides.
type wiring struct {
	keys         []float64 // cuts; as many lie left of v as keys are ≤ v
	above, below uint32    // first slots of the cuts' predicates
	// Predicates above the first so many cuts, and below.
	aboveLeft, belowLeft []uint32
	pattern              []byte   // ones, then zeros, as many as there are cuts
	resets               []uint32 // slots of predicates that equal one of several constants
	others               []*predicate
}

// run are gates of one kind, whose outputs follow one another.
type run struct {
	op    formulaOp
	first uint32
	ins   [][2]uint32
	short [][2]uint16 // the same, of a circuit whose numbers fit
}

// shortSize is up to which size numbers are short: half the memory to read,
// and no number is out of bounds.
const shortSize = 1 << 16

// tally is a gate that compares a score. Its inputs in a run are its number.
type tally struct {
	sum *weights
	ins []uint32
}

func (t *tally) holds(v []byte) byte {
	sum := 0.0
	for i, in := range t.ins {
		if v[in] != 0 {
			sum += t.sum.points[i]
		}
	}
	return byte(bit(t.sum.holds(sum)))
}

// gate is an operation under construction; of a not both inputs are the same.
type gate struct {
	op   formulaOp
	a, b uint32
}

// draft builds the gates. A wire is the number of a slot or, from the number
// of slots on, of a gate.
type draft struct {
	slots  uint32
	gates  []gate
	levels []int
	known  map[gate]uint32
	scores []tally
}

func (d *draft) level(w uint32) int {
	if w < d.slots {
		return 0
	}
	return d.levels[w-d.slots]
}

func (d *draft) add(op formulaOp, a, b uint32) uint32 {
	g := gate{op, min(a, b), max(a, b)}
	if w, ok := d.known[g]; ok {
		return w
	}
	w := d.slots + uint32(len(d.gates))
	d.gates = append(d.gates, g)
	d.levels = append(d.levels, 1+max(d.level(a), d.level(b)))
	d.known[g] = w
	return w
}

// wire lays a formula out. yes is the slot that is always set; refs are the
// wires of audiences by number.
func (d *draft) wire(f *formula, slot []uint32, yes uint32, refs []uint32) uint32 {
	switch f.op {
	case opTrue:
		return yes
	case opFalse:
		return yes + 1
	case opLeaf:
		return slot[f.pred.id]
	case opRef:
		return refs[f.to.id]
	case opNot:
		w := d.wire(f.kids[0], slot, yes, refs)
		return d.add(opNot, w, w)
	}
	wires := make([]uint32, len(f.kids))
	for i, kid := range f.kids {
		wires[i] = d.wire(kid, slot, yes, refs)
	}
	if f.op == opScore {
		n := uint32(len(d.scores))
		d.scores = append(d.scores, tally{f.sum, wires})
		level := 1
		for _, w := range wires {
			level = max(level, 1+d.level(w))
		}
		d.gates, d.levels = append(d.gates, gate{opScore, n, n}), append(d.levels, level)
		return d.slots + uint32(len(d.gates)) - 1
	}
	for len(wires) > 1 {
		half := wires[:0]
		for i := 0; i < len(wires); i += 2 {
			if i+1 == len(wires) {
				half = append(half, wires[i])
				break
			}
			half = append(half, d.add(f.op, wires[i], wires[i+1]))
		}
		wires = half
	}
	return wires[0]
}

// circuitOf returns the circuit of the definitions. Callers hold at least the
// read lock.
func (x *Index) circuitOf() *circuit {
	if c := x.circuit.Load(); c != nil {
		return c
	}
	x.making.Lock()
	defer x.making.Unlock()
	if c := x.circuit.Load(); c != nil {
		return c
	}
	c := x.newCircuit()
	x.circuit.Store(c)
	return c
}

func (x *Index) newCircuit() *circuit {
	c := &circuit{slot: make([]uint32, len(x.preds)), attrs: make([]wiring, len(x.attrs)), moving: x.moving}
	placed := make([]bool, len(x.preds))
	place := func(p *predicate) {
		placed[p.id] = true
		c.slot[p.id] = uint32(len(c.blank))
		c.blank = append(c.blank, byte(bit(p.blank)))
	}
	for i, a := range x.attrs {
		c.wireCuts(&c.attrs[i], a, place)
	}
	for _, p := range x.preds {
		if p != nil && !placed[p.id] {
			place(p)
		}
	}
	for i, a := range x.attrs {
		w := &c.attrs[i]
		for _, list := range a.equals {
			w.reset(c, list)
		}
		for _, list := range a.texts {
			w.reset(c, list)
		}
		slices.Sort(w.resets)
		w.resets = slices.Compact(w.resets)
		if w.others = slices.Clone(a.others); a.dates != nil {
			w.others = append(w.others, a.dates.rules...)
		}
	}
	yes := uint32(len(c.blank))
	c.blank = append(c.blank, 1, 0)
	d := &draft{slots: yes + 2, known: make(map[gate]uint32)}
	byLevel := slices.Clone(x.ordered)
	slices.SortStableFunc(byLevel, func(a, b *audience) int { return a.level - b.level })
	refs := make([]uint32, len(x.audiences))
	for _, a := range byLevel {
		refs[a.id] = d.wire(a.formula, c.slot, yes, refs)
	}
	c.layOut(d)
	final := c.place(d)
	for _, a := range x.ordered {
		c.roots = append(c.roots, final(refs[a.id]))
		c.names = append(c.names, a.public.Name)
	}
	return c
}

func (w *wiring) reset(c *circuit, list []*predicate) {
	for _, p := range list {
		w.resets = append(w.resets, c.slot[p.id])
	}
}

// wireCuts gives the predicates of an attribute's cuts neighbouring slots.
func (c *circuit) wireCuts(w *wiring, a *attribute, place func(*predicate)) {
	w.above = uint32(len(c.blank))
	for i := range a.cuts {
		cut := &a.cuts[i]
		key := cut.value
		if cut.after {
			key = math.Nextafter(key, math.Inf(1))
		}
		w.keys = append(w.keys, key)
		w.aboveLeft = append(w.aboveLeft, uint32(len(c.blank))-w.above)
		if cut.above != nil {
			place(cut.above)
		}
	}
	w.aboveLeft = append(w.aboveLeft, uint32(len(c.blank))-w.above)
	w.below = uint32(len(c.blank))
	for i := range a.cuts {
		w.belowLeft = append(w.belowLeft, uint32(len(c.blank))-w.below)
		if p := a.cuts[i].below; p != nil {
			place(p)
		}
	}
	w.belowLeft = append(w.belowLeft, uint32(len(c.blank))-w.below)
	w.pattern = make([]byte, 2*len(a.cuts))
	for i := range a.cuts {
		w.pattern[i] = 1
	}
}

// layOut sorts the gates by level and kind.
func (c *circuit) layOut(d *draft) {
	order := d.order()
	final := c.place(d)
	c.size = int(d.slots)
	for _, t := range d.scores {
		for i, w := range t.ins {
			t.ins[i] = final(w)
		}
		c.scores = append(c.scores, t)
	}
	for _, i := range order {
		g := d.gates[i]
		if n := len(c.runs); n == 0 || c.runs[n-1].op != g.op || d.levels[i] != d.levels[order[c.size-int(d.slots)-1]] {
			c.runs = append(c.runs, run{op: g.op, first: uint32(c.size)})
		}
		r := &c.runs[len(c.runs)-1]
		if g.op == opScore {
			r.ins = append(r.ins, [2]uint32{g.a, g.b})
		} else {
			r.ins = append(r.ins, [2]uint32{final(g.a), final(g.b)})
		}
		c.size++
	}
	for i := range c.runs {
		r := &c.runs[i]
		for _, in := range r.ins {
			if c.size <= shortSize {
				r.short = append(r.short, [2]uint16{uint16(in[0]), uint16(in[1])})
			}
		}
		if r.short != nil {
			r.ins = nil
		}
	}
}

func (d *draft) order() []int {
	order := make([]int, len(d.gates))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		if s := cmp.Compare(d.levels[i], d.levels[j]); s != 0 {
			return s
		}
		return cmp.Compare(d.gates[i].op, d.gates[j].op)
	})
	return order
}

// place returns where a wire comes to lie.
func (c *circuit) place(d *draft) func(w uint32) uint32 {
	at := make([]uint32, len(d.gates))
	for place, i := range d.order() {
		at[i] = d.slots + uint32(place)
	}
	return func(w uint32) uint32 {
		if w < d.slots {
			return w
		}
		return at[w-d.slots]
	}
}

// bytes returns the length of what compute wants.
func (c *circuit) bytes() int {
	if c.size <= shortSize {
		return shortSize
	}
	return c.size
}

// compute runs the gates over the bytes of the predicates.
func (c *circuit) compute(v []byte) {
	if c.size <= shortSize {
		c.computeShort((*[shortSize]byte)(v))
		return
	}
	c.computeLong(v[:c.size])
}

func (c *circuit) computeLong(v []byte) {
	for i := range c.runs {
		r := &c.runs[i]
		out := v[r.first:][:len(r.ins)]
		switch r.op {
		case opAnd:
			for j := range out {
				in := &r.ins[j]
				out[j] = v[in[0]] & v[in[1]]
			}
		case opOr:
			for j := range out {
				in := &r.ins[j]
				out[j] = v[in[0]] | v[in[1]]
			}
		case opScore:
			for j, in := range r.ins {
				out[j] = c.scores[in[0]].holds(v)
			}
		default:
			for j := range out {
				out[j] = v[r.ins[j][0]] ^ 1
			}
		}
	}
}

func (c *circuit) computeShort(v *[shortSize]byte) {
	for i := range c.runs {
		r := &c.runs[i]
		out := v[r.first:][:len(r.short)]
		switch r.op {
		case opAnd:
			for j, in := range r.short {
				out[j] = v[in[0]] & v[in[1]]
			}
		case opOr:
			for j, in := range r.short {
				out[j] = v[in[0]] | v[in[1]]
			}
		case opScore:
			for j, in := range r.short {
				out[j] = c.scores[in[0]].holds(v[:])
			}
		default:
			for j, in := range r.short {
				out[j] = v[in[0]] ^ 1
			}
		}
	}
}

// setNumber sets the predicates of the cuts for a number.
func (w *wiring) setNumber(v []byte, num float64) {
	n := len(w.keys)
	if n == 0 {
		return
	}
	above, below := w.aboveLeft[n], w.belowLeft[n]
	if num != num {
		clear(v[w.above:][:above])
		clear(v[w.below:][:below])
		return
	}
	at := 0
	for left := n; left > 0; {
		half := (left + 1) / 2
		next := at + half
		if !(w.keys[next-1] <= num) {
			next = at
		}
		at = next
		left -= half
	}
	k := int(w.aboveLeft[at])
	copy(v[w.above:][:above], w.pattern[n-k:])
	k = int(below - w.belowLeft[at])
	// Zeros, then ones: the complement of the pattern, from the other end.
	b := v[w.below:][:below]
	clear(b[:len(b)-k])
	copy(b[len(b)-k:], w.pattern[:k])
}
