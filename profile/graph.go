package profile

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/zhun-go/zhun/internal/ids"
)

// The identity graph. Its vertices are keys, and its links come from events
// that name a person by several keys at once: each such combination links its
// strongest key with each of the others. Who is who is a function of the set
// of combinations and the times they were first seen, never of the order in
// which they came:
//
//  1. A key that is linked to more keys of a stronger, limited kind than the
//     limit allows (a browser to two user_ids) is shared, and so is one that
//     occurs in more than MaxKeyLinks combinations. None of its links hold.
//     A limit with a window counts the keys that were first linked within it.
//  2. Keys connected by the links that are left, when they stay within all
//     limits, are one person.
//  3. When they do not, the links are taken one by one, those from a key of a
//     kind with a limit of one first, then by time and message id, and a link
//     that would exceed a limit is suspended.
//  4. Keys connected to more than MaxPersonKeys in number are no person: each
//     stands alone.
//  5. The links of a person are taken by time and message id. One that joins
//     two parts each of which has a key that was first seen strictly before it
//     is a merge, and one that would make it more than MaxMerges is suspended;
//     keys that come with it for the first time are still taken up.
//
// A key that the host has taken out (Unmerge) has no links that hold either.
//
// An event belongs to the person of its strongest key that is not shared by
// rule 1, and to the shared key's own profile when it names no other.

// node is one key.
type node struct {
	kind    uint32
	solo    uint32 // the combination of this key alone, plus one; 0 if there is none
	shared  bool   // by rule 1, or cut
	cut     bool   // taken out by the host: none of its links hold
	crowded bool   // by rule 4
	plain   bool   // a key that comes as it stands here is clean
	value   string
	person  *person
	sets    []uint32 // the combinations that it occurs in
}

// keyset is one combination of keys that came with an event.
type keyset struct {
	nodes       []uint32 // strongest first
	owner       *person
	firstID     string // of several keys the id of the event that first came with them, see seen
	first, last packed
	mark        uint64 // the source and the rule of that event, and whose key seals its statements in the journal
}

// kind is one kind of keys.
type kind struct {
	name  string
	rank  int
	limit int   // 0 for none
	span  int64 // seconds within which the limit counts, 0 for ever
}

// identity holds the graph.
type identity struct {
	kinds     []kind
	kindIndex map[string]uint32
	nodes     []node
	freeNodes []uint32
	sets      []keyset
	freeSets  []uint32
	keyTable  table // of nodes, by kind and value
	setTable  table // of combinations of two and more keys, by their nodes
	seed      maphash.Seed
	sources   sources
	lending   lending
	maxKeys   int
	maxLinks  int
	maxMerges int
	sharing   int  // how many keys are shared
	spans     bool // a limit has a window
}

func (g *identity) hashKey(kind uint32, value string) uint32 {
	return uint32((maphash.String(g.seed, value) ^ uint64(kind)*0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd >> 32)
}

func (g *identity) hashSet(nodes []uint32) uint32 {
	h := uint64(len(nodes))
	for _, n := range nodes {
		h = (h ^ uint64(n)) * 0x9e3779b97f4a7c15
		h ^= h >> 32
	}
	return uint32(h * 0xff51afd7ed558ccd >> 32)
}

// set returns the combination of exactly these nodes, sorted from the
// strongest, if it was ever seen.
func (g *identity) set(nodes []uint32) (uint32, bool) {
	if len(nodes) == 1 {
		k := g.nodes[nodes[0]].solo
		return k - 1, k > 0
	}
	return g.setTable.find(g.hashSet(nodes), func(k uint32) bool { return slices.Equal(g.sets[k].nodes, nodes) })
}

// rank returns the place of a kind, 0 for the strongest.
func rank(kind string, o *Options) int {
	r := slices.Index(o.Priority, kind)
	if r < 0 {
		r = len(o.Priority)
		if kind == AnonymousID {
			r++
		}
	}
	return r
}

func (g *identity) kind(name string, o *Options) uint32 {
	if k, ok := g.kindIndex[name]; ok {
		return k
	}
	k := uint32(len(g.kinds))
	name = strings.Clone(name)
	g.kinds = append(g.kinds, kind{name, rank(name, o), o.Limits[name], int64(o.LimitWindows[name] / time.Second)})
	g.kindIndex[name] = k
	return k
}

// lookup returns the node of a key, if it has one.
func (g *identity) lookup(k Key) (uint32, bool) {
	kind, ok := g.kindIndex[k.Kind]
	if !ok {
		return 0, false
	}
	return g.find(g.hashKey(kind, k.Value), kind, k.Value)
}

func (g *identity) find(hash, kind uint32, value string) (uint32, bool) {
	return g.keyTable.find(hash, func(n uint32) bool { return g.nodes[n].kind == kind && g.nodes[n].value == value })
}

// node returns the node of a key, making one if there is none.
func (g *identity) node(k Key, o *Options) uint32 {
	kind := g.kind(k.Kind, o)
	hash := g.hashKey(kind, k.Value)
	if n, ok := g.find(hash, kind, k.Value); ok {
		return n
	}
	v := strings.Clone(k.Value)
	fresh := node{kind: kind, value: v}
	var n uint32
	if f := len(g.freeNodes); f > 0 {
		n = g.freeNodes[f-1]
		g.freeNodes = g.freeNodes[:f-1]
		g.nodes[n] = fresh
	} else {
		n = uint32(len(g.nodes))
		g.nodes = append(g.nodes, fresh)
	}
	g.keyTable.add(hash, n)
	return n
}

// size returns how many keys there are.
func (g *identity) size() int { return len(g.nodes) - len(g.freeNodes) }

func (g *identity) key(n uint32) Key {
	return Key{g.kinds[g.nodes[n].kind].name, g.nodes[n].value}
}

// stronger orders nodes from the strongest: by the rank of their kind, its
// name, then their value.
func (g *identity) stronger(a, b uint32) int {
	x, y := &g.nodes[a], &g.nodes[b]
	if x.kind != y.kind {
		i, j := &g.kinds[x.kind], &g.kinds[y.kind]
		if c := cmp.Compare(i.rank, j.rank); c != 0 {
			return c
		}
		return strings.Compare(i.name, j.name)
	}
	return ids.Compare(x.value, y.value)
}

// addSet enters a new combination of nodes, sorted from the strongest.
func (g *identity) addSet(nodes []uint32, at instant, o origin) uint32 {
	fresh := keyset{nodes: slices.Clone(nodes), first: pack(at), last: pack(at)}
	g.see(&fresh, o)
	k := g.placeSet(fresh)
	if len(nodes) == 1 {
		g.nodes[nodes[0]].solo = k + 1
	} else {
		g.setTable.add(g.hashSet(nodes), k)
	}
	for _, n := range nodes {
		g.nodes[n].sets = append(g.nodes[n].sets, k)
	}
	g.noteLoose(k)
	return k
}

func (g *identity) placeSet(fresh keyset) uint32 {
	var k uint32
	if f := len(g.freeSets); f > 0 {
		k = g.freeSets[f-1]
		g.freeSets = g.freeSets[:f-1]
		g.sets[k] = fresh
	} else {
		k = uint32(len(g.sets))
		g.sets = append(g.sets, fresh)
	}
	return k
}

// removeSet takes a combination out of the graph; its owner is not touched.
func (g *identity) removeSet(k uint32) {
	set := &g.sets[k]
	switch {
	case g.dropLoose(k):
	case len(set.nodes) == 1:
		g.nodes[set.nodes[0]].solo = 0
	default:
		g.setTable.remove(g.hashSet(set.nodes), k)
	}
	for _, n := range set.nodes {
		if i := slices.Index(g.nodes[n].sets, k); i >= 0 {
			g.nodes[n].sets = slices.Delete(g.nodes[n].sets, i, i+1)
		}
	}
	g.sources.drop(set.source())
	*set = keyset{}
	g.freeSets = append(g.freeSets, k)
}

// removeNode takes out a key that occurs in no combination.
func (g *identity) removeNode(n uint32) {
	nd := &g.nodes[n]
	if nd.shared {
		g.sharing--
	}
	g.keyTable.remove(g.hashKey(nd.kind, nd.value), n)
	*nd = node{}
	g.freeNodes = append(g.freeNodes, n)
}

// neighbours calls f with every node that n is linked to, whether the link
// holds or not, and the combination that says so; a node may come more than
// once.
func (g *identity) neighbours(n uint32, f func(m, set uint32)) {
	for _, k := range g.nodes[n].sets {
		nodes := g.sets[k].nodes
		if g.isLoan(k) {
			continue
		}
		if nodes[0] != n {
			f(nodes[0], k)
			continue
		}
		for _, m := range nodes[1:] {
			f(m, k)
		}
	}
}

// isShared computes rule 1 for a node from the combinations it occurs in.
func (g *identity) isShared(n uint32) bool {
	nd := &g.nodes[n]
	if nd.cut {
		return true
	}
	links := 0
	for _, k := range nd.sets {
		if len(g.sets[k].nodes) > 1 && !g.isLoan(k) {
			if links++; links > g.maxLinks {
				return true
			}
		}
	}
	var strong []linked
	g.neighbours(n, func(m, set uint32) {
		k := &g.kinds[g.nodes[m].kind]
		if k.limit == 0 || g.kinds[nd.kind].rank <= k.rank {
			return
		}
		first := g.sets[set].first
		if i := slices.IndexFunc(strong, func(x linked) bool { return x.node == m }); i < 0 {
			strong = append(strong, linked{m, first})
		} else if first.before(strong[i].since) {
			strong[i].since = first
		}
	})
	return g.exceeds(strong)
}

// linked is a key and since when it is linked.
type linked struct {
	node  uint32
	since packed
}

// exceeds reports whether the keys are more than the limit of one of their
// kinds. It sorts them.
func (g *identity) exceeds(keys []linked) bool {
	slices.SortFunc(keys, func(a, b linked) int {
		return cmp.Or(cmp.Compare(g.nodes[a.node].kind, g.nodes[b.node].kind), a.since.compare(b.since))
	})
	for i, x := range keys {
		k := &g.kinds[g.nodes[x.node].kind]
		if k.limit == 0 || i < k.limit {
			continue
		}
		if y := keys[i-k.limit]; g.nodes[y.node].kind == g.nodes[x.node].kind && (k.span == 0 || x.since.sec()-y.since.sec() < k.span) {
			return true
		}
	}
	return false
}

// since returns when a key first came with an event.
func (g *identity) since(n uint32) (first packed) {
	for _, k := range g.nodes[n].sets {
		if set := &g.sets[k]; set.seen() && !g.isLoan(k) && (first == packed{} || set.first.before(first)) {
			first = set.first
		}
	}
	return first
}

// refresh brings a node's shared mark up to date and reports whether it
// changed.
func (g *identity) refresh(n uint32) bool {
	nd := &g.nodes[n]
	shared := g.isShared(n)
	if shared == nd.shared {
		return false
	}
	nd.shared = shared
	if shared {
		g.sharing++
	} else {
		g.sharing--
	}
	return true
}

// owner returns the person whom the events of a combination belong to.
func (g *identity) owner(k uint32) *person {
	if l, ok := g.lending.loans[k]; ok {
		return g.nodes[l.account].person
	}
	nodes := g.sets[k].nodes
	for _, n := range nodes {
		if nd := &g.nodes[n]; !nd.shared || nd.cut {
			return nd.person
		}
	}
	return g.nodes[nodes[0]].person
}
