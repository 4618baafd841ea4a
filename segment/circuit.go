package segment

import (
	"cmp"
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
	roots  []outputs
	names  []string // of audiences, in the order of the roots
}

// outputs are those of audiences that follow one another, as most do.
type outputs struct{ first, n uint32 }

// wiring is what an attribute decides.
type wiring struct {
	cuts   cutWiring
	plain  bool     // a number of which only the cuts are read
	resets []uint32 // slots of predicates that equal one of several constants
	others []*predicate
}

// run are gates of one kind, whose outputs follow one another. Of gates over
// two gates of the kind inner, which nobody else reads, the inputs come in
// fours, else in twos.
type run struct {
	op, inner formulaOp
	first     uint32
	n         int
	ins       []uint32
	short     []uint16 // the same, of a circuit whose numbers fit
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

// fused says that a gate reads the inputs of two others, which are then gone.
type fused struct {
	inner formulaOp
	in    [4]uint32
}

// draft builds the gates. A wire is the number of a slot or, from the number
// of slots on, of a gate.
type draft struct {
	slots  uint32
	gates  []gate
	levels []int
	known  map[gate]uint32
	scores []tally
	fused  map[int]fused // by gate
	gone   []bool
	ranks  []int // of the audience that a gate is the output of
}

func (d *draft) level(w uint32) int {
	if w < d.slots {
		return 0
	}
	return d.levels[w-d.slots]
}

// inputs returns what a gate reads.
func (d *draft) inputs(i int) []uint32 {
	g := d.gates[i]
	switch f, ok := d.fused[i]; {
	case ok:
		return f.in[:]
	case g.op == opScore:
		return d.scores[g.a].ins
	case g.op == opNot:
		return []uint32{g.a}
	}
	return []uint32{g.a, g.b}
}

// fuse makes a gate over two others of one kind a single one: half the way for
// what most rules are, an and over ors or the other way round. Those read by
// somebody else stay as they are.
func (d *draft) fuse(roots []uint32) {
	uses := make([]int, len(d.gates))
	count := func(wires []uint32) {
		for _, w := range wires {
			if w >= d.slots {
				uses[w-d.slots]++
			}
		}
	}
	for i := range d.gates {
		count(d.inputs(i))
	}
	count(roots)
	d.fused, d.gone = make(map[int]fused), make([]bool, len(d.gates))
	joins := func(op formulaOp) bool { return op == opAnd || op == opOr }
	for i := len(d.gates) - 1; i >= 0; i-- {
		g := d.gates[i]
		if d.gone[i] || !joins(g.op) || g.a < d.slots || g.b < d.slots {
			continue
		}
		a, b := int(g.a-d.slots), int(g.b-d.slots)
		x, y := d.gates[a], d.gates[b]
		if joins(x.op) && x.op == y.op && uses[a] == 1 && uses[b] == 1 {
			d.fused[i] = fused{x.op, [4]uint32{x.a, x.b, y.a, y.b}}
			d.gone[a], d.gone[b] = true, true
		}
	}
	// Inputs come before what reads them.
	for i := range d.gates {
		d.levels[i] = 1
		for _, w := range d.inputs(i) {
			d.levels[i] = max(d.levels[i], 1+d.level(w))
		}
	}
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
		c.wireCuts(&c.attrs[i].cuts, &a.cuts, place)
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
		w.plain = a.kind == Number && len(w.others) == 0 && len(a.exists) == 0 && len(a.equals) == 0
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
	roots := make([]uint32, 0, len(x.ordered))
	for _, a := range x.ordered {
		roots = append(roots, refs[a.id])
	}
	d.fuse(roots)
	d.rank(roots)
	c.layOut(d)
	final := c.place(d)
	for i, a := range x.ordered {
		root := final(roots[i])
		if n := len(c.roots); n > 0 && c.roots[n-1].first+c.roots[n-1].n == root {
			c.roots[n-1].n++
		} else {
			c.roots = append(c.roots, outputs{root, 1})
		}
		c.names = append(c.names, a.public.Name)
	}
	return c
}

// rank makes the gates of a kind follow the order of the audiences.
func (d *draft) rank(roots []uint32) {
	d.ranks = make([]int, len(d.gates))
	for i := len(roots) - 1; i >= 0; i-- {
		if w := roots[i]; w >= d.slots {
			d.ranks[w-d.slots] = i
		}
	}
}

func (w *wiring) reset(c *circuit, list []*predicate) {
	for _, p := range list {
		w.resets = append(w.resets, c.slot[p.id])
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
	for place, i := range order {
		op, inner := d.gates[i].op, d.fused[i].inner
		if place == 0 || !d.alike(i, order[place-1]) {
			c.runs = append(c.runs, run{op: op, inner: inner, first: uint32(c.size)})
		}
		r := &c.runs[len(c.runs)-1]
		if op == opScore {
			r.ins = append(r.ins, d.gates[i].a)
		} else {
			for _, w := range d.inputs(i) {
				r.ins = append(r.ins, final(w))
			}
		}
		r.n++
		c.size++
	}
	for i := range c.runs {
		r := &c.runs[i]
		if c.size > shortSize {
			break
		}
		for _, in := range r.ins {
			r.short = append(r.short, uint16(in))
		}
		r.ins = nil
	}
}

// alike reports whether two gates belong to one run.
func (d *draft) alike(i, j int) bool {
	return d.levels[i] == d.levels[j] && d.gates[i].op == d.gates[j].op && d.fused[i].inner == d.fused[j].inner
}

func (d *draft) order() []int {
	order := make([]int, 0, len(d.gates))
	for i := range d.gates {
		if !d.gone[i] {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		if s := cmp.Compare(d.levels[i], d.levels[j]); s != 0 {
			return s
		}
		if s := cmp.Compare(d.gates[i].op, d.gates[j].op); s != 0 {
			return s
		}
		if s := cmp.Compare(d.fused[i].inner, d.fused[j].inner); s != 0 {
			return s
		}
		return cmp.Compare(d.ranks[i], d.ranks[j])
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
		out := v[r.first:][:r.n]
		ins := r.ins
		switch {
		case r.inner == opOr && r.op == opAnd:
			for j := range out {
				in := (*[4]uint32)(ins[4*j:])
				out[j] = (v[in[0]] | v[in[1]]) & (v[in[2]] | v[in[3]])
			}
		case r.inner == opAnd && r.op == opOr:
			for j := range out {
				in := (*[4]uint32)(ins[4*j:])
				out[j] = v[in[0]]&v[in[1]] | v[in[2]]&v[in[3]]
			}
		case r.inner == opAnd:
			for j := range out {
				in := (*[4]uint32)(ins[4*j:])
				out[j] = v[in[0]] & v[in[1]] & v[in[2]] & v[in[3]]
			}
		case r.inner == opOr:
			for j := range out {
				in := (*[4]uint32)(ins[4*j:])
				out[j] = v[in[0]] | v[in[1]] | v[in[2]] | v[in[3]]
			}
		case r.op == opAnd:
			for j := range out {
				in := (*[2]uint32)(ins[2*j:])
				out[j] = v[in[0]] & v[in[1]]
			}
		case r.op == opOr:
			for j := range out {
				in := (*[2]uint32)(ins[2*j:])
				out[j] = v[in[0]] | v[in[1]]
			}
		case r.op == opScore:
			for j, in := range ins {
				out[j] = c.scores[in].holds(v)
			}
		default:
			for j, in := range ins {
				out[j] = v[in] ^ 1
			}
		}
	}
}

func (c *circuit) computeShort(v *[shortSize]byte) {
	for i := range c.runs {
		r := &c.runs[i]
		out := v[r.first:][:r.n]
		ins := r.short
		switch {
		case r.inner == opOr && r.op == opAnd:
			for j := range out {
				in := (*[4]uint16)(ins[4*j:])
				out[j] = (v[in[0]] | v[in[1]]) & (v[in[2]] | v[in[3]])
			}
		case r.inner == opAnd && r.op == opOr:
			for j := range out {
				in := (*[4]uint16)(ins[4*j:])
				out[j] = v[in[0]]&v[in[1]] | v[in[2]]&v[in[3]]
			}
		case r.inner == opAnd:
			for j := range out {
				in := (*[4]uint16)(ins[4*j:])
				out[j] = v[in[0]] & v[in[1]] & v[in[2]] & v[in[3]]
			}
		case r.inner == opOr:
			for j := range out {
				in := (*[4]uint16)(ins[4*j:])
				out[j] = v[in[0]] | v[in[1]] | v[in[2]] | v[in[3]]
			}
		case r.op == opAnd:
			for j := range out {
				in := (*[2]uint16)(ins[2*j:])
				out[j] = v[in[0]] & v[in[1]]
			}
		case r.op == opOr:
			for j := range out {
				in := (*[2]uint16)(ins[2*j:])
				out[j] = v[in[0]] | v[in[1]]
			}
		case r.op == opScore:
			for j, in := range ins {
				out[j] = c.scores[in].holds(v[:])
			}
		default:
			for j, in := range ins {
				out[j] = v[in] ^ 1
			}
		}
	}
}
