package extremes

import (
	"context"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"
)

// Gen makes arguments. Numbers of one call are of one magnitude more often than
// not: overflow needs them to be alike.
type Gen struct {
	*rand.Rand
	spec  Spec
	pool  map[reflect.Type][]reflect.Value
	mode  int
	scale float64
	deep  int
}

var (
	scales = []float64{1, 1, 1, 1e-160, 5e-324, 1e-300, 1e-30, 1e9, 1e120, 1e144, 1e160, 1e300, 1.7e308}
	floats = []float64{
		0, math.Copysign(0, -1), 1, -1, .5, .05, .95, 2, 10, 1e-9, 1e-16, 1 - 1e-16, math.Nextafter(1, 0), math.Nextafter(1, 2), math.Nextafter(.5, 1),
		5e-324, -5e-324, 1e-320, -1e-320, 1e-308, 1e-160, -1e-160, 1e120, -1e120, 1e144, 1e154, -1e154, 1e155, 1e308, -1e308,
		math.MaxFloat64, -math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1), 1 << 53, 1<<53 + 2, 1 << 62, 1 << 63, 1 << 64, 355, 1e6,
	}
	ints  = []int64{0, 1, -1, 2, 3, 10, 100, 1 << 31, 1 << 32, 1 << 53, 1<<53 + 1, 1 << 62, math.MaxInt64, math.MinInt64, -100}
	texts = []string{"", "a", "b", "c", "control", "treatment", "a b", "\x00", "\xff\xfe", "ä", "a>b", "1", "-1", "9999999999999999999999"}
	times = []time.Time{
		{},
		time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, 0), time.Unix(0, -1), time.Unix(1<<62, 0), time.Unix(-1<<62, 0),
		time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 50000)), time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		time.Date(1677, 9, 21, 0, 12, 43, 0, time.UTC), time.Date(2262, 4, 11, 23, 47, 17, 0, time.UTC), time.Date(9998, 12, 31, 0, 0, 0, 0, time.UTC),
	}
	durations = []time.Duration{0, 1, -1, time.Second, time.Hour, 24 * time.Hour, -time.Hour, math.MaxInt64, math.MinInt64, 36500 * 24 * time.Hour}
)

// One returns one of a list.
func One[T any](g *Gen, list ...T) T { return list[g.IntN(len(list))] }

// Float returns a number.
func (g *Gen) Float() float64 {
	switch mode := g.mode; {
	case mode == 0 || g.IntN(12) == 0:
		return One(g, floats...)
	case mode == 1:
		return One(g, 0, .1, .25, .3, .5, .9, .95, 1, 2, 3)
	}
	return g.scale * One(g, 1, -1, 1, .5, .25, .75, g.Float64(), g.NormFloat64())
}

// Int returns a whole number.
func (g *Gen) Int() int64 {
	if g.mode == 0 || g.IntN(10) == 0 {
		return One(g, ints...)
	}
	return int64(g.IntN(7))
}

// Time returns a time.
func (g *Gen) Time() time.Time {
	if g.mode == 0 || g.IntN(10) == 0 {
		return One(g, times...)
	}
	return times[9].Add(time.Duration(g.IntN(1000)) * time.Hour)
}

// Text returns a string.
func (g *Gen) Text() string {
	if n := len(g.spec.Texts); n > 0 && g.IntN(4) > 0 {
		return g.spec.Texts[g.IntN(n)]
	}
	return One(g, texts...)
}

// Kept returns what an earlier call returned, if any did.
func Kept[T any](g *Gen) (T, bool) {
	if list := g.pool[reflect.TypeFor[T]()]; len(list) > 0 {
		return list[g.IntN(len(list))].Interface().(T), true
	}
	var none T
	return none, false
}

// receiver returns what methods are called on: what the package made, or the
// zero value. To call a method of nil, or of a result of one's own making, is a
// fault of the program and not of the data.
func (g *Gen) receiver(t reflect.Type) reflect.Value {
	list := g.pool[t]
	switch {
	case len(list) > 0 && g.IntN(8) > 0:
		return list[g.IntN(len(list))]
	case g.spec.Make[t] != nil && (g.IntN(8) > 0 || slices.Contains(g.spec.Constructed, t)):
		return reflect.ValueOf(g.spec.Make[t](g))
	case t.Kind() == reflect.Pointer:
		return reflect.New(t.Elem())
	}
	return reflect.Zero(t)
}

// Value returns a value of a type.
func (g *Gen) Value(t reflect.Type) reflect.Value {
	if g.deep > 8 {
		return reflect.Zero(t)
	}
	g.deep++
	defer func() { g.deep-- }()
	if list := g.pool[t]; len(list) > 0 && g.IntN(3) > 0 {
		return list[g.IntN(len(list))]
	}
	if f, ok := g.spec.Make[t]; ok && (g.IntN(8) > 0 || t.Kind() == reflect.Func) {
		x := f(g)
		if x == nil {
			return reflect.Zero(t)
		}
		v := reflect.New(t).Elem()
		v.Set(reflect.ValueOf(x))
		return v
	}
	v := reflect.New(t).Elem()
	switch t {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(g.Time()))
		return v
	case reflect.TypeFor[time.Duration]():
		v.SetInt(int64(One(g, durations...)))
		return v
	case reflect.TypeFor[context.Context]():
		v.Set(reflect.ValueOf(context.Background()))
		return v
	case reflect.TypeFor[any]():
		v.Set(reflect.ValueOf(One[any](g, g.Float(), g.Int(), g.Text(), g.Time(), true, []string{"a"}, []map[string]any{{"a": g.Float()}})))
		return v
	}
	switch t.Kind() {
	case reflect.Float64:
		v.SetFloat(g.Float())
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(g.Int())
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(g.Int()))
	case reflect.Uint8:
		v.SetUint(uint64(g.IntN(12)))
	case reflect.Bool:
		v.SetBool(g.IntN(2) == 0)
	case reflect.String:
		v.SetString(g.Text())
	case reflect.Slice:
		if g.IntN(10) == 0 {
			break
		}
		n := One(g, 0, 1, 2, 2, 3, 4, 5, 8)
		alike := g.IntN(8) == 0
		v.Set(reflect.MakeSlice(t, n, n))
		for i := range n {
			if alike && i > 0 {
				v.Index(i).Set(v.Index(0))
			} else {
				v.Index(i).Set(g.Value(t.Elem()))
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).Set(g.Value(t.Elem()))
		}
	case reflect.Map:
		if g.IntN(4) == 0 {
			break
		}
		v.Set(reflect.MakeMap(t))
		for range g.IntN(4) {
			v.SetMapIndex(g.Value(t.Key()), g.Value(t.Elem()))
		}
	case reflect.Pointer:
		if g.IntN(4) == 0 {
			break
		}
		v.Set(reflect.New(t.Elem()))
		v.Elem().Set(g.Value(t.Elem()))
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && g.IntN(5) > 2 {
				f.Set(g.Value(f.Type()))
			}
		}
	case reflect.Func:
		if g.IntN(3) > 0 {
			v.Set(g.function(t))
		}
	}
	return v
}

// function returns a pure function: equal arguments give equal results.
func (g *Gen) function(t reflect.Type) reflect.Value {
	seed := g.Uint64()
	mode, scale := g.mode, g.scale
	return reflect.MakeFunc(t, func(args []reflect.Value) []reflect.Value {
		h := fnv.New64()
		for _, a := range args {
			h.Write([]byte(show(a)))
		}
		own := *g
		own.Rand, own.mode, own.scale = rand.New(rand.NewPCG(seed, h.Sum64())), mode, scale
		out := make([]reflect.Value, t.NumOut())
		for i := range out {
			if t.Out(i) == errorType {
				out[i] = reflect.Zero(errorType)
			} else {
				out[i] = own.Value(t.Out(i))
			}
		}
		return out
	})
}
